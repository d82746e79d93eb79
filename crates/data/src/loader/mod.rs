//! From a data set to batches: in an order that seeds decide, made by threads in the background, and resumable.
//!
//! What must hold: the batches are a function of the data set, the seeds and the position alone. The number of threads, their
//! luck, and stopping and resuming change nothing.

mod batches;
mod position;
mod work;
mod workers;

pub use batches::Batches;
pub use position::Position;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use wengert_tensor::{Error, Result, Rng};

use crate::dataset::Dataset;
use crate::seed;
use work::{Augment, Work};

/// Batches of a data set, epoch after epoch.
///
/// [`iter`](Self::iter), or `for batch in &loader`, gives what is left of the current epoch. [`position`](Self::position) says at
/// any time which batch is next; [`resume`](Self::resume) goes there.
///
/// ```
/// use wengert_data::{Dataset, Loader, Tensors};
/// use wengert_tensor::Tensor;
///
/// let data = Tensors::new(Tensor::arange(0, 10, 1)?)?;
/// let loader = Loader::new(data, 4)?.shuffle(7).workers(2);
///
/// let mut seen = Vec::new();
/// while loader.position().epoch < 2 {
///     for batch in &loader {
///         seen.extend(batch?.to_vec::<i64>()?);   // of 4, 4 and 2 samples
///     }
/// }
/// assert_eq!(seen.len(), 20);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[doc(alias = "DataLoader")]
pub struct Loader<D: Dataset> {
    data: Arc<D>,
    size: usize,
    shuffle: Option<u64>,
    drop_last: bool,
    augment: Option<Augment<D::Sample>>,
    workers: usize,
    ahead: usize,
    position: Mutex<Position>,
}

impl<D: Dataset + 'static> Loader<D> {
    /// Batches of `size` samples in the data set's order, made when they are asked for; the last may be smaller.
    ///
    /// # Errors
    /// A size of 0.
    pub fn new(data: D, size: usize) -> Result<Self> {
        if size == 0 {
            return Err(Error::value("loader: a batch of 0 samples"));
        }
        Ok(Self {
            data: Arc::new(data),
            size,
            shuffle: None,
            drop_last: false,
            augment: None,
            workers: 0,
            ahead: 2,
            position: Mutex::default(),
        })
    }

    /// Every epoch in a random order of its own, which depends on `seed` and the epoch alone.
    pub fn shuffle(mut self, seed: u64) -> Self {
        self.shuffle = Some(seed);
        self
    }

    /// Without the last batch of an epoch where it is smaller than the others.
    pub fn drop_last(mut self) -> Self {
        self.drop_last = true;
        self
    }

    /// With `f` applied to every sample, in the threads that make the batches. Its generator's numbers depend on `seed`, the
    /// epoch and the sample's index alone. See [`augment`](crate::augment) for what images are given.
    ///
    /// ```
    /// use wengert_data::{Loader, Tensors, augment};
    /// use wengert_tensor::{DType, Tensor};
    /// let images = Tensor::zeros([100, 1, 8, 8], DType::F32)?;
    /// let labels = Tensor::zeros([100], DType::I64)?;
    /// let loader = Loader::new(Tensors::new((images, labels))?, 10)?.augment(1, |(image, label), rng| {
    ///     let image = augment::flip(&image, -1, rng)?;
    ///     Ok((augment::crop(&image, 1, rng)?, label))
    /// });
    /// # let _ = loader;
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    pub fn augment<F>(mut self, seed: u64, f: F) -> Self
    where
        F: Fn(D::Sample, &mut Rng) -> Result<D::Sample> + Send + Sync + 'static,
    {
        self.augment = Some(Augment { seed, f: Arc::new(f) });
        self
    }

    /// With `n` threads that make batches ahead; with 0 they are made when they are asked for. The batches are the same.
    #[doc(alias = "num_workers")]
    pub fn workers(mut self, n: usize) -> Self {
        self.workers = n;
        self
    }

    /// With at most `n` finished batches waiting for each thread, at least 1. At first 2.
    #[doc(alias = "prefetch_factor")]
    pub fn ahead(mut self, n: usize) -> Self {
        self.ahead = n.max(1);
        self
    }

    /// The data set.
    pub fn dataset(&self) -> &D {
        &self.data
    }

    /// How many batches an epoch has.
    pub fn batches(&self) -> u64 {
        let n = self.data.len();
        let batches = if self.drop_last { n / self.size } else { n.div_ceil(self.size) };
        batches as u64
    }

    /// How many samples the batch of a number has, within an epoch.
    pub fn samples(&self, batch: u64) -> usize {
        let before = usize::try_from(batch).unwrap_or(usize::MAX).saturating_mul(self.size);
        self.data.len().saturating_sub(before).min(self.size)
    }

    /// Which batch is next: the one after the batch that was handed out last.
    pub fn position(&self) -> Position {
        *self.position.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on at `position`: then the batches are those that came after it before. Iterators that exist keep their own.
    ///
    /// # Errors
    /// A position behind the last batch of its epoch: it belongs to another data set or batch size.
    pub fn resume(&self, position: Position) -> Result<()> {
        let (batch, batches) = (position.batch, self.batches());
        if batch > batches {
            return Err(Error::index(format!("loader: resume at batch {batch} of an epoch of {batches} batches")));
        }
        self.set(position);
        Ok(())
    }

    /// What is left of the current epoch. At its end the position is the beginning of the next.
    ///
    /// A batch that cannot be made is an error, with the sample's index in it, and ends the iterator; the position stays before
    /// it. A panic of the data set is such an error. Dropping the iterator ends its threads, and waits for what they are at.
    pub fn iter(&self) -> Batches<'_, D> {
        Batches::new(self)
    }

    /// The indices of all samples, in the order of `epoch`.
    ///
    /// # Errors
    /// No memory for them.
    pub fn order(&self, epoch: u64) -> Result<Vec<usize>> {
        match self.shuffle {
            Some(seed) => seed::permutation(self.data.len(), seed, epoch),
            None => seed::in_order(self.data.len()),
        }
    }

    fn set(&self, position: Position) {
        *self.position.lock().unwrap_or_else(PoisonError::into_inner) = position;
    }

    fn work(&self, epoch: u64) -> Result<Work<D>> {
        let order = self.shuffle.map(|_| self.order(epoch)).transpose()?;
        Ok(Work { data: self.data.clone(), augment: self.augment.clone(), order, size: self.size, epoch })
    }
}

impl<'a, D: Dataset + 'static> IntoIterator for &'a Loader<D> {
    type Item = <Batches<'a, D> as Iterator>::Item;
    type IntoIter = Batches<'a, D>;

    fn into_iter(self) -> Batches<'a, D> {
        self.iter()
    }
}

impl<D: Dataset> fmt::Debug for Loader<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loader")
            .field("samples", &self.data.len())
            .field("size", &self.size)
            .field("shuffle", &self.shuffle)
            .field("workers", &self.workers)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

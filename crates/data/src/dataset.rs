//! What a data set is: a number of samples, each found by its index.
//!
//! Everything else in this crate is made of these or makes them. A data set never changes: asked twice for an index it gives
//! the same sample, from any thread. What is random (order, augmentation) belongs to the [`Loader`](crate::Loader), by seeds.

use std::sync::Arc;

use wengert_tensor::{Error, Result};

use crate::collate::Collate;
use crate::combine::{Concat, Map, Split, Subset};

/// Samples by index.
///
/// ```
/// use wengert_data::Dataset;
/// use wengert_tensor::{Result, Tensor};
///
/// /// The points of a parabola.
/// struct Parabola(usize);
///
/// impl Dataset for Parabola {
///     type Sample = (f32, f32);
///
///     fn len(&self) -> usize {
///         self.0
///     }
///
///     fn get(&self, index: usize) -> Result<(f32, f32)> {
///         let x = index as f32 / self.0 as f32;
///         Ok((x, x * x))
///     }
/// }
///
/// let (x, y) = Parabola(4).gather(&[1, 2])?;
/// assert_eq!(x, Tensor::from([0.25f32, 0.5]));
/// assert_eq!(y, Tensor::from([0.0625f32, 0.25]));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
pub trait Dataset: Send + Sync {
    /// One sample. [`Collate`] says what a batch of them is: tuples of tensors become tuples of stacked tensors.
    type Sample: Collate;

    /// How many samples there are.
    fn len(&self) -> usize;

    /// The sample at `index`.
    ///
    /// # Errors
    /// An index that is not below [`len`](Self::len), and what goes wrong where the sample is read.
    fn get(&self, index: usize) -> Result<Self::Sample>;

    /// Whether there are no samples.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A batch of the samples at `indices`, in that order. Data sets in memory do this at once rather than one by one.
    ///
    /// # Errors
    /// As [`get`](Self::get), with the index; samples that do not fit together.
    fn gather(&self, indices: &[usize]) -> Result<<Self::Sample as Collate>::Batch> {
        Self::Sample::collate(samples(self, indices)?)
    }

    /// The same data set with `f` applied to every sample, when it is asked for.
    fn map<F, S>(self, f: F) -> Map<Self, F>
    where
        Self: Sized,
        S: Collate,
        F: Fn(Self::Sample) -> Result<S> + Send + Sync,
    {
        Map::new(self, f)
    }

    /// The samples at `indices`, in that order; an index may occur again.
    ///
    /// # Errors
    /// An index that is not below [`len`](Self::len).
    fn subset(self, indices: impl Into<Vec<usize>>) -> Result<Subset<Self>>
    where
        Self: Sized,
    {
        Subset::new(self, indices.into())
    }

    /// Disjoint random parts with these shares of the samples. `seed` decides which; shares that sum to 1 leave none out.
    ///
    /// ```
    /// use wengert_data::{Dataset, Tensors};
    /// use wengert_tensor::Tensor;
    /// let data = Tensors::new(Tensor::arange(0, 10, 1)?)?;
    /// let [train, test] = data.split([0.8, 0.2], 1)?;
    /// assert_eq!((train.len(), test.len()), (8, 2));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// A share that is negative or not finite; shares that sum to more than 1.
    #[doc(alias("random_split", "train_test_split"))]
    fn split<const N: usize>(self, shares: [f64; N], seed: u64) -> Result<[Split<Self>; N]>
    where
        Self: Sized,
    {
        Split::by_shares(self, shares, seed)
    }

    /// `k` pairs of training and test samples. Every sample is in one test part, and those parts differ in size by 1 at most.
    ///
    /// # Errors
    /// `k` below 2, or more than there are samples.
    fn k_fold(self, k: usize, seed: u64) -> Result<Vec<(Split<Self>, Split<Self>)>>
    where
        Self: Sized,
    {
        Split::folds(self, k, seed)
    }

    /// These samples, and `other`'s after them.
    fn concat<D: Dataset<Sample = Self::Sample>>(self, other: D) -> Concat<Self, D>
    where
        Self: Sized,
    {
        Concat::new(self, other)
    }
}

/// The samples at `indices`; an error says which index it belongs to.
pub(crate) fn samples<D: Dataset + ?Sized>(data: &D, indices: &[usize]) -> Result<Vec<D::Sample>> {
    indices.iter().map(|&i| data.get(i).map_err(|e| e.within(format!("sample {i}")))).collect()
}

/// The error of an index that is not below `len`.
pub(crate) fn outside(what: &str, index: usize, len: usize) -> Error {
    Error::index(format!("{what}: index {index} is outside {len} samples"))
}

macro_rules! pointers {
    ($($pointer:ty),*) => {$(
        impl<D: Dataset + ?Sized> Dataset for $pointer {
            type Sample = D::Sample;

            fn len(&self) -> usize {
                (**self).len()
            }

            fn get(&self, index: usize) -> Result<D::Sample> {
                (**self).get(index)
            }

            fn gather(&self, indices: &[usize]) -> Result<<D::Sample as Collate>::Batch> {
                (**self).gather(indices)
            }
        }
    )*};
}

pointers!(&D, Box<D>, Arc<D>);

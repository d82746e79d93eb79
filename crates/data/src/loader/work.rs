//! What it takes to make any batch of one epoch, in any thread.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use wengert_tensor::{Error, Result, Rng};

use crate::collate::Collate;
use crate::dataset::{Dataset, samples};
use crate::seed;

/// A batch of a data set's samples.
pub type BatchOf<D> = <<D as Dataset>::Sample as Collate>::Batch;

/// What happens to every sample, by a generator of its own.
pub struct Augment<S> {
    pub seed: u64,
    pub f: Arc<Change<S>>,
}

pub type Change<S> = dyn Fn(S, &mut Rng) -> Result<S> + Send + Sync;

impl<S> Clone for Augment<S> {
    fn clone(&self) -> Self {
        Self { seed: self.seed, f: self.f.clone() }
    }
}

/// An epoch's samples in their order.
pub struct Work<D: Dataset> {
    pub data: Arc<D>,
    pub augment: Option<Augment<D::Sample>>,
    /// `None`: as they are.
    pub order: Option<Vec<usize>>,
    pub size: usize,
    pub epoch: u64,
}

impl<D: Dataset> Work<D> {
    /// The batch number `batch`. A panic of the data set's code is an error like any other, so that one bad sample is
    /// reported in the same way whoever makes the batch.
    pub fn batch(&self, batch: u64) -> Result<BatchOf<D>> {
        let made = catch_unwind(AssertUnwindSafe(|| self.make(batch)));
        let made = made.unwrap_or_else(|cause| Err(Error::value(format!("panicked: {}", message(&*cause)))));
        made.map_err(|e| e.within(format!("loader: batch {batch} of epoch {}", self.epoch)))
    }

    fn make(&self, batch: u64) -> Result<BatchOf<D>> {
        let start = batch as usize * self.size;
        let end = start.saturating_add(self.size).min(self.data.len());
        let own: Vec<usize>;
        let indices = match &self.order {
            Some(order) => &order[start..end],
            None => {
                own = (start..end).collect();
                &own[..]
            }
        };
        let Some(augment) = &self.augment else {
            return self.data.gather(indices);
        };
        let changed = samples(&*self.data, indices)?.into_iter().zip(indices).map(|(sample, &i)| {
            let mut rng = seed::stream(augment.seed, self.epoch, i as u64);
            (augment.f)(sample, &mut rng).map_err(|e| e.within(format!("sample {i}")))
        });
        Collate::collate(changed.collect::<Result<_>>()?)
    }
}

/// What a panic said.
fn message(cause: &(dyn Any + Send)) -> &str {
    let text = cause.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| cause.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}

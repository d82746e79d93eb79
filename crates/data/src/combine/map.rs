//! A data set with a function applied to every sample.

use std::fmt;

use wengert_tensor::Result;

use crate::collate::Collate;
use crate::dataset::Dataset;

/// What [`Dataset::map`] returns.
#[derive(Clone)]
pub struct Map<D, F> {
    data: D,
    f: F,
}

impl<D, F> Map<D, F> {
    pub(crate) fn new(data: D, f: F) -> Self {
        Self { data, f }
    }
}

impl<D: fmt::Debug, F> fmt::Debug for Map<D, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map").field("data", &self.data).finish_non_exhaustive()
    }
}

impl<D, F, S> Dataset for Map<D, F>
where
    D: Dataset,
    S: Collate,
    F: Fn(D::Sample) -> Result<S> + Send + Sync,
{
    type Sample = S;

    fn len(&self) -> usize {
        self.data.len()
    }

    fn get(&self, index: usize) -> Result<S> {
        (self.f)(self.data.get(index)?)
    }
}

//! Some of a data set's samples.

use wengert_tensor::Result;

use crate::collate::Collate;
use crate::dataset::{Dataset, outside};

/// What [`Dataset::subset`] returns: chosen samples in a chosen order.
#[derive(Debug, Clone)]
pub struct Subset<D> {
    pub(super) data: D,
    pub(super) indices: Vec<usize>,
}

impl<D: Dataset> Subset<D> {
    pub(crate) fn new(data: D, indices: Vec<usize>) -> Result<Self> {
        match indices.iter().find(|&&i| i >= data.len()) {
            Some(&i) => Err(outside("subset", i, data.len())),
            None => Ok(Self { data, indices }),
        }
    }

    /// Where the samples are in the whole data set.
    pub fn indices(&self) -> &[usize] {
        &self.indices
    }

    /// The whole data set.
    pub fn whole(&self) -> &D {
        &self.data
    }

    fn index(&self, index: usize) -> Result<usize> {
        self.indices.get(index).copied().ok_or_else(|| outside("subset", index, self.indices.len()))
    }
}

impl<D: Dataset> Dataset for Subset<D> {
    type Sample = D::Sample;

    fn len(&self) -> usize {
        self.indices.len()
    }

    fn get(&self, index: usize) -> Result<D::Sample> {
        self.data.get(self.index(index)?)
    }

    fn gather(&self, indices: &[usize]) -> Result<<D::Sample as Collate>::Batch> {
        self.data.gather(&indices.iter().map(|&i| self.index(i)).collect::<Result<Vec<_>>>()?)
    }
}

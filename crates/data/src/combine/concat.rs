//! One data set after another.

use wengert_tensor::Result;

use crate::dataset::{Dataset, outside};

/// What [`Dataset::concat`] returns.
#[derive(Debug, Clone)]
pub struct Concat<A, B> {
    first: A,
    second: B,
}

impl<A, B> Concat<A, B> {
    pub(crate) fn new(first: A, second: B) -> Self {
        Self { first, second }
    }
}

impl<A: Dataset, B: Dataset<Sample = A::Sample>> Dataset for Concat<A, B> {
    type Sample = A::Sample;

    fn len(&self) -> usize {
        self.first.len().saturating_add(self.second.len())
    }

    fn get(&self, index: usize) -> Result<A::Sample> {
        let first = self.first.len();
        match index.checked_sub(first) {
            None => self.first.get(index),
            Some(i) if i < self.second.len() => {
                self.second.get(i).map_err(|e| e.within(format!("sample {i} of the second part")))
            }
            Some(_) => Err(outside("concat", index, self.len())),
        }
    }
}

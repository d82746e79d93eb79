//! A place in the sequence of all batches.

use std::fmt;

/// Which batch comes next. Plain numbers, to be kept beside a model: with the same data set, batch size and seeds,
/// [`Loader::resume`](crate::Loader::resume) goes on with the same batches.
///
/// An epoch whose batches have all been handed out, but whose iterator has not ended, has `batch` equal to their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position {
    /// How many epochs have ended.
    pub epoch: u64,
    /// How many batches of this epoch have been handed out.
    pub batch: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "batch {} of epoch {}", self.batch, self.epoch)
    }
}

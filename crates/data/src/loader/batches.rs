//! The batches that are left of an epoch.

use wengert_tensor::{Error, Result};

use super::work::{BatchOf, Work};
use super::workers::Workers;
use super::{Loader, Position};
use crate::dataset::Dataset;

/// What [`Loader::iter`] returns.
pub struct Batches<'a, D: Dataset> {
    loader: &'a Loader<D>,
    next: Position,
    end: u64,
    source: Source<D>,
}

enum Source<D: Dataset> {
    Here(Work<D>),
    Threads(Workers<BatchOf<D>>),
    Failed(Error),
    Ended,
}

impl<'a, D: Dataset + 'static> Batches<'a, D> {
    pub(super) fn new(loader: &'a Loader<D>) -> Self {
        let (next, end) = (loader.position(), loader.batches());
        let workers = loader.workers.min(usize::try_from(end.saturating_sub(next.batch)).unwrap_or(usize::MAX));
        let source = match loader.work(next.epoch) {
            Err(e) => Err(e),
            Ok(work) if workers == 0 => Ok(Source::Here(work)),
            Ok(work) => Workers::start(work, workers, loader.ahead, next.batch, end).map(Source::Threads),
        };
        Self { loader, next, end, source: source.unwrap_or_else(Source::Failed) }
    }

    /// How many batches are left of the epoch.
    pub fn left(&self) -> u64 {
        self.end.saturating_sub(self.next.batch)
    }
}

impl<D: Dataset + 'static> Iterator for Batches<'_, D> {
    type Item = Result<BatchOf<D>>;

    fn next(&mut self) -> Option<Self::Item> {
        let whole = self.left() == 0;
        let batch = match &mut self.source {
            Source::Ended => return None,
            Source::Here(_) | Source::Threads(_) if whole => {
                self.source = Source::Ended;
                self.loader.set(Position { epoch: self.next.epoch.saturating_add(1), batch: 0 });
                return None;
            }
            Source::Here(work) => work.batch(self.next.batch),
            Source::Threads(workers) => workers.next(),
            Source::Failed(e) => Err(e.clone()),
        };
        match batch {
            Ok(_) => {
                self.next.batch += 1;
                self.loader.set(self.next);
            }
            Err(_) => self.source = Source::Ended,
        }
        Some(batch)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, usize::try_from(self.left().saturating_add(1)).ok())
    }
}

impl<D: Dataset + 'static> std::iter::FusedIterator for Batches<'_, D> {}

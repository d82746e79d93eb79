//! Threads that make batches ahead.
//!
//! Of n threads, number i makes every n-th batch from the i-th on and has a bounded queue of its own; they are asked in turn. So
//! the order of batches needs no sorting, a fast thread waits for room, and no batch is made twice.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Builder, JoinHandle};

use wengert_tensor::{Error, Result};

use super::work::{BatchOf, Work};
use crate::dataset::Dataset;

pub struct Workers<B> {
    queues: Vec<Receiver<Result<B>>>,
    threads: Vec<JoinHandle<()>>,
    turn: usize,
}

impl<B> Workers<B> {
    /// `n` threads for the batches `from..to`, each with a queue of `ahead` batches.
    pub fn start<D>(work: Work<D>, n: usize, ahead: usize, from: u64, to: u64) -> Result<Self>
    where
        D: Dataset + 'static,
        D::Sample: crate::Collate<Batch = B>,
        B: Send + 'static,
    {
        let work = Arc::new(work);
        let mut workers = Self { queues: Vec::with_capacity(n), threads: Vec::with_capacity(n), turn: 0 };
        for i in 0..n {
            let (sender, queue) = sync_channel::<Result<BatchOf<D>>>(ahead);
            let work = work.clone();
            let run = move || {
                for batch in (from + i as u64..to).step_by(n) {
                    let made = work.batch(batch);
                    let failed = made.is_err();
                    // Nobody listens any more: the iterator was dropped.
                    if sender.send(made).is_err() || failed {
                        return;
                    }
                }
            };
            let thread = Builder::new().name(format!("loader {i}")).spawn(run);
            workers.threads.push(thread.map_err(|e| Error::value(format!("loader: no thread for worker {i}: {e}")))?);
            workers.queues.push(queue);
        }
        Ok(workers)
    }

    /// The next batch.
    pub fn next(&mut self) -> Result<B> {
        let queue = &self.queues[self.turn];
        self.turn = (self.turn + 1) % self.queues.len();
        queue.recv().unwrap_or_else(|_| Err(Error::value("loader: a worker ended before its batch was made")))
    }
}

impl<B> Drop for Workers<B> {
    fn drop(&mut self) {
        // Without queues every thread ends at the next batch that it wants to hand over.
        self.queues.clear();
        for thread in self.threads.drain(..) {
            // Its panic would have been reported as an error.
            let _ = thread.join();
        }
    }
}

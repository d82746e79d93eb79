//! Threads: fork and join for kernels with much to do.
//!
//! Work is cut by its size alone, or so that the cuts change no bit, and what is cut is put together in a fixed order: so
//! results are the same with 1, 2 or 64 threads. The threads are a team of this crate's own, got when first needed;
//! with one thread there is none.
//!
//! To hand work to a thread that is awake costs less than a microsecond, so pieces are worth handing out from about five on.
//! To wake one costs about ten times as much.

#![allow(unsafe_code, reason = "several threads write to disjoint pieces of one slice")]

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::team;
use crate::error::{Error, Result};

/// There are never more threads than this.
const MOST: usize = 256;

/// The number that was set; 0 for as many as the machine has.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// The number of threads that large operations are spread over: what [`set_threads`] set, and as many as the
/// process may run at once before.
pub fn threads() -> usize {
    match THREADS.load(Ordering::Relaxed) {
        0 => {
            let n = std::thread::available_parallelism().map_or(1, NonZero::get).min(MOST);
            // A number set meanwhile stays.
            THREADS.compare_exchange(0, n, Ordering::Relaxed, Ordering::Relaxed).map_or_else(|set| set, |_| n)
        }
        n => n,
    }
}

/// Sets the number of threads that large operations are spread over, for the whole process: 1 for none but the
/// caller's own, 0 for as many as the process may run at once, and never more than 256. Results do not depend on it.
///
/// ```
/// wengert_tensor::set_threads(1);
/// assert_eq!(wengert_tensor::threads(), 1);
/// ```
#[doc(alias = "set_num_threads")]
pub fn set_threads(n: usize) {
    THREADS.store(n.min(MOST), Ordering::Relaxed);
    team::resize();
}

/// Runs both, at the same time where a thread is free.
pub fn join<A: Send, B: Send>(a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
    if threads() == 1 {
        return (a(), b());
    }
    let (a, b) = (Mutex::new((Some(a), None)), Mutex::new((Some(b), None)));
    team::share(2, &|i| if i == 0 { call(&a) } else { call(&b) });
    match (into_inner(a).1, into_inner(b).1) {
        (Some(a), Some(b)) => (a, b),
        _ => unreachable!("each was called once"),
    }
}

/// Puts a function's result beside it.
fn call<F: FnOnce() -> R, R>(slot: &Mutex<(Option<F>, Option<R>)>) {
    let f = slot.lock().unwrap_or_else(PoisonError::into_inner).0.take();
    let result = f.map(|f| f());
    slot.lock().unwrap_or_else(PoisonError::into_inner).1 = result;
}

fn into_inner<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Calls `f` with every piece of `out` of `grain` elements, of which the last may be shorter, and the position of its
/// first element.
///
/// # Errors
/// The first error in the order of the pieces; others may have been written by then.
pub fn chunks<T: Send>(out: &mut [T], grain: usize, f: &(dyn Fn(usize, &mut [T]) -> Result<()> + Sync)) -> Result<()> {
    /// The first element of what all threads write to.
    struct First<T>(*mut T);

    // SAFETY: each thread writes to pieces of its own.
    unsafe impl<T: Send> Sync for First<T> {}

    impl<T> First<T> {
        fn at(&self, i: usize) -> *mut T {
            self.0.wrapping_add(i)
        }
    }

    let grain = grain.max(1);
    if threads() == 1 || out.len() <= grain {
        return out.chunks_mut(grain).enumerate().try_for_each(|(k, piece)| f(k * grain, piece));
    }
    let (first, len) = (First(out.as_mut_ptr()), out.len());
    each(len.div_ceil(grain), &|k| {
        let start = k * grain;
        // SAFETY: the piece is within `out`, which is borrowed until all calls have ended; each is called once with
        // every k, and pieces of different k have no element in common.
        f(start, unsafe { std::slice::from_raw_parts_mut(first.at(start), grain.min(len - start)) })
    })
}

/// Calls `f` with every number below `n`.
///
/// # Errors
/// The first error in order; others may have run by then.
pub fn each(n: usize, f: &(dyn Fn(usize) -> Result<()> + Sync)) -> Result<()> {
    if threads() == 1 || n <= 1 {
        return (0..n).try_for_each(f);
    }
    let first = First::default();
    team::share(n, &|i| f(i).unwrap_or_else(|error| first.put(i, error)));
    first.outcome()
}

/// The first error in the order of what was done, whichever was there first.
#[derive(Default)]
pub(super) struct First(Mutex<Option<(usize, Error)>>);

impl First {
    /// Notes that number `i` made an error.
    pub fn put(&self, i: usize, error: Error) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if first.as_ref().is_none_or(|(k, _)| i < *k) {
            *first = Some((i, error));
        }
    }

    pub fn outcome(self) -> Result<()> {
        into_inner(self.0).map_or(Ok(()), |(_, error)| Err(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    /// One test, because the number of threads is the process's.
    #[test]
    fn pieces_are_the_same_with_any_number_of_threads() {
        for n in [1, 2, 7] {
            set_threads(n);
            assert_eq!(threads(), n);
            for (len, grain) in [(0, 3), (1, 3), (3, 3), (1000, 7), (1000, 1), (5, 0), (64, 1000)] {
                let mut out = vec![0; len];
                chunks(&mut out, grain, &|start, piece| {
                    assert_eq!(start % grain.max(1), 0);
                    assert!(piece.len() <= grain.max(1));
                    piece.iter_mut().zip(start..).for_each(|(x, i)| *x += i);
                    Ok(())
                })
                .unwrap();
                assert!(out.into_iter().eq(0..len));
            }
            let bad = |k: usize| if k >= 10 { Err(Error::value(format!("{k}"))) } else { Ok(()) };
            assert_eq!(each(100, &bad).unwrap_err().to_string(), "10");
            assert_eq!(join(|| 1, || 2), (1, 2));
            assert_eq!(join(|| join(|| 1, || 2), || 3), ((1, 2), 3));
            work_brings_work();
            panics_arrive();
        }
        numbers_change_under_way();
        set_threads(0);
        assert!(threads() >= 1);
    }

    /// From several threads at once, three deep.
    fn work_brings_work() {
        let count = AtomicUsize::new(0);
        let inner = |_| each(3, &|_| Ok(_ = count.fetch_add(1, Ordering::Relaxed)));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..50).for_each(|_| each(5, &|_| each(4, &inner)).unwrap()));
            }
        });
        assert_eq!(count.into_inner(), 4 * 50 * 5 * 4 * 3);
    }

    /// The panic of a piece is that of the call, and the next call knows nothing of it.
    fn panics_arrive() {
        for bad in [0, 3, 9] {
            let piece = |i| if i == bad { std::panic::resume_unwind(Box::new(i)) } else { Ok(()) };
            let nested = |i| each(2, &|j| each(10, &|k| if i == 1 && j == 1 { piece(k) } else { Ok(()) }));
            for outcome in
                [std::panic::catch_unwind(|| each(10, &piece)), std::panic::catch_unwind(|| each(2, &nested))]
            {
                assert_eq!(outcome.unwrap_err().downcast_ref(), Some(&bad));
            }
            assert!(each(10, &|_| Ok(())).is_ok());
        }
    }

    fn numbers_change_under_way() {
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for round in 0..300 {
                        let mut out = vec![0; 64];
                        chunks(&mut out, 1 + round % 5, &|start, piece| {
                            piece.iter_mut().zip(start..).for_each(|(x, i)| *x += i);
                            Ok(())
                        })
                        .unwrap();
                        assert!(out.into_iter().eq(0..64));
                    }
                });
            }
            (0..200).for_each(|i| set_threads(1 + i % 9));
        });
    }
}

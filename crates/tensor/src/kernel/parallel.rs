//! Threads: fork and join for kernels with much to do.
//!
//! Work is cut by its size alone, never by the number of threads, and what is cut is put together in a fixed order:
//! so results have the same bits with 1, 2 or 64 threads. The threads are a rayon pool of this crate's own, made when
//! first needed; with one thread there is no pool. Calls from inside another rayon pool use that one.
//!
//! To wake a pool costs about 10 microseconds, so pieces are worth handing out from about 50 on. What runs many
//! kernels in a row calls [`inside`] once around them all.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use rayon_core::{ThreadPool, ThreadPoolBuilder, current_thread_index};

use crate::error::Result;

/// No pool has more threads than this.
const MOST: usize = 256;

/// The number that was set; 0 for as many as the machine has.
static THREADS: AtomicUsize = AtomicUsize::new(0);

static POOL: RwLock<Option<Arc<ThreadPool>>> = RwLock::new(None);

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
    let mut pool = POOL.write().unwrap_or_else(PoisonError::into_inner);
    THREADS.store(n.min(MOST), Ordering::Relaxed);
    // Work that is under way keeps its pool alive until it is done.
    *pool = None;
}

/// The pool; `None` with one thread, or where the system gives no threads.
fn pool() -> Option<Arc<ThreadPool>> {
    if threads() == 1 {
        return None;
    }
    if let Some(pool) = &*POOL.read().unwrap_or_else(PoisonError::into_inner) {
        return Some(pool.clone());
    }
    let mut slot = POOL.write().unwrap_or_else(PoisonError::into_inner);
    if slot.is_none() {
        let name = |i| format!("wengert-{i}");
        *slot = ThreadPoolBuilder::new().num_threads(threads()).thread_name(name).build().ok().map(Arc::new);
    }
    slot.clone()
}

/// Runs `f` where [`join`] finds the threads awake.
pub fn inside<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    match current_thread_index() {
        Some(_) => f(),
        None => match pool() {
            Some(pool) => pool.install(f),
            None => f(),
        },
    }
}

/// Runs both, at the same time where a thread is free.
pub fn join<A: Send, B: Send>(a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
    match threads() {
        1 => (a(), b()),
        _ => inside(|| rayon_core::join(a, b)),
    }
}

/// Calls `f` with every piece of `out` of `grain` elements, of which the last may be shorter, and the position of its
/// first element.
///
/// # Errors
/// The first error in the order of the pieces; others may have been written by then.
pub fn chunks<T: Send>(out: &mut [T], grain: usize, f: &(dyn Fn(usize, &mut [T]) -> Result<()> + Sync)) -> Result<()> {
    let grain = grain.max(1);
    match threads() == 1 || out.len() <= grain {
        true => out.chunks_mut(grain).enumerate().try_for_each(|(k, piece)| f(k * grain, piece)),
        false => inside(|| split(0, out, grain, f)),
    }
}

fn split<T: Send>(
    start: usize,
    out: &mut [T],
    grain: usize,
    f: &(dyn Fn(usize, &mut [T]) -> Result<()> + Sync),
) -> Result<()> {
    if out.len() <= grain {
        return f(start, out);
    }
    let half = (out.len() / 2).next_multiple_of(grain);
    let (low, high) = out.split_at_mut(half);
    let (low, high) = rayon_core::join(|| split(start, low, grain, f), || split(start + half, high, grain, f));
    low.and(high)
}

/// Calls `f` with every number below `n`.
///
/// # Errors
/// The first error in order; others may have run by then.
pub fn each(n: usize, f: &(dyn Fn(usize) -> Result<()> + Sync)) -> Result<()> {
    fn halves(start: usize, end: usize, f: &(dyn Fn(usize) -> Result<()> + Sync)) -> Result<()> {
        if end - start <= 1 {
            return (start..end).try_for_each(f);
        }
        let middle = start.midpoint(end);
        let (low, high) = rayon_core::join(|| halves(start, middle, f), || halves(middle, end, f));
        low.and(high)
    }
    match threads() == 1 || n <= 1 {
        true => (0..n).try_for_each(f),
        false => inside(|| halves(0, n, f)),
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
            assert_eq!(inside(|| join(|| join(|| 1, || 2), || 3)), ((1, 2), 3));
        }
        set_threads(0);
        assert!(threads() >= 1);
    }
}

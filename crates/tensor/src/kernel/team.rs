//! The team: threads that wait for work, and take it together with whoever brings it.
//!
//! Work is a function of the numbers below n, to be called once with each. [`share`] posts it on a board, takes number
//! after number itself until none is left, takes the work off the board and waits for those who are still at theirs. It
//! never waits for anybody to come: where no thread is free it has done everything itself. So work may bring work, from any
//! number of threads, and nothing can be waited for that does not end by itself.
//!
//! To wake a thread takes longer than many kernels. One that finds nothing to do looks on for [`PATIENCE`] before it
//! sleeps, so within a program's run it is there at once, and after it the team soon costs nothing.
//!
//! What must always hold: work leaves the board before `share` returns, and whoever took it from there is counted among its
//! helpers until it has let go of it. All but looking and letting go is done under the board's lock.

#![allow(unsafe_code, reason = "threads take work that borrows from the stack of whoever brings it")]

use std::any::Any;
use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::parallel::threads;

/// How long a thread looks for work, or for the end of it, before it sleeps.
const PATIENCE: Duration = Duration::from_micros(60);

/// How often it looks before it lets others have the processor, who may be more than there are processors.
const LOOKS: usize = 64;

struct Work<'a> {
    f: &'a (dyn Fn(usize) + Sync),
    n: usize,
    /// The next number to be taken; `n` or more where none is left.
    next: AtomicUsize,
    /// Threads of the team that are at it. More of them under the board's lock only.
    helpers: AtomicUsize,
    /// What the first panic said.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// Work on the board.
#[derive(Clone, Copy, PartialEq)]
struct Posted(*const Work<'static>);

// SAFETY: it is all that threads share: a function that is `Sync`, and what has a lock or is atomic.
unsafe impl Send for Posted {}

struct Board {
    posted: Vec<Posted>,
    /// Threads of the team; of these, who look for work, and who sleep.
    team: usize,
    looking: usize,
    asleep: usize,
    /// The system gave no more threads.
    refused: bool,
}

static BOARD: Mutex<Board> = Mutex::new(Board { posted: Vec::new(), team: 0, looking: 0, asleep: 0, refused: false });

/// Another number whenever those who look for work had better look at the board. Changed under its lock.
static NEWS: AtomicUsize = AtomicUsize::new(0);

/// For those asleep: news.
static WAKE: Condvar = Condvar::new();

/// How many sleep until their helpers have let go.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// For those who wait: some work has no helpers any more.
static DONE: Condvar = Condvar::new();

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condvar.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

/// Calls `f` with every number below `n`, on this thread and those of the team that are free.
///
/// # Panics
/// With what a call of `f` panicked with, after all calls that were under way have ended.
pub(super) fn share(n: usize, f: &(dyn Fn(usize) + Sync)) {
    let (next, helpers, panic) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(None));
    let work = Work { f, n, next, helpers, panic };
    work.post();
    work.run();
    work.finish();
    if let Some(panic) = work.panic.into_inner().unwrap_or_else(PoisonError::into_inner) {
        resume_unwind(panic);
    }
}

/// Has the team take notice of another number of threads.
pub(super) fn resize() {
    let mut board = lock(&BOARD);
    board.refused = false;
    NEWS.fetch_add(1, Ordering::Relaxed);
    drop(board);
    WAKE.notify_all();
}

impl Work<'_> {
    fn posted(&self) -> Posted {
        Posted(std::ptr::from_ref(self).cast())
    }

    fn post(&self) {
        let mut board = lock(&BOARD);
        board.hire();
        board.posted.push(self.posted());
        NEWS.fetch_add(1, Ordering::Relaxed);
        let woken = (self.n - 1).saturating_sub(board.looking).min(board.asleep);
        drop(board);
        (0..woken).for_each(|_| WAKE.notify_one());
    }

    /// Takes numbers until none is left. It does not panic: `post` and `finish` must both happen.
    fn run(&self) {
        loop {
            let i = self.next.fetch_add(1, Ordering::Relaxed);
            if i >= self.n {
                return;
            }
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (self.f)(i))) {
                self.next.store(self.n, Ordering::Relaxed);
                let mut first = lock(&self.panic);
                match &*first {
                    None => *first = Some(panic),
                    // To drop it might panic in turn.
                    Some(_) => std::mem::forget(panic),
                }
            }
        }
    }

    /// Takes it off the board, and waits for its helpers.
    fn finish(&self) {
        let posted = self.posted();
        lock(&BOARD).posted.retain(|other| *other != posted);
        // What they wrote is seen from here on.
        let done = || self.helpers.load(Ordering::SeqCst) == 0;
        if look_until(done) {
            return;
        }
        let mut board = lock(&BOARD);
        // Either the last helper sees this, or it has let go before `done` looks.
        WAITING.fetch_add(1, Ordering::SeqCst);
        while !done() {
            board = wait(&DONE, board);
        }
        WAITING.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Board {
    /// Gets the threads that are to be there beside whoever brings work.
    fn hire(&mut self) {
        while self.team + 1 < threads() && !self.refused {
            match thread::Builder::new().name(format!("wengert-{}", self.team + 1)).spawn(help) {
                Ok(_) => self.team += 1,
                Err(_) => self.refused = true,
            }
        }
    }
}

/// What a thread of the team does, until there are to be fewer.
fn help() {
    let mut board = lock(&BOARD);
    loop {
        // SAFETY: what is on the board has not returned from `share`, for that takes it off under the lock that is held.
        let mut works = board.posted.iter().map(|posted| unsafe { &*posted.0 });
        if let Some(work) = works.find(|work| work.next.load(Ordering::Relaxed) < work.n) {
            // From here until it is subtracted again `share` does not return.
            work.helpers.fetch_add(1, Ordering::Relaxed);
            drop(board);
            work.run();
            work.helpers.fetch_sub(1, Ordering::SeqCst);
            // From here on there may be no such work.
            board = lock(&BOARD);
            if WAITING.load(Ordering::SeqCst) > 0 {
                DONE.notify_all();
            }
            continue;
        }
        if board.team >= threads() {
            board.team -= 1;
            return;
        }
        let seen = NEWS.load(Ordering::Relaxed);
        let news = || NEWS.load(Ordering::Relaxed) != seen;
        board.looking += 1;
        drop(board);
        look_until(news);
        board = lock(&BOARD);
        board.looking -= 1;
        while !news() {
            board.asleep += 1;
            board = wait(&WAKE, board);
            board.asleep -= 1;
        }
    }
}

/// Looks again and again whether something is so, for a while; whether it is.
fn look_until(so: impl Fn() -> bool) -> bool {
    let mut start = None;
    loop {
        for _ in 0..LOOKS {
            if so() {
                return true;
            }
            spin_loop();
        }
        if start.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
            return so();
        }
        thread::yield_now();
    }
}

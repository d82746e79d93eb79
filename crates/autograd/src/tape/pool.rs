//! Tapes that were dropped: memory for those to come, and their precedents.
//!
//! A thread keeps a bounded number, of bounded size. Values are never kept.

use std::cell::RefCell;

use super::{Eqn, Inner};

/// No more dropped tapes than this are kept by a thread,
const TAPES: usize = 8;
/// and not more equations in all: some 140 MB of them.
const EQUATIONS: usize = 1 << 20;

thread_local! {
    /// The most recently dropped last.
    static POOL: RefCell<Vec<Inner>> = const { RefCell::new(Vec::new()) };
}

/// The tape dropped last, empty; or a new one.
pub(super) fn take() -> Inner {
    POOL.try_with(|pool| pool.try_borrow_mut().ok()?.pop()).ok().flatten().unwrap_or_default()
}

/// Keeps a tape that is not used any more.
pub(super) fn give(mut tape: Inner) {
    tape.clear();
    if tape.eqns.held() == 0 || tape.eqns.held() > EQUATIONS {
        return;
    }
    let mut superfluous = Vec::new();
    // A thread that ends keeps nothing; nor does one that is comparing tapes.
    let _ = POOL.try_with(|pool| {
        let Ok(mut pool) = pool.try_borrow_mut() else { return };
        pool.push(tape);
        while pool.len() > TAPES || pool.iter().map(|tape| tape.eqns.held()).sum::<usize>() > EQUATIONS {
            superfluous.push(pool.remove(0));
        }
    });
    // Dropped only now: a rule of the user's may do anything when it is dropped.
    drop(superfluous);
}

/// Finds `tape`, whose precedent does not go on with `next`, another one that does, on which `next` is recorded then.
/// Without one the tape goes on without a precedent.
pub(super) fn diverge(tape: &mut Inner, next: &Eqn) -> bool {
    let mut spare = None;
    let found = POOL.try_with(|pool| {
        let Ok(mut pool) = pool.try_borrow_mut() else { return false };
        let found = pool.iter_mut().rev().any(|other| other.eqns.replace(&mut tape.eqns, next));
        // The one that would be the next to go.
        spare = (!found && pool.len() + 1 >= TAPES).then(|| pool.remove(0).eqns);
        found
    });
    let found = found.unwrap_or(false);
    if !found {
        give(Inner { eqns: tape.eqns.leave(spare.unwrap_or_default()), ..Inner::default() });
    }
    found
}

/// Forgets all.
pub(crate) fn clear() {
    drop(POOL.try_with(|pool| pool.try_borrow_mut().map(|mut pool| std::mem::take(&mut *pool))));
}

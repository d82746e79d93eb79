//! A tape for the mistakes of functions that were given no variables, and so no tape to keep them on.

use std::cell::RefCell;
use std::panic::Location;

use rustc_hash::FxHashMap;

use super::Tape;

type Line = (&'static str, &'static Location<'static>);

thread_local! {
    static TAPES: RefCell<FxHashMap<Line, &'static Tape>> = RefCell::default();
}

/// The tape of the mistakes that the caller's line makes with a function.
///
/// It lives as long as any variable may: for ever. So there is one a line and thread, however often the mistake is made.
#[track_caller]
pub(crate) fn nowhere<'t>(function: &'static str) -> &'t Tape {
    let line = (function, Location::caller());
    TAPES.with_borrow_mut(|tapes| *tapes.entry(line).or_insert_with(|| Box::leak(Box::default())))
}

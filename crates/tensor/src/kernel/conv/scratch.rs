//! Memory for a kernel's own use: kept by each thread from one call to the next.

use std::cell::RefCell;

use crate::dtype::Element;
use crate::error::Result;
use crate::storage::Aligned;

/// What a thread keeps of one element type: one for each call within a call.
pub(super) type Kept<T> = RefCell<Vec<(Aligned<T>, Vec<usize>)>>;

/// What is lent numbers and places, of any value.
pub(super) type Borrower<'f, T> = dyn FnMut(&mut [T], &mut [usize]) -> Result<()> + 'f;

/// No more elements than this are kept.
const KEPT: usize = 1 << 22;

/// Calls `f` with so many numbers and so many places, of any value, from what is kept.
pub(super) fn lend<T: Element>(kept: &Kept<T>, numbers: usize, places: usize, f: &mut Borrower<T>) -> Result<()> {
    // Taken, not borrowed, while `f` runs: what it calls may ask too.
    let (mut buffer, mut table) = match kept.borrow_mut().pop() {
        Some((buffer, table)) if buffer.len() >= numbers => (buffer, table),
        other => (Aligned::zeros(numbers)?, other.map_or_else(Vec::new, |(_, table)| table)),
    };
    if table.len() < places {
        table.resize(places, 0);
    }
    let result = f(&mut buffer[..numbers], &mut table[..places]);
    if buffer.len() <= KEPT {
        kept.borrow_mut().push((buffer, table));
    }
    result
}

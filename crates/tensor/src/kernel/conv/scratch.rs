//! Memory for a kernel's own use: kept by each thread from one call to the next.

use std::cell::Cell;

use crate::dtype::Element;
use crate::error::Result;
use crate::storage::Buffer;

/// What a thread keeps of one element type.
pub(super) struct Kept<T> {
    numbers: Buffer<T>,
    places: Vec<usize>,
}

impl<T: Element> Kept<T> {
    pub fn empty() -> Cell<Option<Self>> {
        Cell::new(None)
    }
}

/// No more elements than this are kept.
const KEPT: usize = 1 << 22;

/// Calls `f` with so many numbers and so many places, of any value, from what `slot` keeps.
pub(super) fn lend<T: Element>(
    slot: &Cell<Option<Kept<T>>>,
    numbers: usize,
    places: usize,
    f: &mut dyn FnMut(&mut [T], &mut [usize]) -> Result<()>,
) -> Result<()> {
    // Taken, not borrowed: a call from within `f` finds nothing, and makes its own.
    let mut kept = match slot.take() {
        Some(kept) if kept.numbers.len() >= numbers => kept,
        kept => Kept { numbers: Buffer::zeros(numbers)?, places: kept.map_or_else(Vec::new, |kept| kept.places) },
    };
    if kept.places.len() < places {
        kept.places.resize(places, 0);
    }
    let result = f(&mut kept.numbers[..numbers], &mut kept.places[..places]);
    if kept.numbers.len() <= KEPT {
        slot.set(Some(kept));
    }
    result
}

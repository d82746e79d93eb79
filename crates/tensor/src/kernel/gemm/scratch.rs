//! Memory for packed operands: one buffer a thread, kept from product to product. Numbers of
//! either type find room in it, since those of `f64` are the larger.

use std::cell::Cell;
use std::mem::MaybeUninit;

use super::tile::Float;
use crate::error::Result;
use crate::storage::Aligned;

/// So many need no buffer.
const FEW: usize = 256;

/// Elements of `f64` beyond which a buffer is not kept.
const KEPT: usize = 1 << 18;

thread_local! {
    static BUFFER: Cell<Option<Aligned<f64>>> = const { Cell::new(None) };
}

/// Calls `f` with room for `len` numbers, to be written before they are read.
///
/// # Errors
/// Where the system has no such block of memory.
pub(super) fn with<T: Float>(len: usize, f: impl FnOnce(*mut T)) -> Result<()> {
    const { assert!(size_of::<T>() <= size_of::<f64>() && align_of::<T>() <= align_of::<f64>()) };
    if len <= FEW {
        let mut few = [const { MaybeUninit::<T>::uninit() }; FEW];
        f(few.as_mut_ptr().cast());
        return Ok(());
    }
    // Taken, not borrowed: whatever runs within finds none and makes its own.
    let mut buffer = match BUFFER.take() {
        Some(buffer) if buffer.len() >= len => buffer,
        _ => Aligned::zeros(len)?,
    };
    f(buffer.as_mut_ptr().cast());
    if buffer.len() <= KEPT {
        BUFFER.set(Some(buffer));
    }
    Ok(())
}

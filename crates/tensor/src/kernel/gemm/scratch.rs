//! Memory for packed operands: one buffer a thread, kept from product to product.

#![allow(unsafe_code, reason = "one buffer for numbers of two types")]

use std::cell::Cell;

use super::tile::Float;
use crate::error::Result;
use crate::storage::Buffer;

/// Elements of `f64` beyond which a buffer is not kept.
const KEPT: usize = 1 << 19;

thread_local! {
    static BUFFER: Cell<Option<Buffer<f64>>> = const { Cell::new(None) };
}

/// Calls `f` with `len` numbers of any values.
///
/// # Errors
/// Those of `f`, and where the system has no such block of memory.
pub(super) fn with<T: Float, R>(len: usize, f: impl FnOnce(&mut [T]) -> R) -> Result<R> {
    const { assert!(size_of::<T>() <= size_of::<f64>() && align_of::<T>() <= align_of::<f64>()) };
    if len == 0 {
        return Ok(f(&mut []));
    }
    // Taken, not borrowed: whatever runs within finds none and makes its own.
    let mut buffer = match BUFFER.take() {
        Some(buffer) if buffer.len() >= len => buffer,
        _ => Buffer::zeros(len.max(1 << 10))?,
    };
    // SAFETY: a `Float` is `f32` or `f64`: not larger than `f64`, of no stricter alignment, and any bits are a value.
    let numbers = unsafe { std::slice::from_raw_parts_mut(buffer.as_mut_ptr().cast::<T>(), len) };
    let result = f(numbers);
    if buffer.len() <= KEPT {
        BUFFER.set(Some(buffer));
    }
    Ok(result)
}

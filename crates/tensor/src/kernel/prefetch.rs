//! Asking for memory before it is needed.

#![allow(unsafe_code, reason = "an instruction that no safe function gives")]

use crate::view::Data;

/// The bytes that come together.
const LINE: usize = 64;

/// Has part `part` of `parts` of some elements brought to the second cache, where the processor can be asked for that. What is
/// computed is the same.
#[inline]
pub fn prefetch(x: Data, part: usize, parts: usize) {
    let (start, bytes) = match x {
        Data::F32(x) => (x.as_ptr().cast::<u8>(), size_of_val(x)),
        Data::F64(x) => (x.as_ptr().cast(), size_of_val(x)),
        Data::I64(x) => (x.as_ptr().cast(), size_of_val(x)),
        Data::Bool(x) => (x.as_ptr().cast(), size_of_val(x)),
        Data::BF16(x) => (x.as_ptr().cast(), size_of_val(x)),
        Data::F16(x) => (x.as_ptr().cast(), size_of_val(x)),
    };
    let lines = bytes.div_ceil(LINE);
    for line in lines * part / parts.max(1)..lines * (part + 1) / parts.max(1) {
        bring(start.wrapping_add(line * LINE));
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn bring(place: *const u8) {
    use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
    // SAFETY: every x86-64 processor has the instruction, which reads nothing that a program could see and takes any
    // address.
    unsafe { _mm_prefetch::<_MM_HINT_T1>(place.cast()) };
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn bring(_: *const u8) {}

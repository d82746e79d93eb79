//! Memory that is in no cache: asked for before it is needed, and written without being read first.

#![allow(unsafe_code, reason = "instructions that no safe function gives")]

use crate::error::{Error, Result};
use crate::kernel::copy;
use crate::view::{Data, DataMut};

/// The bytes that come together.
const LINE: usize = 64;

/// Memory that will be read, brought to the caches a bit at a time, where the processor can be asked for that. What is
/// computed is the same.
#[derive(Debug)]
pub(super) struct Ahead {
    place: *const u8,
    /// Lines that are left, and how many come at once.
    lines: usize,
    each: usize,
}

impl Ahead {
    /// So many bytes, which need not be anybody's, in so many bits.
    #[inline]
    pub fn new(place: *const u8, bytes: usize, bits: usize) -> Self {
        let lines = bytes.div_ceil(LINE);
        Self { place, lines, each: lines.div_ceil(bits.max(1)) }
    }

    /// The next bit.
    #[inline]
    pub fn bring(&mut self) {
        let lines = self.each.min(self.lines);
        self.lines -= lines;
        for _ in 0..lines {
            bring(self.place);
            self.place = self.place.wrapping_add(LINE);
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn bring(place: *const u8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: every x86-64 processor has the instruction, which reads nothing that a program could see and takes any
    // address.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) };
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn bring(_: *const u8) {}

/// Writes past the caches; there is one only within [`writing`].
#[derive(Debug)]
pub struct Writer(());

/// Calls `f` with a writer. What it wrote is written when this returns, for every thread.
pub fn writing<R>(f: impl FnOnce(&Writer) -> R) -> R {
    /// Even where `f` panics.
    struct Written;

    impl Drop for Written {
        fn drop(&mut self) {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: every x86-64 processor has the instruction.
            unsafe {
                std::arch::x86_64::_mm_sfence();
            }
        }
    }

    let _written = Written;
    f(&Writer(()))
}

impl Writer {
    /// The elements of a slice in one of the same length, which nobody reads soon.
    ///
    /// # Errors
    /// Where dtypes or lengths differ.
    pub fn copy(&self, x: Data, mut out: DataMut) -> Result<()> {
        if x.dtype() != out.dtype() || x.len() != out.len() {
            let (n, len, from, to) = (x.len(), out.len(), x.dtype(), out.dtype());
            return Err(Error::shape(format!("copy: {n} elements of {from} into {len} of {to}")));
        }
        if past_caches(x, &mut out) { Ok(()) } else { copy::slice(x, out) }
    }
}

/// Copies past the caches, if the processor can, and source and result are the same number of whole lines; whether it did.
#[cfg(target_arch = "x86_64")]
fn past_caches(x: Data, out: &mut DataMut) -> bool {
    use crate::kernel::level::Level;
    use crate::kernel::raw::Raw;

    let (from, to) = (Raw::read(x), Raw::write(out));
    let bytes = from.len * from.dtype.size();
    let lines = to.start.addr().is_multiple_of(LINE) && bytes.is_multiple_of(LINE);
    if Level::best() < Level::Avx2 || (from.len, from.dtype) != (to.len, to.dtype) || !lines {
        return false;
    }
    // SAFETY: both are slices of as many bytes, in whole lines, the second from the start of one on; a `Level` is
    // one that this processor has. The writer's end waits for what is written here.
    unsafe { past(from.start, to.start, bytes) };
    true
}

#[cfg(not(target_arch = "x86_64"))]
fn past_caches(_: Data, _: &mut DataMut) -> bool {
    false
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx")]
unsafe fn past(from: *const u8, to: *mut u8, bytes: usize) {
    use std::arch::x86_64::{__m256i, _mm256_loadu_si256, _mm256_stream_si256};
    for at in (0..bytes).step_by(LINE) {
        // SAFETY: as the caller says.
        unsafe {
            let (from, to) = (from.add(at).cast::<__m256i>(), to.add(at).cast::<__m256i>());
            let (low, high) = (_mm256_loadu_si256(from), _mm256_loadu_si256(from.add(1)));
            _mm256_stream_si256(to, low);
            _mm256_stream_si256(to.add(1), high);
        }
    }
}

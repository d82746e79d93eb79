//! Fewer elements than a block: read into one and written from one, without a loop.
//!
//! A call to copy memory takes longer than a formula, and elements stored one by one cannot be loaded as a
//! vector before all have left for the cache. So where the processor can, what is there is loaded as a vector
//! whose other lanes are 0.

#![allow(unsafe_code, reason = "loads and stores of which a mask says how many lanes are there")]

use super::BLOCK;
use super::real::Scalar;

/// How a level moves elements.
pub trait Few {
    /// The elements of `x`, fewer than a block, and zeros.
    ///
    /// # Safety
    /// The processor has the level.
    unsafe fn load<T: Scalar>(x: &[T]) -> [T; BLOCK];

    /// The first elements of `block` in `out`, which is shorter.
    ///
    /// # Safety
    /// The processor has the level.
    unsafe fn store<T: Scalar>(block: &[T; BLOCK], out: &mut [T]);
}

/// By moves of fixed sizes.
pub struct Pieces;

impl Few for Pieces {
    #[inline(always)]
    unsafe fn load<T: Scalar>(x: &[T]) -> [T; BLOCK] {
        let mut block = [T::default(); BLOCK];
        copy(x, &mut block);
        block
    }

    #[inline(always)]
    unsafe fn store<T: Scalar>(block: &[T; BLOCK], out: &mut [T]) {
        copy(block, out);
    }
}

/// Copies as many elements as both have, fewer than [`BLOCK`].
#[inline(always)]
fn copy<T: Scalar>(from: &[T], to: &mut [T]) {
    #[inline(always)]
    fn piece<T: Scalar, const N: usize>(n: usize, at: &mut usize, from: &[T], to: &mut [T]) {
        if n & N == 0 {
            return;
        }
        let end = *at + N;
        to[*at..end].copy_from_slice(&from[*at..end]);
        *at = end;
    }
    let (n, at) = (from.len().min(to.len()), &mut 0);
    piece::<T, 8>(n, at, from, to);
    piece::<T, 4>(n, at, from, to);
    piece::<T, 2>(n, at, from, to);
    piece::<T, 1>(n, at, from, to);
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256i, _mm256_cmpgt_epi32, _mm256_maskload_epi32, _mm256_set1_epi32, _mm256_setr_epi32, _mm256_storeu_si256,
        _mm512_loadu_epi32, _mm512_mask_storeu_epi32, _mm512_maskz_loadu_epi32, _mm512_storeu_epi32,
    };

    use super::{BLOCK, Few, Pieces, Scalar};

    /// Elements are 1 or 2 words of 32 bits.
    const fn words<T>(n: usize) -> usize {
        n * (size_of::<T>() / 4)
    }

    /// By vectors of 16 words, loaded and stored under a mask.
    pub struct Avx512;

    /// A bit for each of the words from `16 * k` on that are among the first `n`.
    #[inline(always)]
    fn mask(n: usize, k: usize) -> u16 {
        ((1u32 << n.saturating_sub(16 * k).min(16)) - 1) as u16
    }

    impl Few for Avx512 {
        #[inline(always)]
        unsafe fn load<T: Scalar>(x: &[T]) -> [T; BLOCK] {
            let (n, from) = (words::<T>(x.len()), x.as_ptr().cast::<i32>());
            let mut block = [T::default(); BLOCK];
            let to = block.as_mut_ptr().cast::<i32>();
            for k in 0..words::<T>(BLOCK) / 16 {
                // SAFETY: words beyond those of `x` are masked, and so not read; all 16 are within the block.
                unsafe {
                    let vector = _mm512_maskz_loadu_epi32(mask(n, k), from.wrapping_add(16 * k));
                    _mm512_storeu_epi32(to.wrapping_add(16 * k), vector);
                }
            }
            block
        }

        #[inline(always)]
        unsafe fn store<T: Scalar>(block: &[T; BLOCK], out: &mut [T]) {
            let (n, from, to) = (words::<T>(out.len()), block.as_ptr().cast::<i32>(), out.as_mut_ptr().cast::<i32>());
            for k in 0..words::<T>(BLOCK) / 16 {
                // SAFETY: words beyond those of `out` are masked, and so not written; all 16 are within the block.
                unsafe {
                    let vector = _mm512_loadu_epi32(from.wrapping_add(16 * k));
                    _mm512_mask_storeu_epi32(to.wrapping_add(16 * k), mask(n, k), vector);
                }
            }
        }
    }

    /// By vectors of 8 words, loaded under a mask. Stores under one are slow: they are in pieces.
    pub struct Avx2;

    impl Few for Avx2 {
        #[inline(always)]
        unsafe fn load<T: Scalar>(x: &[T]) -> [T; BLOCK] {
            let (n, from) = (words::<T>(x.len()) as i32, x.as_ptr().cast::<i32>());
            let mut block = [T::default(); BLOCK];
            let to = block.as_mut_ptr().cast::<i32>();
            for k in 0..words::<T>(BLOCK) / 8 {
                // SAFETY: words beyond those of `x` are masked, and so not read; all 8 are within the block.
                unsafe {
                    let left = _mm256_set1_epi32(n - 8 * k as i32);
                    let mask = _mm256_cmpgt_epi32(left, _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
                    let vector = _mm256_maskload_epi32(from.wrapping_add(8 * k), mask);
                    _mm256_storeu_si256(to.wrapping_add(8 * k).cast::<__m256i>(), vector);
                }
            }
            block
        }

        #[inline(always)]
        unsafe fn store<T: Scalar>(block: &[T; BLOCK], out: &mut [T]) {
            // SAFETY: any processor has what this needs.
            unsafe { Pieces::store(block, out) }
        }
    }
}

#[cfg(target_arch = "x86_64")]
pub use x86::{Avx2, Avx512};

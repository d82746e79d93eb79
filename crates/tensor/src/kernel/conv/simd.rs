//! Vectors of floats for the inner loops of convolution: the widest of each instruction set.
//!
//! Everything here is inlined into functions that are compiled for the instruction set, and is called
//! from nowhere else.

#![allow(unsafe_code, reason = "vector instructions and plain pointers")]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// A vector of `LANES` floats.
pub(super) trait Simd: Copy {
    type Item: Copy;
    const LANES: usize;

    /// # Safety
    /// The processor has the instruction set; likewise below.
    unsafe fn zero() -> Self;
    /// # Safety
    /// As said above.
    unsafe fn splat(x: Self::Item) -> Self;
    /// # Safety
    /// `from` heads as many elements as a vector has.
    unsafe fn load(from: *const Self::Item) -> Self;
    /// # Safety
    /// `to` heads as many elements as a vector has.
    unsafe fn store(self, to: *mut Self::Item);
    /// self + other
    ///
    /// # Safety
    /// As said above.
    unsafe fn plus(self, other: Self) -> Self;
    /// a b + self, rounded once where the instruction set can.
    ///
    /// # Safety
    /// As said above.
    unsafe fn plus_product(self, a: Self, b: Self) -> Self;
}

/// Vectors as the compiler makes them of arrays, for any processor.
macro_rules! array {
    ($t:ty, $lanes:literal) => {
        impl Simd for [$t; $lanes] {
            type Item = $t;
            const LANES: usize = $lanes;

            #[inline(always)]
            unsafe fn zero() -> Self {
                [0.0; $lanes]
            }

            #[inline(always)]
            unsafe fn splat(x: $t) -> Self {
                [x; $lanes]
            }

            #[inline(always)]
            unsafe fn load(from: *const $t) -> Self {
                // SAFETY: as the trait says.
                unsafe { from.cast::<Self>().read_unaligned() }
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut $t) {
                // SAFETY: as the trait says.
                unsafe { to.cast::<Self>().write_unaligned(self) }
            }

            #[inline(always)]
            unsafe fn plus(mut self, other: Self) -> Self {
                for i in 0..$lanes {
                    self[i] += other[i];
                }
                self
            }

            #[inline(always)]
            unsafe fn plus_product(mut self, a: Self, b: Self) -> Self {
                for i in 0..$lanes {
                    // Where the target is sure to have it, fused is faster; else it is a slow call.
                    self[i] =
                        if cfg!(target_arch = "aarch64") { a[i].mul_add(b[i], self[i]) } else { a[i] * b[i] + self[i] };
                }
                self
            }
        }
    };
}

array!(f32, 4);
array!(f64, 2);

#[cfg(target_arch = "x86_64")]
macro_rules! x86 {
    ($vector:ty, $t:ty, $lanes:literal, $splat:ident, $load:ident, $store:ident, $plus:ident, $fused:ident) => {
        impl Simd for $vector {
            type Item = $t;
            const LANES: usize = $lanes;

            #[inline(always)]
            unsafe fn zero() -> Self {
                // SAFETY: as the trait says.
                unsafe { $splat(0.0) }
            }

            #[inline(always)]
            unsafe fn splat(x: $t) -> Self {
                // SAFETY: as the trait says; likewise below.
                unsafe { $splat(x) }
            }

            #[inline(always)]
            unsafe fn load(from: *const $t) -> Self {
                // SAFETY: as above.
                unsafe { $load(from) }
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut $t) {
                // SAFETY: as above.
                unsafe { $store(to, self) }
            }

            #[inline(always)]
            unsafe fn plus(self, other: Self) -> Self {
                // SAFETY: as above.
                unsafe { $plus(self, other) }
            }

            #[inline(always)]
            unsafe fn plus_product(self, a: Self, b: Self) -> Self {
                // SAFETY: as above.
                unsafe { $fused(a, b, self) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
x86!(__m256, f32, 8, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_add_ps, _mm256_fmadd_ps);
#[cfg(target_arch = "x86_64")]
x86!(__m256d, f64, 4, _mm256_set1_pd, _mm256_loadu_pd, _mm256_storeu_pd, _mm256_add_pd, _mm256_fmadd_pd);
#[cfg(target_arch = "x86_64")]
x86!(__m512, f32, 16, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_add_ps, _mm512_fmadd_ps);
#[cfg(target_arch = "x86_64")]
x86!(__m512d, f64, 8, _mm512_set1_pd, _mm512_loadu_pd, _mm512_storeu_pd, _mm512_add_pd, _mm512_fmadd_pd);

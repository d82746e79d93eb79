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
    /// Every second block of D lanes of the first is exchanged with the block before it of the second.
    ///
    /// # Safety
    /// As said above.
    unsafe fn exchange<const D: usize>(a: Self, b: Self) -> (Self, Self);
}

#[inline(always)]
fn exchanged<T: Copy, const LANES: usize, const D: usize>(
    mut a: [T; LANES],
    mut b: [T; LANES],
) -> ([T; LANES], [T; LANES]) {
    for l in 0..LANES {
        if l & D != 0 {
            (a[l], b[l - D]) = (b[l - D], a[l]);
        }
    }
    (a, b)
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

            #[inline(always)]
            unsafe fn exchange<const D: usize>(a: Self, b: Self) -> (Self, Self) {
                exchanged::<_, $lanes, D>(a, b)
            }
        }
    };
}

array!(f32, 4);
array!(f64, 2);

#[cfg(target_arch = "x86_64")]
macro_rules! x86 {
    ($vector:ty, $t:ty, $lanes:literal, $splat:ident, $load:ident, $store:ident, $plus:ident, $fused:ident, $exchange:ident) => {
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

            #[inline(always)]
            unsafe fn exchange<const D: usize>(a: Self, b: Self) -> (Self, Self) {
                // SAFETY: as above.
                unsafe { $exchange::<D>(a, b) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod exchange {
    use super::*;

    macro_rules! by_lanes {
        ($name:ident, $vector:ty, $t:ty, $lanes:literal) => {
            /// # Safety
            /// The processor has the vectors; likewise below.
            #[inline(always)]
            pub unsafe fn $name<const D: usize>(a: $vector, b: $vector) -> ($vector, $vector) {
                // SAFETY: a vector is its lanes, and any lanes are a vector.
                unsafe {
                    let (a, b): ([$t; $lanes], [$t; $lanes]) = (std::mem::transmute(a), std::mem::transmute(b));
                    let (a, b) = exchanged::<$t, $lanes, D>(a, b);
                    (std::mem::transmute(a), std::mem::transmute(b))
                }
            }
        };
    }

    by_lanes!(m256, __m256, f32, 8);
    by_lanes!(m256d, __m256d, f64, 4);

    /// Which of two vectors' lanes [`exchange`](Simd::exchange) puts where.
    const fn lanes(n: usize, d: usize, second: bool) -> [i64; 16] {
        let mut lanes = [0; 16];
        let mut l = 0;
        while l < n {
            lanes[l] = match (l & d == 0, second) {
                (true, false) => l,
                (false, false) => n + l - d,
                (true, true) => l + d,
                (false, true) => n + l,
            } as i64;
            l += 1;
        }
        lanes
    }

    macro_rules! by_permutation {
        ($name:ident, $vector:ty, $lanes:literal, $index:ty, $load:ident, $permute:ident) => {
            #[inline(always)]
            pub unsafe fn $name<const D: usize>(a: $vector, b: $vector) -> ($vector, $vector) {
                const fn index(d: usize, second: bool) -> [$index; $lanes] {
                    let (wide, mut index, mut l) = (lanes($lanes, d, second), [0; $lanes], 0);
                    while l < $lanes {
                        index[l] = wide[l] as $index;
                        l += 1;
                    }
                    index
                }
                // SAFETY: the indices are as many as a vector has lanes.
                unsafe {
                    let first = $load(const { index(D, false) }.as_ptr().cast());
                    let second = $load(const { index(D, true) }.as_ptr().cast());
                    ($permute(a, first, b), $permute(a, second, b))
                }
            }
        };
    }

    by_permutation!(m512, __m512, 16, i32, _mm512_loadu_si512, _mm512_permutex2var_ps);
    by_permutation!(m512d, __m512d, 8, i64, _mm512_loadu_si512, _mm512_permutex2var_pd);
}

#[cfg(target_arch = "x86_64")]
use exchange::{m256, m256d, m512, m512d};

#[cfg(target_arch = "x86_64")]
x86!(__m256, f32, 8, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_add_ps, _mm256_fmadd_ps, m256);
#[cfg(target_arch = "x86_64")]
x86!(__m256d, f64, 4, _mm256_set1_pd, _mm256_loadu_pd, _mm256_storeu_pd, _mm256_add_pd, _mm256_fmadd_pd, m256d);
#[cfg(target_arch = "x86_64")]
x86!(__m512, f32, 16, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_add_ps, _mm512_fmadd_ps, m512);
#[cfg(target_arch = "x86_64")]
x86!(__m512d, f64, 8, _mm512_set1_pd, _mm512_loadu_pd, _mm512_storeu_pd, _mm512_add_pd, _mm512_fmadd_pd, m512d);

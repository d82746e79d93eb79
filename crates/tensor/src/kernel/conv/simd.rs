//! Vectors of floats for the inner loops of convolution: the widest of each instruction set.
//!
//! Everything here is inlined into functions that are compiled for the instruction set, and is called
//! from nowhere else.

#![allow(unsafe_code, reason = "vector instructions and plain pointers")]
#![allow(clippy::needless_range_loop, reason = "loops over lanes, of which there are so many")]

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
    /// The first `n` lanes, fewer than a vector has or as many; the others are 0.
    ///
    /// # Safety
    /// `from` heads so many elements.
    unsafe fn load_part(from: *const Self::Item, n: usize) -> Self;
    /// # Safety
    /// `to` heads so many elements.
    unsafe fn store_part(self, to: *mut Self::Item, n: usize);
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
            unsafe fn load_part(from: *const $t, n: usize) -> Self {
                // SAFETY: as the trait says; likewise below.
                std::array::from_fn(|l| if l < n { unsafe { *from.add(l) } } else { 0.0 })
            }

            #[inline(always)]
            unsafe fn store_part(self, to: *mut $t, n: usize) {
                for l in 0..n.min($lanes) {
                    // SAFETY: as above.
                    unsafe { *to.add(l) = self[l] }
                }
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
    ($vector:ty, $t:ty, $lanes:literal, $splat:ident, $load:ident, $store:ident, $plus:ident, $fused:ident, $own:ident) => {
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
            unsafe fn load_part(from: *const $t, n: usize) -> Self {
                // SAFETY: as above.
                unsafe { $own::load_part(from, n) }
            }

            #[inline(always)]
            unsafe fn store_part(self, to: *mut $t, n: usize) {
                // SAFETY: as above.
                unsafe { $own::store_part(self, to, n) }
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
                unsafe { $own::exchange::<D>(a, b) }
            }
        }
    };
}

/// What AVX2 has no one instruction for, lane by lane.
#[cfg(target_arch = "x86_64")]
macro_rules! by_lanes {
    ($name:ident, $vector:ty, $t:ty, $lanes:literal) => {
        mod $name {
            use std::mem::transmute;

            use super::*;

            /// # Safety
            /// As the methods of [`Simd`]; likewise below.
            #[inline(always)]
            pub unsafe fn exchange<const D: usize>(a: $vector, b: $vector) -> ($vector, $vector) {
                // SAFETY: a vector is its lanes, and any lanes are a vector.
                unsafe {
                    let (a, b) = (transmute::<$vector, [$t; $lanes]>(a), transmute::<$vector, [$t; $lanes]>(b));
                    let (a, b) = exchanged::<$t, $lanes, D>(a, b);
                    (transmute::<[$t; $lanes], $vector>(a), transmute::<[$t; $lanes], $vector>(b))
                }
            }

            #[inline(always)]
            pub unsafe fn load_part(from: *const $t, n: usize) -> $vector {
                let mut lanes = [0.0; $lanes];
                for l in 0..n.min($lanes) {
                    // SAFETY: so many elements are there.
                    lanes[l] = unsafe { *from.add(l) };
                }
                // SAFETY: any lanes are a vector.
                unsafe { transmute::<[$t; $lanes], $vector>(lanes) }
            }

            #[inline(always)]
            pub unsafe fn store_part(x: $vector, to: *mut $t, n: usize) {
                // SAFETY: a vector is its lanes.
                let lanes = unsafe { transmute::<$vector, [$t; $lanes]>(x) };
                for l in 0..n.min($lanes) {
                    // SAFETY: so many elements are there.
                    unsafe { *to.add(l) = lanes[l] }
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
by_lanes!(m256, __m256, f32, 8);
#[cfg(target_arch = "x86_64")]
by_lanes!(m256d, __m256d, f64, 4);

/// Which of two vectors' lanes [`exchange`](Simd::exchange) puts where.
#[cfg(target_arch = "x86_64")]
const fn exchange_index<const N: usize>(d: usize, second: bool) -> [usize; N] {
    let mut lanes = [0; N];
    let mut l = 0;
    while l < N {
        lanes[l] = match (l & d == 0, second) {
            (true, false) => l,
            (false, false) => N + l - d,
            (true, true) => l + d,
            (false, true) => N + l,
        };
        l += 1;
    }
    lanes
}

/// What AVX-512 has for part of a vector, and for two.
#[cfg(target_arch = "x86_64")]
macro_rules! by_masks {
    ($name:ident, $vector:ty, $t:ty, $lanes:literal, $mask:ty, $index:ty, $permute:ident, $load:ident, $store:ident) => {
        mod $name {
            use super::*;

            /// # Safety
            /// As the methods of [`Simd`]; likewise below.
            #[inline(always)]
            pub unsafe fn exchange<const D: usize>(a: $vector, b: $vector) -> ($vector, $vector) {
                const fn index(d: usize, second: bool) -> [$index; $lanes] {
                    let (wide, mut index, mut l) = (exchange_index::<$lanes>(d, second), [0; $lanes], 0);
                    while l < $lanes {
                        index[l] = wide[l] as $index;
                        l += 1;
                    }
                    index
                }
                // SAFETY: the indices are as many as a vector has lanes.
                unsafe {
                    let first = _mm512_loadu_si512(const { index(D, false) }.as_ptr().cast());
                    let second = _mm512_loadu_si512(const { index(D, true) }.as_ptr().cast());
                    ($permute(a, first, b), $permute(a, second, b))
                }
            }

            #[inline(always)]
            fn mask(n: usize) -> $mask {
                if n < $lanes { (1 << n) - 1 } else { <$mask>::MAX }
            }

            #[inline(always)]
            pub unsafe fn load_part(from: *const $t, n: usize) -> $vector {
                // SAFETY: so many elements are there.
                unsafe { $load(mask(n), from) }
            }

            #[inline(always)]
            pub unsafe fn store_part(x: $vector, to: *mut $t, n: usize) {
                // SAFETY: so many elements are there.
                unsafe { $store(to, mask(n), x) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
by_masks!(m512, __m512, f32, 16, __mmask16, i32, _mm512_permutex2var_ps, _mm512_maskz_loadu_ps, _mm512_mask_storeu_ps);
#[cfg(target_arch = "x86_64")]
by_masks!(m512d, __m512d, f64, 8, __mmask8, i64, _mm512_permutex2var_pd, _mm512_maskz_loadu_pd, _mm512_mask_storeu_pd);

#[cfg(target_arch = "x86_64")]
x86!(__m256, f32, 8, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_add_ps, _mm256_fmadd_ps, m256);
#[cfg(target_arch = "x86_64")]
x86!(__m256d, f64, 4, _mm256_set1_pd, _mm256_loadu_pd, _mm256_storeu_pd, _mm256_add_pd, _mm256_fmadd_pd, m256d);
#[cfg(target_arch = "x86_64")]
x86!(__m512, f32, 16, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_add_ps, _mm512_fmadd_ps, m512);
#[cfg(target_arch = "x86_64")]
x86!(__m512d, f64, 8, _mm512_set1_pd, _mm512_loadu_pd, _mm512_storeu_pd, _mm512_add_pd, _mm512_fmadd_pd, m512d);

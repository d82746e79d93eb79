//! Vector registers: what the product's inner loops are written in.
//!
//! A loop is generic over [`Lanes`] and compiled in a function that enables an instruction set, into
//! which everything here is inlined. All levels but the portable one fuse multiplication and addition,
//! so they agree in every bit.

#![allow(unsafe_code, reason = "instructions of a set that was detected, on pointers")]

use super::Entry;

/// Numbers side by side in a register.
///
/// # Safety
/// Every function may be called only where the processor has the register's instructions, and pointers
/// must be good for the lanes that are read or written: all, or the first ones of a mask.
pub(super) unsafe trait Lanes: Copy {
    /// One number.
    type T: Entry;
    /// Which lanes take part: the first ones.
    type Mask: Copy;
    /// Numbers in a register.
    const LEN: usize;

    /// The mask of the first `n` lanes, all of them from `LEN` on.
    unsafe fn first(n: usize) -> Self::Mask;
    /// Zeros.
    unsafe fn zero() -> Self;
    /// `x` in every lane.
    unsafe fn splat(x: Self::T) -> Self;
    unsafe fn load(from: *const Self::T) -> Self;
    /// The lanes of the mask, and zeros.
    unsafe fn load_first(from: *const Self::T, mask: Self::Mask) -> Self;
    unsafe fn store(self, to: *mut Self::T);
    unsafe fn store_first(self, to: *mut Self::T, mask: Self::Mask);
    /// Begins to fetch what is going to be read, from any place.
    #[inline(always)]
    unsafe fn prefetch(from: *const Self::T) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this instruction is everywhere and reads nothing.
        unsafe {
            std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(from.cast());
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = from;
    }
    /// self + other.
    unsafe fn plus(self, other: Self) -> Self;
    /// self · a + b, rounded once where the level has such an instruction.
    unsafe fn mul_add(self, a: Self, b: Self) -> Self;
    /// Writes the transpose of a block of [`BLOCK`](Self::BLOCK) rows and columns; rows of each lie so far apart.
    unsafe fn transpose(from: *const Self::T, from_step: isize, to: *mut Self::T, to_step: usize);
    /// Rows and columns that [`transpose`](Self::transpose) takes.
    const BLOCK: usize;
}

/// Numbers side by side for which the compiler finds registers.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Plain<T, const N: usize>([T; N]);

macro_rules! plain {
    ($($t:ty),*) => {$(
        // SAFETY: nothing here needs more than the target has, and only the lanes said are touched.
        unsafe impl<const N: usize> Lanes for Plain<$t, N> {
            type T = $t;
            type Mask = usize;
            const LEN: usize = N;
            const BLOCK: usize = 1;

            #[inline(always)]
            unsafe fn first(n: usize) -> usize {
                n.min(N)
            }

            #[inline(always)]
            unsafe fn zero() -> Self {
                Self([0.0; N])
            }

            #[inline(always)]
            unsafe fn splat(x: $t) -> Self {
                Self([x; N])
            }

            #[inline(always)]
            unsafe fn load(from: *const $t) -> Self {
                // SAFETY: the caller promises `N` numbers; an array of them needs no more alignment.
                unsafe { from.cast::<Self>().read() }
            }

            #[inline(always)]
            unsafe fn load_first(from: *const $t, mask: usize) -> Self {
                if mask == N {
                    // SAFETY: as the caller promises.
                    return unsafe { Self::load(from) };
                }
                let mut lanes = [0.0; N];
                // SAFETY: likewise, and `mask` is below N.
                unsafe { from.copy_to_nonoverlapping(lanes.as_mut_ptr(), mask) };
                Self(lanes)
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut $t) {
                // SAFETY: the caller promises room for `N` numbers.
                unsafe { to.cast::<Self>().write(self) }
            }

            #[inline(always)]
            unsafe fn store_first(self, to: *mut $t, mask: usize) {
                // SAFETY: the caller promises room for the lanes of the mask, of which there are at most `N`.
                unsafe { to.copy_from_nonoverlapping(self.0.as_ptr(), mask) }
            }

            #[inline(always)]
            unsafe fn plus(mut self, other: Self) -> Self {
                for i in 0..N {
                    self.0[i] += other.0[i];
                }
                self
            }

            #[inline(always)]
            unsafe fn mul_add(mut self, a: Self, b: Self) -> Self {
                for i in 0..N {
                    // Fused where the target is sure to have it; else that would be a slow call.
                    if cfg!(any(target_feature = "fma", target_arch = "aarch64")) {
                        self.0[i] = self.0[i].mul_add(a.0[i], b.0[i]);
                    } else {
                        self.0[i] = self.0[i] * a.0[i] + b.0[i];
                    }
                }
                self
            }

            #[inline(always)]
            unsafe fn transpose(from: *const $t, _: isize, to: *mut $t, _: usize) {
                // SAFETY: the caller promises one number at each.
                unsafe { *to = *from }
            }
        }
    )*};
}

plain!(f32, f64);

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::Lanes;

    macro_rules! lanes {
        ($v:ty, $t:ty, $len:literal, block $block:literal by $transpose:ident, mask $mask:ty = |$n:ident| $first:expr;
            $zero:ident $splat:ident $load:ident $store:ident $plus:ident $mul_add:ident;
            |$from:ident, $from_mask:ident| $load_first:expr; |$x:ident, $to:ident, $to_mask:ident| $store_first:expr) => {
            // SAFETY: each function is the instruction of its name, whose needs the trait hands on.
            unsafe impl Lanes for $v {
                type T = $t;
                type Mask = $mask;
                const LEN: usize = $len;
                const BLOCK: usize = $block;

                #[inline(always)]
                unsafe fn first($n: usize) -> $mask {
                    // SAFETY: as the caller promises; so below.
                    unsafe { $first }
                }

                #[inline(always)]
                unsafe fn zero() -> Self {
                    // SAFETY: as above.
                    unsafe { $zero() }
                }

                #[inline(always)]
                unsafe fn splat(x: $t) -> Self {
                    // SAFETY: as above.
                    unsafe { $splat(x) }
                }

                #[inline(always)]
                unsafe fn load(from: *const $t) -> Self {
                    // SAFETY: as above.
                    unsafe { $load(from) }
                }

                #[inline(always)]
                unsafe fn load_first($from: *const $t, $from_mask: $mask) -> Self {
                    // SAFETY: as above; lanes outside a mask are not accessed.
                    unsafe { $load_first }
                }

                #[inline(always)]
                unsafe fn store(self, to: *mut $t) {
                    // SAFETY: as above.
                    unsafe { $store(to, self) }
                }

                #[inline(always)]
                unsafe fn store_first(self, $to: *mut $t, $to_mask: $mask) {
                    let $x = self;
                    // SAFETY: as above; lanes outside a mask are not accessed.
                    unsafe { $store_first }
                }

                #[inline(always)]
                unsafe fn plus(self, other: Self) -> Self {
                    // SAFETY: as above.
                    unsafe { $plus(self, other) }
                }

                #[inline(always)]
                unsafe fn mul_add(self, a: Self, b: Self) -> Self {
                    // SAFETY: as above.
                    unsafe { $mul_add(self, a, b) }
                }

                #[inline(always)]
                unsafe fn transpose(from: *const $t, from_step: isize, to: *mut $t, to_step: usize) {
                    // SAFETY: as above.
                    unsafe { $transpose(from, from_step, to, to_step) }
                }
            }
        };
    }

    /// Lane by lane, all bits set below `n`.
    static BELOW: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

    /// The bits of the first `n` of `len` lanes.
    #[inline(always)]
    unsafe fn bits(n: usize, len: u32) -> u32 {
        (1u32 << (n as u32).min(len)).wrapping_sub(1)
    }

    lanes! { __m512, f32, 16, block 8 by transpose_f32, mask __mmask16 = |n| bits(n, 16) as __mmask16;
        _mm512_setzero_ps _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_add_ps _mm512_fmadd_ps;
        |from, mask| _mm512_maskz_loadu_ps(mask, from); |x, to, mask| _mm512_mask_storeu_ps(to, mask, x)
    }

    lanes! { __m512d, f64, 8, block 4 by transpose_f64, mask __mmask8 = |n| bits(n, 8) as __mmask8;
        _mm512_setzero_pd _mm512_set1_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_add_pd _mm512_fmadd_pd;
        |from, mask| _mm512_maskz_loadu_pd(mask, from); |x, to, mask| _mm512_mask_storeu_pd(to, mask, x)
    }

    lanes! { __m256, f32, 8, block 8 by transpose_f32,
        mask __m256i = |n| _mm256_loadu_si256(BELOW.as_ptr().add(8 - n.min(8)).cast());
        _mm256_setzero_ps _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_add_ps _mm256_fmadd_ps;
        |from, mask| _mm256_maskload_ps(from, mask); |x, to, mask| _mm256_maskstore_ps(to, mask, x)
    }

    lanes! { __m256d, f64, 4, block 4 by transpose_f64,
        mask __m256i = |n| _mm256_loadu_si256(BELOW.as_ptr().add(8 - 2 * n.min(4)).cast());
        _mm256_setzero_pd _mm256_set1_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_add_pd _mm256_fmadd_pd;
        |from, mask| _mm256_maskload_pd(from, mask); |x, to, mask| _mm256_maskstore_pd(to, mask, x)
    }

    /// Transposes 8 x 8: rows i and i + 4 share a register, so that pairs and quadruples do the rest.
    #[inline(always)]
    unsafe fn transpose_f32(from: *const f32, from_step: isize, to: *mut f32, to_step: usize) {
        // SAFETY: the caller promises AVX and both blocks.
        unsafe {
            for half in 0..2 {
                let mut rows = [_mm256_setzero_ps(); 4];
                for i in 0..4 {
                    let from = from.add(4 * half).offset(i as isize * from_step);
                    let far = from.offset(4 * from_step);
                    rows[i] = _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(_mm_loadu_ps(from)), _mm_loadu_ps(far));
                }
                let to = to.add(4 * half * to_step);
                let (a, b) = (_mm256_unpacklo_ps(rows[0], rows[1]), _mm256_unpacklo_ps(rows[2], rows[3]));
                _mm256_storeu_ps(to, _mm256_shuffle_ps::<0x44>(a, b));
                _mm256_storeu_ps(to.add(to_step), _mm256_shuffle_ps::<0xee>(a, b));
                let (a, b) = (_mm256_unpackhi_ps(rows[0], rows[1]), _mm256_unpackhi_ps(rows[2], rows[3]));
                _mm256_storeu_ps(to.add(2 * to_step), _mm256_shuffle_ps::<0x44>(a, b));
                _mm256_storeu_ps(to.add(3 * to_step), _mm256_shuffle_ps::<0xee>(a, b));
            }
        }
    }

    /// Transposes 4 x 4, likewise.
    #[inline(always)]
    unsafe fn transpose_f64(from: *const f64, from_step: isize, to: *mut f64, to_step: usize) {
        // SAFETY: the caller promises AVX and both blocks.
        unsafe {
            for half in 0..2 {
                let mut rows = [_mm256_setzero_pd(); 2];
                for i in 0..2 {
                    let from = from.add(2 * half).offset(i as isize * from_step);
                    let far = from.offset(2 * from_step);
                    rows[i] = _mm256_insertf128_pd::<1>(_mm256_castpd128_pd256(_mm_loadu_pd(from)), _mm_loadu_pd(far));
                }
                let to = to.add(2 * half * to_step);
                _mm256_storeu_pd(to, _mm256_unpacklo_pd(rows[0], rows[1]));
                _mm256_storeu_pd(to.add(to_step), _mm256_unpackhi_pd(rows[0], rows[1]));
            }
        }
    }
}

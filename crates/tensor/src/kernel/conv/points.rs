//! The transforms of convolution with fewer products: polynomials and their values at six points, as
//! [`winograd`](super::winograd) has them, of many channels at once.

#![allow(unsafe_code, reason = "vector instructions")]
#![allow(clippy::needless_range_loop, reason = "indices are of both rows and columns")]

use super::simd::Simd;
use super::tile::Float;
use crate::kernel::math::Level;

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m512};

/// The points but 0 and infinity are ±A and ±B.
const A: f32 = 0.625;
const B: f32 = 1.5;

/// Points, and elements of x that a tile reads along an axis.
pub(super) const POINTS: usize = 6;
/// Products of one tile.
pub(super) const PRODUCTS: usize = POINTS * POINTS;

/// What D divides by: the product of a point's distances to the others.
const DIVISORS: [f32; POINTS] = {
    let [a, b] = [A * A, B * B];
    let (at_a, at_b) = (2.0 * a * (a - b), 2.0 * b * (b - a));
    [a * b, at_a, at_a, at_b, at_b, 1.0]
};

/// B' x, along one axis.
///
/// # Safety
/// The processor has the vectors.
#[inline(always)]
unsafe fn differences<S: Simd<Item = f32>>(x: [S; POINTS]) -> [S; POINTS] {
    // SAFETY: the processor has the vectors.
    unsafe {
        let s = |x: f32| S::splat(x);
        let at = |square: f32| (x[4].plus_product(s(-square), x[2]), x[3].plus_product(s(-square), x[1]));
        let ((even_a, odd_a), (even_b, odd_b)) = (at(B * B), at(A * A));
        let (sum, product) = (s(-(A * A + B * B)), s(A * A * B * B));
        [
            x[4].plus_product(sum, x[2]).plus_product(product, x[0]),
            even_a.plus_product(s(A), odd_a),
            even_a.plus_product(s(-A), odd_a),
            even_b.plus_product(s(B), odd_b),
            even_b.plus_product(s(-B), odd_b),
            x[5].plus_product(sum, x[3]).plus_product(product, x[1]),
        ]
    }
}

/// A_n y, along one axis.
///
/// # Safety
/// The processor has the vectors.
#[inline(always)]
unsafe fn spread<S: Simd<Item = f32>, const N: usize>(y: [S; N]) -> [S; POINTS] {
    // SAFETY: the processor has the vectors.
    unsafe {
        let mut values = [y[0], y[0], y[0], y[0], y[0], y[N - 1]];
        for (i, point) in [(1, A), (3, B)] {
            let (mut even, mut odd, mut power) = (y[0], S::zero(), point);
            for k in 1..N {
                let sum = if k % 2 == 0 { &mut even } else { &mut odd };
                *sum = sum.plus_product(S::splat(power), y[k]);
                power *= point;
            }
            values[i] = even.plus(odd);
            values[i + 1] = even.plus_product(S::splat(-1.0), odd);
        }
        values
    }
}

/// A_n' y, along one axis.
///
/// # Safety
/// The processor has the vectors.
#[inline(always)]
unsafe fn gather<S: Simd<Item = f32>, const N: usize>(x: [S; POINTS]) -> [S; N] {
    // SAFETY: the processor has the vectors.
    unsafe {
        let minus = S::splat(-1.0);
        let (even_a, odd_a) = (x[1].plus(x[2]), x[1].plus_product(minus, x[2]));
        let (even_b, odd_b) = (x[3].plus(x[4]), x[3].plus_product(minus, x[4]));
        let mut y = [x[0].plus(even_a.plus(even_b)); N];
        let (mut a, mut b) = (A, B);
        for k in 1..N {
            let (of_a, of_b) = if k % 2 == 0 { (even_a, even_b) } else { (odd_a, odd_b) };
            y[k] = if k == N - 1 { x[5] } else { S::zero() };
            y[k] = y[k].plus_product(S::splat(a), of_a).plus_product(S::splat(b), of_b);
            a *= A;
            b *= B;
        }
        y
    }
}

/// Numbers that stand in rows and columns, each a vector or more of channels.
#[derive(Clone, Copy)]
pub(super) struct Grid {
    pub row: usize,
    pub column: usize,
}

impl Grid {
    /// Six by six, so far apart.
    pub const fn products(apart: usize) -> Self {
        Self { row: POINTS * apart, column: apart }
    }
}

/// `F` along columns, then along rows, of a grid of I by I vectors that becomes one of O by O.
macro_rules! both_ways {
    ($name:ident, $one:expr, $i:expr, $o:expr $(, $n:ident)?) => {
        /// For `vectors` vectors of channels; with `divide`, D before or after.
        ///
        /// # Safety
        /// Both grids are there, and the processor has the vectors.
        #[inline(always)]
        unsafe fn $name<S: Simd<Item = f32> $(, const $n: usize)?>(
            (mut x, from): (*const f32, Grid),
            (mut out, to): (*mut f32, Grid),
            vectors: usize,
            divide: bool,
        ) {
            // SAFETY: both grids are there, and the processor has the vectors.
            unsafe {
                for _ in 0..vectors {
                    let mut half = [[S::zero(); $i]; $o];
                    for j in 0..$i {
                        let mut column = [S::zero(); $i];
                        for i in 0..$i {
                            column[i] = S::load(x.add(i * from.row + j * from.column));
                            if divide && $i == POINTS {
                                column[i] = S::zero().plus_product(column[i], S::splat(1.0 / (DIVISORS[i] * DIVISORS[j])));
                            }
                        }
                        let column: [S; $o] = $one(column);
                        for i in 0..$o {
                            half[i][j] = column[i];
                        }
                    }
                    for i in 0..$o {
                        let row: [S; $o] = $one(half[i]);
                        for j in 0..$o {
                            let mut value = row[j];
                            if divide && $o == POINTS {
                                value = S::zero().plus_product(value, S::splat(1.0 / (DIVISORS[i] * DIVISORS[j])));
                            }
                            value.store(out.add(i * to.row + j * to.column));
                        }
                    }
                    x = x.add(S::LANES);
                    out = out.add(S::LANES);
                }
            }
        }
    };
}

both_ways!(differences_2d, differences::<S>, POINTS, POINTS);
both_ways!(spread_2d, spread::<S, N>, N, POINTS, N);
both_ways!(gather_2d, gather::<S, N>, POINTS, N, N);

/// From grid to grid, for so many vectors of channels; D is applied where the last says so.
type Transform = unsafe fn((*const f32, Grid), (*mut f32, Grid), usize, bool);

/// The transforms of one instruction set; those of n are at n - 2.
pub(super) struct Transforms {
    differences: Transform,
    spread: [Transform; 4],
    gather: [Transform; 4],
}

macro_rules! level {
    ($level:ident, $vector:ty $(, $features:literal)?) => {
        mod $level {
            use super::*;

            $(#[target_feature(enable = $features)])?
            unsafe fn differences(x: (*const f32, Grid), out: (*mut f32, Grid), vectors: usize, _: bool) {
                // SAFETY: passed on.
                unsafe { differences_2d::<$vector>(x, out, vectors, false) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn spread<const N: usize>(x: (*const f32, Grid), out: (*mut f32, Grid), vectors: usize, divide: bool) {
                // SAFETY: passed on.
                unsafe { spread_2d::<$vector, N>(x, out, vectors, divide) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn gather<const N: usize>(x: (*const f32, Grid), out: (*mut f32, Grid), vectors: usize, divide: bool) {
                // SAFETY: passed on.
                unsafe { gather_2d::<$vector, N>(x, out, vectors, divide) }
            }

            pub(super) const TRANSFORMS: Transforms = Transforms {
                differences,
                spread: [spread::<2>, spread::<3>, spread::<4>, spread::<5>],
                gather: [gather::<2>, gather::<3>, gather::<4>, gather::<5>],
            };
        }
    };
}

level!(portable, [f32; 4]);
#[cfg(target_arch = "x86_64")]
level!(avx2, __m256, "avx2,fma");
#[cfg(target_arch = "x86_64")]
level!(avx512, __m512, "avx2,fma,avx512f,avx512dq,avx512vl");

impl Transforms {
    /// Those of the best level of this processor.
    pub fn best() -> &'static Self {
        match Level::best() {
            Level::Portable => &portable::TRANSFORMS,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => &avx2::TRANSFORMS,
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => &avx512::TRANSFORMS,
        }
    }

    /// B' x B
    pub fn differences(&self, x: (&[f32], Grid), out: (&mut [f32], Grid), vectors: usize) {
        apply(self.differences, x, out, vectors, [POINTS, POINTS], false);
    }

    /// A_n y A_n', and with `divide`, D on both sides of it.
    pub fn spread(&self, n: usize, y: (&[f32], Grid), out: (&mut [f32], Grid), vectors: usize, divide: bool) {
        apply(self.spread[n - 2], y, out, vectors, [n, POINTS], divide);
    }

    /// A_n' x A_n, and with `divide`, of D x D.
    pub fn gather(&self, n: usize, x: (&[f32], Grid), out: (&mut [f32], Grid), vectors: usize, divide: bool) {
        apply(self.gather[n - 2], x, out, vectors, [POINTS, n], divide);
    }
}

/// A transform of a grid of `sizes[0]` squared to one of `sizes[1]` squared.
fn apply(
    transform: Transform,
    (x, from): (&[f32], Grid),
    (out, to): (&mut [f32], Grid),
    vectors: usize,
    sizes: [usize; 2],
    divide: bool,
) {
    let end = |n: usize, grid: Grid| (n - 1) * (grid.row + grid.column) + vectors * f32::tiles().lanes;
    assert!(end(sizes[0], from) <= x.len() && end(sizes[1], to) <= out.len());
    // SAFETY: both grids are within the slices, and the transform is of a level that the processor has.
    unsafe { transform((x.as_ptr(), from), (out.as_mut_ptr(), to), vectors, divide) }
}

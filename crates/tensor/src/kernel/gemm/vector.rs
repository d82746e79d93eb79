//! Products where one operand is a vector, at the speed of memory.
//!
//! The sum of an element has [`LANES`] parts: term p belongs to part p mod LANES, each part is a chain
//! of multiply-adds, and the parts are added pairwise. Both loops below follow it, so it does not
//! matter whether the matrix's rows or its columns are contiguous.

#![allow(unsafe_code, reason = "loops over pointers, compiled for an instruction set that was detected")]

use super::lanes::Lanes;
use super::tile::{Float, Kernel};
use super::{Matrix, scratch};
use crate::error::Result;
use crate::kernel::number::Number;

/// Parts of a sum.
pub(super) const LANES: usize = 8;

/// Rows whose dot products are computed side by side.
const ROWS: usize = 4;

/// `out = a v`, or `out += a v` where `add`.
pub(super) struct Job<T> {
    pub rows: usize,
    pub k: usize,
    /// The first element of `a`, and the distance between its rows, or between its columns where these are contiguous.
    pub a: *const T,
    pub a_step: isize,
    /// The vector's elements, which are contiguous.
    pub v: *const T,
    /// The first element of the result, and the distance between these.
    pub out: *mut T,
    pub out_step: usize,
    pub add: bool,
}

/// As [`product`](super::Path::product) for a matrix and a vector: `out[i * out_step]` is row i of `a` times `v`.
///
/// # Safety
/// The processor has the kernel's instructions, and `out` is good for one element for each row of `a`.
pub(super) unsafe fn product<T: Float>(
    kernel: &Kernel<T>,
    a: Matrix<T>,
    v: Matrix<T>,
    (out, out_step): (*mut T, usize),
    add: bool,
) -> Result<()> {
    let [rows, k] = a.sizes;
    let [row, column] = a.strides;
    // What is neither way contiguous is gathered: the vector once, since it is read for every row; the matrix row by row.
    let (gather_v, gather_a) = (v.strides[1] != 1, row != 1 && column != 1);
    let lengths = [gather_v, gather_a].map(|gather| if gather { k } else { 0 });
    scratch::with(lengths[0].saturating_add(lengths[1]), |scratch| {
        let (gathered_v, gathered_a) = scratch.split_at_mut(lengths[0]);
        gathered_v.iter_mut().enumerate().for_each(|(p, x)| *x = v.at(0, p));
        let v = if gather_v { gathered_v.as_ptr() } else { v.first() };
        let job = Job { rows, k, a: a.first(), a_step: row, v, out, out_step, add };
        // SAFETY: the caller promises the instructions and the result. `a` is a matrix in memory, and
        // `v` has as many elements as that has columns.
        unsafe {
            if gather_a {
                for i in 0..rows {
                    gathered_a.iter_mut().enumerate().for_each(|(p, x)| *x = a.at(i, p));
                    let (a, out) = (gathered_a.as_ptr(), out.add(i * out_step));
                    (kernel.dots)(&Job { rows: 1, a, out, ..job });
                }
            } else if column == 1 {
                (kernel.dots)(&job);
            } else {
                (kernel.columns)(&Job { a_step: column, ..job });
            }
        }
    })
}

/// ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)).
#[inline(always)]
pub(super) fn pairwise<T: Number>(s: [T; LANES]) -> T {
    let [a, b, c, d] = [s[0].plus(s[4]), s[1].plus(s[5]), s[2].plus(s[6]), s[3].plus(s[7])];
    a.plus(c).plus(b.plus(d))
}

#[inline(always)]
pub(super) unsafe fn dots<V: Lanes, const U: usize>(job: &Job<V::T>) {
    let full = job.rows - job.rows % ROWS;
    // SAFETY: as the caller promises for the whole.
    unsafe {
        for i in (0..full).step_by(ROWS) {
            dot_rows::<V, ROWS, U>(job, i);
        }
        for i in full..job.rows {
            dot_rows::<V, 1, U>(job, i);
        }
    }
}

#[inline(always)]
unsafe fn dot_rows<V: Lanes, const R: usize, const U: usize>(job: &Job<V::T>, i: usize) {
    let mut sums = [[V::T::default(); LANES]; R];
    let full = job.k - job.k % LANES;
    // SAFETY: the caller promises the instruction set, `R` rows of `a` from row `i` on, each of `k`
    // elements as `v` is, and their places in `out`. `U` registers are `LANES` numbers.
    unsafe {
        let a = job.a.offset(i as isize * job.a_step);
        let mut parts = [[V::zero(); U]; R];
        for p in (0..full).step_by(LANES) {
            for u in 0..U {
                let v = V::load(job.v.add(p + u * V::LEN));
                for r in 0..R {
                    let a = V::load(a.offset(r as isize * job.a_step).add(p + u * V::LEN));
                    parts[r][u] = v.mul_add(a, parts[r][u]);
                }
            }
        }
        for u in 0..U {
            let p = full + u * V::LEN;
            if p < job.k {
                // No part is -0, so to add 0 · 0 changes none.
                let mask = V::first(job.k - p);
                let v = V::load_first(job.v.add(p), mask);
                for r in 0..R {
                    let a = V::load_first(a.offset(r as isize * job.a_step).add(p), mask);
                    parts[r][u] = v.mul_add(a, parts[r][u]);
                }
            }
        }
        for r in 0..R {
            for u in 0..U {
                parts[r][u].store(sums[r].as_mut_ptr().add(u * V::LEN));
            }
            let out = job.out.add((i + r) * job.out_step);
            let sum = pairwise(sums[r]);
            *out = if job.add { (*out).plus(sum) } else { sum };
        }
    }
}

#[inline(always)]
pub(super) unsafe fn columns<V: Lanes>(job: &Job<V::T>) {
    // SAFETY: as the caller promises for the whole.
    unsafe {
        for i in (0..job.rows).step_by(2 * V::LEN) {
            match job.rows - i > V::LEN {
                true => column_parts::<V, 2>(job, i),
                false => column_parts::<V, 1>(job, i),
            }
        }
    }
}

#[inline(always)]
unsafe fn column_parts<V: Lanes, const W: usize>(job: &Job<V::T>, i: usize) {
    // SAFETY: the caller promises the instruction set, and rows of `a` from row `i` on, more than fill
    // `W - 1` registers, of which those that fill `W` are taken, each of `k` elements as `v` is.
    unsafe {
        let rows = (job.rows - i).min(W * V::LEN);
        let last = V::first(rows - (W - 1) * V::LEN);
        let mut parts = [[V::zero(); W]; LANES];
        let (mut a, mut v) = (job.a.add(i), job.v);
        for p in (0..job.k).step_by(LANES) {
            for l in 0..LANES {
                if p + l < job.k {
                    let x = V::splat(*v.add(l));
                    for w in 0..W {
                        let a = a.add(w * V::LEN);
                        let a = if w + 1 < W { V::load(a) } else { V::load_first(a, last) };
                        parts[l][w] = x.mul_add(a, parts[l][w]);
                    }
                    a = a.wrapping_offset(job.a_step);
                }
            }
            v = v.wrapping_add(LANES);
        }
        for w in 0..W {
            let mut four = [V::zero(); LANES / 2];
            for l in 0..LANES / 2 {
                four[l] = parts[l][w].plus(parts[l + LANES / 2][w]);
            }
            let sum = four[0].plus(four[2]).plus(four[1].plus(four[3]));
            let mut sums = [V::T::default(); 64];
            sum.store(sums.as_mut_ptr());
            for r in 0..(rows - w * V::LEN).min(V::LEN) {
                let out = job.out.add((i + w * V::LEN + r) * job.out_step);
                *out = if job.add { (*out).plus(sums[r]) } else { sums[r] };
            }
        }
    }
}

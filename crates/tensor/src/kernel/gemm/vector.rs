//! Products where one operand is a vector, at the speed of memory.
//!
//! The sum of an element has [`LANES`] parts: term p belongs to part p mod LANES, each part is a chain
//! of multiply-adds, and the parts are added pairwise. Both loops below follow it, so it does not
//! matter whether the matrix's rows or its columns are contiguous.

#![allow(unsafe_code, reason = "loops over pointers, compiled for an instruction set that was detected")]

use std::mem::MaybeUninit;
use std::ops::Range;

use super::lanes::Lanes;
use super::tile::{Float, Kernel};
use super::{Matrix, scratch};
use crate::error::Result;
use crate::kernel::number::Number;
use crate::kernel::parallel;

/// Parts of a sum.
pub(in crate::kernel) const LANES: usize = 8;

/// Rows whose dot products are computed side by side.
const ROWS: usize = 4;

/// Rows are cut for threads at multiples of this, where cache lines and registers are whole.
const EVEN: usize = 32;

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

// SAFETY: the elements of the result are written by whoever runs the job, who alone has them.
unsafe impl<T: Send + Sync> Sync for Job<T> {}

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
    scratch::with(lengths[0].saturating_add(lengths[1]), |scratch: *mut T| {
        let gathered = scratch.wrapping_add(lengths[0]);
        // SAFETY: the caller promises the instructions and the result. `a` is a matrix in memory, `v` has
        // as many elements as that has columns, and there is room for what is gathered.
        unsafe {
            if gather_v {
                (kernel.pack)(v.first(), v.strides, v.sizes, scratch);
            }
            let v = if gather_v { scratch } else { v.first() };
            let job = Job { rows, k, a: a.first(), a_step: row, v, out, out_step, add };
            if gather_a {
                for i in 0..rows {
                    (kernel.pack)(a.pointer(i, 0), a.strides, [1, k], gathered);
                    (kernel.dots)(&Job { rows: 1, a: gathered, out: out.add(i * out_step), ..job });
                }
            } else if column == 1 {
                spread(kernel.dots, &job, row);
            } else {
                spread(kernel.columns, &Job { a_step: column, ..job }, row);
            }
        }
    })
}

/// Runs a loop on as many threads as it is worth; `row` is the distance between rows of `a`.
unsafe fn spread<T: Float>(run: unsafe fn(&Job<T>), job: &Job<T>, row: isize) {
    /// Multiply-adds of a piece that another thread may take, each of an element that is read but once.
    const GRAIN: usize = 1 << 18;
    if job.rows.saturating_mul(job.k) < 2 * GRAIN || job.rows < 2 * EVEN || parallel::threads() == 1 {
        // SAFETY: as the caller promises.
        return unsafe { run(job) };
    }
    let half = (job.rows / 2).next_multiple_of(EVEN);
    let rest = Job {
        rows: job.rows - half,
        a: job.a.wrapping_offset(half as isize * row),
        out: job.out.wrapping_add(half * job.out_step),
        ..*job
    };
    let job = Job { rows: half, ..*job };
    // SAFETY: as the caller promises; the two have no element of the result in common.
    parallel::join(|| unsafe { spread(run, &job, row) }, || unsafe { spread(run, &rest, row) });
}

/// ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)).
#[inline(always)]
pub(in crate::kernel) fn pairwise<T: Number>(s: [T; LANES]) -> T {
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

/// Rows whose parts are kept at a time, in the first-level cache.
const GROUP: usize = 512;

/// Terms after which the next rows of a group are turned to, so that columns are read from few places at a time, and
/// neighbours one after another; a multiple of `LANES`.
const TURN: usize = 16;

#[inline(always)]
pub(super) unsafe fn columns<V: Lanes>(job: &Job<V::T>) {
    let mut parts = [const { MaybeUninit::<[V::T; GROUP]>::uninit() }; LANES];
    let parts: *mut V::T = parts.as_mut_ptr().cast();
    let turn = if job.rows <= 2 * V::LEN { job.k } else { TURN };
    for i in (0..job.rows).step_by(GROUP) {
        let rows = (job.rows - i).min(GROUP);
        // SAFETY: as the caller promises for the whole; all parts of the group's rows are written first.
        unsafe {
            for p in (0..job.k).step_by(turn) {
                for j in (0..rows).step_by(2 * V::LEN) {
                    match rows - j > V::LEN {
                        true => column_parts::<V, 2>(job, i + j, p..job.k.min(p + turn), parts.add(j)),
                        false => column_parts::<V, 1>(job, i + j, p..job.k.min(p + turn), parts.add(j)),
                    }
                }
            }
            for j in (0..rows).step_by(V::LEN) {
                let part = |l: usize| V::load(parts.add(l * GROUP + j));
                let (a, b) = (part(0).plus(part(4)), part(1).plus(part(5)));
                let (c, d) = (part(2).plus(part(6)), part(3).plus(part(7)));
                a.plus(c).plus(b.plus(d)).store(parts.add(j));
                for r in j..rows.min(j + V::LEN) {
                    let (sum, out) = (*parts.add(r), job.out.add((i + r) * job.out_step));
                    *out = if job.add { (*out).plus(sum) } else { sum };
                }
            }
        }
    }
}

/// Adds the terms of a turn to the parts of the rows from `i` on.
#[inline(always)]
unsafe fn column_parts<V: Lanes, const W: usize>(job: &Job<V::T>, i: usize, terms: Range<usize>, parts: *mut V::T) {
    // SAFETY: the caller promises the instruction set, and rows of `a` from row `i` on, more than fill
    // `W - 1` registers, of which those that fill `W` are taken, each of `k` elements as `v` is.
    unsafe {
        let last = V::first(job.rows - i - (W - 1) * V::LEN);
        let mut sums = [[V::zero(); W]; LANES];
        if terms.start > 0 {
            for l in 0..LANES {
                for w in 0..W {
                    sums[l][w] = V::load(parts.add(l * GROUP + w * V::LEN));
                }
            }
        }
        let mut a = job.a.offset(terms.start as isize * job.a_step).add(i);
        for p in terms.clone().step_by(LANES) {
            for l in 0..LANES {
                if p + l < terms.end {
                    let x = V::splat(*job.v.add(p + l));
                    for w in 0..W {
                        let a = a.add(w * V::LEN);
                        let a = if w + 1 < W { V::load(a) } else { V::load_first(a, last) };
                        sums[l][w] = x.mul_add(a, sums[l][w]);
                    }
                    a = a.wrapping_offset(job.a_step);
                }
            }
        }
        for l in 0..LANES {
            for w in 0..W {
                sums[l][w].store(parts.add(l * GROUP + w * V::LEN));
            }
        }
    }
}

//! Transposing between channels outermost, as tensors have them, and channels innermost, as vectors want them.

#![allow(unsafe_code, reason = "vector instructions")]

use super::simd::Simd;
use super::tile::Float;

/// Where a matrix is: its first element and the distance between its rows.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub start: usize,
    pub row: usize,
}

impl Place {
    /// How far rows of so many numbers reach.
    pub fn end(self, rows: usize, columns: usize) -> usize {
        if rows == 0 || columns == 0 { 0 } else { self.start + (rows - 1) * self.row + columns }
    }
}

/// Copies `rows` by `columns` numbers so that rows become columns.
pub(super) fn transpose<T: Float>(from: (&[T], Place), [rows, columns]: [usize; 2], (out, to): (&mut [T], Place)) {
    assert!(to.end(columns, rows) <= out.len());
    // SAFETY: within `out`, by the assertion.
    unsafe { transpose_to(from, [rows, columns], (out.as_mut_ptr(), to)) }
}

/// As [`transpose`], to memory that is not borrowed as a whole.
///
/// # Safety
/// The rows of the result are within that memory, and nothing else uses them.
pub(super) unsafe fn transpose_to<T: Float>(
    (x, from): (&[T], Place),
    [rows, columns]: [usize; 2],
    (out, to): (*mut T, Place),
) {
    assert!(from.end(rows, columns) <= x.len());
    let (lanes, block) = (T::tiles().lanes, T::tiles().block);
    let (full_rows, full_columns) = (rows / lanes * lanes, columns / lanes * lanes);
    // SAFETY: what is read is within `x` by the assertion, and what is written as the caller says; the function
    // is of a level that the processor has.
    unsafe {
        let x = x.as_ptr().add(from.start);
        let out = out.add(to.start);
        for i in (0..full_rows).step_by(lanes) {
            for j in (0..full_columns).step_by(lanes) {
                block(x.add(i * from.row + j), from.row, out.add(j * to.row + i), to.row);
            }
        }
        let one = |i: usize, j: usize| *out.add(j * to.row + i) = *x.add(i * from.row + j);
        (full_rows..rows).for_each(|i| (0..columns).for_each(|j| one(i, j)));
        (full_columns..columns).for_each(|j| (0..full_rows).for_each(|i| one(i, j)));
    }
}

/// Transposes as many rows as a vector has lanes: blocks of d by d within blocks of 2 d by 2 d are
/// exchanged across the diagonal, for d = 1, 2, 4, ...
///
/// # Safety
/// Both operands are so many rows of as many elements, and the processor has the vectors.
#[inline(always)]
pub(super) unsafe fn block<S: Simd, const LANES: usize>(x: *const S::Item, from: usize, out: *mut S::Item, to: usize) {
    // SAFETY: as said above.
    unsafe {
        let mut rows = [S::zero(); LANES];
        for i in 0..LANES {
            rows[i] = S::load(x.add(i * from));
        }
        stage::<S, LANES, 1>(&mut rows);
        stage::<S, LANES, 2>(&mut rows);
        stage::<S, LANES, 4>(&mut rows);
        stage::<S, LANES, 8>(&mut rows);
        for i in 0..LANES {
            rows[i].store(out.add(i * to));
        }
    }
}

/// # Safety
/// The processor has the vectors.
#[inline(always)]
unsafe fn stage<S: Simd, const LANES: usize, const D: usize>(rows: &mut [S; LANES]) {
    if D >= LANES {
        return;
    }
    for i in 0..LANES {
        if i & D == 0 {
            // SAFETY: passed on.
            (rows[i], rows[i + D]) = unsafe { S::exchange::<D>(rows[i], rows[i + D]) };
        }
    }
}

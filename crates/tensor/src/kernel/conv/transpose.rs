//! Transposing between channels outermost, as tensors have them, and channels innermost, as vectors want them.

#![allow(unsafe_code, reason = "vector instructions")]
#![allow(clippy::needless_range_loop, reason = "loops over registers, of which there are so many")]

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
    let (lanes, block, part) = (T::tiles().lanes, T::tiles().block, T::tiles().part);
    for i in (0..rows).step_by(lanes) {
        for j in (0..columns).step_by(lanes) {
            // SAFETY: what is read is within `x` by the assertion, and what is written as the caller says; the
            // functions are of a level that the processor has.
            unsafe {
                let from = (x.as_ptr().add(from.start + i * from.row + j), from.row);
                let to = (out.add(to.start + j * to.row + i), to.row);
                match [rows - i, columns - j] {
                    [r, c] if r >= lanes && c >= lanes => block(from, to, [lanes; 2]),
                    [r, c] => part(from, to, [r.min(lanes), c.min(lanes)]),
                }
            }
        }
    }
}

/// A function that transposes a block: from where, with rows so far apart, to where, and how many rows and columns.
pub(super) type Block<T> = unsafe fn((*const T, usize), (*mut T, usize), [usize; 2]);

/// Transposes no more rows and columns than a vector has lanes, and with `FULL` so many: blocks of d by d within
/// blocks of 2 d by 2 d are exchanged across the diagonal, for d = 1, 2, 4, ...
///
/// # Safety
/// Both operands are so many rows of so many elements, and the processor has the vectors.
#[inline(always)]
pub(super) unsafe fn block<S: Simd, const LANES: usize, const FULL: bool>(
    (x, from): (*const S::Item, usize),
    (out, to): (*mut S::Item, usize),
    [r, c]: [usize; 2],
) {
    // SAFETY: as said above.
    unsafe {
        let mut rows = [S::zero(); LANES];
        for i in 0..LANES {
            if FULL {
                rows[i] = S::load(x.add(i * from));
            } else if i < r {
                rows[i] = S::load_part(x.add(i * from), c);
            }
        }
        stage::<S, LANES, 1>(&mut rows);
        stage::<S, LANES, 2>(&mut rows);
        stage::<S, LANES, 4>(&mut rows);
        stage::<S, LANES, 8>(&mut rows);
        for i in 0..LANES {
            if FULL {
                rows[i].store(out.add(i * to));
            } else if i < c {
                rows[i].store_part(out.add(i * to), r);
            }
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

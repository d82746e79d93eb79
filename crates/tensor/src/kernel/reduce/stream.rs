//! Reductions of an operand that comes a block of rows at a time: what a fused group does with values that
//! never are in memory as a whole.
//!
//! The bits are those of the reductions of whole operands: a block's rows are reduced by the same code, and over
//! the rows the leaves are the same, whose results are kept until all are there.

use super::combine::Combine;
use super::{Fold, LANES, LEAF, RUN, loops, rows_side_by_side};
use crate::dtype::Element;
use crate::error::{Error, Result};
use crate::kernel::with_computed;
use crate::view::{Data, DataMut};

fn typed<'a, T: Element>(op: &str, x: Data<'a>) -> Result<&'a [T]> {
    T::slice(x).ok_or_else(|| Error::dtype(format!("{op}: expected {}, got {}", T::DTYPE, x.dtype())))
}

fn typed_mut<'a, T: Element>(op: &str, x: DataMut<'a>) -> Result<&'a mut [T]> {
    let dtype = x.dtype();
    T::slice_mut(x).ok_or_else(|| Error::dtype(format!("{op}: expected a result of {}, got {dtype}", T::DTYPE)))
}

/// Each row of `cols` elements, reduced to one element of `out`: as a reduction of trailing axes.
///
/// # Errors
/// Where the dtype has no such function, or the result has not as many elements as there are rows.
pub fn rows(fold: Fold, cols: usize, x: Data, out: DataMut) -> Result<()> {
    let op = fold.name();
    if Some(x.len()) != out.len().checked_mul(cols) || cols == 0 {
        let (n, rows) = (x.len(), out.len());
        return Err(Error::shape(format!("{op}: {n} elements in rows of {cols} into a result of {rows}")));
    }
    with_computed!(op, x.dtype(), T => {
        let (x, out, f) = (typed::<T>(op, x)?, typed_mut::<T>(op, out)?, loops::<T>(fold)?);
        rows_side_by_side(cols, x, out, f);
    });
    Ok(())
}

/// A reduction over rows of `width` elements to one row: over everything where `width` is 1, over leading axes where
/// it is more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    /// How elements are combined.
    pub fold: Fold,
    /// The elements of a row.
    pub width: usize,
}

impl Stream {
    /// The number of elements that the leaf under way needs between blocks.
    pub fn state(&self) -> usize {
        if self.width == 1 { LANES } else { 2 * self.width }
    }

    /// The number of elements that the leaves' results need, for `rows` rows.
    pub fn totals(&self, rows: usize) -> usize {
        rows.div_ceil(LEAF) * self.width
    }

    /// Takes in the rows of a block: `rows` in all are to come, and so many came `before`. Blocks come in order.
    ///
    /// `state` and `totals` are of the sizes said above; what they hold when the first block comes does not matter.
    /// Rows from any multiple of [`LEAF`] on may also be taken in as rows of their own, with the part of `totals`
    /// that is theirs.
    ///
    /// # Errors
    /// Where dtypes differ or have no such function, or sizes do not fit.
    pub fn take(&self, rows: usize, before: usize, x: Data, state: DataMut, totals: DataMut) -> Result<()> {
        let (op, width) = (self.fold.name(), self.width);
        let fits = width > 0
            && x.len().is_multiple_of(width)
            && x.len() / width <= rows.saturating_sub(before)
            && state.len() == self.state()
            && totals.len() == self.totals(rows);
        if !fits {
            let n = x.len();
            return Err(Error::shape(format!("{op}: {n} elements, after {before} rows, of {rows} rows of {width}")));
        }
        with_computed!(op, x.dtype(), T => {
            let (x, f) = (typed::<T>(op, x)?, loops::<T>(self.fold)?);
            let (state, totals) = (typed_mut::<T>(op, state)?, typed_mut::<T>(op, totals)?);
            match state.first_chunk_mut() {
                Some(lanes) if width == 1 => elements(rows, before, x, lanes, totals, f),
                _ => whole_rows(rows, before, x, state.split_at_mut(width), totals, f),
            }
        });
        Ok(())
    }

    /// The result, once all `rows` rows were taken in; `totals` is used up.
    ///
    /// # Errors
    /// Where dtypes differ or sizes do not fit.
    pub fn finish(&self, rows: usize, totals: DataMut, out: DataMut) -> Result<()> {
        let (op, width) = (self.fold.name(), self.width);
        if totals.len() != self.totals(rows) || out.len() != width {
            let n = out.len();
            return Err(Error::shape(format!("{op}: {rows} rows of {width} into a result of {n} elements")));
        }
        with_computed!(op, out.dtype(), T => {
            let (totals, out, f) = (typed_mut::<T>(op, totals)?, typed_mut::<T>(op, out)?, loops::<T>(self.fold)?);
            let mut left = rows.div_ceil(LEAF);
            while left > 1 {
                for pair in 0..left / 2 {
                    totals.copy_within(2 * pair * width..(2 * pair + 1) * width, pair * width);
                    let (low, high) = totals.split_at_mut((2 * pair + 1) * width);
                    (f.columns)(&mut low[pair * width..(pair + 1) * width], &high[..width]);
                }
                if left % 2 == 1 {
                    totals.copy_within((left - 1) * width..left * width, left / 2 * width);
                }
                left = left.div_ceil(2);
            }
            match left {
                0 => out.fill(f.first),
                _ => out.copy_from_slice(&totals[..width]),
            }
        });
        Ok(())
    }
}

/// Rows of one element: by lanes.
fn elements<T: Element>(
    n: usize,
    mut at: usize,
    mut x: &[T],
    lanes: &mut [T; LANES],
    totals: &mut [T],
    f: &Combine<T>,
) {
    while !x.is_empty() {
        let (leaf, i) = (at / LEAF, at % LEAF);
        let whole = if i == 0 { x.len() / LEAF } else { 0 };
        if whole > 0 {
            let (now, later) = x.split_at(whole * LEAF);
            (f.leaves)(LEAF, now, &mut totals[leaf..leaf + whole]);
            (at, x) = (at + now.len(), later);
            continue;
        }
        let len = LEAF.min(n - leaf * LEAF);
        let rounds = len - len % LANES;
        let taken = x.len().min(if i < rounds { rounds - i } else { len - i });
        let (now, later) = x.split_at(taken);
        if i == 0 && taken == len {
            totals[leaf] = (f.leaf)(now);
        } else if i < rounds {
            if i == 0 {
                lanes.fill(f.first);
            }
            deal(i % LANES, now, lanes, f);
            if i + taken == rounds {
                totals[leaf] = (f.collapse)(lanes);
            }
        } else {
            let total = if i == 0 { f.first } else { totals[leaf] };
            totals[leaf] = now.iter().fold(total, |total, &x| (f.pair)(total, x));
        }
        (at, x) = (at + taken, later);
    }
}

/// Deals elements out to lanes, from lane `first` on.
fn deal<T: Element>(first: usize, x: &[T], lanes: &mut [T; LANES], f: &Combine<T>) {
    let (head, x) = x.split_at(x.len().min((LANES - first) % LANES));
    (f.columns)(&mut lanes[first..], head);
    let (rounds, tail) = x.split_at(x.len() - x.len() % LANES);
    (f.deal)(lanes, rounds);
    (f.columns)(lanes, tail);
}

/// Rows of several elements: by runs.
fn whole_rows<T: Element>(
    n: usize,
    mut at: usize,
    mut x: &[T],
    (run, leaf): (&mut [T], &mut [T]),
    totals: &mut [T],
    f: &Combine<T>,
) {
    let width = run.len();
    while !x.is_empty() {
        let taken = (x.len() / width).min(RUN - at % RUN);
        if at.is_multiple_of(RUN) {
            run.fill(f.first);
        }
        if at.is_multiple_of(LEAF) {
            leaf.fill(f.first);
        }
        (f.run)(run, x, width, taken);
        at += taken;
        x = &x[taken * width..];
        if at.is_multiple_of(RUN) || at == n {
            (f.columns)(leaf, run);
        }
        if at.is_multiple_of(LEAF) || at == n {
            let done = (at - 1) / LEAF * width;
            totals[done..done + width].copy_from_slice(leaf);
        }
    }
}

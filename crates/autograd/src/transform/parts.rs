//! Cotangents of slices.
//!
//! The adjoint of a slice puts its cotangent among zeros. A loop over the steps of a sequence slices one variable
//! again and again, and adding as many variables of the whole size would take time in proportion to the square of its
//! length. So slices' cotangents wait until all are known: those side by side become one concatenation.

use std::panic::Location;

use wengert_tensor::{Pad, Shape};

use crate::op::Op;
use crate::tape::Var;

/// The cotangent of indices `start` to `stop` of an axis.
pub(super) struct Part<'t> {
    axis: usize,
    start: usize,
    stop: usize,
    bar: Var<'t>,
    /// The line of the slice.
    at: &'static Location<'static>,
}

impl<'t> Part<'t> {
    /// What the cotangent of a result, of the line `at`, is of the operand's, where the operation is a slice without steps.
    pub fn of(op: &Op, ybar: Var<'t>, at: &'static Location<'static>) -> Option<Self> {
        let Op::Slice(slice) = op else { return None };
        let (start, n) = (slice.range.start, slice.range.len());
        let whole = slice.range.step == 1 && n > 0;
        whole.then(|| Self { axis: slice.axis, start, stop: start + n, bar: ybar, at })
    }

    /// It alone, among zeros, as the cotangent of a variable of a shape.
    fn padded(&self, shape: &Shape) -> Var<'t> {
        let mut pads = vec![Pad::default(); shape.rank()];
        pads[self.axis] = Pad { lo: self.start, hi: shape[self.axis] - self.stop, interior: 0 };
        self.bar.pad(&pads, 0.0)
    }
}

/// The cotangents of a variable of a shape, of which parts are given: their sum is the cotangent.
pub(super) fn joined<'t>(shape: &Shape, mut parts: Vec<Part<'t>>) -> Vec<Var<'t>> {
    parts.sort_by_key(|part| (part.axis, part.start));
    let mut sums = Vec::new();
    while let Some(first) = parts.first() {
        let (axis, mut end) = (first.axis, 0);
        let (row, overlapping): (Vec<_>, Vec<_>) = parts.into_iter().partition(|part| {
            let fits = part.axis == axis && part.start >= end;
            end = if fits { part.stop } else { end };
            fits
        });
        parts = overlapping;
        let (tape, at) = (row[0].bar.tape, row[0].at);
        sums.push(tape.originating(at, || match &row[..] {
            [part] => part.padded(shape),
            _ => concatenated(shape, axis, &row),
        }));
    }
    sums
}

/// Parts of one axis, in order and apart, with zeros between.
fn concatenated<'t>(shape: &Shape, axis: usize, row: &[Part<'t>]) -> Var<'t> {
    let (mut pieces, mut end) = (Vec::with_capacity(2 * row.len() + 1), 0);
    for part in row {
        if part.start > end {
            pieces.push(part.bar.scalar(0.0.into(), shape.with_size(axis, part.start - end)));
        }
        pieces.push(part.bar);
        end = part.stop;
    }
    if end < shape[axis] {
        pieces.push(row[0].bar.scalar(0.0.into(), shape.with_size(axis, shape[axis] - end)));
    }
    Var::concat(&pieces, axis as isize)
}

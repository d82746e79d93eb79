//! Padding: elements of one value around, and between, those of a tensor.
//!
//! Its adjoint is a slice with a step: the elements that came from the operand.

use crate::dtype::Scalar;
use crate::error::{Error, Result};
use crate::kernel::bound::Bound;
use crate::kernel::concat::place;
use crate::kernel::cursor::copy_lines;
use crate::kernel::moved::{self, Moved};
use crate::kernel::with_moved;
use crate::layout::{Layout, Strides};
use crate::shape::Shape;
use crate::view::{View, ViewMut};

/// What is added to one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Pad {
    /// Elements before the first.
    pub lo: usize,
    /// Elements after the last.
    pub hi: usize,
    /// Elements between neighbours.
    pub interior: usize,
}

impl From<(usize, usize)> for Pad {
    fn from((lo, hi): (usize, usize)) -> Self {
        Self { lo, hi, interior: 0 }
    }
}

impl Pad {
    /// The length of an axis of `size` so padded, unless it overflows.
    fn size(self, size: usize) -> Option<usize> {
        let between = size.saturating_sub(1).checked_mul(self.interior)?;
        size.checked_add(between)?.checked_add(self.lo)?.checked_add(self.hi)
    }
}

/// The shape of a tensor of shape `x` padded by `pads`, one for every axis.
///
/// # Errors
/// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where their number differs from the rank,
/// [`ErrorKind::Memory`](crate::ErrorKind::Memory) where the result could not be addressed.
pub fn shape(x: &Shape, pads: &[Pad]) -> Result<Shape> {
    if pads.len() != x.rank() {
        let (n, rank) = (pads.len(), x.rank());
        return Err(Error::shape(format!("pad: {n} axes of padding for {x} of rank {rank}")));
    }
    let sizes = x.iter().zip(pads).map(|(&size, pad)| pad.size(size));
    let out: Shape = sizes.map(|size| size.unwrap_or(usize::MAX)).collect();
    out.numel_checked().map_err(|e| e.within("pad"))?;
    Ok(out)
}

/// `x` with `value` around and between its elements. The result's shape is as [`shape`] says.
///
/// # Errors
/// Where shapes do not fit or `value` is of another dtype.
pub fn pad(x: View, pads: &[Pad], value: Scalar, out: ViewMut) -> Result<()> {
    let expected = shape(x.shape(), pads)?;
    if *out.shape() != expected {
        return Err(Error::shape(format!("pad: a result of {} for one of {expected}", out.shape())));
    }
    if x.dtype() != value.dtype() {
        return Err(Error::dtype(format!("pad: a value of {} in a tensor of {}", value.dtype(), x.dtype())));
    }
    let to = Layout::contiguous(expected);
    // Where an axis has no two elements, its stride may be anything; it must only not overflow.
    let step = |(pad, &stride): (&Pad, &isize)| stride.saturating_mul(pad.interior.saturating_add(1) as isize);
    let start = |(pad, &stride): (&Pad, &isize)| pad.lo.saturating_mul(stride as usize);
    let strides: Strides = pads.iter().zip(to.strides()).map(step).collect();
    let offset = pads.iter().zip(to.strides()).map(start).fold(0, usize::saturating_add);
    with_moved!(x.dtype(), T => {
        let (x, out) = moved::views::<T>("pad", x, out)?;
        out.fill(T::of(value));
        place(x, out, &strides, offset);
        Ok(())
    })
}

/// Rows of `cols` elements with so many of `value`, or its like of their dtype, before and after each: made ready for any number of rows.
pub fn bind_rows(cols: usize, [lo, hi]: [usize; 2], value: Scalar) -> Bound {
    Bound::new(move |x, out| {
        let &[x] = x else { return Err(Error::shape(format!("pad: {} operands for one", x.len()))) };
        let width = cols + lo + hi;
        if x.len() % cols.max(1) != 0 || x.len().checked_mul(width) != out.len().checked_mul(cols) {
            return Err(Error::shape(format!("pad: {} elements in rows of {cols} into {}", x.len(), out.len())));
        }
        with_moved!(x.dtype(), T => {
            let value = T::of(value.cast(x.dtype()));
            let (x, out) = moved::slices::<T>("pad", x, out)?;
            for out in out.chunks_exact_mut(width.max(1)) {
                out[..lo].fill(value);
                out[lo + cols..].fill(value);
            }
            copy_lines(x, cols, out.get_mut(lo..).unwrap_or_default(), width, cols);
            Ok(())
        })
    })
}

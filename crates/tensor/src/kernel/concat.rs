//! Tensors joined along an axis.

use crate::error::{Error, Result};
use crate::kernel::each::rows;
use crate::kernel::{moved, with_moved};
use crate::layout::Layout;
use crate::shape::Shape;
use crate::view::{Strided, View, ViewMut};

/// The shape of tensors of these shapes joined along `axis`: equal but for that axis, whose sizes add up.
///
/// # Errors
/// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where there are none or they differ elsewhere,
/// [`ErrorKind::Index`](crate::ErrorKind::Index) where there is no such axis.
pub fn shape<'a>(xs: impl IntoIterator<Item = &'a Shape>, axis: usize) -> Result<Shape> {
    let mut xs = xs.into_iter();
    let first = xs.next().ok_or_else(|| Error::shape("concat: nothing to join"))?;
    if axis >= first.rank() {
        return Err(Error::index(format!("concat: shape {first} has no axis {axis}")));
    }
    let mut size = first[axis];
    for x in xs {
        if x.rank() != first.rank() || x.with_size(axis, first[axis]) != *first {
            return Err(Error::shape(format!("concat: {first} and {x} differ outside axis {axis}")));
        }
        size = size.saturating_add(x[axis]);
    }
    Ok(first.with_size(axis, size))
}

/// `xs` one after another along `axis`. The result's shape is as [`shape`] says.
///
/// # Errors
/// Where shapes or dtypes do not fit.
pub fn concat(xs: &[View], axis: usize, mut out: ViewMut) -> Result<()> {
    let expected = shape(xs.iter().map(View::shape), axis)?;
    if *out.shape() != expected {
        return Err(Error::shape(format!("concat: a result of {} for one of {expected}", out.shape())));
    }
    let to = Layout::contiguous(expected);
    let step = to.strides()[axis] as usize;
    with_moved!(out.dtype(), T => {
        let mut offset = 0;
        for x in xs {
            let (x, out) = moved::views::<T>("concat", *x, out.reborrow())?;
            place(x, out, to.strides(), offset);
            offset += x.layout.shape()[axis] * step;
        }
        Ok(())
    })
}

/// Copies `x` to the places of `out` that `offset` and `strides` say.
pub(crate) fn place<T: Copy>(x: Strided<T>, out: &mut [T], strides: &[isize], offset: usize) {
    rows(x.layout.shape(), [x.layout.strides(), strides], [x.layout.offset(), offset], |row| {
        let ([from, to], [step, stride]) = (row.start, row.stride);
        if step == 1 && stride == 1 {
            return out[to..to + row.len].copy_from_slice(&x.data[from..from + row.len]);
        }
        for (i, x) in (0..).zip(row.of(0, x.data)) {
            out[(to as isize + i * stride) as usize] = x;
        }
    });
}

//! Sliding windows: the adjoint of cutting them out, and the arithmetic of one padded axis.
//!
//! Cutting windows out is a [`Layout`](crate::Layout::windows) and copies nothing; only the way back,
//! overlapping windows added to where they came from, needs a kernel.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::kernel::each::rows;
use crate::kernel::unary::Number;
use crate::kernel::with_number;
use crate::layout::Layout;
use crate::shape::Shape;
use crate::view::{View, ViewMut};

/// The shape of windows [.., positions.., window..] added back to axes of `sizes`: [.., sizes..].
///
/// # Errors
/// Where `x` is not the shape that windows of these strides and dilations over such axes have.
pub fn shape(x: &Shape, sizes: &[usize], strides: &[usize], dilations: &[usize]) -> Result<Shape> {
    let n = sizes.len();
    if strides.len() != n || dilations.len() != n || x.rank() < 2 * n {
        let (s, d) = (strides.len(), dilations.len());
        return Err(Error::shape(format!("fold: {x} to {n} axes, with {s} strides and {d} dilations")));
    }
    let lead = x.rank() - 2 * n;
    let out: Shape = x[..lead].iter().chain(sizes).copied().collect();
    let windows = Layout::contiguous(out.clone()).windows(&x[lead + n..], strides, dilations);
    let windows = windows.map_err(|e| e.within("fold"))?;
    if windows.shape() != x {
        return Err(Error::shape(format!("fold: {x} are not the windows {} of {out}", windows.shape())));
    }
    Ok(out)
}

/// `out[.., p stride + w dilation, ..] += x[.., p.., w..]` for every position p and place w within its
/// window; `out` has the shape that [`shape`] says and is added to, in row-major order of `x`.
///
/// # Errors
/// Where shapes or dtypes do not fit.
pub fn fold(x: View, strides: &[usize], dilations: &[usize], out: ViewMut) -> Result<()> {
    let axes = strides.len();
    let lead = x.shape().rank().saturating_sub(2 * axes);
    let sizes = out.shape().get(lead..).unwrap_or_default();
    let expected = shape(x.shape(), sizes, strides, dilations)?;
    if *out.shape() != expected {
        return Err(Error::shape(format!("fold: a result of {} for one of {expected}", out.shape())));
    }
    let to = Layout::contiguous(expected).windows(&x.shape()[lead + axes..], strides, dilations)?;

    with_number!("fold", x.dtype(), T => {
        let x = x.typed::<T>("fold")?;
        let out = out.typed::<T>("fold")?;
        rows(x.layout.shape(), [x.layout.strides(), to.strides()], [x.layout.offset(), 0], |row| {
            let (start, stride) = (row.start[1], row.stride[1]);
            if stride == 1 {
                let out = &mut out[start..start + row.len];
                return out.iter_mut().zip(row.of(0, x.data)).for_each(|(out, x)| *out = out.plus(x));
            }
            for (i, x) in (0..).zip(row.of(0, x.data)) {
                let out = &mut out[(start as isize + i * stride) as usize];
                *out = out.plus(x);
            }
        });
        Ok(())
    })
}

/// The most axes that convolution and pooling move over; fewer are preceded by axes of size 1.
pub(crate) const SPATIAL: usize = 3;

/// One spatial axis: position p, place w of the window reads element p stride + w dilation - lo.
#[derive(Clone, Copy)]
pub(crate) struct Axis {
    pub size: isize,
    pub window: usize,
    pub stride: isize,
    pub dilation: isize,
    pub lo: isize,
    pub positions: usize,
    /// Distance in storage between neighbouring elements.
    pub step: isize,
}

impl Axis {
    /// An axis that is not there.
    pub const ONE: Self = Self { size: 1, window: 1, stride: 1, dilation: 1, lo: 0, positions: 1, step: 0 };

    /// A stride or dilation between `count` things. What is never stepped may be any number, and must
    /// not overflow.
    pub fn step_over(step: usize, count: usize) -> isize {
        if count > 1 { step as isize } else { 1 }
    }

    /// The element that position 0 reads at place `w` of the window; it may be padding.
    pub fn first(&self, w: usize) -> isize {
        w as isize * self.dilation - self.lo
    }

    /// The positions that read an element, not padding, at place `w` of the window.
    pub fn inside(&self, w: usize) -> Range<usize> {
        let first = self.first(w);
        let before = |end: isize| (end - first).max(0) as usize;
        let count = |distance: usize| distance.div_ceil(self.stride as usize).min(self.positions);
        count(before(0))..count(before(self.size))
    }

    /// The places of the window that, at position `p`, are elements and not padding.
    pub fn places(&self, p: usize) -> Range<usize> {
        let first = p as isize * self.stride - self.lo;
        let before = |end: isize| (end - first).max(0) as usize;
        let count = |distance: usize| distance.div_ceil(self.dilation as usize).min(self.window);
        count(before(0))..count(before(self.size))
    }

    /// The first place of the window that, at position `p`, is an element and not padding.
    #[inline]
    pub fn first_place(&self, p: usize) -> isize {
        match p as isize * self.stride {
            start if start >= self.lo => 0,
            _ => self.places(p).start as isize,
        }
    }
}

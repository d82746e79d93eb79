//! The adjoint of sliding windows: overlapping windows added back to where they came from.
//!
//! Cutting windows out is a [`Layout`](crate::Layout::windows) and copies nothing; only the way back
//! needs a kernel.

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

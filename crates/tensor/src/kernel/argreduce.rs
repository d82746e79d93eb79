//! Where along an axis the extreme element is. The result is `i64` and lacks the axis.

use crate::dtype::Element;
use crate::error::{Error, Result};
use crate::kernel::lane::lanes;
use crate::kernel::number::Number;
use crate::kernel::with_number;
use crate::shape::Shape;
use crate::view::{Strided, View, ViewMut};

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident = $relation:tt;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// As [`shape`], and where the dtype is not one of numbers or the result does not fit.
        pub fn $name(x: View, axis: usize, out: ViewMut) -> Result<()> {
            let op = stringify!($name);
            with_number!(op, x.dtype(), T => {
                find(op, x.typed::<T>(op)?, axis, out.typed(op)?, |new: T, best: T| {
                    !best.undefined() && (new.undefined() || new $relation best)
                })
            })
        }
    )*};
}

functions! {
    /// The index of the largest element along `axis`: the first of equals, or the first NaN.
    argmax = >;
    /// The index of the smallest element along `axis`: the first of equals, or the first NaN.
    argmin = <;
}

/// The shape of the result: that of `x` without `axis`.
///
/// # Errors
/// [`ErrorKind::Index`](crate::ErrorKind::Index) where there is no such axis,
/// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where it has no elements.
pub fn shape(op: &str, x: &Shape, axis: usize) -> Result<Shape> {
    match x.get(axis) {
        None => Err(Error::index(format!("{op}: axis {axis} is out of range for shape {x}"))),
        Some(0) => Err(Error::shape(format!("{op}: no elements along axis {axis} of shape {x}"))),
        Some(_) => Ok(x.without(&[axis])),
    }
}

fn find<T: Element>(
    op: &str,
    x: Strided<T>,
    axis: usize,
    out: &mut [i64],
    better: impl Fn(T, T) -> bool,
) -> Result<()> {
    let result = shape(op, x.layout.shape(), axis)?;
    if result.numel() != out.len() {
        return Err(Error::shape(format!("{op}: {result} into a result of {} elements", out.len())));
    }
    let mut out = out.iter_mut();
    lanes(x.layout, axis, &mut |lane, _| {
        let (mut at, mut best) = (0, lane.get(x.data, 0));
        for i in 1..lane.len {
            let new = lane.get(x.data, i);
            if better(new, best) {
                (at, best) = (i, new);
            }
        }
        if let Some(out) = out.next() {
            *out = at as i64;
        }
    });
    Ok(())
}

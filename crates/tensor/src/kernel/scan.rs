//! Running results along an axis. The result has the operand's shape.

use crate::dtype::{DType, Element};
use crate::error::Result;
use crate::kernel::lane::{check, lanes};
use crate::kernel::number::Number;
use crate::kernel::with_number;
use crate::view::{Strided, View, ViewMut};

/// The sums of the elements up to and including each along `axis`. `f32` is summed as `f64`;
/// integers wrap.
///
/// # Errors
/// Where there is no such axis, the dtype is not one of numbers, or the result does not fit.
pub fn cumsum(x: View, axis: usize, out: ViewMut) -> Result<()> {
    let op = "cumsum";
    if x.dtype() == DType::F32 {
        return scan(op, x.typed::<f32>(op)?, axis, out.typed(op)?, 0.0f64, |sum, x, _| {
            *sum += x as f64;
            *sum as f32
        });
    }
    with_number!(op, x.dtype(), T => {
        scan(op, x.typed::<T>(op)?, axis, out.typed(op)?, T::ZERO, |sum, x, _| {
            *sum = sum.plus(x);
            *sum
        })
    })
}

macro_rules! extremes {
    ($($(#[$doc:meta])* $name:ident = $relation:tt;)*) => {$(
        $(#[$doc])*
        /// The last of equals; from the first NaN on, the last NaN. The result is `i64`.
        ///
        /// # Errors
        /// Where there is no such axis, the dtype is not one of numbers, or the result does not fit.
        pub fn $name(x: View, axis: usize, out: ViewMut) -> Result<()> {
            let op = stringify!($name);
            with_number!(op, x.dtype(), T => {
                scan(op, x.typed::<T>(op)?, axis, out.typed(op)?, None, |best: &mut Option<(T, usize)>, x: T, i| {
                    let (value, at) = best.get_or_insert((x, i));
                    if x.undefined() || (!value.undefined() && x $relation *value) {
                        (*value, *at) = (x, i);
                    }
                    *at as i64
                })
            })
        }
    )*};
}

extremes! {
    /// The index of the largest of the elements up to and including each along `axis`.
    arg_cummax = >=;
    /// The index of the smallest of the elements up to and including each along `axis`.
    arg_cummin = <=;
}

fn scan<X: Element, Y: Element, S: Copy>(
    op: &str,
    x: Strided<X>,
    axis: usize,
    out: &mut [Y],
    start: S,
    step: impl Fn(&mut S, X, usize) -> Y,
) -> Result<()> {
    check(op, x.layout, axis, out.len())?;
    lanes(x.layout, axis, &mut |from, to| {
        let mut state = start;
        for i in 0..from.len {
            out[to.place(i)] = step(&mut state, from.get(x.data, i), i);
        }
    });
    Ok(())
}

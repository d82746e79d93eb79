//! Elementwise choice between two operands.

use std::hint::select_unpredictable;

use crate::error::Result;
use crate::kernel::binary::same_dtype;
use crate::kernel::each::map3;
use crate::kernel::with_element;
use crate::view::{View, ViewMut};

/// x where `cond` is true, y elsewhere, for three operands of one shape. What is not chosen leaves
/// no trace, even where it is NaN.
///
/// # Errors
/// Where shapes differ, `cond` is not `bool`, the dtypes of x and y differ, or the result does not fit.
pub fn select(cond: View, x: View, y: View, out: ViewMut) -> Result<()> {
    let op = "select";
    let cond = cond.typed::<bool>(op)?;
    same_dtype(op, x, y)?;
    with_element!(x.dtype(), T => {
        map3(op, (cond, x.typed::<T>(op)?, y.typed::<T>(op)?), out.typed::<T>(op)?, &|cond, x, y, out| {
            let choices = cond.iter().zip(x).zip(y);
            // A branch would be mispredicted half the time where the condition is a sign.
            out.iter_mut().zip(choices).for_each(|(out, ((&c, &x), &y))| *out = select_unpredictable(c, x, y));
        })
    })
}

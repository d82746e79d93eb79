//! Elementwise choice between two operands, slices to a slice.

use crate::error::{Error, Result};
use crate::kernel::loops::map3;
use crate::kernel::with_element;
use crate::view::{Data, DataMut};

/// x where `cond` is true, y elsewhere, of the operands cond, x and y. What is not chosen leaves no trace,
/// even where it is NaN.
///
/// # Errors
/// Where `cond` is not `bool`, the dtypes of x and y differ, or the result does not fit.
pub fn select(x: &[Data], out: DataMut) -> Result<()> {
    let &[_, chosen, _] = x else {
        return Err(Error::value(format!("select: takes 3 operands, got {}", x.len())));
    };
    with_element!(chosen.dtype(), T => map3("select", x, out, |c: bool, x: T, y: T| if c { x } else { y }))
}

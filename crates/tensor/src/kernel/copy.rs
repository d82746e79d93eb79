//! Copying: a strided operand into row-major order, and conversion between dtypes.

use crate::dtype::{Element, Scalar};
use crate::error::{Error, Result};
use crate::kernel::loops::{dtype, map1};
use crate::kernel::{each, with_element};
use crate::view::{Data, DataMut, View, ViewMut};

/// The elements of `x`, in row-major order. The result has as many elements and the same dtype.
///
/// # Errors
/// Where dtypes or numbers of elements differ.
pub fn copy(x: View, out: ViewMut) -> Result<()> {
    with_element!(x.dtype(), T => {
        each::map1("copy", x.typed::<T>("copy")?, out.typed::<T>("copy")?, &|x, out| out.copy_from_slice(x))
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
    let (n, len, to) = (x.len(), out.len(), out.dtype());
    let misfit = || Error::shape(format!("spread: {n} of {}, {times} times each, into {len} of {to}", x.dtype()));
    with_element!(x.dtype(), T => match (T::slice(x), T::slice_mut(out)) {
        (Some(x), Some(out)) if x.len().checked_mul(times) == Some(out.len()) => match times {
            0 => {}
            1 => out.copy_from_slice(x),
            _ => out.chunks_exact_mut(times).zip(x).for_each(|(out, &x)| out.fill(x)),
        },
        _ => return Err(misfit()),
    });
    Ok(())
}

/// The elements of the one operand converted to the dtype of the result as Rust's `as` does: floats are
/// truncated towards zero and clamped to integers, NaN becomes 0; numbers are `true` unless zero.
///
/// # Errors
/// Where numbers of elements differ.
pub fn cast(x: &[Data], out: DataMut) -> Result<()> {
    let to = out.dtype();
    with_element!(dtype("cast", x)?, X => with_element!(to, Y => {
        map1("cast", x, out, |x: X| -> Y { convert(x) })
    }))
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
    }
    Ok(())
}

/// One element of another type, as [`cast`] does it.
pub(crate) fn convert<X: Element, Y: Element + FromScalar>(x: X) -> Y {
    Y::from_scalar(x.into().cast(Y::DTYPE))
}

/// The inverse of `Into<Scalar>`, for a scalar that already has the right dtype.
pub(crate) trait FromScalar {
    fn from_scalar(scalar: Scalar) -> Self;
}

macro_rules! from_scalar {
    ($($t:ty => $variant:ident),*) => {$(
        impl FromScalar for $t {
            fn from_scalar(scalar: Scalar) -> Self {
                match scalar {
                    Scalar::$variant(x) => x,
                    _ => Self::default(),
                }
            }
        }
    )*};
}

from_scalar!(f32 => F32, f64 => F64, i64 => I64, bool => Bool);

//! Conversion between dtypes, slices to a slice.
//!
//! Half precision is converted to and from `f32` by two loops, which run in vectors; to and from all other dtypes by way
//! of an `f32`, a tile at a time, which [rounding to odd](crate::half::to_odd) keeps to one rounding in effect.

use crate::dtype::{DType, Element, Scalar};
use crate::error::Result;
use crate::half::{Bf16, F16, integer_to_odd, to_odd};
use crate::kernel::loops::{dtype, each1, map1};
use crate::kernel::with_computed;
use crate::view::{Data, DataMut};

/// Elements that are converted at a time on the way through `f32`.
const TILE: usize = 256;

/// The elements of the one operand converted to the dtype of the result as Rust's `as` does: floats are
/// truncated towards zero and clamped to integers, NaN becomes 0; numbers are `true` unless zero. To half precision they
/// are rounded once, to the nearest value, of two equally near ones the even one.
///
/// # Errors
/// Where numbers of elements differ.
pub fn cast(x: &[Data], out: DataMut) -> Result<()> {
    let (op, from, to) = ("cast", dtype("cast", x)?, out.dtype());
    match (from, to) {
        (DType::BF16, DType::F32) => map1(op, x, out, Bf16::to_f32),
        (DType::F16, DType::F32) => map1(op, x, out, F16::to_f32),
        (DType::F32, DType::BF16) => map1(op, x, out, Bf16::from_f32),
        (DType::F32, DType::F16) => map1(op, x, out, F16::from_f32),
        _ if from.is_half() || to.is_half() => through_f32(x, out),
        _ => with_computed!(op, from, X => with_computed!(op, to, Y => {
            map1(op, x, out, |x: X| -> Y { convert(x) })
        })),
    }
}

/// Conversions with half precision on one side at least, and no `f32`.
fn through_f32(x: &[Data], mut out: DataMut) -> Result<()> {
    let (mut tile, n) = ([0f32; TILE], out.len());
    for start in (0..n).step_by(TILE) {
        let end = n.min(start + TILE);
        let tile = &mut tile[..end - start];
        let read: &[Data] = &x.iter().map(|x| x.range(start.min(x.len())..end.min(x.len()))).collect::<Vec<_>>();
        match x {
            [Data::F64(_)] => each1("cast", read, DataMut::F32(tile), to_odd)?,
            [Data::I64(_)] => each1("cast", read, DataMut::F32(tile), integer_to_odd)?,
            _ => cast(read, DataMut::F32(tile))?,
        }
        cast(&[Data::F32(tile)], out.reborrow().range(start..end))?;
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

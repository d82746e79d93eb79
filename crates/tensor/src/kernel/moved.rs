//! Elements as their bits: what a kernel that only moves them sees, compiled once a size and not once a dtype.

#![allow(unsafe_code, reason = "reads numbers as integers of their size")]

use crate::dtype::Scalar;
use crate::error::{Error, Result};
use crate::half::{Bf16, F16};
use crate::view::{Data, DataMut, Strided, View, ViewMut};

/// The bits of an element: `u16`, `u32` or `u64`; or a `bool`, which not every byte is.
pub(crate) trait Moved: Copy + Default + 'static {
    /// The elements, where they have this size.
    fn bits(data: Data<'_>) -> Option<&[Self]>;
    /// The elements to write, where they have this size.
    fn bits_mut(data: DataMut<'_>) -> Option<&mut [Self]>;
    /// A value of this size, or zero.
    fn of(value: Scalar) -> Self;
}

/// Numbers of which any bits are one. Sealed by being private.
trait Plain: Copy {}

macro_rules! plain {
    ($($t:ty),*) => {$(impl Plain for $t {})*};
}

plain!(f32, f64, i64, Bf16, F16, u16, u32, u64);

fn cast<A: Plain, B: Plain>(x: &[A]) -> &[B] {
    const { assert!(size_of::<A>() == size_of::<B>() && align_of::<A>() == align_of::<B>()) }
    // SAFETY: as many elements of the same size and alignment, of types that any bits are a value of.
    unsafe { std::slice::from_raw_parts(x.as_ptr().cast(), x.len()) }
}

fn cast_mut<A: Plain, B: Plain>(x: &mut [A]) -> &mut [B] {
    const { assert!(size_of::<A>() == size_of::<B>() && align_of::<A>() == align_of::<B>()) }
    // SAFETY: likewise, and the borrow is exclusive.
    unsafe { std::slice::from_raw_parts_mut(x.as_mut_ptr().cast(), x.len()) }
}

macro_rules! moved {
    ($($bits:ty: $($variant:ident),*;)*) => {$(
        impl Moved for $bits {
            fn bits(data: Data<'_>) -> Option<&[Self]> {
                match data {
                    $(Data::$variant(x) => Some(cast(x)),)*
                    _ => None,
                }
            }

            fn bits_mut(data: DataMut<'_>) -> Option<&mut [Self]> {
                match data {
                    $(DataMut::$variant(x) => Some(cast_mut(x)),)*
                    _ => None,
                }
            }

            fn of(value: Scalar) -> Self {
                match value {
                    $(Scalar::$variant(x) => cast(&[x])[0],)*
                    _ => 0,
                }
            }
        }
    )*};
}

moved! {
    u16: BF16, F16;
    u32: F32;
    u64: F64, I64;
}

impl Moved for bool {
    fn bits(data: Data<'_>) -> Option<&[Self]> {
        match data {
            Data::Bool(x) => Some(x),
            _ => None,
        }
    }

    fn bits_mut(data: DataMut<'_>) -> Option<&mut [Self]> {
        match data {
            DataMut::Bool(x) => Some(x),
            _ => None,
        }
    }

    fn of(value: Scalar) -> Self {
        matches!(value, Scalar::Bool(true))
    }
}

/// The bits of elements that go into a result of the same dtype.
///
/// # Errors
/// Where the result has another.
pub(crate) fn slices<'a, 'b, T: Moved>(op: &str, x: Data<'a>, out: DataMut<'b>) -> Result<(&'a [T], &'b mut [T])> {
    let (from, to) = (x.dtype(), out.dtype());
    match (T::bits(x), T::bits_mut(out)) {
        (Some(x), Some(out)) if from == to => Ok((x, out)),
        _ => Err(Error::dtype(format!("{op}: {from} into a result of {to}"))),
    }
}

/// As [`slices`], of an operand of any layout.
///
/// # Errors
/// Likewise.
pub(crate) fn views<'a, 'b, T: Moved>(
    op: &str,
    x: View<'a>,
    out: ViewMut<'b>,
) -> Result<(Strided<'a, T>, &'b mut [T])> {
    let (data, out) = slices(op, x.data(), out.into_data())?;
    Ok((Strided { data, layout: x.layout() }, out))
}

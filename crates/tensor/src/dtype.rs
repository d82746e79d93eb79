//! Element types: the run-time [`DType`], the Rust types behind it, and single values.
//!
//! No dtype is ever changed in silence: operations on two different dtypes are errors, and
//! [`cast`](crate::Tensor::cast) is the one way from one to another. Values of half precision are stored, not computed with: what
//! is computed of them is computed in `f32`, and rounded back.

use std::fmt;
use std::hash::{Hash, Hasher};

use crate::half::{Bf16, F16, integer_to_odd, to_odd};
use crate::storage::{Aligned, Storage};
use crate::view::{Data, DataMut};

/// The type of a tensor's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DType {
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64.
    F64,
    /// Signed 64-bit integer: indices and counts.
    I64,
    /// Truth value.
    Bool,
    /// The upper half of an `f32` ([`Bf16`]): for storage; what is computed of it is computed in `f32`.
    BF16,
    /// IEEE 754 binary16 ([`F16`]): for storage; what is computed of it is computed in `f32`.
    F16,
}

impl DType {
    /// Whether this is a floating-point type: the only ones that have derivatives.
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64 | Self::BF16 | Self::F16)
    }

    /// Whether this is a type of half precision, which is stored and not computed with.
    pub const fn is_half(self) -> bool {
        matches!(self, Self::BF16 | Self::F16)
    }

    /// The type that is computed with: `f32` for one of half precision, else itself.
    pub fn computed(self) -> Self {
        if self.is_half() { Self::F32 } else { self }
    }

    /// The size of one element in bytes.
    pub fn size(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 => 4,
            Self::BF16 | Self::F16 => 2,
            Self::Bool => 1,
        }
    }

    /// The name, as in Rust: `f32`, `f64`, `i64`, `bool`, `bf16`, `f16`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::I64 => "i64",
            Self::Bool => "bool",
            Self::BF16 => "bf16",
            Self::F16 => "f16",
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One of the six Rust types a tensor can hold. Sealed: kernels match on all of them.
pub trait Element:
    Copy + PartialEq + PartialOrd + Default + fmt::Debug + Send + Sync + Into<Scalar> + private::Sealed + 'static
{
    /// The run-time name of this type.
    const DTYPE: DType;

    #[doc(hidden)]
    fn store(buffer: Aligned<Self>) -> Storage;
    #[doc(hidden)]
    fn slice<'a>(data: Data<'a>) -> Option<&'a [Self]>;
    #[doc(hidden)]
    fn slice_mut<'a>(data: DataMut<'a>) -> Option<&'a mut [Self]>;
}

mod private {
    pub trait Sealed {}
}

/// One value with its dtype. Compared and hashed by its bits, so that it can be part of an
/// operation's attributes.
#[derive(Clone, Copy)]
pub enum Scalar {
    /// An `f32`.
    F32(f32),
    /// An `f64`.
    F64(f64),
    /// An `i64`.
    I64(i64),
    /// A `bool`.
    Bool(bool),
    /// A [`Bf16`].
    BF16(Bf16),
    /// An [`F16`].
    F16(F16),
}

impl Scalar {
    /// The dtype of the value.
    pub fn dtype(self) -> DType {
        match self {
            Self::F32(_) => DType::F32,
            Self::F64(_) => DType::F64,
            Self::I64(_) => DType::I64,
            Self::Bool(_) => DType::Bool,
            Self::BF16(_) => DType::BF16,
            Self::F16(_) => DType::F16,
        }
    }

    /// The value as another dtype, converted as Rust's `as` does; a number is `true` unless zero. To half precision it is
    /// rounded once, to the nearest value, of two equally near ones the even one.
    ///
    /// ```
    /// use wengert_tensor::{DType, Scalar};
    /// assert_eq!(Scalar::from(2.9).cast(DType::I64), Scalar::I64(2));
    /// ```
    pub fn cast(self, dtype: DType) -> Self {
        match dtype {
            DType::F32 => Self::F32(match self {
                Self::F32(x) => x,
                Self::F64(x) => x as f32,
                Self::I64(x) => x as f32,
                Self::Bool(x) => x as u8 as f32,
                Self::BF16(x) => x.to_f32(),
                Self::F16(x) => x.to_f32(),
            }),
            DType::F64 => Self::F64(self.to_f64()),
            DType::I64 => Self::I64(match self {
                Self::F32(x) => x as i64,
                Self::F64(x) => x as i64,
                Self::I64(x) => x,
                Self::Bool(x) => x as i64,
                Self::BF16(x) => x.to_f32() as i64,
                Self::F16(x) => x.to_f32() as i64,
            }),
            DType::Bool => Self::Bool(match self {
                Self::Bool(x) => x,
                other => other.to_f64() != 0.0,
            }),
            DType::BF16 => match self {
                Self::BF16(_) => self,
                other => Self::BF16(Bf16::from_f32(other.to_odd())),
            },
            DType::F16 => match self {
                Self::F16(_) => self,
                other => Self::F16(F16::from_f32(other.to_odd())),
            },
        }
    }

    /// The value as an `f32` that can be rounded to half precision as the value itself would be.
    fn to_odd(self) -> f32 {
        match self {
            Self::I64(x) => integer_to_odd(x),
            other => to_odd(other.to_f64()),
        }
    }

    /// The value as an `f64`.
    pub fn to_f64(self) -> f64 {
        match self {
            Self::F32(x) => x as f64,
            Self::F64(x) => x,
            Self::I64(x) => x as f64,
            Self::Bool(x) => x as u8 as f64,
            Self::BF16(x) => x.to_f64(),
            Self::F16(x) => x.to_f64(),
        }
    }

    fn bits(self) -> (DType, u64) {
        let bits = match self {
            Self::F32(x) => x.to_bits() as u64,
            Self::F64(x) => x.to_bits(),
            Self::I64(x) => x as u64,
            Self::Bool(x) => x as u64,
            Self::BF16(x) => x.to_bits().into(),
            Self::F16(x) => x.to_bits().into(),
        };
        (self.dtype(), bits)
    }
}

impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        self.bits() == other.bits()
    }
}

impl Eq for Scalar {}

impl Hash for Scalar {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bits().hash(state);
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}{}", self.dtype())
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::F32(x) => x.fmt(f),
            Self::F64(x) => x.fmt(f),
            Self::I64(x) => x.fmt(f),
            Self::Bool(x) => x.fmt(f),
            Self::BF16(x) => x.to_f32().fmt(f),
            Self::F16(x) => x.to_f32().fmt(f),
        }
    }
}

macro_rules! elements {
    ($($t:ty => $variant:ident),*) => {$(
        impl private::Sealed for $t {}

        impl Element for $t {
            const DTYPE: DType = DType::$variant;

            fn store(buffer: Aligned<Self>) -> Storage {
                Storage::$variant(buffer)
            }

            fn slice<'a>(data: Data<'a>) -> Option<&'a [Self]> {
                match data {
                    Data::$variant(slice) => Some(slice),
                    _ => None,
                }
            }

            fn slice_mut<'a>(data: DataMut<'a>) -> Option<&'a mut [Self]> {
                match data {
                    DataMut::$variant(slice) => Some(slice),
                    _ => None,
                }
            }
        }

        impl From<$t> for Scalar {
            fn from(x: $t) -> Self {
                Self::$variant(x)
            }
        }
    )*};
}

elements!(f32 => F32, f64 => F64, i64 => I64, bool => Bool, Bf16 => BF16, F16 => F16);

impl From<i32> for Scalar {
    fn from(x: i32) -> Self {
        Self::I64(x.into())
    }
}

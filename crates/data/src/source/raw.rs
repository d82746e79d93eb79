//! Numbers as bytes: the element types of binary formats, in either order of bytes.

use std::io::Read;

use wengert_tensor::{DType, Element, Error, F16, Result, Scalar, Shape, Tensor};

use super::open;
use crate::fill::filled;

/// An element type of a file. Tensors hold those that they do not know as the nearest that they do, without a loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Raw {
    Bool,
    U8,
    U16,
    U32,
    U64,
    I8,
    I16,
    I32,
    I64,
    F16,
    F32,
    F64,
}

impl Raw {
    /// The size of one element in bytes.
    pub fn size(self) -> usize {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 | Self::F16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// The dtype that holds all values of this type; `u64` beyond `i64` is an error when it is met.
    pub fn dtype(self) -> DType {
        match self {
            Self::Bool => DType::Bool,
            Self::F16 => DType::F16,
            Self::F32 => DType::F32,
            Self::F64 => DType::F64,
            _ => DType::I64,
        }
    }
}

/// The rest of a file as elements of `raw`, which become a tensor of `shape` and `dtype`, converted as `cast` does.
pub(crate) fn read(
    from: &mut impl Read,
    raw: Raw,
    big_endian: bool,
    shape: Shape,
    dtype: DType,
    name: &str,
) -> Result<Tensor> {
    let len = shape.numel_checked().map_err(|e| e.within(name))?.saturating_mul(raw.size());
    let bytes = open::bytes(from, len, name)?;
    open::end(from, name)?;
    decode(&bytes, raw, big_endian, shape, dtype).map_err(|e| e.within(name))
}

fn decode(bytes: &[u8], raw: Raw, big_endian: bool, shape: Shape, dtype: DType) -> Result<Tensor> {
    macro_rules! of {
        ($t:ty) => {
            |b: &[u8]| {
                let b = b.try_into().unwrap_or_default();
                if big_endian { <$t>::from_be_bytes(b) } else { <$t>::from_le_bytes(b) }
            }
        };
    }
    macro_rules! integers {
        ($t:ty) => {
            to(bytes, raw, shape, dtype, |b| Ok(i64::from(of!($t)(b))))
        };
    }
    match raw {
        Raw::Bool => to(bytes, raw, shape, dtype, |b| Ok(b[0] != 0)),
        Raw::U8 => integers!(u8),
        Raw::U16 => integers!(u16),
        Raw::U32 => integers!(u32),
        Raw::I8 => integers!(i8),
        Raw::I16 => integers!(i16),
        Raw::I32 => integers!(i32),
        Raw::I64 => integers!(i64),
        Raw::U64 => to(bytes, raw, shape, dtype, |b| {
            let n = of!(u64)(b);
            i64::try_from(n).map_err(|_| Error::value(format!("{n} is too large for i64")))
        }),
        Raw::F16 => to(bytes, raw, shape, dtype, |b| Ok(F16::from_bits(of!(u16)(b)))),
        Raw::F32 => to(bytes, raw, shape, dtype, |b| Ok(of!(f32)(b))),
        Raw::F64 => to(bytes, raw, shape, dtype, |b| Ok(of!(f64)(b))),
    }
}

/// One pass from bytes to the wanted dtype, so that pictures of bytes are never held as `i64`.
fn to<T: Element>(
    bytes: &[u8],
    raw: Raw,
    shape: Shape,
    dtype: DType,
    element: impl Fn(&[u8]) -> Result<T>,
) -> Result<Tensor> {
    let elements = bytes.chunks_exact(raw.size()).map(element);
    let scalars = |x: Result<T>| x.map(Into::<Scalar>::into);
    match dtype {
        dtype if dtype == T::DTYPE => filled(shape, elements),
        DType::F32 => filled(shape, elements.map(|x| Ok(scalars(x)?.to_f64() as f32))),
        DType::F64 => filled(shape, elements.map(|x| Ok(scalars(x)?.to_f64()))),
        // The rest is rare, and a cast says how it is done.
        _ => filled(shape, elements)?.cast(dtype),
    }
}

/// The elements of a tensor as little-endian bytes, handed to `sink` in pieces, and the type that they have.
pub(crate) fn write(x: &Tensor, sink: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
    fn pieces<T: Element, const N: usize>(
        x: &Tensor,
        sink: &mut dyn FnMut(&[u8]) -> Result<()>,
        bytes: impl Fn(T) -> [u8; N],
    ) -> Result<()> {
        let mut piece = Vec::with_capacity(1 << 16);
        for element in x.iter::<T>()? {
            piece.extend(bytes(element));
            if piece.len() >= 1 << 16 {
                sink(&piece)?;
                piece.clear();
            }
        }
        sink(&piece)
    }
    match raw_of(x.dtype())? {
        Raw::F32 => pieces(x, sink, f32::to_le_bytes),
        Raw::F64 => pieces(x, sink, f64::to_le_bytes),
        Raw::I64 => pieces(x, sink, i64::to_le_bytes),
        Raw::F16 => pieces(x, sink, |x: F16| x.to_bits().to_le_bytes()),
        _ => pieces(x, sink, |b: bool| [u8::from(b)]),
    }
}

/// What a dtype is in files.
pub(crate) fn raw_of(dtype: DType) -> Result<Raw> {
    match dtype {
        DType::F32 => Ok(Raw::F32),
        DType::F64 => Ok(Raw::F64),
        DType::I64 => Ok(Raw::I64),
        DType::Bool => Ok(Raw::Bool),
        DType::F16 => Ok(Raw::F16),
        other => Err(Error::dtype(format!("a tensor of {other} cannot be written; cast it first"))),
    }
}

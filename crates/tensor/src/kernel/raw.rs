//! Views taken apart into a place, a length and a dtype, and put together again: for kernels that hand out parts of memory.

#![allow(unsafe_code, reason = "slices of a place and a length")]

use std::slice::{from_raw_parts, from_raw_parts_mut};

use crate::dtype::DType;
use crate::view::{Data, DataMut};

/// Elements of a dtype from a place on. It borrows nothing, and says nothing of whether they may be written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Raw {
    pub start: *mut u8,
    /// The number of elements.
    pub len: usize,
    pub dtype: DType,
}

macro_rules! apart {
    ($data:expr, $Data:ident, $start:ident) => {
        match $data {
            $Data::F32(x) => (x.$start().cast::<u8>(), x.len()),
            $Data::F64(x) => (x.$start().cast(), x.len()),
            $Data::I64(x) => (x.$start().cast(), x.len()),
            $Data::Bool(x) => (x.$start().cast(), x.len()),
            $Data::BF16(x) => (x.$start().cast(), x.len()),
            $Data::F16(x) => (x.$start().cast(), x.len()),
        }
    };
}

macro_rules! together {
    ($Data:ident, $slice:ident, $raw:expr) => {
        match $raw.dtype {
            DType::F32 => $Data::F32($slice($raw.start.cast(), $raw.len)),
            DType::F64 => $Data::F64($slice($raw.start.cast(), $raw.len)),
            DType::I64 => $Data::I64($slice($raw.start.cast(), $raw.len)),
            DType::Bool => $Data::Bool($slice($raw.start.cast(), $raw.len)),
            DType::BF16 => $Data::BF16($slice($raw.start.cast(), $raw.len)),
            DType::F16 => $Data::F16($slice($raw.start.cast(), $raw.len)),
        }
    };
}

impl Raw {
    /// Elements that are only read.
    pub fn read(x: Data) -> Self {
        let (start, len) = apart!(x, Data, as_ptr);
        Self { start: start.cast_mut(), len, dtype: x.dtype() }
    }

    /// Elements that may be written.
    pub fn write(x: &mut DataMut) -> Self {
        let dtype = x.dtype();
        let (start, len) = apart!(x, DataMut, as_mut_ptr);
        Self { start, len, dtype }
    }

    /// The elements.
    ///
    /// # Safety
    /// They are there, of this dtype, and nobody writes them meanwhile.
    #[inline(always)]
    pub unsafe fn data<'a>(self) -> Data<'a> {
        // SAFETY: as the caller says.
        unsafe { together!(Data, from_raw_parts, self) }
    }

    /// The elements, to write.
    ///
    /// # Safety
    /// They are there, of this dtype, and nobody else reads or writes them meanwhile.
    #[inline(always)]
    pub unsafe fn data_mut<'a>(self) -> DataMut<'a> {
        // SAFETY: as the caller says.
        unsafe { together!(DataMut, from_raw_parts_mut, self) }
    }
}

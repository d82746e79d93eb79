//! Where elements live: 64-byte-aligned buffers, shared by every view of them.
//!
//! A buffer is always initialised, and is written only while nothing else shares it. This and
//! `kernel/` are the only files in the workspace that may hold `unsafe` code.

#![allow(unsafe_code, reason = "owns aligned memory")]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use crate::dtype::{DType, Element};
use crate::error::{Error, Result};
use crate::view::{Data, DataMut};

/// Every buffer starts on a cache line, which is also the width of the widest vector register.
pub const ALIGNMENT: usize = 64;

/// An aligned, fixed-size array of one element type.
#[derive(Debug)]
pub struct Buffer<T> {
    ptr: NonNull<T>,
    len: usize,
}

// SAFETY: a buffer owns its elements as a `Box<[T]>` does, and `T` is a plain number or `bool`.
unsafe impl<T: Send> Send for Buffer<T> {}
// SAFETY: shared access gives out only `&[T]`.
unsafe impl<T: Sync> Sync for Buffer<T> {}

impl<T: Element> Buffer<T> {
    /// A buffer of `len` zeros (`false` for `bool`).
    ///
    /// # Errors
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory) where the system has no such block of memory.
    pub fn zeros(len: usize) -> Result<Self> {
        let layout = Self::layout(len).ok_or_else(|| Self::refused(len))?;
        if layout.size() == 0 {
            return Ok(Self { ptr: NonNull::dangling(), len });
        }
        // SAFETY: the layout's size is not zero. All-zero bytes are a valid value of every
        // `Element`: the numbers zero and `false`.
        let ptr = unsafe { alloc_zeroed(layout) };
        let ptr = NonNull::new(ptr.cast::<T>()).ok_or_else(|| Self::refused(len))?;
        Ok(Self { ptr, len })
    }

    /// A copy of `elements`. Where memory runs out this aborts, as copying into a `Vec` does.
    pub fn from_slice(elements: &[T]) -> Self {
        let mut buffer =
            Self::zeros(elements.len()).unwrap_or_else(|_| handle_alloc_error(Layout::for_value(elements)));
        buffer.copy_from_slice(elements);
        buffer
    }

    fn refused(len: usize) -> Error {
        Error::memory(format!("cannot allocate {len} elements of {}", T::DTYPE))
    }
}

impl<T> Buffer<T> {
    fn layout(len: usize) -> Option<Layout> {
        Layout::array::<T>(len).ok()?.align_to(ALIGNMENT).ok()
    }
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        match Self::layout(self.len) {
            // SAFETY: a non-empty buffer was allocated with this very layout and is freed once.
            Some(layout) if layout.size() > 0 => unsafe { dealloc(self.ptr.as_ptr().cast(), layout) },
            _ => {}
        }
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: `ptr` is aligned and heads `len` initialised elements (or is dangling and aligned
        // where `len` is 0), owned by `self`.
        unsafe { std::slice::from_raw_parts(self.ptr.as_ptr(), self.len) }
    }
}

impl<T> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and `&mut self` makes the access exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.ptr.as_ptr(), self.len) }
    }
}

/// A buffer whose element type is known at run time.
#[derive(Debug)]
pub enum Storage {
    /// Elements of `f32`.
    F32(Buffer<f32>),
    /// Elements of `f64`.
    F64(Buffer<f64>),
    /// Elements of `i64`.
    I64(Buffer<i64>),
    /// Elements of `bool`.
    Bool(Buffer<bool>),
}

impl Storage {
    /// `len` zeros of a dtype.
    ///
    /// # Errors
    /// As [`Buffer::zeros`].
    pub fn zeros(dtype: DType, len: usize) -> Result<Self> {
        Ok(match dtype {
            DType::F32 => Self::F32(Buffer::zeros(len)?),
            DType::F64 => Self::F64(Buffer::zeros(len)?),
            DType::I64 => Self::I64(Buffer::zeros(len)?),
            DType::Bool => Self::Bool(Buffer::zeros(len)?),
        })
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.data().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The dtype of the elements.
    pub fn dtype(&self) -> DType {
        match self {
            Self::F32(_) => DType::F32,
            Self::F64(_) => DType::F64,
            Self::I64(_) => DType::I64,
            Self::Bool(_) => DType::Bool,
        }
    }

    /// All elements, to read.
    pub fn data(&self) -> Data<'_> {
        match self {
            Self::F32(b) => Data::F32(b),
            Self::F64(b) => Data::F64(b),
            Self::I64(b) => Data::I64(b),
            Self::Bool(b) => Data::Bool(b),
        }
    }

    /// All elements, to write.
    pub fn data_mut(&mut self) -> DataMut<'_> {
        match self {
            Self::F32(b) => DataMut::F32(b),
            Self::F64(b) => DataMut::F64(b),
            Self::I64(b) => DataMut::I64(b),
            Self::Bool(b) => DataMut::Bool(b),
        }
    }
}

impl Default for Storage {
    /// No elements, of `bool`: what is left where storage was moved out. It is not allocated.
    fn default() -> Self {
        Self::Bool(Buffer { ptr: NonNull::dangling(), len: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_zeroed_and_writable() {
        for len in [0, 1, 3, 64, 1000] {
            let mut b = Buffer::<f32>::zeros(len).unwrap();
            assert_eq!(b.len(), len);
            assert!(b.iter().all(|&x| x == 0.0));
            assert_eq!(b.as_ptr() as usize % if len == 0 { 4 } else { ALIGNMENT }, 0);
            b.iter_mut().for_each(|x| *x = 1.0);
            assert_eq!(b.iter().sum::<f32>(), len as f32);
        }
    }

    #[test]
    fn what_cannot_be_addressed_is_an_error() {
        let err = Buffer::<f64>::zeros(usize::MAX / 8).unwrap_err();
        assert!(err.to_string().contains("cannot allocate"), "{err}");
    }
}

//! Where elements live: 64-byte-aligned buffers, shared by every view of them.
//!
//! A buffer is always initialised, and is written only while nothing else shares it. The memory of large buffers is
//! kept for the next ([`pool`](crate::pool)). This and `kernel/` are the only files in the workspace that may hold
//! `unsafe` code.

#![allow(unsafe_code, reason = "owns aligned memory")]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::marker::PhantomData;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use crate::dtype::{DType, Element};
use crate::error::{Error, Result};
use crate::pool;
use crate::view::{Data, DataMut};

/// Every buffer starts on a cache line, which is also the width of the widest vector register.
pub const ALIGNMENT: usize = 64;

/// Aligned bytes, all of them initialised. They leak where they are not [freed](Self::free).
#[derive(Debug)]
pub(crate) struct Block {
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: a block owns its bytes as a `Box<[u8]>` does.
unsafe impl Send for Block {}
// SAFETY: a shared block gives access to none of them.
unsafe impl Sync for Block {}

impl Block {
    /// No bytes, at a place where every element type is aligned. Nothing is allocated.
    const NONE: Self = Self { start: NonNull::<Line>::dangling().cast(), bytes: 0 };

    /// Zeros from the system, or `None` where it has no more.
    fn zeros(layout: Layout) -> Option<Self> {
        match layout.size() {
            0 => Some(Self::NONE),
            // SAFETY: the layout's size is not zero.
            bytes => Some(Self { start: NonNull::new(unsafe { alloc_zeroed(layout) })?, bytes }),
        }
    }

    /// How many bytes there are.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Gives the bytes back to the system.
    pub fn free(self) {
        match Layout::from_size_align(self.bytes, ALIGNMENT) {
            // SAFETY: a block with bytes was allocated with this very layout, and is gone after this.
            Ok(layout) if self.bytes > 0 => unsafe { dealloc(self.start.as_ptr(), layout) },
            _ => {}
        }
    }

    /// Overwrites the first `bytes`, which there are.
    fn fill(&mut self, bytes: usize, byte: u8) {
        assert!(bytes <= self.bytes, "a block of {} bytes is asked for {bytes}", self.bytes);
        // SAFETY: the block has so many bytes, and owns them.
        unsafe { self.start.as_ptr().write_bytes(byte, bytes) }
    }
}

/// A type of the alignment of all blocks.
#[repr(align(64))]
struct Line;

/// An aligned, fixed-size array of one element type.
#[derive(Debug)]
pub struct Buffer<T> {
    /// Its first bytes are `len` valid elements.
    block: Block,
    len: usize,
    elements: PhantomData<T>,
}

impl<T: Element> Buffer<T> {
    /// A buffer of `len` zeros (`false` for `bool`).
    ///
    /// # Errors
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory) where the system has no such block of memory.
    pub fn zeros(len: usize) -> Result<Self> {
        let layout = Self::layout(len)?;
        let block = match pool::take(layout.size()) {
            Some(mut block) => {
                block.fill(layout.size(), 0);
                Some(block)
            }
            None => Block::zeros(layout),
        };
        // All-zero bytes are a valid value of every `Element`: the number zero and `false`.
        block.map(|block| Self::of(block, len)).ok_or_else(|| Self::refused(len))
    }

    /// A buffer of `len` elements that are to be overwritten: what they are before is not said.
    ///
    /// # Errors
    /// As [`zeros`](Self::zeros).
    pub fn scratch(len: usize) -> Result<Self> {
        let layout = Self::layout(len)?;
        match T::DTYPE {
            // Not every byte is a truth value.
            DType::Bool => Self::zeros(len),
            _ => match pool::take(layout.size()).or_else(|| Block::zeros(layout)) {
                Some(mut block) => {
                    if cfg!(debug_assertions) {
                        // NaNs and -1, so that tests find who reads an element before it is written.
                        block.fill(layout.size(), 0xFF);
                    }
                    // All bytes of a block are initialised, and any are a valid number.
                    Ok(Self::of(block, len))
                }
                None => Err(Self::refused(len)),
            },
        }
    }

    /// A copy of `elements`. Where memory runs out this aborts, as copying into a `Vec` does.
    pub fn from_slice(elements: &[T]) -> Self {
        let mut buffer =
            Self::scratch(elements.len()).unwrap_or_else(|_| handle_alloc_error(Layout::for_value(elements)));
        buffer.copy_from_slice(elements);
        buffer
    }

    fn layout(len: usize) -> Result<Layout> {
        let layout = Layout::array::<T>(len).and_then(|layout| layout.align_to(ALIGNMENT));
        layout.map_err(|_| Self::refused(len))
    }

    fn refused(len: usize) -> Error {
        Error::memory(format!("cannot allocate {len} elements of {}", T::DTYPE))
    }
}

impl<T> Buffer<T> {
    /// The first `len` elements of a block, which has room for them and holds valid ones.
    fn of(block: Block, len: usize) -> Self {
        Self { block, len, elements: PhantomData }
    }

    fn take_block(&mut self) -> Block {
        self.len = 0;
        mem::replace(&mut self.block, Block::NONE)
    }
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        pool::give(self.take_block());
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the block is aligned and starts with `len` valid elements, which `self` owns. Where `len` is 0 it
        // may be dangling, but is aligned.
        unsafe { std::slice::from_raw_parts(self.block.start.as_ptr().cast(), self.len) }
    }
}

impl<T> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and `&mut self` makes the access exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.block.start.as_ptr().cast(), self.len) }
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

    /// `len` elements of a dtype that are to be overwritten: what they are before is not said.
    ///
    /// # Errors
    /// As [`Buffer::zeros`].
    pub fn scratch(dtype: DType, len: usize) -> Result<Self> {
        Ok(match dtype {
            DType::F32 => Self::F32(Buffer::scratch(len)?),
            DType::F64 => Self::F64(Buffer::scratch(len)?),
            DType::I64 => Self::I64(Buffer::scratch(len)?),
            DType::Bool => Self::Bool(Buffer::scratch(len)?),
        })
    }

    /// Makes the same memory `len` elements of a dtype, to be overwritten. Where it is too small for them nothing is
    /// changed and the answer is `false`.
    pub fn retype(&mut self, dtype: DType, len: usize) -> bool {
        let Some(bytes) = len.checked_mul(dtype.size()).filter(|&bytes| bytes <= self.bytes()) else { return false };
        let mut block = match self {
            Self::F32(b) => b.take_block(),
            Self::F64(b) => b.take_block(),
            Self::I64(b) => b.take_block(),
            Self::Bool(b) => b.take_block(),
        };
        *self = match dtype {
            // All bytes of a block are initialised, and any are a valid number.
            DType::F32 => Self::F32(Buffer::of(block, len)),
            DType::F64 => Self::F64(Buffer::of(block, len)),
            DType::I64 => Self::I64(Buffer::of(block, len)),
            // But not any is a truth value.
            DType::Bool => {
                block.fill(bytes, 0);
                Self::Bool(Buffer::of(block, len))
            }
        };
        true
    }

    /// The bytes that it can hold.
    pub fn bytes(&self) -> usize {
        match self {
            Self::F32(b) => b.block.bytes(),
            Self::F64(b) => b.block.bytes(),
            Self::I64(b) => b.block.bytes(),
            Self::Bool(b) => b.block.bytes(),
        }
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
        Self::Bool(Buffer::of(Block::NONE, 0))
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
            assert_eq!(b.as_ptr() as usize % ALIGNMENT, 0);
            b.iter_mut().for_each(|x| *x = 1.0);
            assert_eq!(b.iter().sum::<f32>(), len as f32);
        }
    }

    #[test]
    fn what_cannot_be_addressed_is_an_error() {
        let err = Buffer::<f64>::zeros(usize::MAX / 8).unwrap_err();
        assert!(err.to_string().contains("cannot allocate"), "{err}");
    }

    #[test]
    fn memory_becomes_any_dtype_that_fits() {
        let mut storage = Storage::scratch(DType::F64, 100).unwrap();
        for (dtype, len) in [(DType::F32, 200), (DType::Bool, 800), (DType::I64, 3), (DType::F64, 100)] {
            assert!(storage.retype(dtype, len));
            assert_eq!((storage.dtype(), storage.len(), storage.bytes()), (dtype, len, 800));
        }
        assert!(!storage.retype(DType::F64, 101) && !storage.retype(DType::F64, usize::MAX));
        assert_eq!(storage.len(), 100);
        assert!(storage.retype(DType::Bool, 5));
        assert!(matches!(storage.data(), Data::Bool([false, false, false, false, false])));
    }
}

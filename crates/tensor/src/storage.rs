//! Where elements live: 64-byte-aligned buffers, shared by every view of them.
//!
//! A buffer is always initialised, and is written only while nothing else shares it. The memory of large buffers is
//! kept for the next ([`pool`](crate::pool)). This and `kernel/` are the only files in the workspace that may hold
//! `unsafe` code.

#![allow(unsafe_code, reason = "owns aligned memory")]

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc, handle_alloc_error};
use std::marker::PhantomData;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

use crate::dtype::{DType, Element};
use crate::error::{Error, Result};
use crate::half::{Bf16, F16};
use crate::pool;
use crate::view::{Data, DataMut};

/// Every buffer starts on a cache line, which is also the width of the widest vector register.
pub const ALIGNMENT: usize = 64;

/// Aligned bytes, all of them initialised. They leak where they are not [freed](Self::free).
///
/// No two blocks have a byte in common. One that is cut shares what it was cut from with the rest: the bytes are freed when
/// the last piece is.
#[derive(Debug)]
pub(crate) struct Block {
    start: NonNull<u8>,
    bytes: usize,
    /// What it is a piece of, if it was ever cut.
    whole: Option<Arc<Whole>>,
}

/// What pieces were cut from, to be freed with the last.
#[derive(Debug)]
struct Whole {
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: nothing but freeing the bytes is ever done by it, which any thread may do.
unsafe impl Send for Whole {}
// SAFETY: a shared one gives access to nothing.
unsafe impl Sync for Whole {}

impl Drop for Whole {
    fn drop(&mut self) {
        // All pieces are gone, so this owns the bytes again.
        pool::give(Block { start: self.start, bytes: self.bytes, whole: None });
    }
}

// SAFETY: a block owns its bytes as a `Box<[u8]>` does.
unsafe impl Send for Block {}
// SAFETY: a shared block gives access to none of them.
unsafe impl Sync for Block {}

impl Block {
    /// No bytes, at a place where every element type is aligned. Nothing is allocated.
    const NONE: Self = Self { start: NonNull::<Line>::dangling().cast(), bytes: 0, whole: None };

    /// Zeros from the system, or `None` where it has no more.
    fn zeros(layout: Layout) -> Option<Self> {
        match layout.size() {
            0 => Some(Self::NONE),
            bytes if bytes < HUGE => {
                // SAFETY: the layout's size is not zero.
                Some(Self { start: NonNull::new(unsafe { alloc_zeroed(layout) })?, bytes, whole: None })
            }
            bytes => {
                // SAFETY: likewise.
                let start = NonNull::new(unsafe { alloc(layout) })?;
                in_huge_pages(start, bytes);
                // SAFETY: so many bytes were just allocated.
                unsafe { start.as_ptr().write_bytes(0, bytes) };
                Some(Self { start, bytes, whole: None })
            }
        }
    }

    /// How many bytes there are.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether it is a piece of something.
    pub fn is_piece(&self) -> bool {
        self.whole.is_some()
    }

    /// Cuts off all bytes from `at` on, which is a multiple of the alignment and within.
    fn cut(&mut self, at: usize) -> Option<Self> {
        if at == 0 || at >= self.bytes || !at.is_multiple_of(ALIGNMENT) {
            return None;
        }
        let (start, bytes) = (self.start, self.bytes);
        let whole = self.whole.get_or_insert_with(|| Arc::new(Whole { start, bytes })).clone();
        self.bytes = at;
        // SAFETY: the place is within the block.
        let start = unsafe { start.add(at) };
        Some(Self { start, bytes: bytes - at, whole: Some(whole) })
    }

    /// Makes this and `next` one again. What was not cut off behind this is returned.
    fn join(&mut self, next: Self) -> Option<Self> {
        let same = match (&self.whole, &next.whole) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        };
        // SAFETY: one past the end of the block, which is within its whole or at its end.
        if !same || unsafe { self.start.add(self.bytes) } != next.start {
            return Some(next);
        }
        self.bytes += next.bytes;
        None
    }

    /// Gives the bytes back to the system, or to the whole that they are a piece of.
    pub fn free(self) {
        if self.is_piece() {
            return;
        }
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

/// From so many bytes on, pages of 2 MiB are asked for: a kernel that goes through memory in strides, or through much of it,
/// waits for fewer page tables.
const HUGE: usize = 4 << 20;

/// Asks the system to give a block, which nobody has touched, larger pages. It is free not to.
#[cfg(all(target_os = "linux", not(miri)))]
fn in_huge_pages(start: NonNull<u8>, bytes: usize) {
    use std::ffi::{c_int, c_void};

    unsafe extern "C" {
        fn madvise(start: *mut c_void, bytes: usize, advice: c_int) -> c_int;
    }
    const HUGEPAGE: c_int = 14;
    /// What ranges of advice are multiples of, wherever pages are no larger; elsewhere they are refused, which does no harm.
    const PAGE: usize = 4096;

    let before = start.as_ptr().align_offset(PAGE);
    // SAFETY: the range is within the block, which this call has alone, and the advice changes no byte of it.
    unsafe { madvise(start.as_ptr().add(before).cast(), (bytes - before) / PAGE * PAGE, HUGEPAGE) };
}

#[cfg(not(all(target_os = "linux", not(miri))))]
fn in_huge_pages(_: NonNull<u8>, _: usize) {}

/// A type of the alignment of all blocks.
#[repr(align(64))]
struct Line;

/// An aligned, fixed-size array of one element type.
#[derive(Debug)]
pub struct Aligned<T> {
    /// Its first bytes are `len` valid elements.
    block: Block,
    len: usize,
    elements: PhantomData<T>,
}

impl<T: Element> Aligned<T> {
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

impl<T> Aligned<T> {
    /// The first `len` elements of a block, which has room for them and holds valid ones.
    fn of(block: Block, len: usize) -> Self {
        Self { block, len, elements: PhantomData }
    }

    #[inline]
    fn take_block(&mut self) -> Block {
        self.len = 0;
        mem::replace(&mut self.block, Block::NONE)
    }
}

impl<T> Drop for Aligned<T> {
    #[inline]
    fn drop(&mut self) {
        // Storage moves about while programs run, and mostly this is the nothing that it left.
        if self.block.bytes > 0 {
            pool::give(self.take_block());
        }
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the block is aligned and starts with `len` valid elements, which `self` owns. Where `len` is 0 it
        // may be dangling, but is aligned.
        unsafe { std::slice::from_raw_parts(self.block.start.as_ptr().cast(), self.len) }
    }
}

impl<T> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and `&mut self` makes the access exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.block.start.as_ptr().cast(), self.len) }
    }
}

/// A buffer whose element type is known at run time.
#[derive(Debug)]
pub enum Storage {
    /// Elements of `f32`.
    F32(Aligned<f32>),
    /// Elements of `f64`.
    F64(Aligned<f64>),
    /// Elements of `i64`.
    I64(Aligned<i64>),
    /// Elements of `bool`.
    Bool(Aligned<bool>),
    /// Elements of `bf16`.
    BF16(Aligned<Bf16>),
    /// Elements of `f16`.
    F16(Aligned<F16>),
}

impl Storage {
    /// `len` zeros of a dtype.
    ///
    /// # Errors
    /// As [`Aligned::zeros`].
    pub fn zeros(dtype: DType, len: usize) -> Result<Self> {
        Ok(match dtype {
            DType::F32 => Self::F32(Aligned::zeros(len)?),
            DType::F64 => Self::F64(Aligned::zeros(len)?),
            DType::I64 => Self::I64(Aligned::zeros(len)?),
            DType::Bool => Self::Bool(Aligned::zeros(len)?),
            DType::BF16 => Self::BF16(Aligned::zeros(len)?),
            DType::F16 => Self::F16(Aligned::zeros(len)?),
        })
    }

    /// `len` elements of a dtype that are to be overwritten: what they are before is not said.
    ///
    /// # Errors
    /// As [`Aligned::zeros`].
    pub fn scratch(dtype: DType, len: usize) -> Result<Self> {
        Ok(match dtype {
            DType::F32 => Self::F32(Aligned::scratch(len)?),
            DType::F64 => Self::F64(Aligned::scratch(len)?),
            DType::I64 => Self::I64(Aligned::scratch(len)?),
            DType::Bool => Self::Bool(Aligned::scratch(len)?),
            DType::BF16 => Self::BF16(Aligned::scratch(len)?),
            DType::F16 => Self::F16(Aligned::scratch(len)?),
        })
    }

    /// Makes the same memory `len` elements of a dtype, to be overwritten. Where it is too small for them nothing is
    /// changed and the answer is `false`.
    pub fn retype(&mut self, dtype: DType, len: usize) -> bool {
        let Some(bytes) = len.checked_mul(dtype.size()).filter(|&bytes| bytes <= self.bytes()) else { return false };
        let mut block = self.take_block();
        *self = match dtype {
            // All bytes of a block are initialised, and any are a valid number.
            DType::F32 => Self::F32(Aligned::of(block, len)),
            DType::F64 => Self::F64(Aligned::of(block, len)),
            DType::I64 => Self::I64(Aligned::of(block, len)),
            DType::BF16 => Self::BF16(Aligned::of(block, len)),
            DType::F16 => Self::F16(Aligned::of(block, len)),
            // But not any is a truth value.
            DType::Bool => {
                block.fill(bytes, 0);
                Self::Bool(Aligned::of(block, len))
            }
        };
        true
    }

    fn take_block(&mut self) -> Block {
        match self {
            Self::F32(b) => b.take_block(),
            Self::F64(b) => b.take_block(),
            Self::I64(b) => b.take_block(),
            Self::Bool(b) => b.take_block(),
            Self::BF16(b) => b.take_block(),
            Self::F16(b) => b.take_block(),
        }
    }

    fn block_mut(&mut self) -> &mut Block {
        match self {
            Self::F32(b) => &mut b.block,
            Self::F64(b) => &mut b.block,
            Self::I64(b) => &mut b.block,
            Self::Bool(b) => &mut b.block,
            Self::BF16(b) => &mut b.block,
            Self::F16(b) => &mut b.block,
        }
    }

    /// A block as elements to be overwritten: any bytes are some number.
    fn of_numbers(block: Block) -> Self {
        let len = block.bytes() / size_of::<f32>();
        Self::F32(Aligned::of(block, len))
    }

    /// Cuts the memory in two: what it has from byte `at` on is returned. Both are to be overwritten, and no part is copied.
    /// `None`, and nothing changed, where `at` is no multiple of [`ALIGNMENT`] within.
    pub fn cut(&mut self, at: usize) -> Option<Self> {
        let rest = self.block_mut().cut(at)?;
        let block = self.take_block();
        *self = Self::of_numbers(block);
        Some(Self::of_numbers(rest))
    }

    /// Joins the memory with `next`, which was [cut](Self::cut) off behind it; it is to be overwritten. Where it was not,
    /// `next` is dropped, this is unchanged but to be overwritten, and the answer is `false`.
    pub fn join(&mut self, mut next: Self) -> bool {
        let mut block = self.take_block();
        let left = block.join(next.take_block()).map(Self::of_numbers);
        *self = Self::of_numbers(block);
        left.is_none()
    }

    /// The bytes that it can hold.
    pub fn bytes(&self) -> usize {
        match self {
            Self::F32(b) => b.block.bytes(),
            Self::F64(b) => b.block.bytes(),
            Self::I64(b) => b.block.bytes(),
            Self::Bool(b) => b.block.bytes(),
            Self::BF16(b) => b.block.bytes(),
            Self::F16(b) => b.block.bytes(),
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
            Self::BF16(_) => DType::BF16,
            Self::F16(_) => DType::F16,
        }
    }

    /// All elements, to read.
    pub fn data(&self) -> Data<'_> {
        match self {
            Self::F32(b) => Data::F32(b),
            Self::F64(b) => Data::F64(b),
            Self::I64(b) => Data::I64(b),
            Self::Bool(b) => Data::Bool(b),
            Self::BF16(b) => Data::BF16(b),
            Self::F16(b) => Data::F16(b),
        }
    }

    /// All elements, to write.
    pub fn data_mut(&mut self) -> DataMut<'_> {
        match self {
            Self::F32(b) => DataMut::F32(b),
            Self::F64(b) => DataMut::F64(b),
            Self::I64(b) => DataMut::I64(b),
            Self::Bool(b) => DataMut::Bool(b),
            Self::BF16(b) => DataMut::BF16(b),
            Self::F16(b) => DataMut::F16(b),
        }
    }
}

impl Default for Storage {
    /// No elements, of `bool`: what is left where storage was moved out. It is not allocated.
    fn default() -> Self {
        Self::Bool(Aligned::of(Block::NONE, 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_zeroed_and_writable() {
        for len in [0, 1, 3, 64, 1000] {
            let mut b = Aligned::<f32>::zeros(len).unwrap();
            assert_eq!(b.len(), len);
            assert!(b.iter().all(|&x| x == 0.0));
            assert_eq!(b.as_ptr() as usize % ALIGNMENT, 0);
            b.iter_mut().for_each(|x| *x = 1.0);
            assert_eq!(b.iter().sum::<f32>(), len as f32);
        }
    }

    #[test]
    fn what_cannot_be_addressed_is_an_error() {
        let err = Aligned::<f64>::zeros(usize::MAX / 8).unwrap_err();
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

    #[test]
    fn memory_is_cut_and_joined() {
        let mut a = Storage::scratch(DType::F64, 64).unwrap();
        assert!(a.cut(0).is_none() && a.cut(512).is_none() && a.cut(100).is_none());
        assert_eq!((a.dtype(), a.len()), (DType::F64, 64));
        let mut b = a.cut(128).unwrap();
        let mut c = b.cut(64).unwrap();
        assert_eq!([a.bytes(), b.bytes(), c.bytes()], [128, 64, 320]);
        for (storage, x) in [(&mut a, 1.0), (&mut b, 2.0), (&mut c, 3.0)] {
            let len = storage.bytes() / 8;
            assert!(storage.retype(DType::F64, len));
            let DataMut::F64(data) = storage.data_mut() else { panic!("it is of f64") };
            data.fill(x);
        }
        assert!(matches!(b.data(), Data::F64(x) if x == [2.0; 8]));
        assert!(!a.join(Storage::scratch(DType::F64, 64).unwrap()), "nothing is joined that was not cut");
        assert!(b.join(c) && a.join(b));
        assert_eq!(a.bytes(), 512);
        let b = a.cut(64).unwrap();
        drop(a);
        assert_eq!(b.bytes(), 448);
    }
}

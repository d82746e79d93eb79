//! [`Tensor`]: shared storage seen through a layout.
//!
//! Cloning a tensor and taking a view of it copies no elements. A tensor's elements never change
//! while another tensor shares them.

use std::mem;
use std::sync::Arc;

use crate::dtype::{DType, Element, Scalar};
use crate::error::{Error, Result};
use crate::kernel::copy;
use crate::layout::Layout;
use crate::shape::Shape;
use crate::storage::{Aligned, Storage};
use crate::view::{Data, View, ViewMut};

/// An n-dimensional array of one dtype.
///
/// ```
/// use wengert_tensor::Tensor;
/// let x = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
/// let y = x.t().matmul(&x)?;
/// assert_eq!(y.shape()[..], [3, 3]);
/// assert_eq!(y.to_vec::<f64>()?[0], 17.0);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Clone)]
pub struct Tensor {
    storage: Arc<Storage>,
    layout: Layout,
}

impl Tensor {
    /// A new tensor whose elements `fill` writes, all of them: what they are before is not said.
    ///
    /// # Errors
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory) where it cannot be allocated, and what `fill` returns.
    pub fn build(dtype: DType, shape: impl Into<Shape>, fill: impl FnOnce(ViewMut<'_>) -> Result<()>) -> Result<Self> {
        let shape = shape.into();
        let mut storage = Storage::scratch(dtype, shape.numel_checked()?)?;
        fill(ViewMut::new(storage.data_mut(), &shape)?)?;
        Ok(Self { storage: Arc::new(storage), layout: Layout::contiguous(shape) })
    }

    /// As [`build`](Self::build), for an element type known at compile time, and of zeros before.
    pub(crate) fn build_typed<T: Element>(shape: Shape, fill: impl FnOnce(&mut [T]) -> Result<()>) -> Result<Self> {
        let mut buffer = Aligned::zeros(shape.numel_checked()?)?;
        fill(&mut buffer)?;
        Ok(Self { storage: Arc::new(T::store(buffer)), layout: Layout::contiguous(shape) })
    }

    /// A buffer's elements, in row-major order, as `shape`, which has as many.
    pub(crate) fn from_buffer<T: Element>(buffer: Aligned<T>, shape: Shape) -> Self {
        debug_assert_eq!(buffer.len(), shape.numel());
        Self { storage: Arc::new(T::store(buffer)), layout: Layout::contiguous(shape) }
    }

    /// Storage seen through a layout.
    ///
    /// # Errors
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) where the layout reaches outside the storage.
    pub fn from_storage(storage: Storage, layout: Layout) -> Result<Self> {
        View::new(storage.data(), &layout)?;
        Ok(Self { storage: Arc::new(storage), layout })
    }

    /// The same storage through another layout.
    ///
    /// # Errors
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) where the layout reaches outside the storage,
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory) where its shape has more elements than memory can address.
    pub fn with_layout(&self, layout: Layout) -> Result<Self> {
        layout.shape().numel_checked()?;
        View::new(self.storage.data(), &layout)?;
        Ok(Self { storage: self.storage.clone(), layout })
    }

    /// Takes the storage out and leaves no elements, of `bool` and shape `[0]`. Where another tensor shares the storage
    /// nothing is taken.
    pub fn take_storage(&mut self) -> Option<Storage> {
        let storage = mem::take(Arc::get_mut(&mut self.storage)?);
        self.layout = Layout::contiguous([0].into());
        Some(storage)
    }

    /// Makes this tensor a view of other storage, as [`from_storage`](Self::from_storage) does, without an allocation where
    /// no other tensor shares what it had.
    ///
    /// # Errors
    /// As [`from_storage`](Self::from_storage); the tensor is then unchanged.
    pub fn put_storage(&mut self, storage: Storage, layout: &Layout) -> Result<()> {
        View::new(storage.data(), layout)?;
        match Arc::get_mut(&mut self.storage) {
            Some(own) => *own = storage,
            None => self.storage = Arc::new(storage),
        }
        self.layout.clone_from(layout);
        Ok(())
    }

    /// Makes all elements `value`, of the tensor's dtype; in place, unless another tensor shares them.
    ///
    /// # Errors
    /// Another dtype, or no memory for a copy.
    pub fn set(&mut self, value: Scalar) -> Result<()> {
        if value.dtype() != self.dtype() {
            return Err(Error::dtype(format!("set: {value:?} in a tensor of {}", self.dtype())));
        }
        let whole = self.layout.is_contiguous() && self.layout.offset() == 0;
        match Arc::get_mut(&mut self.storage).filter(|storage| whole && storage.len() == self.layout.numel()) {
            Some(storage) => copy::fill(value, ViewMut::new(storage.data_mut(), self.layout.shape())?),
            None => {
                *self = Self::full(self.shape(), value)?;
                Ok(())
            }
        }
    }

    /// Borrowed for a kernel to read.
    pub fn view(&self) -> View<'_> {
        View::new(self.storage.data(), &self.layout).expect("a tensor's layout is valid for its storage")
    }

    /// All of the storage, of which the layout finds the elements.
    pub fn data(&self) -> Data<'_> {
        self.storage.data()
    }

    /// The dtype of the elements.
    pub fn dtype(&self) -> DType {
        self.storage.dtype()
    }

    /// The sizes of the axes.
    pub fn shape(&self) -> &Shape {
        self.layout.shape()
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        self.shape().rank()
    }

    /// The number of elements.
    pub fn numel(&self) -> usize {
        self.layout.numel()
    }

    /// How the elements lie in storage.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Whether this tensor and `other` are views of the same storage.
    pub fn shares_storage(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.storage, &other.storage)
    }
}

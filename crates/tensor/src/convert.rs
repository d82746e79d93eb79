//! Tensors from Rust values and back: nested arrays, slices, single elements, iteration, casts.
//!
//! Nothing here changes a dtype except [`Tensor::cast`]; reading elements as another type than they
//! are is an error. `From` conversions copy elements that already lie in memory: they cannot fail,
//! and abort as `Vec` does where memory runs out. Every other constructor returns a `Result`.

use smallvec::SmallVec;

use crate::dtype::{DType, Element, Scalar};
use crate::error::{Error, Result};
use crate::kernel::{cast, copy, each, with_element};
use crate::layout::Layout;
use crate::shape::Shape;
use crate::storage::Aligned;
use crate::tensor::Tensor;
use crate::view::Strided;

fn from_elements<T: Element>(elements: &[T], shape: Shape) -> Tensor {
    Tensor::from_buffer(Aligned::from_slice(elements), shape)
}

/// A tensor of rank 0.
impl<T: Element> From<T> for Tensor {
    fn from(x: T) -> Self {
        from_elements(&[x], Shape::default())
    }
}

/// A tensor of rank 0.
impl From<Scalar> for Tensor {
    fn from(x: Scalar) -> Self {
        match x {
            Scalar::F32(x) => x.into(),
            Scalar::F64(x) => x.into(),
            Scalar::I64(x) => x.into(),
            Scalar::Bool(x) => x.into(),
            Scalar::BF16(x) => x.into(),
            Scalar::F16(x) => x.into(),
        }
    }
}

/// A tensor of rank 1.
impl<T: Element> From<Vec<T>> for Tensor {
    fn from(x: Vec<T>) -> Self {
        Self::from(&x[..])
    }
}

/// A tensor of rank 1.
impl<T: Element> From<&[T]> for Tensor {
    fn from(x: &[T]) -> Self {
        from_elements(x, [x.len()].into())
    }
}

/// A tensor of rank 1.
impl<T: Element, const A: usize> From<[T; A]> for Tensor {
    fn from(x: [T; A]) -> Self {
        from_elements(&x, [A].into())
    }
}

/// A tensor of rank 2.
impl<T: Element, const A: usize, const B: usize> From<[[T; B]; A]> for Tensor {
    fn from(x: [[T; B]; A]) -> Self {
        from_elements(x.as_flattened(), [A, B].into())
    }
}

/// A tensor of rank 3.
impl<T: Element, const A: usize, const B: usize, const C: usize> From<[[[T; C]; B]; A]> for Tensor {
    fn from(x: [[[T; C]; B]; A]) -> Self {
        from_elements(x.as_flattened().as_flattened(), [A, B, C].into())
    }
}

/// A tensor of rank 4.
impl<T: Element, const A: usize, const B: usize, const C: usize, const D: usize> From<[[[[T; D]; C]; B]; A]>
    for Tensor
{
    fn from(x: [[[[T; D]; C]; B]; A]) -> Self {
        from_elements(x.as_flattened().as_flattened().as_flattened(), [A, B, C, D].into())
    }
}

impl Tensor {
    /// The elements of `vec`, in row-major order, as a tensor of `shape`.
    ///
    /// # Errors
    /// As [`from_slice`](Self::from_slice).
    #[allow(clippy::needless_pass_by_value, reason = "the usual signature; aligned storage has to copy")]
    pub fn from_vec<T: Element>(vec: Vec<T>, shape: impl Into<Shape>) -> Result<Self> {
        Self::filled_from("from_vec", &vec, shape.into())
    }

    /// The elements of `slice`, in row-major order, as a tensor of `shape`.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let x = Tensor::from_slice(&[1, 2, 3, 4, 5, 6], [2, 3])?;
    /// assert_eq!(x, Tensor::from([[1, 2, 3], [4, 5, 6]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where the shape has another number of elements,
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory) where it cannot be allocated.
    pub fn from_slice<T: Element>(slice: &[T], shape: impl Into<Shape>) -> Result<Self> {
        Self::filled_from("from_slice", slice, shape.into())
    }

    fn filled_from<T: Element>(op: &str, elements: &[T], shape: Shape) -> Result<Self> {
        let (given, wanted) = (elements.len(), shape.numel());
        if given != wanted {
            return Err(Error::shape(format!("{op}: {given} elements for shape {shape} of {wanted}")));
        }
        Self::build_typed(shape, |out| {
            out.copy_from_slice(elements);
            Ok(())
        })
    }

    /// All elements in row-major order.
    ///
    /// # Errors
    /// [`ErrorKind::DType`](crate::ErrorKind::DType) where `T` is not the tensor's dtype,
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory) where a broadcast tensor is too large to write out.
    #[doc(alias = "tolist")]
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        let strided = self.view().typed::<T>("to_vec")?;
        let mut out = Vec::new();
        out.try_reserve_exact(self.numel())
            .map_err(|_| Error::memory(format!("to_vec: shape {} is too large to write out", self.shape())))?;
        match strided.as_slice() {
            Some(slice) => out.extend_from_slice(slice),
            None => out.extend(Elements::new(strided)),
        }
        Ok(out)
    }

    /// All elements in row-major order, whatever the layout, without copying the tensor.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let x = Tensor::from([[1, 2], [3, 4]]);
    /// assert!(x.t().iter::<i64>()?.eq([1, 3, 2, 4]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::DType`](crate::ErrorKind::DType) where `T` is not the tensor's dtype.
    pub fn iter<T: Element>(&self) -> Result<impl ExactSizeIterator<Item = T> + '_> {
        Ok(Elements::new(self.view().typed::<T>("iter")?))
    }

    /// The elements as one slice, where they are of type `T` and lie in row-major order.
    pub fn as_slice<T: Element>(&self) -> Option<&[T]> {
        self.view().typed::<T>("as_slice").ok()?.as_slice()
    }

    /// The element at `index`, one number for each axis.
    ///
    /// # Errors
    /// [`ErrorKind::DType`](crate::ErrorKind::DType) where `T` is not the tensor's dtype,
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) where there is no such element.
    pub fn get<T: Element>(&self, index: &[usize]) -> Result<T> {
        let strided = self.view().typed::<T>("get")?;
        let shape = self.shape();
        if index.len() != shape.rank() || index.iter().zip(shape.iter()).any(|(i, size)| i >= size) {
            return Err(Error::index(format!("get: index {index:?} is outside shape {shape}")));
        }
        Ok(strided.data[strided.layout.place(index)])
    }

    /// The only element, with its dtype.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where there is not exactly one element.
    pub fn scalar(&self) -> Result<Scalar> {
        self.only("scalar")
    }

    /// The only element, of any dtype, as an `f64`: exact, but for integers beyond 2^53.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// assert_eq!(Tensor::from([[7]]).item()?, 7.0);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where there is not exactly one element.
    pub fn item(&self) -> Result<f64> {
        Ok(self.only("item")?.to_f64())
    }

    fn only(&self, op: &str) -> Result<Scalar> {
        if self.numel() != 1 {
            let (n, shape) = (self.numel(), self.shape());
            return Err(Error::shape(format!("{op}: expected one element, got {n} of shape {shape}")));
        }
        Ok(with_element!(self.dtype(), T => {
            let x = self.view().typed::<T>(op)?;
            x.data[x.layout.offset()].into()
        }))
    }

    /// The elements converted to `dtype` as Rust's `as` does: floats to integers are truncated towards
    /// zero and clamped, NaN becomes 0; numbers are `true` unless zero. To half precision they are rounded once, to the
    /// nearest value, of two equally near ones the even one. Itself where it has that dtype.
    ///
    /// ```
    /// use wengert_tensor::{DType, Tensor};
    /// let x = Tensor::from([0.1, 1.0, 70000.0]);
    /// assert_eq!(x.cast(DType::F16)?.cast(DType::F64)?, Tensor::from([0.0999755859375, 1.0, f64::INFINITY]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory) where the result cannot be allocated.
    #[doc(alias = "to")]
    #[doc(alias = "astype")]
    pub fn cast(&self, dtype: DType) -> Result<Self> {
        if dtype == self.dtype() {
            return Ok(self.clone());
        }
        Self::build(dtype, self.shape(), |out| each::map("cast", &[self.view()], out, &cast::cast))
    }

    /// The same elements lying in row-major order: itself where they do, else a copy.
    ///
    /// # Errors
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory) where the result cannot be allocated.
    #[doc(alias = "ascontiguousarray")]
    pub fn contiguous(&self) -> Result<Self> {
        if self.layout().is_contiguous() {
            return Ok(self.clone());
        }
        Self::build(self.dtype(), self.shape(), |out| copy::copy(self.view(), out))
    }
}

/// The elements of a strided operand in row-major order: an odometer over its index.
struct Elements<'a, T> {
    data: &'a [T],
    layout: &'a Layout,
    index: SmallVec<[usize; 4]>,
    place: isize,
    left: usize,
}

impl<'a, T> Elements<'a, T> {
    fn new(Strided { data, layout }: Strided<'a, T>) -> Self {
        let index = SmallVec::from_elem(0, layout.shape().rank());
        Self { data, layout, index, place: layout.offset() as isize, left: layout.numel() }
    }
}

impl<T: Copy> Iterator for Elements<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        let x = self.data[self.place as usize];
        for (axis, i) in self.index.iter_mut().enumerate().rev() {
            let (size, stride) = (self.layout.shape()[axis], self.layout.strides()[axis]);
            *i += 1;
            if *i < size {
                self.place += stride;
                break;
            }
            *i = 0;
            self.place -= (size - 1) as isize * stride;
        }
        Some(x)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T: Copy> ExactSizeIterator for Elements<'_, T> {}

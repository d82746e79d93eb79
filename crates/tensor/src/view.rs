//! Borrowed tensors: what kernels read and write.
//!
//! A [`View`] is strided data to read; a [`ViewMut`] is row-major data to write. They borrow from a
//! [`Tensor`](crate::Tensor) or from any other memory (a planned buffer), so a kernel allocates
//! nothing for its operands or its result.

use crate::dtype::{DType, Element};
use crate::error::{Error, Result};
use crate::half::{Bf16, F16};
use crate::layout::Layout;

/// Elements to read, of a type known at run time.
#[derive(Debug, Clone, Copy)]
pub enum Data<'a> {
    /// Elements of `f32`.
    F32(&'a [f32]),
    /// Elements of `f64`.
    F64(&'a [f64]),
    /// Elements of `i64`.
    I64(&'a [i64]),
    /// Elements of `bool`.
    Bool(&'a [bool]),
    /// Elements of `bf16`.
    BF16(&'a [Bf16]),
    /// Elements of `f16`.
    F16(&'a [F16]),
}

/// Elements to write, of a type known at run time.
#[derive(Debug)]
pub enum DataMut<'a> {
    /// Elements of `f32`.
    F32(&'a mut [f32]),
    /// Elements of `f64`.
    F64(&'a mut [f64]),
    /// Elements of `i64`.
    I64(&'a mut [i64]),
    /// Elements of `bool`.
    Bool(&'a mut [bool]),
    /// Elements of `bf16`.
    BF16(&'a mut [Bf16]),
    /// Elements of `f16`.
    F16(&'a mut [F16]),
}

impl<'a> Data<'a> {
    /// The elements of a range, which lies within.
    #[inline]
    pub fn range(self, range: std::ops::Range<usize>) -> Data<'a> {
        match self {
            Self::F32(d) => Data::F32(&d[range]),
            Self::F64(d) => Data::F64(&d[range]),
            Self::I64(d) => Data::I64(&d[range]),
            Self::Bool(d) => Data::Bool(&d[range]),
            Self::BF16(d) => Data::BF16(&d[range]),
            Self::F16(d) => Data::F16(&d[range]),
        }
    }

    /// The dtype of the elements.
    #[inline]
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

    /// The number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            Self::F32(d) => d.len(),
            Self::F64(d) => d.len(),
            Self::I64(d) => d.len(),
            Self::Bool(d) => d.len(),
            Self::BF16(d) => d.len(),
            Self::F16(d) => d.len(),
        }
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a> DataMut<'a> {
    /// The same elements, borrowed for a shorter time.
    #[inline]
    pub fn reborrow(&mut self) -> DataMut<'_> {
        match self {
            Self::F32(d) => DataMut::F32(d),
            Self::F64(d) => DataMut::F64(d),
            Self::I64(d) => DataMut::I64(d),
            Self::Bool(d) => DataMut::Bool(d),
            Self::BF16(d) => DataMut::BF16(d),
            Self::F16(d) => DataMut::F16(d),
        }
    }

    /// The same elements, to read.
    #[inline]
    pub fn data(&self) -> Data<'_> {
        match self {
            Self::F32(d) => Data::F32(d),
            Self::F64(d) => Data::F64(d),
            Self::I64(d) => Data::I64(d),
            Self::Bool(d) => Data::Bool(d),
            Self::BF16(d) => Data::BF16(d),
            Self::F16(d) => Data::F16(d),
        }
    }

    /// The first `n` elements, which there are, and the rest.
    #[inline]
    pub fn split_at_mut(self, n: usize) -> (DataMut<'a>, DataMut<'a>) {
        macro_rules! split {
            ($($variant:ident),*) => {
                match self {
                    $(Self::$variant(d) => {
                        let (low, high) = d.split_at_mut(n);
                        (DataMut::$variant(low), DataMut::$variant(high))
                    })*
                }
            };
        }
        split!(F32, F64, I64, Bool, BF16, F16)
    }

    /// The elements of a range, which lies within.
    #[inline]
    pub fn range(self, range: std::ops::Range<usize>) -> DataMut<'a> {
        match self {
            Self::F32(d) => DataMut::F32(&mut d[range]),
            Self::F64(d) => DataMut::F64(&mut d[range]),
            Self::I64(d) => DataMut::I64(&mut d[range]),
            Self::Bool(d) => DataMut::Bool(&mut d[range]),
            Self::BF16(d) => DataMut::BF16(&mut d[range]),
            Self::F16(d) => DataMut::F16(&mut d[range]),
        }
    }

    /// The dtype of the elements.
    #[inline]
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

    /// The number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            Self::F32(d) => d.len(),
            Self::F64(d) => d.len(),
            Self::I64(d) => d.len(),
            Self::Bool(d) => d.len(),
            Self::BF16(d) => d.len(),
            Self::F16(d) => d.len(),
        }
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Default for DataMut<'_> {
    /// No elements: what is left where data was moved out.
    #[inline]
    fn default() -> Self {
        Self::Bool(&mut [])
    }
}

/// A tensor to read: data and the layout that finds its elements.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    data: Data<'a>,
    layout: &'a Layout,
}

/// A layout with how far it reaches, which else every view by it counts anew.
#[derive(Debug, Clone)]
pub struct Frame {
    layout: Layout,
    span: usize,
}

impl Frame {
    /// The frame of a layout.
    pub fn new(layout: Layout) -> Self {
        Self { span: layout.span(), layout }
    }

    /// The layout.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }
}

impl<'a> View<'a> {
    /// A view of `data` by `layout`.
    ///
    /// # Errors
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) where the layout reaches outside the data.
    pub fn new(data: Data<'a>, layout: &'a Layout) -> Result<Self> {
        if layout.span() > data.len() {
            let (shape, len) = (layout.shape(), data.len());
            return Err(Error::index(format!("view: shape {shape} reaches outside its {len} elements")));
        }
        Ok(Self { data, layout })
    }

    /// A view of `data` by a layout whose reach is known.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    #[inline]
    pub fn framed(data: Data<'a>, frame: &'a Frame) -> Result<Self> {
        match frame.span <= data.len() {
            true => Ok(Self { data, layout: &frame.layout }),
            false => Self::new(data, &frame.layout),
        }
    }

    /// The same data through another layout.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn through<'b>(&self, layout: &'b Layout) -> Result<View<'b>>
    where
        'a: 'b,
    {
        View::new(self.data, layout)
    }

    /// The dtype of the elements.
    pub fn dtype(&self) -> DType {
        self.data.dtype()
    }

    /// The sizes of the axes.
    pub fn shape(&self) -> &'a crate::Shape {
        self.layout.shape()
    }

    /// The layout.
    pub fn layout(&self) -> &'a Layout {
        self.layout
    }

    /// All the data that the layout reaches into.
    pub fn data(&self) -> Data<'a> {
        self.data
    }

    /// The elements alone, where they lie one after another in row-major order.
    pub fn side_by_side(&self) -> Option<Data<'a>> {
        let start = self.layout.offset();
        self.layout.is_contiguous().then(|| self.data.range(start..start + self.layout.numel()))
    }

    /// The view as elements of `T`, or an error that names the operation that wanted it.
    ///
    /// # Errors
    /// [`ErrorKind::DType`](crate::ErrorKind::DType) where the elements are of another type.
    #[inline(always)]
    pub fn typed<T: Element>(&self, op: &str) -> Result<Strided<'a, T>> {
        match T::slice(self.data) {
            Some(data) => Ok(Strided { data, layout: self.layout }),
            None => Err(unexpected(op, "", T::DTYPE, self.dtype())),
        }
    }
}

/// A tensor to write: row-major elements.
#[derive(Debug)]
pub struct ViewMut<'a> {
    data: DataMut<'a>,
    shape: &'a crate::Shape,
}

impl<'a> ViewMut<'a> {
    /// Row-major `data` of `shape`.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where the shape has another number of elements.
    pub fn new(data: DataMut<'a>, shape: &'a crate::Shape) -> Result<Self> {
        if shape.numel() != data.len() {
            return Err(Error::shape(format!("view: shape {shape} over {} elements", data.len())));
        }
        Ok(Self { data, shape })
    }

    /// The dtype of the elements.
    pub fn dtype(&self) -> DType {
        self.data.dtype()
    }

    /// The sizes of the axes.
    pub fn shape(&self) -> &'a crate::Shape {
        self.shape
    }

    /// The same elements, borrowed for a shorter time: for a kernel whose result another then continues.
    pub fn reborrow(&mut self) -> ViewMut<'_> {
        ViewMut { data: self.data.reborrow(), shape: self.shape }
    }

    /// The elements.
    pub fn into_data(self) -> DataMut<'a> {
        self.data
    }

    /// The elements as a slice of `T`, or an error that names the operation that wanted it.
    ///
    /// # Errors
    /// [`ErrorKind::DType`](crate::ErrorKind::DType) where the elements are of another type.
    #[inline(always)]
    pub fn typed<T: Element>(self, op: &str) -> Result<&'a mut [T]> {
        let dtype = self.dtype();
        match T::slice_mut(self.data) {
            Some(data) => Ok(data),
            None => Err(unexpected(op, "a result of ", T::DTYPE, dtype)),
        }
    }
}

/// Out of line, so that the way of all calls but these is short.
#[cold]
#[inline(never)]
fn unexpected(op: &str, what: &str, expected: DType, got: DType) -> Error {
    Error::dtype(format!("{op}: expected {what}{expected}, got {got}"))
}

/// A [`View`] whose element type is known at compile time.
#[derive(Debug, Clone, Copy)]
pub struct Strided<'a, T> {
    /// All the storage that the layout reaches into.
    pub data: &'a [T],
    /// Where the elements are; every index within its shape leads into `data`.
    pub layout: &'a Layout,
}

impl<'a, T: Copy> Strided<'a, T> {
    /// The elements in row-major order.
    pub fn iter(&self) -> impl Iterator<Item = T> + use<'a, T> {
        let (data, layout) = (self.data, self.layout.clone());
        let mut index: smallvec::SmallVec<[usize; 4]> = smallvec::SmallVec::from_elem(0, layout.shape().rank());
        (0..layout.numel()).map(move |_| {
            let element = data[layout.place(&index)];
            for (i, &size) in index.iter_mut().zip(layout.shape().iter()).rev() {
                *i += 1;
                if *i < size {
                    break;
                }
                *i = 0;
            }
            element
        })
    }

    /// The elements as one slice, where they lie one after another in row-major order.
    pub fn as_slice(&self) -> Option<&'a [T]> {
        let start = self.layout.offset();
        self.layout.is_contiguous().then(|| &self.data[start..start + self.layout.numel()])
    }
}

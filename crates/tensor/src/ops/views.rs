//! Other views of the same elements. Nothing here copies one, except [`Tensor::reshape`] where
//! strides cannot express the result.
//!
//! Which part, order or shape is meant by negative axes and open ranges is resolved by functions that
//! return plain data ([`SliceRange::resolve`], [`Axes::permutation`], …), for tensors and tapes alike.

use std::ops::{Bound, RangeBounds};

use crate::error::{Error, Result};
use crate::kernel::copy;
use crate::layout::SliceRange;
use crate::shape::{Axes, AxisList, Shape, Sizes};
use crate::tensor::Tensor;

impl SliceRange {
    /// The part of an axis of `size` that `range` and `step` mean: negative bounds count from the end,
    /// and bounds outside the axis mean its ends, as in Python.
    ///
    /// ```
    /// use wengert_tensor::SliceRange;
    /// assert_eq!(SliceRange::resolve(10, -3.., 2)?, SliceRange { start: 7, stop: 10, step: 2 });
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Value`](crate::ErrorKind::Value) for a step below 1.
    pub fn resolve(size: usize, range: impl RangeBounds<isize>, step: isize) -> Result<Self> {
        if step < 1 {
            return Err(Error::value(format!("slice: a step of {step} is below 1; to go backwards, flip the axis")));
        }
        let size = isize::try_from(size).unwrap_or(isize::MAX);
        let from_start = |i: isize| if i < 0 { i + size } else { i };
        let start = match range.start_bound() {
            Bound::Included(&i) => from_start(i),
            Bound::Excluded(&i) => from_start(i).saturating_add(1),
            Bound::Unbounded => 0,
        };
        let stop = match range.end_bound() {
            Bound::Included(&i) => from_start(i).saturating_add(1),
            Bound::Excluded(&i) => from_start(i),
            Bound::Unbounded => size,
        };
        let start = start.clamp(0, size);
        Ok(Self { start: start as usize, stop: stop.clamp(start, size) as usize, step: step as usize })
    }

    /// The `len` indices from `start` of an axis of `size`.
    ///
    /// # Errors
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) where they are not all within the axis.
    pub fn within(size: usize, start: usize, len: usize) -> Result<Self> {
        match start.checked_add(len) {
            Some(stop) if stop <= size => Ok(Self { start, stop, step: 1 }),
            _ => Err(Error::index(format!("narrow: {len} from {start} reach outside an axis of {size}"))),
        }
    }
}

impl Axes {
    /// These axes as a new order of the axes of `shape`: axis `i` of the result is axis `order[i]`.
    ///
    /// # Errors
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) where an axis is missing, given twice, or does not exist.
    pub fn permutation(&self, shape: &Shape) -> Result<AxisList> {
        let order = self.resolve_in_order(shape).map_err(|e| e.within("permute"))?;
        let mut sorted = order.clone();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(0..shape.rank()) {
            let order = order.as_slice();
            return Err(Error::index(format!("permute: {order:?} is not a permutation of the axes of {shape}")));
        }
        Ok(order)
    }
}

impl Shape {
    /// The order of axes that swaps `a` and `b`.
    ///
    /// # Errors
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) where there is no such axis.
    pub fn transposition(&self, a: isize, b: isize) -> Result<AxisList> {
        let axis = |axis| self.axis(axis).map_err(|e| e.within("transpose"));
        let mut order: AxisList = (0..self.rank()).collect();
        order.swap(axis(a)?, axis(b)?);
        Ok(order)
    }

    /// `to`, if this shape stretches to it by NumPy's rule: axes are aligned at the last, sizes agree
    /// or are 1 here.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where it does not,
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory) where `to` could not be addressed.
    pub fn stretch(&self, to: impl Into<Self>) -> Result<Self> {
        let to = to.into();
        if !self.stretches_to(&to) {
            return Err(Error::shape(format!("broadcast_to: {self} does not stretch to {to}")));
        }
        to.numel_checked().map_err(|e| e.within("broadcast_to"))?;
        Ok(to)
    }

    /// This shape with a new axis of size 1, which is `axis` of the result.
    ///
    /// # Errors
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) where the result has no such axis.
    pub fn unsqueeze(&self, axis: isize) -> Result<Self> {
        let rank = self.rank() as isize;
        match if axis < 0 { axis + rank + 1 } else { axis } {
            at if (0..=rank).contains(&at) => Ok(self.with_axis(at as usize, 1)),
            _ => {
                Err(Error::index(format!("unsqueeze: axis {axis} is out of range for shape {self} and one axis more")))
            }
        }
    }

    /// This shape without `axis`, which has size 1.
    ///
    /// # Errors
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) where there is no such axis,
    /// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where it has another size.
    pub fn squeeze(&self, axis: isize) -> Result<Self> {
        let at = self.axis(axis).map_err(|e| e.within("squeeze"))?;
        if self[at] != 1 {
            return Err(Error::shape(format!("squeeze: axis {axis} of {self} has size {}, not 1", self[at])));
        }
        Ok(self.without(&[at]))
    }
}

impl Tensor {
    /// The same elements in row-major order as another shape, of which one size may be `-1`, "whatever
    /// is left". Copies only where strides cannot express the result.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let x = Tensor::arange(0, 6, 1)?;
    /// assert_eq!(x.reshape([2, -1])?, Tensor::from([[0, 1, 2], [3, 4, 5]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where the numbers of elements differ or a size is
    /// below -1 or two are -1, [`ErrorKind::Memory`](crate::ErrorKind::Memory) where a copy cannot be allocated.
    #[doc(alias = "view")]
    pub fn reshape(&self, sizes: impl Into<Sizes>) -> Result<Self> {
        let shape = sizes.into().resolve(self.shape())?;
        match self.layout().reshape(&shape) {
            Some(layout) => self.with_layout(layout),
            None => Self::build(self.dtype(), shape, |out| copy::copy(self.view(), out)),
        }
    }

    /// All elements along one axis, in row-major order.
    ///
    /// # Errors
    /// As [`reshape`](Self::reshape).
    #[doc(alias = "ravel")]
    pub fn flatten(&self) -> Result<Self> {
        self.reshape([self.numel()])
    }

    /// The axes in another order: axis `i` of the result is axis `order[i]` of this.
    ///
    /// # Errors
    /// As [`Axes::permutation`].
    #[doc(alias = "transpose")]
    pub fn permute(&self, order: impl Into<Axes>) -> Result<Self> {
        self.with_layout(self.layout().permute(&order.into().permutation(self.shape())?))
    }

    /// Axes `a` and `b` swapped.
    ///
    /// # Errors
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) where there is no such axis.
    #[doc(alias = "swapaxes")]
    pub fn transpose(&self, a: isize, b: isize) -> Result<Self> {
        self.with_layout(self.layout().permute(&self.shape().transposition(a, b)?))
    }

    /// The last two axes swapped: the transpose of a matrix or of every matrix in a batch. A tensor of
    /// rank below 2 is its own.
    #[doc(alias = "mT")]
    pub fn t(&self) -> Self {
        self.transpose(-2, -1).unwrap_or_else(|_| self.clone())
    }

    /// The part of `axis` within `range`, every `step`-th index. Negative bounds count from the end and
    /// bounds outside mean the ends, as in Python.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let x = Tensor::arange(0, 10, 1)?;
    /// assert_eq!(x.slice(0, 1..-1, 3)?, Tensor::from([1, 4, 7]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) where there is no such axis,
    /// [`ErrorKind::Value`](crate::ErrorKind::Value) for a step below 1: to go backwards, [`flip`](Self::flip).
    pub fn slice(&self, axis: isize, range: impl RangeBounds<isize>, step: isize) -> Result<Self> {
        let at = self.shape().axis(axis).map_err(|e| e.within("slice"))?;
        self.cut(at, SliceRange::resolve(self.shape()[at], range, step)?)
    }

    /// The `len` indices of `axis` from `start`, all of which must exist.
    ///
    /// # Errors
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) where there is no such axis or part.
    pub fn narrow(&self, axis: isize, start: usize, len: usize) -> Result<Self> {
        let at = self.shape().axis(axis).map_err(|e| e.within("narrow"))?;
        self.cut(at, SliceRange::within(self.shape()[at], start, len)?)
    }

    /// Index `i` of `axis`, negative from the end; the axis disappears.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let x = Tensor::from([[1, 2], [3, 4]]);
    /// assert_eq!(x.select_axis(1, -1)?, Tensor::from([2, 4]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) where there is no such axis or index.
    #[doc(alias = "select")]
    pub fn select_axis(&self, axis: isize, i: isize) -> Result<Self> {
        let shape = self.shape();
        let at = shape.axis(axis).map_err(|e| e.within("select_axis"))?;
        let size = shape[at] as isize;
        let index = match if i < 0 { i.saturating_add(size) } else { i } {
            index if (0..size).contains(&index) => index as usize,
            _ => return Err(Error::index(format!("select_axis: index {i} is outside axis {axis} of {shape}"))),
        };
        let one = self.cut(at, SliceRange { start: index, stop: index + 1, step: 1 })?;
        one.reshape(shape.without(&[at]))
    }

    fn cut(&self, axis: usize, range: SliceRange) -> Result<Self> {
        let mut ranges: Vec<SliceRange> = self.shape().iter().map(|&size| SliceRange::all(size)).collect();
        ranges[axis] = range;
        self.with_layout(self.layout().slice(&ranges))
    }

    /// The given axes in reverse.
    ///
    /// # Errors
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) for an axis that does not exist or is given twice.
    pub fn flip(&self, axes: impl Into<Axes>) -> Result<Self> {
        let axes = axes.into().resolve(self.shape()).map_err(|e| e.within("flip"))?;
        self.with_layout(self.layout().flip(&axes))
    }

    /// Stretched to `shape` by NumPy's rule: axes are aligned at the last, and those that are missing
    /// or of size 1 repeat.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where that does not fit,
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory) where the shape could not be addressed.
    #[doc(alias = "expand")]
    pub fn broadcast_to(&self, shape: impl Into<Shape>) -> Result<Self> {
        let shape = self.shape().stretch(shape)?;
        match self.layout().broadcast(&shape) {
            Some(layout) => self.with_layout(layout),
            None => Err(Error::shape(format!("broadcast_to: {} does not stretch to {shape}", self.shape()))),
        }
    }

    /// With a new axis of size 1, which is `axis` of the result: 0 before all others, -1 after.
    ///
    /// # Errors
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) where the result has no such axis.
    #[doc(alias = "expand_dims")]
    pub fn unsqueeze(&self, axis: isize) -> Result<Self> {
        self.reshape(self.shape().unsqueeze(axis)?)
    }

    /// Without `axis`, which has size 1.
    ///
    /// # Errors
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) where there is no such axis,
    /// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where it has another size.
    pub fn squeeze(&self, axis: isize) -> Result<Self> {
        self.reshape(self.shape().squeeze(axis)?)
    }
}

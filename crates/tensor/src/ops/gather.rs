//! Picking elements by index, and adding them back. Indices are i64, from 0; none counts from the end.

use crate::error::Result;
use crate::kernel::copy;
use crate::kernel::gather;
use crate::ops::halves;
use crate::tensor::Tensor;

impl Tensor {
    /// One element for every index: `out[.., i, ..] = self[.., index[.., i, ..], ..]` along `axis`. The
    /// index has this tensor's rank, and is no longer than it along the other axes.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
    /// assert_eq!(x.gather(1, &Tensor::from([[1], [0]]))?, Tensor::from([[2.0], [3.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where an index is out of range, is not i64, or shapes do not fit.
    #[doc(alias = "take_along_axis")]
    pub fn gather(&self, axis: isize, index: &Self) -> Result<Self> {
        let axis = self.shape().axis(axis).map_err(|e| e.within("gather"))?;
        let shape = gather::shape(self.shape(), axis, index.shape())?;
        Self::build(self.dtype(), shape, |out| gather::gather(self.view(), axis, index.view(), out))
    }

    /// This tensor with every element of `src` added at its index along `axis`: the adjoint of
    /// [`gather`](Self::gather). `src` has the index's shape; elements at one index add up in order.
    ///
    /// # Errors
    /// As [`gather`](Self::gather), and where dtypes differ or are `bool`.
    pub fn scatter_add(&self, axis: isize, index: &Self, src: &Self) -> Result<Self> {
        if let Some(y) = halves(&[self, src], &|x| x[0].scatter_add(axis, index, &x[1])) {
            return y;
        }
        let axis = self.shape().axis(axis).map_err(|e| e.within("scatter_add"))?;
        Self::build(self.dtype(), self.shape(), |mut out| {
            copy::copy(self.view(), out.reborrow())?;
            gather::scatter_add(axis, index.view(), src.view(), out)
        })
    }

    /// Slices along `axis` by an index of any shape, whose axes take the axis's place.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
    /// assert_eq!(x.index_select(0, &Tensor::from([2, 0]))?, Tensor::from([[5.0, 6.0], [1.0, 2.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where an index is out of range or is not i64, or there is no such axis.
    #[doc(alias("take", "embedding"))]
    pub fn index_select(&self, axis: isize, index: &Self) -> Result<Self> {
        let axis = self.shape().axis(axis).map_err(|e| e.within("index_select"))?;
        let shape = gather::select_shape(self.shape(), axis, index.shape())?;
        Self::build(self.dtype(), shape, |out| gather::index_select(self.view(), axis, index.view(), out))
    }

    /// This tensor with the slices of `src` added where [`index_select`](Self::index_select) would take
    /// them from: its adjoint. Slices at one index add up in order.
    ///
    /// # Errors
    /// As [`index_select`](Self::index_select), and where shapes or dtypes differ.
    pub fn index_add(&self, axis: isize, index: &Self, src: &Self) -> Result<Self> {
        if let Some(y) = halves(&[self, src], &|x| x[0].index_add(axis, index, &x[1])) {
            return y;
        }
        let axis = self.shape().axis(axis).map_err(|e| e.within("index_add"))?;
        Self::build(self.dtype(), self.shape(), |mut out| {
            copy::copy(self.view(), out.reborrow())?;
            gather::index_add(axis, index.view(), src.view(), out)
        })
    }
}

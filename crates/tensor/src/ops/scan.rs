//! Running sums and extremes of tensors.

use crate::dtype::DType;
use crate::error::Result;
use crate::kernel::scan;
use crate::ops::halves;
use crate::tensor::Tensor;

impl Tensor {
    /// The sums of the elements up to and including each along `axis`; integers wrap.
    ///
    /// # Errors
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) where there is no such axis,
    /// [`ErrorKind::DType`](crate::ErrorKind::DType) where the dtype is `bool`.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// assert_eq!(Tensor::from([1.0, 2.0, 3.0]).cumsum(0)?, Tensor::from([1.0, 3.0, 6.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    pub fn cumsum(&self, axis: isize) -> Result<Self> {
        if let Some(y) = halves(&[self], &|x| x[0].cumsum(axis)) {
            return y;
        }
        let axis = self.shape().axis(axis).map_err(|e| e.within("cumsum"))?;
        Self::build(self.dtype(), self.shape(), |out| scan::cumsum(self.view(), axis, out))
    }

    /// The index along `axis`, as `i64`, of the largest of the elements up to and including each:
    /// the last of equals, and from a NaN on the last NaN.
    ///
    /// # Errors
    /// As [`cumsum`](Self::cumsum).
    pub fn arg_cummax(&self, axis: isize) -> Result<Self> {
        if let Some(y) = halves(&[self], &|x| x[0].arg_cummax(axis)) {
            return y;
        }
        let axis = self.shape().axis(axis).map_err(|e| e.within("arg_cummax"))?;
        Self::build(DType::I64, self.shape(), |out| scan::arg_cummax(self.view(), axis, out))
    }

    /// The index along `axis`, as `i64`, of the smallest of the elements up to and including each:
    /// the last of equals, and from a NaN on the last NaN.
    ///
    /// # Errors
    /// As [`cumsum`](Self::cumsum).
    pub fn arg_cummin(&self, axis: isize) -> Result<Self> {
        if let Some(y) = halves(&[self], &|x| x[0].arg_cummin(axis)) {
            return y;
        }
        let axis = self.shape().axis(axis).map_err(|e| e.within("arg_cummin"))?;
        Self::build(DType::I64, self.shape(), |out| scan::arg_cummin(self.view(), axis, out))
    }

    /// The largest of the elements up to and including each along `axis`; NaN from the first NaN on.
    ///
    /// # Errors
    /// As [`cumsum`](Self::cumsum).
    #[doc(alias = "maximum.accumulate")]
    pub fn cummax(&self, axis: isize) -> Result<Self> {
        self.gather(axis, &self.arg_cummax(axis)?)
    }

    /// The smallest of the elements up to and including each along `axis`; NaN from the first NaN on.
    ///
    /// # Errors
    /// As [`cumsum`](Self::cumsum).
    #[doc(alias = "minimum.accumulate")]
    pub fn cummin(&self, axis: isize) -> Result<Self> {
        self.gather(axis, &self.arg_cummin(axis)?)
    }
}

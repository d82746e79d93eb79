//! Sorting tensors along an axis.

use crate::dtype::DType;
use crate::error::Result;
use crate::kernel::sort::argsort;
use crate::ops::halves;
use crate::tensor::Tensor;

impl Tensor {
    /// The indices along `axis`, as `i64`, that sort its elements. Equal elements keep their order;
    /// NaN counts as larger than every number.
    ///
    /// # Errors
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) where there is no such axis.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let x = Tensor::from([3.0, 1.0, 2.0]);
    /// assert_eq!(x.argsort(0, false)?.to_vec::<i64>()?, [1, 2, 0]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    pub fn argsort(&self, axis: isize, descending: bool) -> Result<Self> {
        if let Some(y) = halves(&[self], &|x| x[0].argsort(axis, descending)) {
            return y;
        }
        let axis = self.shape().axis(axis).map_err(|e| e.within("argsort"))?;
        Self::build(DType::I64, self.shape(), |out| argsort(self.view(), axis, descending, out))
    }

    /// The elements in order along `axis`: [`gather`](Self::gather) of [`argsort`](Self::argsort).
    ///
    /// # Errors
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) where there is no such axis.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let x = Tensor::from([[3.0, 1.0, 2.0], [4.0, 6.0, 5.0]]);
    /// assert_eq!(x.sort(1, true)?, Tensor::from([[3.0, 2.0, 1.0], [6.0, 5.0, 4.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    pub fn sort(&self, axis: isize, descending: bool) -> Result<Self> {
        self.gather(axis, &self.argsort(axis, descending)?)
    }
}

//! Elementwise choice between two tensors.

use crate::error::{Error, Result};
use crate::kernel::each::map;
use crate::kernel::select::select;
use crate::tensor::Tensor;

impl Tensor {
    /// `x` where this tensor of `bool` is true and `y` elsewhere, all three broadcast together.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where the shapes do not broadcast together,
    /// [`ErrorKind::DType`](crate::ErrorKind::DType) where this is not `bool` or the dtypes of `x` and `y` differ.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let x = Tensor::from([-1.0, 2.0]);
    /// let zero = Tensor::from([0.0]);
    /// assert_eq!(x.greater(&zero)?.where_(&x, &zero)?, Tensor::from([0.0, 2.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias = "where")]
    #[doc(alias = "select")]
    pub fn where_(&self, x: &Self, y: &Self) -> Result<Self> {
        let shape =
            x.shape().broadcast(y.shape()).and_then(|shape| shape.broadcast(self.shape())).ok_or_else(|| {
                let (cond, x, y) = (self.shape(), x.shape(), y.shape());
                Error::shape(format!("where: shapes {cond}, {x} and {y} do not broadcast together"))
            })?;
        let (cond, x, y) = (self.broadcast_to(&shape)?, x.broadcast_to(&shape)?, y.broadcast_to(&shape)?);
        Self::build(x.dtype(), shape, |out| map("select", &[cond.view(), x.view(), y.view()], out, &select))
    }
}

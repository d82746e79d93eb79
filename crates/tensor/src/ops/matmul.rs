//! Matrix products.

use crate::error::{Error, Result};
use crate::kernel::matmul;
use crate::ops::halves;
use crate::tensor::Tensor;

impl Tensor {
    /// The matrix product over the last two axes: [.., m, k] and [.., k, n] give [.., m, n]. Leading axes
    /// broadcast; a vector is one row on the left and one column on the right, and the result has no
    /// axis for it. Operands have one dtype, numbers.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
    /// let v = Tensor::from([1.0, -1.0]);
    /// assert_eq!(x.matmul(&v)?, Tensor::from([-1.0, -1.0]));
    ///
    /// let err = Tensor::from([[1.0, 2.0]]).matmul(&Tensor::from([[1.0], [2.0], [3.0]])).unwrap_err();
    /// assert_eq!(err.to_string(), "matmul: [1, 2] x [3, 1]: inner dimensions 2 and 3 differ");
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where dtypes differ or are `bool`, or shapes do not fit.
    #[doc(alias("mm", "bmm", "mv"))]
    pub fn matmul(&self, other: &Self) -> Result<Self> {
        if let Some(y) = halves(&[self, other], &|x| x[0].matmul(&x[1])) {
            return y;
        }
        let to = matmul::operands(self.shape(), other.shape())?;
        let x = self.reshape(&to.x)?.broadcast_to(&to.x_full)?;
        let y = other.reshape(&to.y)?.broadcast_to(&to.y_full)?;
        let shape = matmul::shape(x.shape(), y.shape())?;
        Self::build(x.dtype(), shape, |out| matmul::matmul(x.view(), y.view(), out))?.reshape(&to.out)
    }

    /// The inner product of two vectors, of rank 0.
    ///
    /// # Errors
    /// Where an operand is not a vector, lengths or dtypes differ, or the dtype is `bool`.
    pub fn dot(&self, other: &Self) -> Result<Self> {
        if self.rank() != 1 || other.rank() != 1 {
            return Err(Error::shape(format!("dot: {} and {} are not both vectors", self.shape(), other.shape())));
        }
        self.matmul(other).map_err(|e| e.within("dot"))
    }
}

//! Pooling.

use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::kernel::pool::{self, Pool};
use crate::ops::halves;
use crate::shape::Shape;
use crate::tensor::Tensor;

impl Tensor {
    /// The maximum of every window over the last axes: [.., axes..] to [.., positions..]. NaN wins.
    ///
    /// ```
    /// use wengert_tensor::{Pool, Tensor};
    /// let x = Tensor::from([1.0, 3.0, 2.0, 0.0]);
    /// assert_eq!(x.max_pool(&Pool::new(&[2]))?, Tensor::from([3.0, 2.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where a window does not fit or has nothing but padding, a number is 0, or the dtype is `bool`.
    #[doc(alias("max_pool1d", "max_pool2d", "max_pool3d"))]
    pub fn max_pool(&self, pool: &Pool) -> Result<Self> {
        Ok(self.max_pool_with_indices(pool)?.0)
    }

    /// As [`max_pool`](Self::max_pool), and where each maximum is: an index into the flattened pooled axes.
    ///
    /// # Errors
    /// As [`max_pool`](Self::max_pool).
    pub fn max_pool_with_indices(&self, pool: &Pool) -> Result<(Self, Self)> {
        if self.dtype().is_half() {
            let (values, indices) = self.cast(DType::F32)?.max_pool_with_indices(pool)?;
            return Ok((values.cast(self.dtype())?, indices));
        }
        let shape = pool::shape(self.shape(), pool)?;
        let indices = Self::build(DType::I64, &shape, |out| pool::arg_max_pool(self.view(), pool, out))?;
        let lead = self.rank() - pool.sizes.len();
        let flat = |x: &Self| -> Result<Self> {
            let (lead, axes) = x.shape().split_at(lead);
            x.reshape(Shape::from(lead).with_axis(lead.len(), axes.iter().product()))
        };
        let values = flat(self)?.gather(-1, &flat(&indices)?)?.reshape(&shape)?;
        Ok((values, indices))
    }

    /// The average of every window over the last axes: [.., axes..] to [.., positions..]. Padding is
    /// zeros, which count as elements where `count_padding` says so.
    ///
    /// ```
    /// use wengert_tensor::{Pool, Tensor};
    /// let x = Tensor::from([1.0, 3.0, 2.0, 0.0]);
    /// assert_eq!(x.avg_pool(&Pool::new(&[2]), true)?, Tensor::from([2.0, 1.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`max_pool`](Self::max_pool), and where the dtype is no float.
    #[doc(alias("avg_pool1d", "avg_pool2d", "avg_pool3d", "count_include_pad"))]
    pub fn avg_pool(&self, pool: &Pool, count_padding: bool) -> Result<Self> {
        if let Some(y) = halves(&[self], &|x| x[0].avg_pool(pool, count_padding)) {
            return y;
        }
        if !self.dtype().is_float() {
            return Err(Error::dtype(format!("avg_pool: expected a float dtype, got {}", self.dtype())));
        }
        let shape = pool::shape(self.shape(), pool)?;
        let axes = pool.sizes.len();
        let lead = shape.rank() - axes;
        let flat = Shape::from([shape[..lead].iter().product(), 1]);
        let images = flat.iter().chain(&self.shape()[lead..]).copied().collect::<Shape>();
        let ones = Self::ones([&[1, 1], &pool.sizes[..]].concat(), self.dtype())?;
        let sums = self.reshape(&images)?.conv(&ones, &pool.sums(self.shape())?)?.reshape(&shape)?;
        let counts =
            Self::build(self.dtype(), &shape[lead..], |out| pool::counts(self.shape(), pool, count_padding, out))?;
        sums.div(&counts)
    }
}

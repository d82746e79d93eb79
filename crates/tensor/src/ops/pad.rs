//! Padding.

use crate::dtype::Scalar;
use crate::error::Result;
use crate::kernel::pad::{self, Pad};
use crate::tensor::Tensor;

impl Tensor {
    /// This tensor with `value`, converted to its dtype, around its elements and between them: what a
    /// [`Pad`] says for every axis. `(lo, hi)` makes one without elements in between.
    ///
    /// ```
    /// use wengert_tensor::{Pad, Tensor};
    /// let x = Tensor::from([1, 2]);
    /// assert_eq!(x.pad(&[(1, 2)], 0)?, Tensor::from([0, 1, 2, 0, 0]));
    /// assert_eq!(x.pad(&[Pad { interior: 2, ..Pad::default() }], 9)?, Tensor::from([1, 9, 9, 2]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where the padding is for another rank or the result is too large.
    pub fn pad<P: Into<Pad> + Copy>(&self, pads: &[P], value: impl Into<Scalar>) -> Result<Self> {
        let pads: Vec<Pad> = pads.iter().map(|&pad| pad.into()).collect();
        let shape = pad::shape(self.shape(), &pads)?;
        let value = value.into().cast(self.dtype());
        Self::build(self.dtype(), shape, |out| pad::pad(self.view(), &pads, value, out))
    }
}

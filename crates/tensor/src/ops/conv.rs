//! Convolution.

use crate::error::Result;
use crate::kernel::conv::{self, Conv};
use crate::ops::halves;
use crate::tensor::Tensor;

impl Tensor {
    /// Convolution (cross-correlation) over the last one to three axes: [N, G I, axes..] with a kernel
    /// [G O, I, window..] gives [N, G O, positions..].
    ///
    /// ```
    /// use wengert_tensor::{Conv, Tensor};
    /// let x = Tensor::from([[[1.0, 2.0, 4.0, 8.0]]]);
    /// let differences = Tensor::from([[[-1.0, 1.0]]]);
    /// assert_eq!(x.conv(&differences, &Conv::new(1))?, Tensor::from([[[1.0, 2.0, 4.0]]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where shapes, groups or dtypes do not fit, the dtype is no float, a stride or dilation is 0 or a
    /// window is longer than its padded axis.
    #[doc(alias("conv1d", "conv2d", "conv3d"))]
    pub fn conv(&self, kernel: &Self, options: &Conv) -> Result<Self> {
        if let Some(y) = halves(&[self, kernel], &|x| x[0].conv(&x[1], options)) {
            return y;
        }
        let shape = conv::shape(self.shape(), kernel.shape(), options)?;
        Self::build(self.dtype(), shape, |out| conv::conv(self.view(), kernel.view(), options, out))
    }
}

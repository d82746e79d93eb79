//! Sliding windows, and overlap-add.

use crate::dtype::Scalar;
use crate::error::{Error, Result};
use crate::kernel::{copy, window};
use crate::ops::halves;
use crate::tensor::Tensor;

impl Tensor {
    /// Sliding windows over the last `sizes.len()` axes: these axes become positions, and as many new
    /// axes, the places within a window, follow. Copies nothing.
    ///
    /// A window takes `sizes` elements, `dilations` apart; windows start `strides` apart.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let x = Tensor::from([1, 2, 3, 4, 5]);
    /// assert_eq!(x.windows(&[3], &[2], &[1])?, Tensor::from([[1, 2, 3], [3, 4, 5]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where a window is longer than its axis, a number is 0, or there are not so many axes.
    #[doc(alias("unfold", "sliding_window_view"))]
    pub fn windows(&self, sizes: &[usize], strides: &[usize], dilations: &[usize]) -> Result<Self> {
        if strides.len() != sizes.len() || dilations.len() != sizes.len() {
            let [n, s, d] = [sizes, strides, dilations].map(<[usize]>::len);
            return Err(Error::shape(format!("windows: {n} sizes, {s} strides and {d} dilations")));
        }
        self.with_layout(self.layout().windows(sizes, strides, dilations)?)
    }

    /// Windows [.., positions.., window..], as [`windows`](Self::windows) cuts them from axes of `sizes`,
    /// added back to where they came from: its adjoint.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let windows = Tensor::from([[1, 2, 3], [3, 4, 5]]);
    /// assert_eq!(windows.fold(&[5], &[2], &[1])?, Tensor::from([1, 2, 6, 4, 5]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where this is not the shape of such windows, or the dtype is `bool`.
    #[doc(alias = "overlap_add")]
    pub fn fold(&self, sizes: &[usize], strides: &[usize], dilations: &[usize]) -> Result<Self> {
        if let Some(y) = halves(&[self], &|x| x[0].fold(sizes, strides, dilations)) {
            return y;
        }
        let shape = window::shape(self.shape(), sizes, strides, dilations)?;
        Self::build(self.dtype(), shape, |mut out| {
            copy::fill(Scalar::from(0.0).cast(self.dtype()), out.reborrow())?;
            window::fold(self.view(), strides, dilations, out)
        })
    }
}

//! The maximum of windows.

use wengert_autograd::Var;
use wengert_tensor::Pool;

use super::Layer;
use super::images::PerAxis;
use crate::Module;

/// The maximum of windows along one axis: see [`MaxPoolNd`].
pub type MaxPool1d = MaxPoolNd<1>;
/// The maximum of windows over two axes: see [`MaxPoolNd`].
pub type MaxPool2d = MaxPoolNd<2>;
/// The maximum of windows over three axes: see [`MaxPoolNd`].
pub type MaxPool3d = MaxPoolNd<3>;

/// y(p) = max over k of x(s p + d k - padding), for windows over the last `N` axes, side by side unless a
/// stride s is given: from `[.., axes..]` to `[.., positions..]`.
///
/// Padding is never the maximum; NaN always is. The cotangent goes to the first of equals. Y. T. Zhou and R. Chellappa,
/// "Computation of optical flow using a neural network", ICNN 1988.
///
/// ```
/// use wengert_nn::{Layer, MaxPool2d};
/// use wengert_tensor::{DType, Tensor};
///
/// let images = Tensor::zeros([10, 8, 14, 14], DType::F32)?;
/// assert_eq!(MaxPool2d::new(2).predict(&images)?.shape()[..], [10, 8, 7, 7]);
/// assert_eq!(MaxPool2d::new(3).stride(2).padding(1).predict(&images)?.shape()[..], [10, 8, 7, 7]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Module)]
#[doc(alias("MaxPool1d", "MaxPool2d", "MaxPool3d"))]
pub struct MaxPoolNd<const N: usize>(#[module(skip)] Pool);

impl<const N: usize> MaxPoolNd<N> {
    /// Windows of `kernel`: one size for all axes, or an array.
    pub fn new(kernel: impl Into<PerAxis<N>>) -> Self {
        Self(Pool::new(&kernel.into().0))
    }

    /// The same with this distance between neighbouring windows.
    pub fn stride(mut self, stride: impl Into<PerAxis<N>>) -> Self {
        self.0.strides = stride.into().0.to_vec();
        self
    }

    /// The same with as much padding before and after each axis.
    pub fn padding(mut self, padding: impl Into<PerAxis<N>>) -> Self {
        self.0.padding = padding.into().0.iter().map(|&n| (n, n)).collect();
        self
    }

    /// The same with this distance between neighbouring elements of a window.
    pub fn dilation(mut self, dilation: impl Into<PerAxis<N>>) -> Self {
        self.0.dilations = dilation.into().0.to_vec();
        self
    }

    /// The same with a last window that may reach beyond the padded axis, so that nothing is left over.
    #[doc(alias = "ceil_mode")]
    pub fn ceil(self) -> Self {
        Self(self.0.ceil(true))
    }
}

impl<const N: usize> Layer for MaxPoolNd<N> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        x.max_pool(&self.0)
    }
}

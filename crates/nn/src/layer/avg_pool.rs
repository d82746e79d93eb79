//! The average of windows.

use wengert_autograd::Var;
use wengert_tensor::Pool;

use super::Layer;
use super::images::PerAxis;
use crate::Module;

/// The average of windows along one axis: see [`AvgPoolNd`].
pub type AvgPool1d = AvgPoolNd<1>;
/// The average of windows over two axes: see [`AvgPoolNd`].
pub type AvgPool2d = AvgPoolNd<2>;
/// The average of windows over three axes: see [`AvgPoolNd`].
pub type AvgPool3d = AvgPoolNd<3>;

/// y(p) = the mean over k of x(s p + k - padding), for windows over the last `N` axes, side by side unless a
/// stride s is given: from `[.., axes..]` to `[.., positions..]`.
///
/// Padding is zeros, which count as elements unless [excluded](Self::exclude_padding). Y. LeCun et al.,
/// "Gradient-based learning applied to document recognition", Proceedings of the IEEE 86(11), 1998.
///
/// ```
/// use wengert_nn::{AvgPool1d, Layer};
/// use wengert_tensor::Tensor;
///
/// let x = Tensor::from([1.0, 3.0, 2.0, 0.0]);
/// assert_eq!(AvgPool1d::new(2).padding(1).predict(&x)?, Tensor::from([0.5, 2.5, 0.0]));
/// assert_eq!(AvgPool1d::new(2).padding(1).exclude_padding().predict(&x)?, Tensor::from([1.0, 2.5, 0.0]));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Module)]
#[doc(alias("AvgPool1d", "AvgPool2d", "AvgPool3d"))]
pub struct AvgPoolNd<const N: usize> {
    #[module(skip)]
    how: Pool,
    count_padding: bool,
}

impl<const N: usize> AvgPoolNd<N> {
    /// Windows of `kernel`: one size for all axes, or an array.
    pub fn new(kernel: impl Into<PerAxis<N>>) -> Self {
        Self { how: Pool::new(&kernel.into().0), count_padding: true }
    }

    /// The same with this distance between neighbouring windows.
    pub fn stride(mut self, stride: impl Into<PerAxis<N>>) -> Self {
        self.how.strides = stride.into().0.to_vec();
        self
    }

    /// The same with so many zeros before and after each axis.
    pub fn padding(mut self, padding: impl Into<PerAxis<N>>) -> Self {
        self.how.padding = padding.into().0.iter().map(|&n| (n, n)).collect();
        self
    }

    /// The same with averages of the elements that are there: padding does not count.
    #[doc(alias = "count_include_pad")]
    pub fn exclude_padding(self) -> Self {
        Self { count_padding: false, ..self }
    }

    /// The same with a last window that may reach beyond the padded axis, so that nothing is left over.
    #[doc(alias = "ceil_mode")]
    pub fn ceil(self) -> Self {
        Self { how: self.how.ceil(true), ..self }
    }
}

impl<const N: usize> Layer for AvgPoolNd<N> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        x.avg_pool(&self.how, self.count_padding)
    }
}

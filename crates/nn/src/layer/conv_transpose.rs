//! Transposed convolution over one to three axes.

use wengert_autograd::Var;
use wengert_tensor::{Conv, Result, Rng};

use super::Layer;
use super::conv::parameters;
use super::images::{Lead, PerAxis, per_channel};
use crate::Module;
use crate::init::Init;
use crate::param::Param;

/// Transposed convolution over one axis: see [`ConvTransposeNd`].
pub type ConvTranspose1d = ConvTransposeNd<1>;
/// Transposed convolution over two axes: see [`ConvTransposeNd`].
pub type ConvTranspose2d = ConvTransposeNd<2>;
/// Transposed convolution over three axes: see [`ConvTransposeNd`].
pub type ConvTranspose3d = ConvTransposeNd<3>;

/// y(o, s p + d k - padding) = b(o) + Σ w(i, o, k) x(i, p), the adjoint of [convolution](super::ConvNd) with the same
/// weight: from `[.., inputs, positions..]` to `[.., outputs, axes..]`.
///
/// An axis of n positions becomes one of s (n - 1) + d (k - 1) + 1 - 2 p + extra elements, with stride s, dilation d,
/// windows of k, padding p, and `extra` of [`output_padding`](Self::output_padding). The weight has the shape
/// `[inputs, outputs / groups, window..]`. Weights start uniform, by Kaiming's rule for ReLU, and biases at
/// zero. A clone shares its parameters with the original.
///
/// M. Zeiler et al., "Deconvolutional networks", CVPR 2010.
///
/// ```
/// use wengert_nn::{ConvTranspose2d, Layer};
/// use wengert_tensor::{DType, Rng, Tensor};
///
/// let up = ConvTranspose2d::new(8, 3, 4, &mut Rng::seed(0))?.stride(2).padding(1);
/// let images = Tensor::zeros([10, 8, 14, 14], DType::F32)?;
/// assert_eq!(up.predict(&images)?.shape()[..], [10, 3, 28, 28]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Module)]
#[doc(alias("Deconvolution", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"))]
pub struct ConvTransposeNd<const N: usize> {
    /// w, of shape `[inputs, outputs / groups, window..]`.
    pub weight: Param,
    /// b, of shape `[outputs]`.
    pub bias: Option<Param>,
    #[module(skip)]
    how: Conv,
    #[module(skip)]
    extra: [usize; N],
}

impl<const N: usize> ConvTransposeNd<N> {
    /// A layer in f32 with windows of `kernel`: one size for all axes, or an array.
    ///
    /// # Errors
    /// Weights that cannot be allocated.
    pub fn new(inputs: usize, outputs: usize, kernel: impl Into<PerAxis<N>>, rng: &mut Rng) -> Result<Self> {
        Self::grouped(inputs, outputs, kernel, 1, rng)
    }

    /// As [`new`](Self::new), in `groups`: blocks of channels each for itself.
    ///
    /// # Errors
    /// Also numbers of channels that `groups` does not divide.
    pub fn grouped(
        inputs: usize,
        outputs: usize,
        kernel: impl Into<PerAxis<N>>,
        groups: usize,
        rng: &mut Rng,
    ) -> Result<Self> {
        Self::new_with(inputs, outputs, kernel, groups, Init::KaimingUniform { slope: 0.0 }, rng)
    }

    /// As [`grouped`](Self::grouped), with weights that start as `init` says.
    ///
    /// # Errors
    /// Also a number of `init` that is out of range.
    pub fn new_with(
        inputs: usize,
        outputs: usize,
        kernel: impl Into<PerAxis<N>>,
        groups: usize,
        init: Init,
        rng: &mut Rng,
    ) -> Result<Self> {
        let ends = [inputs, outputs];
        let (weight, bias) = parameters("conv_transpose", ends, ends, &kernel.into().0, groups, init, rng)?;
        Ok(Self { weight, bias: Some(bias), how: Conv::new(N).groups(groups), extra: [0; N] })
    }

    /// The same layer without a bias.
    pub fn without_bias(self) -> Self {
        Self { bias: None, ..self }
    }

    /// The same layer with this distance between neighbouring windows.
    pub fn stride(mut self, stride: impl Into<PerAxis<N>>) -> Self {
        self.how.strides = stride.into().0.to_vec();
        self
    }

    /// The same layer with so many elements cut off before and after each axis of the output.
    pub fn padding(mut self, padding: impl Into<PerAxis<N>>) -> Self {
        let cut = |n: usize| isize::try_from(n).unwrap_or(isize::MAX);
        self.how.padding = padding.into().0.iter().map(|&n| (cut(n), cut(n))).collect();
        self
    }

    /// The same layer with this distance between neighbouring elements of a window.
    pub fn dilation(mut self, dilation: impl Into<PerAxis<N>>) -> Self {
        self.how.dilations = dilation.into().0.to_vec();
        self
    }

    /// The same layer with axes of the output that are so much longer at their ends: strides leave open how long the
    /// input of the convolution was.
    pub fn output_padding(self, extra: impl Into<PerAxis<N>>) -> Self {
        Self { extra: extra.into().0, ..self }
    }
}

impl<const N: usize> Layer for ConvTransposeNd<N> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        let (images, lead) = match Lead::join("conv_transpose", x, N + 1) {
            Ok(joined) => joined,
            Err(poisoned) => return poisoned,
        };
        let y = images.conv_transpose(self.weight.beside(x), &self.how, &self.extra);
        lead.restore(match &self.bias {
            Some(bias) => y + per_channel(bias.beside(x), N + 2),
            None => y,
        })
    }
}

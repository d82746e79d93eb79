//! Convolution over one to three axes.

use wengert_autograd::Var;
use wengert_tensor::{Conv, DType, Error, Result, Rng, Shape, Tensor};

use super::Layer;
use super::images::{Lead, PerAxis, per_channel};
use crate::Module;
use crate::init::{Fans, Init};
use crate::param::Param;

/// Convolution over one axis: see [`ConvNd`].
pub type Conv1d = ConvNd<1>;
/// Convolution over two axes: see [`ConvNd`].
pub type Conv2d = ConvNd<2>;
/// Convolution over three axes: see [`ConvNd`].
pub type Conv3d = ConvNd<3>;

/// y(o, p) = b(o) + Σ w(o, i, k) x(i, s p + d k - padding), the cross-correlation over the last `N` axes, with
/// stride s and dilation d: from `[.., inputs, axes..]` to `[.., outputs, positions..]`.
///
/// An axis of n elements and padding p on both sides has (n + 2 p - d (k - 1) - 1) / s + 1 positions for windows
/// of k, rounded down. In groups, inputs and outputs are cut into as many blocks, and each block of outputs sees one
/// of inputs; the weight has the shape `[outputs, inputs / groups, window..]`. Weights start uniform, by
/// Kaiming's rule for ReLU, and biases at zero. A clone shares its parameters with the original.
///
/// Y. LeCun et al., "Backpropagation applied to handwritten zip code recognition", Neural Computation 1(4), 1989;
/// dilation: F. Yu and V. Koltun, "Multi-scale context aggregation by dilated convolutions", ICLR 2016.
///
/// ```
/// use wengert_nn::{Conv2d, Layer};
/// use wengert_tensor::{DType, Rng, Tensor};
///
/// let conv = Conv2d::new(3, 8, 5, &mut Rng::seed(0))?.stride(2).padding(2);
/// let images = Tensor::zeros([10, 3, 28, 28], DType::F32)?;
/// assert_eq!(conv.predict(&images)?.shape()[..], [10, 8, 14, 14]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Module)]
#[doc(alias("Convolution", "Conv1d", "Conv2d", "Conv3d"))]
pub struct ConvNd<const N: usize> {
    /// w, of shape `[outputs, inputs / groups, window..]`.
    pub weight: Param,
    /// b, of shape `[outputs]`.
    pub bias: Option<Param>,
    #[module(skip)]
    strides: [usize; N],
    #[module(skip)]
    dilations: [usize; N],
    #[module(skip)]
    padding: Padding<N>,
    groups: usize,
}

#[derive(Debug, Clone, Copy)]
enum Padding<const N: usize> {
    Both([usize; N]),
    Same,
}

impl<const N: usize> ConvNd<N> {
    /// A layer in f32 with windows of `kernel`: one size for all axes, or an array.
    ///
    /// # Errors
    /// Weights that cannot be allocated.
    pub fn new(inputs: usize, outputs: usize, kernel: impl Into<PerAxis<N>>, rng: &mut Rng) -> Result<Self> {
        Self::grouped(inputs, outputs, kernel, 1, rng)
    }

    /// As [`new`](Self::new), in `groups`.
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

    /// Every channel with a window of its own: as many groups as channels.
    ///
    /// L. Sifre, "Rigid-motion scattering for image classification", 2014.
    ///
    /// # Errors
    /// Weights that cannot be allocated.
    pub fn depthwise(channels: usize, kernel: impl Into<PerAxis<N>>, rng: &mut Rng) -> Result<Self> {
        Self::grouped(channels, channels, kernel, channels.max(1), rng)
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
        let (weight, bias) =
            parameters("conv", [outputs, inputs], [inputs, outputs], &kernel.into().0, groups, init, rng)?;
        let padding = Padding::Both([0; N]);
        Ok(Self { weight, bias: Some(bias), strides: [1; N], dilations: [1; N], padding, groups })
    }

    /// The same layer without a bias.
    pub fn without_bias(self) -> Self {
        Self { bias: None, ..self }
    }

    /// The same layer with this distance between neighbouring windows.
    pub fn stride(self, stride: impl Into<PerAxis<N>>) -> Self {
        Self { strides: stride.into().0, ..self }
    }

    /// The same layer with so many zeros before and after each axis.
    pub fn padding(self, zeros: impl Into<PerAxis<N>>) -> Self {
        Self { padding: Padding::Both(zeros.into().0), ..self }
    }

    /// The same layer with as many zeros as make the axes of the output as long as those of the input at
    /// stride 1; an odd one is after the axis.
    pub fn same(self) -> Self {
        Self { padding: Padding::Same, ..self }
    }

    /// The same layer with this distance between neighbouring elements of a window.
    pub fn dilation(self, dilation: impl Into<PerAxis<N>>) -> Self {
        Self { dilations: dilation.into().0, ..self }
    }

    fn how(&self, window: &[usize]) -> Conv {
        let both = |n: usize| isize::try_from(n).unwrap_or(isize::MAX);
        let padding = match self.padding {
            Padding::Both(zeros) => zeros.iter().map(|&n| (both(n), both(n))).collect(),
            Padding::Same => {
                let reach = |(&k, &d): (&usize, &usize)| both(d.saturating_mul(k.saturating_sub(1)));
                window.iter().zip(&self.dilations).map(reach).map(|n| (n / 2, n - n / 2)).collect()
            }
        };
        let (strides, dilations) = (self.strides.to_vec(), self.dilations.to_vec());
        Conv { strides, padding, dilations, groups: self.groups }
    }
}

impl<const N: usize> Layer for ConvNd<N> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        let (images, lead) = match Lead::join("conv", x, N + 1) {
            Ok(joined) => joined,
            Err(poisoned) => return poisoned,
        };
        let weight = self.weight.beside(x);
        let window = weight.shape();
        let y = images.conv(weight, &self.how(window.get(2..).unwrap_or_default()));
        lead.restore(match &self.bias {
            Some(bias) => y + per_channel(bias.beside(x), N + 2),
            None => y,
        })
    }
}

/// A weight of the shape `[first, second / groups, window..]` and a bias of zeros for the outputs, of a
/// convolution from `ends[0]` to `ends[1]` channels.
#[inline]
pub(super) fn parameters(
    layer: &str,
    [first, second]: [usize; 2],
    ends: [usize; 2],
    window: &[usize],
    groups: usize,
    init: Init,
    rng: &mut Rng,
) -> Result<(Param, Param)> {
    let [inputs, outputs] = ends;
    if groups == 0 || !inputs.is_multiple_of(groups) || !outputs.is_multiple_of(groups) {
        return Err(Error::value(format!("{layer}: {groups} groups of {inputs} inputs and {outputs} outputs")));
    }
    let area = Shape::from(window).numel_checked()?;
    let fans = Fans { input: (inputs / groups).saturating_mul(area), output: (outputs / groups).saturating_mul(area) };
    let shape = [&[first, second / groups], window].concat();
    let weight = init.draw(shape, fans, DType::F32, rng)?;
    Ok((Param::new(weight), Param::new(Tensor::zeros([outputs], DType::F32)?)))
}

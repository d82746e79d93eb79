//! Normalization of every channel of every sample.

use wengert_autograd::Var;
use wengert_tensor::{AxisList, DType, Error, Result, Tensor};

use super::Layer;
use super::norm::{affine, channels_of, wide};
use crate::Module;
use crate::param::Param;

/// y = (x - mean) / √(var + eps), with mean and variance over the axes after the channels, for each sample and
/// channel: from `[N, channels, axes..]` to the same; then times w plus b, where the layer is
/// [affine](Self::affine).
///
/// The variance is the mean squared deviation; eps is 1e-5. A clone shares its parameters with the original.
///
/// D. Ulyanov, A. Vedaldi and V. Lempitsky, "Instance normalization: the missing ingredient for fast stylization", 2016.
///
/// ```
/// use wengert_nn::{InstanceNorm, Layer};
/// use wengert_tensor::Tensor;
///
/// let y = InstanceNorm::new().eps(0.0).predict(&Tensor::from([[[1.0, 3.0], [0.0, -2.0]]]))?;
/// assert_eq!(y, Tensor::from([[[-1.0, 1.0], [1.0, -1.0]]]));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Module)]
#[doc(alias("InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"))]
pub struct InstanceNorm {
    /// w, of shape `[channels]`.
    pub weight: Option<Param>,
    /// b, of shape `[channels]`.
    pub bias: Option<Param>,
    eps: f64,
}

impl InstanceNorm {
    /// Without parameters, for any number of channels.
    pub fn new() -> Self {
        Self { weight: None, bias: None, eps: 1e-5 }
    }

    /// With weights, which start at 1, and biases, which start at 0, one for each channel, in f32.
    ///
    /// # Errors
    /// Weights that cannot be allocated.
    #[inline]
    pub fn affine(channels: usize) -> Result<Self> {
        let weight = Some(Param::new(Tensor::ones([channels], DType::F32)?));
        let bias = Some(Param::new(Tensor::zeros([channels], DType::F32)?));
        Ok(Self { weight, bias, ..Self::new() })
    }

    /// The same layer with another eps.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }
}

impl Default for InstanceNorm {
    fn default() -> Self {
        Self::new()
    }
}

impl Layer for InstanceNorm {
    #[inline]
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        let channels = self.weight.as_ref().and_then(|weight| weight.ty().shape.first().copied());
        if let Err(poisoned) = channels_of("instance_norm", x, channels) {
            return poisoned;
        }
        if x.rank() < 3 {
            let sentence = format!("instance_norm: takes [N, channels, axes..], got {}", x.shape());
            return x.tape().error(Error::shape(sentence));
        }
        let axes: AxisList = (2..x.rank()).collect();
        affine(x, wide(x).layer_norm(&axes[..], None, None, self.eps), &self.weight, &self.bias)
    }
}

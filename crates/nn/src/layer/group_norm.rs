//! Normalization of groups of channels, and of single ones.

use wengert_autograd::Var;
use wengert_tensor::{DType, Error, Result, Shape, Tensor};

use super::Layer;
use super::norm::{affine, channels_of, wide};
use crate::Module;
use crate::param::Param;

/// y = w (x - mean) / √(var + eps) + b, with mean and variance over a group of neighbouring channels and all axes
/// after them, for each sample: from `[N, channels, ..]` to the same.
///
/// The variance is the mean squared deviation. Weights start at 1, biases at 0, one for each channel; eps is 1e-5.
/// A clone shares its parameters with the original.
///
/// Y. Wu and K. He, "Group normalization", ECCV 2018.
///
/// ```
/// use wengert_nn::{GroupNorm, Layer};
/// use wengert_tensor::Tensor;
///
/// let y = GroupNorm::new(2, 4)?.eps(0.0).predict(&Tensor::from([[1f32, 3.0, 0.0, -2.0]]))?;
/// assert_eq!(y, Tensor::from([[-1f32, 1.0, 1.0, -1.0]]));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Module)]
pub struct GroupNorm {
    /// w, of shape `[channels]`.
    pub weight: Option<Param>,
    /// b, of shape `[channels]`.
    pub bias: Option<Param>,
    groups: usize,
    channels: usize,
    eps: f64,
}

impl GroupNorm {
    /// So many groups of `channels` in all, in f32.
    ///
    /// # Errors
    /// Channels that `groups` does not divide; weights that cannot be allocated.
    #[inline]
    pub fn new(groups: usize, channels: usize) -> Result<Self> {
        if groups == 0 || !channels.is_multiple_of(groups) {
            return Err(Error::value(format!("group_norm: {groups} groups of {channels} channels")));
        }
        let weight = Some(Param::new(Tensor::ones([channels], DType::F32)?));
        let bias = Some(Param::new(Tensor::zeros([channels], DType::F32)?));
        Ok(Self { weight, bias, groups, channels, eps: 1e-5 })
    }

    /// The same layer without w and b.
    pub fn without_affine(self) -> Self {
        Self { weight: None, bias: None, ..self }
    }

    /// The same layer with another eps.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }
}

impl Layer for GroupNorm {
    #[inline]
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        if let Err(poisoned) = channels_of("group_norm", x, Some(self.channels)) {
            return poisoned;
        }
        // A group's elements lie one after another.
        let shape = x.shape();
        let size = Shape::from(&shape[1..]).numel() / self.groups;
        let normal =
            wide(x).reshape([shape[0], self.groups, size]).layer_norm(-1, None, None, self.eps).reshape(&shape);
        affine(x, normal, &self.weight, &self.bias)
    }
}

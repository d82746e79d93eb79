//! Layer normalization.

use wengert_autograd::Var;
use wengert_tensor::{DType, Result, Shape, Tensor};

use super::Layer;
use super::norm::{last_axes, on};
use crate::Module;
use crate::param::Param;

/// y = w (x - mean) / √(var + eps) + b, over the last axes of each sample: from `[.., shape..]` to the same.
///
/// The variance is the mean squared deviation. Weights start at 1, biases at 0; eps is 1e-5. A clone shares its
/// parameters with the original.
///
/// J. L. Ba, J. R. Kiros and G. E. Hinton, "Layer normalization", 2016.
///
/// ```
/// use wengert_nn::{Layer, LayerNorm};
/// use wengert_tensor::Tensor;
///
/// let y = LayerNorm::new([2])?.eps(0.0).predict(&Tensor::from([[1f32, 3.0], [10.0, 0.0]]))?;
/// assert_eq!(y, Tensor::from([[-1f32, 1.0], [1.0, -1.0]]));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Module)]
pub struct LayerNorm {
    /// w, of the shape that is normalized.
    pub weight: Option<Param>,
    /// b, of the same shape.
    pub bias: Option<Param>,
    #[module(skip)]
    shape: Shape,
    eps: f64,
}

impl LayerNorm {
    /// Over last axes of these sizes, in f32.
    ///
    /// # Errors
    /// Weights that cannot be allocated.
    #[inline]
    pub fn new(shape: impl Into<Shape>) -> Result<Self> {
        let shape = shape.into();
        let weight = Some(Param::new(Tensor::ones(&shape, DType::F32)?));
        let bias = Some(Param::new(Tensor::zeros(&shape, DType::F32)?));
        Ok(Self { weight, bias, shape, eps: 1e-5 })
    }

    /// The same layer without b.
    pub fn without_bias(self) -> Self {
        Self { bias: None, ..self }
    }

    /// The same layer without w and b.
    #[doc(alias = "elementwise_affine")]
    pub fn without_affine(self) -> Self {
        Self { weight: None, bias: None, ..self }
    }

    /// The same layer with another eps.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }
}

impl Layer for LayerNorm {
    #[inline]
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        let axes = match last_axes("layer_norm", x, &self.shape) {
            Ok(axes) => axes,
            Err(poisoned) => return poisoned,
        };
        x.layer_norm(&axes[..], on(&self.weight, x), on(&self.bias, x), self.eps)
    }
}

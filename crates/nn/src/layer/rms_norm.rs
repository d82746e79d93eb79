//! Normalization by the root of the mean square.

use wengert_autograd::Var;
use wengert_tensor::{DType, Result, Shape, Tensor};

use super::Layer;
use super::norm::{last_axes, on};
use crate::Module;
use crate::param::Param;

/// y = w x / √(mean x² + eps), over the last axes of each sample: from `[.., shape..]` to the same.
///
/// Weights start at 1; eps is the spacing of numbers at 1 in the dtype of x, unless it is given. A clone shares its
/// parameters with the original.
///
/// B. Zhang and R. Sennrich, "Root mean square layer normalization", NeurIPS 2019.
///
/// ```
/// use wengert_nn::{Layer, RmsNorm};
/// use wengert_tensor::Tensor;
///
/// let y = RmsNorm::new([2])?.eps(0.0).predict(&Tensor::from([[7f32, 1.0]]))?;
/// assert_eq!(y, Tensor::from([[1.4f32, 0.2]]));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Module)]
#[doc(alias = "RMSNorm")]
pub struct RmsNorm {
    /// w, of the shape that is normalized.
    pub weight: Option<Param>,
    #[module(skip)]
    shape: Shape,
    eps: Option<f64>,
}

impl RmsNorm {
    /// Over last axes of these sizes, in f32.
    ///
    /// # Errors
    /// Weights that cannot be allocated.
    #[inline]
    pub fn new(shape: impl Into<Shape>) -> Result<Self> {
        let shape = shape.into();
        Ok(Self { weight: Some(Param::new(Tensor::ones(&shape, DType::F32)?)), shape, eps: None })
    }

    /// The same layer without w.
    #[doc(alias = "elementwise_affine")]
    pub fn without_affine(self) -> Self {
        Self { weight: None, ..self }
    }

    /// The same layer with this eps.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps: Some(eps), ..self }
    }
}

impl Layer for RmsNorm {
    #[inline]
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        let axes = match last_axes("rms_norm", x, &self.shape) {
            Ok(axes) => axes,
            Err(poisoned) => return poisoned,
        };
        let spacing = if x.dtype() == DType::F64 { f64::EPSILON } else { f32::EPSILON.into() };
        x.rms_norm(&axes[..], on(&self.weight, x), self.eps.unwrap_or(spacing))
    }
}

//! The rectifier that learns its slope.

use wengert_autograd::Var;
use wengert_tensor::{DType, Result, Tensor};

use super::Layer;
use crate::Module;
use crate::param::Param;

/// y = x where x > 0, else w x, with one trained slope for everything or one for each channel, which is axis 1 of
/// `[N, channels, ..]`. Slopes start at 1/4.
///
/// K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers: surpassing human-level performance on ImageNet
/// classification", ICCV 2015.
///
/// ```
/// use wengert_nn::{Layer, Prelu};
/// use wengert_tensor::Tensor;
///
/// assert_eq!(Prelu::new()?.predict(&Tensor::from([-4f32, 2.0]))?, Tensor::from([-1f32, 2.0]));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Module)]
#[doc(alias = "PReLU")]
pub struct Prelu {
    /// w, of shape `[1]` or `[channels]`.
    pub weight: Param,
}

impl Prelu {
    /// One slope for everything, in f32.
    ///
    /// # Errors
    /// A slope that cannot be allocated.
    #[inline]
    pub fn new() -> Result<Self> {
        Self::per_channel(1)
    }

    /// A slope for each channel, in f32.
    ///
    /// # Errors
    /// Slopes that cannot be allocated.
    #[inline]
    pub fn per_channel(channels: usize) -> Result<Self> {
        Ok(Self { weight: Param::new(Tensor::full([channels], 0.25)?.cast(DType::F32)?) })
    }
}

impl Layer for Prelu {
    #[inline]
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        x.prelu(self.weight.beside(x))
    }
}

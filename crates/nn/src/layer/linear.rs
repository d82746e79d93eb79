//! The dense layer.

use wengert_autograd::Var;
use wengert_tensor::{DType, Result, Rng, Tensor};

use super::Layer;
use crate::Module;
use crate::init::{Fans, Init};
use crate::param::Param;

/// y = x W + b, from `[.., inputs]` to `[.., outputs]`.
///
/// The weight has the shape `[inputs, outputs]`, so that the formula reads as it is written; PyTorch's is
/// its transpose. A clone shares its parameters with the original.
#[derive(Debug, Clone, Module)]
#[doc(alias = "Dense")]
pub struct Linear {
    /// W, of shape `[inputs, outputs]`.
    pub weight: Param,
    /// b, of shape `[outputs]`.
    pub bias: Option<Param>,
}

impl Linear {
    /// A layer in f32 with Xavier's uniform weights and a bias of zeros.
    ///
    /// # Errors
    /// Weights that cannot be allocated.
    pub fn new(inputs: usize, outputs: usize, rng: &mut Rng) -> Result<Self> {
        Self::new_with(inputs, outputs, Init::XavierUniform { gain: 1.0 }, rng)
    }

    /// As [`new`](Self::new), with weights that start as `init` says.
    ///
    /// # Errors
    /// Weights that cannot be allocated, and a number of `init` that is out of range.
    pub fn new_with(inputs: usize, outputs: usize, init: Init, rng: &mut Rng) -> Result<Self> {
        let weight = init.draw([inputs, outputs], Fans::of_matrix(inputs, outputs), DType::F32, rng)?;
        let bias = Tensor::zeros([outputs], DType::F32)?;
        Ok(Self { weight: Param::new(weight), bias: Some(Param::new(bias)) })
    }

    /// The same layer without a bias.
    pub fn without_bias(self) -> Self {
        Self { bias: None, ..self }
    }
}

impl Layer for Linear {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        let tape = x.tape();
        tape.originating(tape.here(), || x.linear(self.weight.beside(x), self.bias.as_ref().map(|bias| bias.beside(x))))
    }
}

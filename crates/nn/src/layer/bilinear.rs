//! The bilinear layer of two inputs.

use wengert_autograd::Var;
use wengert_tensor::{DType, Result, Rng, Tensor};

use crate::Module;
use crate::init::{Fans, Init};
use crate::param::Param;

/// y(o) = Σ x1(i) w(o, i, j) x2(j) + b(o), from `[.., first]` and `[.., second]` to `[.., outputs]`.
///
/// It has two inputs, so it is no [`Layer`](super::Layer). Weights start uniform, by Xavier's rule for
/// `first * second` inputs, and biases at zero. A clone shares its parameters with the original.
///
/// J. Tenenbaum and W. Freeman, "Separating style and content with bilinear models", Neural Computation 12(6), 2000.
///
/// ```
/// use wengert_autograd::Tape;
/// use wengert_nn::Bilinear;
/// use wengert_tensor::{DType, Rng, Tensor};
///
/// let layer = Bilinear::new(3, 4, 2, &mut Rng::seed(0))?;
/// let tape = Tape::new();
/// let (x1, x2) = (tape.full([5, 3], 1f32), tape.full([5, 4], 1f32));
/// assert_eq!(layer.forward(x1, x2).shape()[..], [5, 2]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Module)]
pub struct Bilinear {
    /// w, of shape `[outputs, first, second]`.
    pub weight: Param,
    /// b, of shape `[outputs]`.
    pub bias: Option<Param>,
}

impl Bilinear {
    /// A layer in f32.
    ///
    /// # Errors
    /// Weights that cannot be allocated.
    #[inline]
    pub fn new(first: usize, second: usize, outputs: usize, rng: &mut Rng) -> Result<Self> {
        Self::new_with(first, second, outputs, Init::XavierUniform { gain: 1.0 }, rng)
    }

    /// As [`new`](Self::new), with weights that start as `init` says.
    ///
    /// # Errors
    /// Also a number of `init` that is out of range.
    #[inline]
    pub fn new_with(first: usize, second: usize, outputs: usize, init: Init, rng: &mut Rng) -> Result<Self> {
        let fans = Fans { input: first.saturating_mul(second), output: outputs };
        let weight = init.draw([outputs, first, second], fans, DType::F32, rng)?;
        let bias = Tensor::zeros([outputs], DType::F32)?;
        Ok(Self { weight: Param::new(weight), bias: Some(Param::new(bias)) })
    }

    /// The same layer without a bias.
    pub fn without_bias(self) -> Self {
        Self { bias: None, ..self }
    }

    /// Records the output for two inputs, whose leading axes broadcast.
    #[inline]
    #[track_caller]
    pub fn forward<'t>(&self, x1: Var<'t>, x2: Var<'t>) -> Var<'t> {
        let tape = x1.tape();
        tape.originating(tape.here(), || {
            x1.bilinear(x2, self.weight.beside(x1), self.bias.as_ref().map(|bias| bias.beside(x1)))
        })
    }
}

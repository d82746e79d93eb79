//! The simple recurrent layer.

use wengert_autograd::Var;
use wengert_tensor::{Result, Rng};

use super::{Cell, Recurrence, Stack};
use crate::layer::{Activation, Layer};
use crate::{Module, Visitor};

/// The simple recurrent layer, h' = f(W_ih x + b_ih + W_hh h + b_hh), with f the hyperbolic tangent or another activation.
///
/// From `[batch, steps, inputs]` to `[batch, steps, hidden]`, or `2 hidden` in both directions. All parameters start
/// uniform from -1 / sqrt(hidden) to 1 / sqrt(hidden). They are named as PyTorch's: `weight_ih_l0`
/// `[hidden, inputs]`, `weight_hh_l0` `[hidden, hidden]`, `bias_ih_l0`, `bias_hh_l0`, `weight_ih_l0_reverse`, …
///
/// J. Elman, "Finding structure in time", Cognitive Science 14(2), 1990; in both directions: M. Schuster and
/// K. Paliwal, "Bidirectional recurrent neural networks", IEEE Transactions on Signal Processing 45(11), 1997.
///
/// ```
/// use wengert_nn::{Layer, Rnn};
/// use wengert_tensor::{Rng, Tensor};
///
/// let rnn = Rnn::new(2, 3, &mut Rng::seed(0))?;
/// let y = rnn.predict(&Tensor::from([[[0.5f32, 1.0], [0.0, -1.0]]]))?;
/// assert_eq!(y.shape()[..], [1, 2, 3]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Rnn {
    stack: Stack,
    activation: Activation,
}

impl Rnn {
    /// One layer in one direction with the hyperbolic tangent, in f32.
    ///
    /// # Errors
    /// A hidden width of 0; weights that cannot be allocated.
    #[inline]
    pub fn new(inputs: usize, hidden: usize, rng: &mut Rng) -> Result<Self> {
        Self::new_with(Recurrence::new(inputs, hidden), Activation::Tanh, rng)
    }

    /// Layers as `of` says, with the activation f, in f32.
    ///
    /// # Errors
    /// No layers, or a hidden width of 0; weights that cannot be allocated.
    #[inline]
    pub fn new_with(of: Recurrence, activation: Activation, rng: &mut Rng) -> Result<Self> {
        Ok(Self { stack: Stack::new::<Step>(of, rng)?, activation })
    }

    /// The outputs of all steps, and the last state. That is `[layers * ways, batch, hidden]`, as is the one to
    /// start from; without any it starts from zeros.
    #[inline]
    #[track_caller]
    pub fn run<'t>(&self, x: Var<'t>, start: Option<Var<'t>>) -> (Var<'t>, Var<'t>) {
        let (outputs, end) = self.stack.run(Step(self.activation), x, start.map(|h| vec![h]));
        (outputs, end[0])
    }
}

impl Layer for Rnn {
    #[inline]
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        self.run(x, None).0
    }
}

impl Module for Rnn {
    #[inline]
    fn visit(&self, visitor: &mut Visitor) {
        self.stack.visit(visitor);
    }
}

#[derive(Clone, Copy)]
struct Step(Activation);

impl Cell for Step {
    const NAME: &str = "rnn";
    const GATES: usize = 1;
    const STATES: usize = 1;
    const SUMS: bool = true;

    #[inline]
    fn step<'t>(self, from_input: Var<'t>, from_hidden: Var<'t>, _: &[Var<'t>]) -> Vec<Var<'t>> {
        vec![self.0.forward(from_input + from_hidden)]
    }
}

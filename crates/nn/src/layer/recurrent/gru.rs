//! The gated recurrent unit.

use wengert_autograd::Var;
use wengert_tensor::{Result, Rng};

use super::{Cell, Recurrence, Stack, gate, width};
use crate::layer::Layer;
use crate::{Module, Visitor};

/// Gated recurrent units: a state h that moves towards a new one as far as a gate lets it.
///
/// With `[r, z, n]`, in this order, the parts of W_ih x + b_ih, and those marked ' of W_hh h + b_hh:
///
/// ```text
/// keep = sigmoid(z + z')
/// new = tanh(n + sigmoid(r + r') n')
/// h' = (1 - keep) new + keep h
/// ```
///
/// From `[batch, steps, inputs]` to `[batch, steps, hidden]`, or `2 hidden` in both directions. All parameters start
/// uniform from -1 / sqrt(hidden) to 1 / sqrt(hidden). They are named as PyTorch's: `weight_ih_l0`
/// `[3 hidden, inputs]`, `weight_hh_l0` `[3 hidden, hidden]`, `bias_ih_l0`, `bias_hh_l0`, `weight_ih_l0_reverse`, …
///
/// K. Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine
/// translation", EMNLP 2014, with the reset after the product, so that all products with h are one.
///
/// ```
/// use wengert_nn::{Gru, Layer};
/// use wengert_tensor::{Rng, Tensor};
///
/// let gru = Gru::new(2, 3, &mut Rng::seed(0))?;
/// let y = gru.predict(&Tensor::from([[[0.5f32, 1.0], [0.0, -1.0]]]))?;
/// assert_eq!(y.shape()[..], [1, 2, 3]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Gru(Stack);

impl Gru {
    /// One layer in one direction, in f32.
    ///
    /// # Errors
    /// A hidden width of 0; weights that cannot be allocated.
    #[inline]
    pub fn new(inputs: usize, hidden: usize, rng: &mut Rng) -> Result<Self> {
        Self::new_with(Recurrence::new(inputs, hidden), rng)
    }

    /// Layers as `of` says, in f32.
    ///
    /// # Errors
    /// No layers, or a hidden width of 0; weights that cannot be allocated.
    #[inline]
    pub fn new_with(of: Recurrence, rng: &mut Rng) -> Result<Self> {
        Ok(Self(Stack::new::<Step>(of, rng)?))
    }

    /// The outputs of all steps, and the last state. That is `[layers * ways, batch, hidden]`, as is the one to
    /// start from; without any it starts from zeros.
    #[inline]
    #[track_caller]
    pub fn run<'t>(&self, x: Var<'t>, start: Option<Var<'t>>) -> (Var<'t>, Var<'t>) {
        let (outputs, end) = self.0.run(Step, x, start.map(|h| vec![h]));
        (outputs, end[0])
    }
}

impl Layer for Gru {
    #[inline]
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        self.run(x, None).0
    }
}

impl Module for Gru {
    #[inline]
    fn visit(&self, visitor: &mut Visitor) {
        self.0.visit(visitor);
    }
}

#[derive(Clone, Copy)]
struct Step;

impl Cell for Step {
    const NAME: &str = "gru";
    const GATES: usize = 3;
    const STATES: usize = 1;
    const SUMS: bool = false;

    #[inline]
    fn step<'t>(self, from_input: Var<'t>, from_hidden: Var<'t>, state: &[Var<'t>]) -> Vec<Var<'t>> {
        let hidden = state[0];
        let part = |gates, i| gate(gates, i, width(hidden));
        let reset = (part(from_input, 0) + part(from_hidden, 0)).sigmoid();
        let keep = (part(from_input, 1) + part(from_hidden, 1)).sigmoid();
        let new = (part(from_input, 2) + reset * part(from_hidden, 2)).tanh();
        vec![new + keep * (hidden - new)]
    }
}

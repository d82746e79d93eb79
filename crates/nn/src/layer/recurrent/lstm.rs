//! The long short-term memory.

use wengert_autograd::Var;
use wengert_tensor::{Result, Rng};

use super::{Cell, Recurrence, Stack, gate, width};
use crate::layer::Layer;
use crate::{Module, Visitor};

/// Long short-term memory: a cell c, which a gate keeps or clears, and an output h, which another shows.
///
/// With `[i, f, g, o]`, in this order, the parts of W_ih x + b_ih + W_hh h + b_hh:
///
/// ```text
/// c' = sigmoid(f) c + sigmoid(i) tanh(g)
/// h' = sigmoid(o) tanh(c')
/// ```
///
/// From `[batch, steps, inputs]` to `[batch, steps, hidden]`, or `2 hidden` in both directions. All parameters start
/// uniform from -1 / sqrt(hidden) to 1 / sqrt(hidden). They are named as PyTorch's: `weight_ih_l0`
/// `[4 hidden, inputs]`, `weight_hh_l0` `[4 hidden, hidden]`, `bias_ih_l0`, `bias_hh_l0`, `weight_ih_l0_reverse`, …
///
/// S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9(8), 1997; the gate that
/// clears: F. Gers, J. Schmidhuber and F. Cummins, "Learning to forget", Neural Computation 12(10), 2000.
///
/// ```
/// use wengert_autograd::Tape;
/// use wengert_nn::Lstm;
/// use wengert_tensor::{Rng, Tensor};
///
/// let lstm = Lstm::new(2, 3, &mut Rng::seed(0))?;
/// let tape = Tape::new();
/// let x = tape.input(&Tensor::from([[[0.5f32, 1.0], [0.0, -1.0]]]));
/// let (whole, _) = lstm.run(x, None);
///
/// // The last state is where the rest of the sequence goes on.
/// let (_, state) = lstm.run(x.narrow(1, 0, 1), None);
/// let (rest, _) = lstm.run(x.narrow(1, 1, 1), Some(state));
/// assert_eq!(rest.value()?, whole.narrow(1, 1, 1).value()?);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Lstm(Stack);

impl Lstm {
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

    /// The outputs of all steps, and the last (h, c). Both are `[layers * ways, batch, hidden]`, as are those to
    /// start from; without any it starts from zeros.
    #[inline]
    #[track_caller]
    pub fn run<'t>(&self, x: Var<'t>, start: Option<(Var<'t>, Var<'t>)>) -> (Var<'t>, (Var<'t>, Var<'t>)) {
        let (outputs, end) = self.0.run(Step, x, start.map(|(h, c)| vec![h, c]));
        (outputs, (end[0], end[1]))
    }
}

impl Layer for Lstm {
    #[inline]
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        self.run(x, None).0
    }
}

impl Module for Lstm {
    #[inline]
    fn visit(&self, visitor: &mut Visitor) {
        self.0.visit(visitor);
    }
}

#[derive(Clone, Copy)]
struct Step;

impl Cell for Step {
    const NAME: &str = "lstm";
    const GATES: usize = 4;
    const STATES: usize = 2;
    const SUMS: bool = true;

    #[inline]
    fn step<'t>(self, from_input: Var<'t>, from_hidden: Var<'t>, state: &[Var<'t>]) -> Vec<Var<'t>> {
        let gates = from_input + from_hidden;
        let gate = |i| gate(gates, i, width(state[0]));
        let (take, keep, new, show) = (gate(0).sigmoid(), gate(1).sigmoid(), gate(2).tanh(), gate(3).sigmoid());
        let cell = keep * state[1] + take * new;
        vec![show * cell.tanh(), cell]
    }
}

//! Recurrent layers: what [`Rnn`], [`Lstm`] and [`Gru`] share. They differ in one step, a [`Cell`].
//!
//! A sequence has the shape `[batch, steps, inputs]`. A layer is one `scan`, so its tape has a few equations
//! whatever the number of steps. What the inputs contribute does not depend on the state: it is one product for
//! all steps, before the loop. Names, shapes and order of the parameters are PyTorch's, so states load across.

mod gru;
mod lstm;
mod rnn;

use wengert_autograd::{Reversed, Var, scan};
use wengert_tensor::{DType, Error, Result, Rng, Scalar, Shape};

pub use gru::Gru;
pub use lstm::Lstm;
pub use rnn::Rnn;

use super::{Dropout, Layer};
use crate::init::{Fans, Init};
use crate::param::Param;
use crate::{Module, Visitor};

/// The sizes and options of recurrent layers.
///
/// ```
/// use wengert_nn::{Layer, Lstm, Recurrence};
/// use wengert_tensor::{DType, Rng, Tensor};
///
/// let lstm = Lstm::new_with(Recurrence::new(3, 8).layers(2).bidirectional(), &mut Rng::seed(0))?;
/// let y = lstm.predict(&Tensor::zeros([4, 10, 3], DType::F32)?)?;
/// assert_eq!(y.shape()[..], [4, 10, 2 * 8]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recurrence {
    /// The width of an input.
    pub inputs: usize,
    /// The width of the hidden state.
    pub hidden: usize,
    /// How many layers follow on each other; each has the outputs of the one before as its inputs.
    pub layers: usize,
    /// Whether every layer also goes from the last step to the first; the outputs of both ways are joined.
    pub bidirectional: bool,
    /// Whether there are biases.
    pub bias: bool,
    /// The probability of [`Dropout`] between layers.
    pub dropout: f64,
}

impl Recurrence {
    /// One layer in one direction, with biases.
    #[inline]
    pub fn new(inputs: usize, hidden: usize) -> Self {
        Self { inputs, hidden, layers: 1, bidirectional: false, bias: true, dropout: 0.0 }
    }

    /// So many layers.
    #[inline]
    #[doc(alias = "num_layers")]
    pub fn layers(self, layers: usize) -> Self {
        Self { layers, ..self }
    }

    /// In both directions.
    #[inline]
    pub fn bidirectional(self) -> Self {
        Self { bidirectional: true, ..self }
    }

    /// Without biases.
    #[inline]
    pub fn without_bias(self) -> Self {
        Self { bias: false, ..self }
    }

    /// With [`Dropout`] of this probability between layers.
    #[inline]
    pub fn dropout(self, p: f64) -> Self {
        Self { dropout: p, ..self }
    }

    /// How many ways a layer goes.
    #[inline]
    fn ways(&self) -> usize {
        1 + usize::from(self.bidirectional)
    }
}

/// One step of a recurrent layer.
trait Cell: Copy {
    /// The name, for mistakes.
    const NAME: &str;
    /// How many vectors of the hidden width the products give.
    const GATES: usize;
    /// How many vectors of the hidden width the state has. The first is the output.
    const STATES: usize;
    /// Whether the step reads the products of input and state only as their sum.
    const SUMS: bool;

    /// The state after the step, from W_i x + b_i, W_h h + b_h and the state before.
    fn step<'t>(self, from_input: Var<'t>, from_hidden: Var<'t>, state: &[Var<'t>]) -> Vec<Var<'t>>;
}

/// The parameters of one layer in one direction.
#[derive(Debug, Clone)]
struct Weights {
    /// `[gates * hidden, inputs]`
    input: Param,
    /// `[gates * hidden, hidden]`
    hidden: Param,
    /// Of input and state, both `[gates * hidden]`.
    biases: Option<[Param; 2]>,
}

/// Recurrent layers on top of each other.
#[derive(Debug, Clone)]
struct Stack {
    of: Recurrence,
    /// Layer by layer, the way forwards first.
    weights: Vec<Weights>,
}

impl Stack {
    /// All parameters uniform from -1 / sqrt(hidden) to 1 / sqrt(hidden), in f32.
    fn new<C: Cell>(of: Recurrence, rng: &mut Rng) -> Result<Self> {
        let name = C::NAME;
        if of.hidden == 0 || of.layers == 0 {
            let (hidden, layers) = (of.hidden, of.layers);
            return Err(Error::value(format!("{name}: {layers} layers of width {hidden} have no output")));
        }
        let rows = C::GATES.checked_mul(of.hidden);
        let rows = rows.ok_or_else(|| Error::memory(format!("{name}: a width of {} is too large", of.hidden)))?;
        let init = Init::Uniform { bound: (of.hidden as f64).powf(-0.5) };
        let mut draw = |sizes: &[usize]| {
            let value = init.draw(sizes, Fans::of_matrix(1, 1), DType::F32, rng)?;
            Ok::<_, Error>(Param::new(value))
        };
        let mut weights = Vec::new();
        for layer in 0..of.layers {
            let inputs = if layer == 0 { of.inputs } else { of.hidden * of.ways() };
            for _ in 0..of.ways() {
                let (input, hidden) = (draw(&[rows, inputs])?, draw(&[rows, of.hidden])?);
                let biases = if of.bias { Some([draw(&[rows])?, draw(&[rows])?]) } else { None };
                weights.push(Weights { input, hidden, biases });
            }
        }
        Ok(Self { of, weights })
    }

    /// The outputs `[batch, steps, ways * hidden]` for inputs `[batch, steps, inputs]`, and the last states, each
    /// `[layers * ways, batch, hidden]`, as is the first state, or zeros.
    #[track_caller]
    fn run<'t, C: Cell>(&self, cell: C, x: Var<'t>, init: Option<Vec<Var<'t>>>) -> (Var<'t>, Vec<Var<'t>>) {
        let tape = x.tape();
        tape.originating(tape.here(), || match self.start::<C>(x, init) {
            Ok(start) => self.unroll(cell, x, &start),
            Err(poisoned) => (poisoned, vec![poisoned; C::STATES]),
        })
    }

    fn unroll<'t, C: Cell>(&self, cell: C, x: Var<'t>, start: &[Var<'t>]) -> (Var<'t>, Vec<Var<'t>>) {
        let mut ends = vec![Vec::new(); C::STATES];
        // A loop goes along the leading axis.
        let mut sequence = x.transpose(0, 1);
        for layer in 0..self.of.layers {
            let mut outputs = Vec::new();
            for way in 0..self.of.ways() {
                let i = layer * self.of.ways() + way;
                let state = start.iter().map(|s| s.select_axis(0, i as isize)).collect();
                let (end, output) = self.weights[i].run(cell, sequence, state, way == 1);
                outputs.push(output);
                ends.iter_mut().zip(end).for_each(|(ends, end)| ends.push(end));
            }
            sequence = if outputs.len() == 1 { outputs[0] } else { Var::concat(&outputs, -1) };
            if layer + 1 < self.of.layers {
                sequence = Dropout::new(self.of.dropout).forward(sequence);
            }
        }
        (sequence.transpose(0, 1), ends.iter().map(|ends| Var::stack(ends, 0)).collect())
    }

    /// The state before the first step, or a poisoned variable.
    fn start<'t, C: Cell>(&self, x: Var<'t>, init: Option<Vec<Var<'t>>>) -> std::result::Result<Vec<Var<'t>>, Var<'t>> {
        let (tape, of, name) = (x.tape(), &self.of, C::NAME);
        if let Some(poisoned) = [x].iter().chain(init.iter().flatten()).find(|v| v.is_poisoned()) {
            return Err(*poisoned);
        }
        let shape = x.shape();
        if shape.rank() != 3 || shape[2] != of.inputs {
            let sentence = format!("{name}: goes over [batch, steps, {}], not {shape}", of.inputs);
            return Err(tape.error(Error::shape(sentence)));
        }
        let wanted = Shape::from([of.layers * of.ways(), shape[0], of.hidden]);
        let Some(init) = init else {
            return Ok(vec![tape.full(wanted, Scalar::F64(0.0).cast(x.dtype())); C::STATES]);
        };
        match init.iter().find(|s| s.shape() != wanted) {
            Some(wrong) => {
                let sentence = format!("{name}: starts from a state {wanted}, not {}", wrong.shape());
                Err(tape.error(Error::shape(sentence)))
            }
            None => Ok(init),
        }
    }
}

impl Weights {
    /// The last state and the outputs `[steps, batch, hidden]`, for inputs `[steps, batch, inputs]`.
    fn run<'t, C: Cell>(&self, cell: C, x: Var<'t>, state: Vec<Var<'t>>, backwards: bool) -> (Vec<Var<'t>>, Var<'t>) {
        let (mut from_inputs, transition) = (x.matmul(self.input.beside(x).t()), self.hidden.beside(x).t());
        let mut inside = None;
        if let Some([b_input, b_hidden]) = &self.biases {
            let (b_input, b_hidden) = (b_input.beside(x), b_hidden.beside(x));
            // Of a sum, both biases can be added before the loop.
            from_inputs = from_inputs + if C::SUMS { b_input + b_hidden } else { b_input };
            inside = (!C::SUMS).then_some(b_hidden);
        }
        let product = |hidden: Var<'t>| {
            let product = hidden.matmul(transition);
            inside.map_or(product, |b| product + b)
        };
        // The product with the state is carried, and not made when it is read: carries are kept for the derivative,
        // which makes everything else again.
        let step = |(state, from_hidden): (Vec<Var<'t>>, Var<'t>), from_input: Var<'t>| {
            let state = cell.step(from_input, from_hidden, &state);
            let output = state[0];
            ((state, product(output)), output)
        };
        let start = (state.clone(), product(state[0]));
        let ((end, _), outputs) = match backwards {
            true => scan(step, start, Reversed(from_inputs)),
            false => scan(step, start, from_inputs),
        };
        (end, outputs)
    }
}

/// The `i`th of the vectors of width `hidden` that lie next to each other.
#[inline]
fn gate<'t>(gates: Var<'t>, i: usize, hidden: usize) -> Var<'t> {
    gates.narrow(1, i * hidden, hidden)
}

/// The hidden width of a state.
#[inline]
fn width(state: Var<'_>) -> usize {
    state.shape().last().copied().unwrap_or(0)
}

impl Module for Stack {
    #[inline]
    fn visit(&self, visitor: &mut Visitor) {
        for (i, weights) in self.weights.iter().enumerate() {
            let (layer, way) = (i / self.of.ways(), i % self.of.ways());
            let place = format!("l{layer}{}", if way == 1 { "_reverse" } else { "" });
            visitor.child(&format!("weight_ih_{place}"), &weights.input);
            visitor.child(&format!("weight_hh_{place}"), &weights.hidden);
            if let Some([input, hidden]) = &weights.biases {
                visitor.child(&format!("bias_ih_{place}"), input);
                visitor.child(&format!("bias_hh_{place}"), hidden);
            }
        }
    }
}

//! [`Compiled`]: a program in the user's hands, for loops where even recording counts.

use std::fmt;

use wengert_tensor::{Error, Result, Tensor};

use super::cache::{from_start, no_placeholder};
use super::graph::Graph;
use super::{Cost, Given, Program, Step};
use crate::op::Op;
use crate::tape::{Tape, Var};
use crate::ty::Type;

/// A computation recorded and planned once, to be run again and again on other inputs.
///
/// It prints as its plan: what runs together, what of it is kept and where, the work of every step and the line that it comes
/// from, and the memory that all takes. [`profile`](Self::profile) measures it. [`compile`](crate::compile) makes one of
/// a function.
///
/// ```
/// use wengert_autograd::Tape;
/// use wengert_tensor::Tensor;
///
/// let tape = Tape::new();
/// let x = tape.input(&Tensor::from([1.0, 2.0]));
/// let y = (x * x).sum();
/// let mut program = tape.compile(&[x], &[y, y.grad(x)])?;
///
/// let answers = program.run(&[&Tensor::from([3.0, 4.0])])?;
/// assert_eq!(answers, [Tensor::from(25.0), Tensor::from([6.0, 8.0])]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug)]
pub struct Compiled {
    pub(super) program: Program,
    /// The types of the arguments, in their order.
    types: Vec<Type>,
    answers: usize,
    states: Vec<State>,
    /// States whose values are not in their slots.
    elsewhere: usize,
}

/// A value that a program keeps and renews.
#[derive(Debug)]
struct State {
    ty: Type,
    held: Held,
}

/// Where a state's value is.
#[derive(Debug)]
enum Held {
    /// In its slot.
    Inside,
    /// Here, until the next run needs it.
    Waiting(Tensor),
    /// It was taken.
    Nowhere,
}

/// How much memory a program plans with, in bytes, its arguments and states not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Footprint {
    /// All memory that it uses.
    pub planned: usize,
    /// The most that any plan needs: the largest sum of values that are there at the same time.
    pub live: usize,
}

impl Compiled {
    /// The answers for other arguments, of the types that were there when it was compiled.
    ///
    /// # Errors
    /// Arguments of other types or number, and what a kernel refuses, with the line of its equation.
    pub fn run(&mut self, arguments: &[&Tensor]) -> Result<Vec<Tensor>> {
        self.prepare(arguments)?;
        self.program.run(arguments)
    }

    /// As [`run`](Self::run), with the answers in place of earlier ones, whose memory is used again. Where
    /// `answers` come from the run before and nobody shares them, nothing is allocated.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::{DType, Tensor};
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([0.0, 0.0]));
    /// let mut next = tape.compile(&[x], &[x * 0.5 + 1.0])?;
    /// let (mut x, mut y) = (Tensor::from([8.0, 16.0]), [Tensor::from([0.0, 0.0])]);
    /// for _ in 0..3 {
    ///     next.run_into(&[&x], &mut y)?;
    ///     std::mem::swap(&mut x, &mut y[0]);
    /// }
    /// assert_eq!(x, Tensor::from([2.75, 3.75]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`run`](Self::run), and another number of answers. Where a kernel refuses a value, `answers` hold
    /// nothing afterwards.
    pub fn run_into(&mut self, arguments: &[&Tensor], answers: &mut [Tensor]) -> Result<()> {
        self.prepare(arguments)?;
        if answers.len() != self.answers {
            let (given, made) = (answers.len(), self.answers);
            return Err(Error::value(format!("run_into: {given} answers of a program that makes {made}")));
        }
        self.program.run_into(arguments, answers)
    }

    /// How much memory it plans with.
    pub fn footprint(&self) -> Footprint {
        self.program.footprint
    }

    /// The work of a run: the sum of what its steps move and compute.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::{DType, Tensor};
    ///
    /// let tape = Tape::new();
    /// let [x, w] = [[2, 3], [3, 5]].map(|shape| tape.input(&Tensor::zeros(shape, DType::F32).unwrap()));
    /// let cost = tape.compile(&[x, w], &[x.matmul(w)])?.cost();
    /// assert_eq!((cost.read, cost.written, cost.flops), (4 * (6 + 15), 4 * 10, 2 * 2 * 3 * 5));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    pub fn cost(&self) -> Cost {
        self.program.steps.iter().filter_map(Step::note).map(|note| note.cost).sum()
    }

    /// Whether it was compiled for arguments like these.
    pub fn takes(&self, arguments: &[&Tensor]) -> bool {
        arguments.len() <= self.types.len() && arguments.iter().zip(&self.types).all(|(x, ty)| is_of(x, ty))
    }

    /// Whether all states have values: none was [taken](Self::take_state) and not set again.
    pub fn has_states(&self) -> bool {
        self.elsewhere == 0 || self.states.iter().all(|state| !matches!(state.held, Held::Nowhere))
    }

    /// The type of a state, if there is such a state.
    pub fn state_type(&self, k: usize) -> Option<&Type> {
        self.states.get(k).map(|state| &state.ty)
    }

    /// Takes the value of a state, which then must be [set](Self::set_state) before the next run. `None` where it was
    /// taken before.
    pub fn take_state(&mut self, k: usize) -> Option<Tensor> {
        let state = self.states.get_mut(k)?;
        match std::mem::replace(&mut state.held, Held::Nowhere) {
            Held::Inside => {
                self.elsewhere += 1;
                self.program.take_state(k, &state.ty).ok()
            }
            Held::Waiting(value) => Some(value),
            Held::Nowhere => None,
        }
    }

    /// Gives a state a value of its type. Where no other tensor shares the value's memory, the program works in it;
    /// otherwise in a copy.
    ///
    /// # Errors
    /// A value of another type, or no such state.
    pub fn set_state(&mut self, k: usize, value: Tensor) -> Result<()> {
        let states = self.states.len();
        let Some(state) = self.states.get_mut(k) else {
            return Err(Error::index(format!("set_state: there is no state {k} among {states}")));
        };
        same_type(&format_args!("set_state: state {k}"), &state.ty, &value)?;
        if matches!(state.held, Held::Inside) {
            self.elsewhere += 1;
        }
        state.held = Held::Waiting(value);
        Ok(())
    }

    /// Looks whether everything is there that a run needs.
    pub(super) fn prepare(&mut self, arguments: &[&Tensor]) -> Result<()> {
        if arguments.len() != self.types.len() {
            let (given, taken) = (arguments.len(), self.types.len());
            return Err(Error::value(format!("run: {given} arguments for a program of {taken}")));
        }
        for (i, (argument, ty)) in arguments.iter().zip(&self.types).enumerate() {
            same_type(&format_args!("run: argument {i}"), ty, argument)?;
        }
        match self.elsewhere {
            0 => Ok(()),
            _ => self.collect_states(),
        }
    }

    fn collect_states(&mut self) -> Result<()> {
        if let Some(k) = self.states.iter().position(|state| matches!(state.held, Held::Nowhere)) {
            return Err(Error::value(format!("run: state {k} was taken and not set")));
        }
        for (k, state) in self.states.iter_mut().enumerate() {
            if let Held::Waiting(value) = &mut state.held {
                self.program.set_state(k, value)?;
                state.held = Held::Inside;
                self.elsewhere -= 1;
            }
        }
        Ok(())
    }
}

fn is_of(x: &Tensor, ty: &Type) -> bool {
    x.dtype() == ty.dtype && *x.shape() == ty.shape
}

/// Refuses a tensor of another type than it had when a program was compiled.
fn same_type(what: &dyn fmt::Display, ty: &Type, tensor: &Tensor) -> Result<()> {
    if is_of(tensor, ty) {
        return Ok(());
    }
    let (dtype, shape) = (tensor.dtype(), tensor.shape());
    Err(Error::shape(format!("{what} is {dtype}{shape}, and was {ty} when compiled")))
}

impl Tape {
    /// What computes `outputs` from `inputs`, as a program of its own. Other inputs of the tape keep the values
    /// that they have now.
    ///
    /// # Errors
    /// The first mistake made on the way to the outputs; an input that was computed.
    pub fn compile(&self, inputs: &[Var<'_>], outputs: &[Var<'_>]) -> Result<Compiled> {
        self.compile_with_states(inputs, outputs, &[])
    }

    /// As [`compile`](Self::compile), with states: inputs that the program keeps between runs, each with the variable
    /// that it becomes at the end of a run. Large ones are updated in place.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let (x, sum) = (tape.input(&Tensor::from(0.0)), tape.input(&Tensor::from(10.0)));
    /// let mut add = tape.compile_with_states(&[x], &[sum], &[(sum, sum + x)])?;
    /// assert_eq!(add.run(&[&Tensor::from(1.0)])?, [Tensor::from(10.0)]);
    /// assert_eq!(add.run(&[&Tensor::from(2.0)])?, [Tensor::from(11.0)]);
    /// assert_eq!(add.take_state(0), Some(Tensor::from(13.0)));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// A run that fails leaves all states as they were. (An operation that panics is no such failure.)
    ///
    /// # Errors
    /// As [`compile`](Self::compile); a state that becomes something of another type.
    pub fn compile_with_states(
        &self,
        inputs: &[Var<'_>],
        outputs: &[Var<'_>],
        states: &[(Var<'_>, Var<'_>)],
    ) -> Result<Compiled> {
        let wanted: Vec<Var<'_>> = outputs.iter().copied().chain(states.iter().map(|(_, next)| *next)).collect();
        let chosen: Vec<Var<'_>> = states.iter().map(|(state, _)| *state).chain(inputs.iter().copied()).collect();
        let (chosen, wanted) = (self.ids(&chosen)?, self.ids(&wanted)?);
        if let Some(k) = states.iter().position(|(state, next)| !state.same_type(*next)) {
            let (was, becomes) = (states[k].0.ty(), states[k].1.ty());
            return Err(Error::shape(format!("compile: state {k} is {was} and cannot become {becomes}")));
        }
        let mut inner = self.inner.borrow_mut();
        inner.reach(&wanted);
        no_placeholder(&inner)?;
        // Where an input is given, states first.
        let mut known: rustc_hash::FxHashMap<usize, usize> = rustc_hash::FxHashMap::default();
        for (k, id) in chosen.iter().enumerate() {
            if !matches!(inner.eqns[id.index()].op, Op::Input(_)) {
                let name = inner.eqns[id.index()].op.rule().name();
                return Err(Error::tape(format!("compile: {id} is no input but the result of {name}")));
            }
            known.entry(id.index()).or_insert(k);
        }
        let given = inner.order.iter().filter_map(|&i| {
            let value = inner.values[i].as_ref()?;
            Some(match known.get(&i) {
                Some(&k) if k < states.len() => Ok(Given::State(k)),
                Some(&k) => Ok(Given::Argument(k - states.len())),
                None => from_start(value).map(Given::Value),
            })
        });
        let given = given.collect::<Result<_>>()?;
        let types: Vec<Type> = chosen.iter().map(|id| inner.eqns[id.index()].ty.clone()).collect();
        let (kept, types) = types.split_at(states.len());
        let program = Program::with(&Graph::new(&inner, &wanted), given, kept)?;
        let state = |(ty, id): (&Type, &crate::tape::VarId)| {
            let held = inner.values[id.index()].clone().map_or(Held::Nowhere, Held::Waiting);
            State { ty: ty.clone(), held }
        };
        let held = kept.iter().zip(&chosen).map(state).collect();
        let (answers, elsewhere) = (outputs.len(), states.len());
        Ok(Compiled { program, types: types.to_vec(), answers, states: held, elsewhere })
    }
}

impl fmt::Display for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = &self.program;
        let steps =
            program.steps.iter().filter(|step| matches!(step, Step::Single(_) | Step::Group(_) | Step::Tiny(_)));
        writeln!(
            f,
            "{} arguments, {} states, {} steps, {} bytes of memory, of which {} are live at once; a run: {}",
            self.types.len(),
            self.states.len(),
            steps.count(),
            program.footprint.planned,
            program.footprint.live,
            self.cost(),
        )?;
        for step in &program.steps {
            match (step, step.note()) {
                (Step::Group(group), Some(note)) => writeln!(f, "  {group}{note}")?,
                (_, Some(note)) => writeln!(f, "  {}{note}", step.name())?,
                _ => {}
            }
        }
        Ok(())
    }
}

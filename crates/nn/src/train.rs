//! [`Train`]: steps of training, each one tape that holds loss, gradients and updates.
//!
//! Always true: a step that fails has changed nothing, and no parameter is left out in silence.

use std::fmt;
use std::mem::take;
use std::panic::Location;

use smallvec::SmallVec;
use wengert_autograd::transform::{self, pullback};
use wengert_autograd::{Tape, Type, Var};
use wengert_tensor::{DType, Error, Result, Scalar, Tensor};

use crate::module::Module;
use crate::optim::{Optimizer, Update};
use crate::param::Param;

/// A model in training: its parameters, the optimiser and its state.
///
/// ```
/// use wengert_nn::{Activation, Adam, Layer, Mlp, Train, loss::mse};
/// use wengert_tensor::{Rng, Tensor};
///
/// let x = Tensor::from([[0f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
/// let y = Tensor::from([[0f32], [1.0], [1.0], [0.0]]);
///
/// let mlp = Mlp::new(&[2, 4, 1], Activation::Sigmoid, &mut Rng::seed(1))?;
/// let mut train = Train::new(&mlp, Adam::new(0.1));
/// let first = train.step(|t| mse(mlp.forward(t.input(&x)), t.input(&y)))?;
/// for _ in 0..50 {
///     train.step(|t| mse(mlp.forward(t.input(&x)), t.input(&y)))?;
/// }
/// assert!(train.step(|t| mse(mlp.forward(t.input(&x)), t.input(&y)))? < first);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
pub struct Train {
    pub(crate) optimizer: Box<dyn Optimizer>,
    pub(crate) slots: Vec<Slot>,
    pub(crate) steps: u64,
    pub(crate) debug: bool,
    /// What parameters, states and losses were before the last step: memory for the next.
    spare: Vec<Tensor>,
    known: Known,
    /// Whether a parameter may be without a gradient.
    lenient: bool,
}

/// A parameter with what the optimiser keeps of it.
pub(crate) struct Slot {
    name: String,
    pub param: Param,
    /// Nobody else has handles to these; they are parameters because programs can borrow them.
    pub state: Vec<Param>,
    /// Updates of this parameter: fewer than the steps where it was frozen for some.
    pub updates: u64,
}

/// One step, recorded and not yet run.
pub(crate) struct Step<'t> {
    pub loss: Var<'t>,
    pub updates: Vec<Updated<'t>>,
    /// The optimiser's numbers, for parameters of a dtype that were updated equally often.
    pub numbers: Vec<Group<'t>>,
}

/// The optimiser's numbers as inputs of a tape, for the parameters of a dtype that are updated as often as that.
pub(crate) struct Group<'t> {
    pub of: (u64, DType),
    pub vars: SmallVec<[Var<'t>; 4]>,
}

/// A parameter and its state before and after an update.
pub(crate) struct Updated<'t> {
    /// The position of the slot.
    pub slot: usize,
    pub x: Var<'t>,
    pub state: Vec<Var<'t>>,
    pub update: Update<'t>,
}

impl<'t> Updated<'t> {
    /// What changes, and what it becomes.
    pub fn changes(&self) -> impl Iterator<Item = (Var<'t>, Var<'t>)> {
        let states = self.state.iter().copied().zip(self.update.state.iter().copied());
        [(self.x, self.update.x)].into_iter().chain(states)
    }
}

impl Step<'_> {
    fn vars(&self) -> SmallVec<[Var<'_>; 16]> {
        let updates = self.updates.iter().flat_map(Updated::changes).map(|(_, after)| after);
        [self.loss].into_iter().chain(updates).collect()
    }
}

impl Train {
    /// Trains the parameters that `module` has now. Hyper-parameters that are out of range are reported
    /// by the first step.
    pub fn new(module: &(impl Module + ?Sized), optimizer: impl Optimizer + 'static) -> Self {
        let slot = |(name, param)| Slot { name, param, state: Vec::new(), updates: 0 };
        let slots = module.params().into_iter().map(slot).collect();
        Self {
            optimizer: Box::new(optimizer),
            slots,
            steps: 0,
            debug: false,
            spare: Vec::new(),
            known: Known::default(),
            lenient: false,
        }
    }

    /// One step: records the loss, its gradients and the updates of all parameters that are not frozen,
    /// runs them together, and returns the loss from before the update.
    ///
    /// A loss that is NaN or infinite is returned as it is; [`debug`](Self::debug) finds where it comes from.
    ///
    /// # Errors
    /// What went wrong on the tape; a loss that is not a single float; a parameter that no gradient
    /// reaches, by name ([`ErrorKind::Gradient`](wengert_tensor::ErrorKind::Gradient)), unless it is frozen or that
    /// is [allowed](Self::allow_unreached);
    /// hyper-parameters out of range. Nothing is changed then.
    #[track_caller]
    pub fn step(&mut self, loss: impl for<'t> FnOnce(&'t Tape) -> Var<'t>) -> Result<f64> {
        let tape = if self.debug { Tape::eager() } else { Tape::new() };
        let mut known = take(&mut self.known);
        let step = self.record(&tape, loss(&tape), Location::caller(), &mut known);
        self.known = known;
        let step = step?;
        tape.finish_into(&step.vars(), &mut self.spare)?;
        let mut values = self.spare.iter_mut();
        let loss = values.next().map_or(Ok(f64::NAN), |loss| loss.item())?;
        for updated in &step.updates {
            let slot = &mut self.slots[updated.slot];
            if let Some(x) = values.next() {
                slot.param.swap(x);
            }
            for (j, state) in values.by_ref().take(updated.state.len()).enumerate() {
                match slot.state.get(j) {
                    Some(param) => param.swap(state),
                    None => slot.state.push(Param::new(state.clone())),
                }
            }
            slot.updates += 1;
        }
        self.steps += 1;
        Ok(loss)
    }

    /// The tape of a step, in the DOT language. Nothing is run.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    #[track_caller]
    pub fn dot(&self, loss: impl for<'t> FnOnce(&'t Tape) -> Var<'t>) -> Result<String> {
        let tape = Tape::new();
        let step = self.record(&tape, loss(&tape), Location::caller(), &mut Known::default())?;
        Ok(tape.to_dot(&step.vars()))
    }

    /// Switches the search for anomalies: a step then runs one equation after another, and stops with an error at
    /// the first that makes a NaN or an infinity, naming its line.
    #[doc(alias = "set_detect_anomaly")]
    pub fn debug(&mut self, on: bool) {
        self.debug = on;
    }

    /// Whether parameters that no gradient reaches stay as they are, instead of being an error: for models of which
    /// a step uses a part, as with experts that are chosen among.
    #[doc(alias = "find_unused_parameters")]
    pub fn allow_unreached(&mut self, on: bool) {
        self.lenient = on;
    }

    /// The learning rate.
    pub fn lr(&self) -> f64 {
        self.optimizer.lr()
    }

    /// Another learning rate, from the next step on.
    pub fn set_lr(&mut self, lr: f64) {
        self.optimizer.set_lr(lr);
    }

    /// How many steps were made.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Records gradients and updates after the loss, for the user's line `at`.
    pub(crate) fn record<'t>(
        &self,
        tape: &'t Tape,
        loss: Var<'t>,
        at: &'static Location<'static>,
        known: &mut Known,
    ) -> Result<Step<'t>> {
        self.optimizer.check().map_err(|e| e.at(at))?;
        single_float(tape, loss).map_err(|e| e.at(at))?;
        let slots = self.slots.iter().enumerate().filter(|(_, slot)| !slot.param.is_frozen());
        let reached = reached(tape, loss, slots, self.lenient).map_err(|e| e.at(at))?;
        // What the optimiser records is asked for by the caller's line; gradients come from the lines of the loss.
        let mut numbers = Numbers { tape, optimizer: &*self.optimizer, groups: Vec::new(), known };
        let updates = tape.originating(at, || self.updates(tape, reached, &mut numbers));
        Ok(Step { loss, updates: updates.map_err(|e| e.at(at))?, numbers: numbers.groups })
    }

    fn updates<'t>(
        &self,
        tape: &'t Tape,
        reached: AllReached<'_, 't>,
        numbers: &mut Numbers<'_, 't>,
    ) -> Result<Vec<Updated<'t>>> {
        let states = self.optimizer.states();
        let update = |Reached { i, slot: kept, x, xbar }: Reached<'_, 't>| {
            let ty = x.ty();
            let state = kept.state_on(tape, states, &ty)?;
            let update = self.optimizer.update(x, xbar, &state, numbers.of(kept.updates + 1, ty.dtype)?);
            kept.check(&ty, states, &update)?;
            Ok(Updated { slot: i, x, state, update })
        };
        reached.into_iter().map(update).collect()
    }
}

impl fmt::Debug for Train {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.slots.iter().map(|slot| &slot.name);
        write!(f, "Train after {} steps at lr {} of ", self.steps, self.lr())?;
        f.debug_list().entries(names).finish()
    }
}

/// That the loss is a single float on this tape.
fn single_float(tape: &Tape, loss: Var<'_>) -> Result<()> {
    if !std::ptr::eq(tape, loss.tape()) {
        return Err(Error::tape("train: the loss is on another tape than the one that was given for it"));
    }
    if loss.is_poisoned() {
        let unknown = || Error::tape("train: the loss was never defined");
        return Err(tape.first_error().unwrap_or_else(unknown));
    }
    let ty = loss.ty();
    match ty.dtype.is_float() && ty.shape.rank() == 0 {
        true => Ok(()),
        false => Err(Error::gradient(format!("train: the loss is a single float, not {ty}; take its sum or mean"))),
    }
}

/// A parameter on a tape, with its gradient.
struct Reached<'a, 't> {
    /// The position of the slot.
    i: usize,
    slot: &'a Slot,
    x: Var<'t>,
    xbar: Var<'t>,
}

type AllReached<'a, 't> = SmallVec<[Reached<'a, 't>; 8]>;

/// The parameters with their gradients; those without are left out where that is allowed, else an error names them.
fn reached<'a, 't>(
    tape: &'t Tape,
    loss: Var<'t>,
    slots: impl Iterator<Item = (usize, &'a Slot)>,
    lenient: bool,
) -> Result<AllReached<'a, 't>> {
    let found: SmallVec<[_; 8]> = slots.map(|(i, slot)| (i, slot, slot.param.found_on(tape))).collect();
    let xs: SmallVec<[Var<'t>; 8]> = found.iter().filter_map(|(.., x)| *x).collect();
    let mut bars = pullback(&[loss], &[Some(loss.full_like(1.0))], &xs).into_iter();
    let (mut reached, mut lost, mut obstacle) = (AllReached::new(), Vec::new(), None);
    for (i, slot, x) in found {
        // A parameter that is not on the tape has no cotangent to take.
        match x.map(|x| (x, bars.next().flatten())) {
            Some((x, Some(xbar))) => reached.push(Reached { i, slot, x, xbar }),
            Some((x, None)) => {
                lost.push(slot.name.as_str());
                obstacle = obstacle.or_else(|| transform::obstacle(loss, x));
            }
            None => lost.push(slot.name.as_str()),
        }
    }
    if !lost.is_empty() && !lenient {
        let why = match obstacle {
            Some((op, at)) => format!("depends on it only through {op} at {at}, which has no derivative"),
            None => "does not depend on it".to_string(),
        };
        let names = lost.join(", ");
        return Err(Error::gradient(format!(
            "train: no gradient reaches {names}: the loss {why}; freeze it or allow that if it is meant"
        )));
    }
    Ok(reached)
}

impl Slot {
    /// The optimiser's state as variables, zero at first.
    fn state_on<'t>(&self, tape: &'t Tape, states: usize, ty: &Type) -> Result<Vec<Var<'t>>> {
        if self.updates == 0 {
            let zero = Tensor::zeros(&ty.shape, ty.dtype)?;
            return Ok((0..states).map(|_| tape.input(&zero)).collect());
        }
        let values: Vec<Tensor> = self.state.iter().map(Param::value).collect();
        match values.iter().find(|state| state.dtype() != ty.dtype) {
            Some(state) => {
                let (name, was) = (&self.name, state.dtype());
                Err(Error::dtype(format!("train: {name} is {ty} now and was {was} in the steps before")))
            }
            None => Ok(values.iter().map(|state| tape.input(state)).collect()),
        }
    }

    /// Makes the optimiser's state for a parameter that was never updated.
    pub fn start(&mut self, states: usize) -> Result<()> {
        if self.updates == 0 {
            let ty = self.param.ty();
            let zero = || Ok(Param::new(Tensor::zeros(&ty.shape, ty.dtype)?));
            self.state = (0..states).map(|_| zero()).collect::<Result<_>>()?;
        }
        Ok(())
    }

    /// That an optimiser made a value and a state of the parameter's type. What is poisoned is reported
    /// when it is evaluated.
    fn check(&self, ty: &Type, states: usize, update: &Update<'_>) -> Result<()> {
        let made = [update.x].into_iter().chain(update.state.iter().copied());
        let wrong = made.filter(|made| !made.is_poisoned()).map(Var::ty).find(|made| made != ty);
        match wrong {
            Some(made) => Err(Error::shape(format!("train: the optimiser makes {made} of {} of {ty}", self.name))),
            None if update.state.len() != states && !update.x.is_poisoned() => {
                let (name, n) = (&self.name, update.state.len());
                Err(Error::value(format!("train: the optimiser makes {n} states of {name}, not {states}")))
            }
            None => Ok(()),
        }
    }
}

/// The optimiser's numbers as inputs of a tape, once for all parameters of one dtype that were updated equally
/// often.
struct Numbers<'a, 't> {
    tape: &'t Tape,
    optimizer: &'a dyn Optimizer,
    groups: Vec<Group<'t>>,
    known: &'a mut Known,
}

impl<'t> Numbers<'_, 't> {
    fn of(&mut self, step: u64, dtype: DType) -> Result<&[Var<'t>]> {
        let known = self.groups.iter().position(|group| group.of == (step, dtype));
        let k = match known {
            Some(k) => k,
            None => {
                let numbers = self.known.of(self.optimizer, step, dtype)?;
                let vars = numbers.map(|number| self.tape.input(number)).collect();
                self.groups.push(Group { of: (step, dtype), vars });
                self.groups.len() - 1
            }
        };
        Ok(&self.groups[k].vars)
    }
}

/// Tensors of the optimiser's numbers of steps before.
#[derive(Default)]
pub(crate) struct Known {
    numbers: Vec<f64>,
    tensors: Vec<Tensor>,
}

impl Known {
    /// The numbers of a step. Those that are as they were, or are used by nobody any more, need no memory.
    fn of(&mut self, optimizer: &dyn Optimizer, step: u64, dtype: DType) -> Result<impl Iterator<Item = &Tensor>> {
        self.numbers.clear();
        optimizer.numbers(step, &mut self.numbers);
        self.tensors.truncate(self.numbers.len());
        for (k, &number) in self.numbers.iter().enumerate() {
            let number = Scalar::from(number).cast(dtype);
            match self.tensors.get_mut(k) {
                Some(tensor) if tensor.dtype() == dtype => tensor.set(number)?,
                Some(tensor) => *tensor = Tensor::from(number),
                None => self.tensors.push(Tensor::from(number)),
            }
        }
        Ok(self.tensors.iter())
    }
}

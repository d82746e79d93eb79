//! Recording a step of training after its loss: gradients, what is done to them, and updates.

use std::panic::Location;

use smallvec::SmallVec;
use wengert_autograd::transform::{self, pullback};
use wengert_autograd::{Tape, Var, clip_by_norm, clip_by_value};
use wengert_tensor::{DType, Error, Result, Scalar, Tensor};

use super::slot::Slot;
use super::{Clip, Train};
use crate::optim::Optimizer;

/// One step, recorded and not yet run.
pub(crate) struct Step<'t> {
    pub loss: Var<'t>,
    /// What the loss was multiplied by, where it was.
    pub scale: Option<Var<'t>>,
    /// Whether the gradients of an update by a scaled loss are all finite: otherwise nothing changes.
    pub finite: Option<Var<'t>>,
    pub changed: Vec<Changed<'t>>,
    /// Buffers by their position, before and after.
    pub buffers: Vec<(usize, Var<'t>, Var<'t>)>,
    /// Whether parameters are updated, or gradients only gathered.
    pub updates: bool,
    /// The optimisers' numbers, for parameters of a group and a dtype that were updated equally often.
    pub numbers: Vec<(Kind, SmallVec<[Var<'t>; 4]>)>,
}

/// The group of a parameter, the number of its update and its dtype.
pub(crate) type Kind = (usize, u64, DType);

/// A parameter and what is kept of it, before and after a step.
pub(crate) struct Changed<'t> {
    /// The position of the slot.
    pub slot: usize,
    /// The parameter's, where it is updated.
    pub x: Option<(Var<'t>, Var<'t>)>,
    pub state: Vec<(Var<'t>, Var<'t>)>,
}

impl<'t> Step<'t> {
    /// All that changes, and what it becomes.
    pub fn changes(&self) -> impl Iterator<Item = (Var<'t>, Var<'t>)> {
        let slots = self.changed.iter().flat_map(|changed| changed.x.iter().chain(&changed.state).copied());
        slots.chain(self.buffers.iter().map(|&(_, before, after)| (before, after)))
    }

    /// All that is to be computed.
    pub fn vars(&self) -> SmallVec<[Var<'t>; 16]> {
        [self.loss].into_iter().chain(self.finite).chain(self.changes().map(|(_, after)| after)).collect()
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

impl Train {
    /// Records gradients and updates after the loss, for the user's line `at`.
    pub(crate) fn record<'t>(
        &self,
        tape: &'t Tape,
        loss: Var<'t>,
        at: &'static Location<'static>,
        known: &mut Known,
    ) -> Result<Step<'t>> {
        self.check().map_err(|e| e.at(at))?;
        single_float(tape, loss).map_err(|e| e.at(at))?;
        let mut buffers = self.updated_buffers(tape).map_err(|e| e.at(at))?;
        let slots = self.slots.iter().enumerate().filter(|(_, slot)| !slot.param.is_frozen());
        let scale = self.scale_on(tape, loss).map_err(|e| e.at(at))?;
        let mut reached = reached(tape, loss, scale, slots, self.lenient).map_err(|e| e.at(at))?;
        if let Some(half) = reached.iter().find(|reached| reached.x.dtype().is_half()) {
            let (name, dtype) = (&half.slot.name, half.x.dtype());
            return Err(Error::dtype(format!(
                "train: {name} is {dtype}, which is too coarse to be trained; leave it f32, and give the model inputs of {dtype}"
            ))
            .at(at));
        }
        // What the optimiser records is asked for by the caller's line; gradients come from the lines of the loss.
        let mut numbers = Numbers { tape, train: self, of: Vec::new(), known };
        let (changed, finite) = tape
            .originating(at, || {
                if let Some(scale) = scale {
                    reached.iter_mut().for_each(|one| one.xbar = one.xbar / scale.cast(one.xbar.dtype()));
                }
                let (mut changed, finite) = self.changed(tape, reached, &mut numbers)?;
                if let Some(finite) = finite {
                    self.only_if(finite, &mut changed, &mut buffers);
                }
                Ok((changed, finite))
            })
            .map_err(|e: Error| e.at(at))?;
        Ok(Step { loss, scale, finite, changed, buffers, updates: self.updates_next(), numbers: numbers.of })
    }

    /// Gathers gradients, or makes updates of them.
    fn changed<'t>(
        &self,
        tape: &'t Tape,
        mut reached: Vec<Reached<'_, 't>>,
        numbers: &mut Numbers<'_, 't>,
    ) -> Result<(Vec<Changed<'t>>, Option<Var<'t>>)> {
        let mut states = Vec::with_capacity(reached.len());
        for Reached { slot, x, xbar, .. } in &mut reached {
            let state = slot.state_on(tape, self.states(slot), &x.ty())?;
            if let Some(sum) = self.sum_place(slot) {
                *xbar = state[sum] + *xbar;
            }
            states.push(state);
        }
        if !self.updates_next() {
            let gather = |(reached, state): (Reached<'_, 't>, Vec<Var<'t>>)| {
                let sum = self.sum_place(reached.slot).map(|sum| (state[sum], reached.xbar));
                Changed { slot: reached.i, x: None, state: sum.into_iter().collect() }
            };
            return Ok((reached.into_iter().zip(states).map(gather).collect(), None));
        }
        if self.accumulate > 1 {
            reached.iter_mut().for_each(|reached| reached.xbar = reached.xbar / self.accumulate as f64);
        }
        let finite = self.scale.and_then(|_| {
            let finite = reached.iter().map(|reached| reached.xbar.is_finite().all());
            finite.reduce(|a, b| a.logical_and(b))
        });
        self.clip(&mut reached);
        let update = |(reached, state): (Reached<'_, 't>, Vec<Var<'t>>)| self.update(reached, state, numbers);
        Ok((reached.into_iter().zip(states).map(update).collect::<Result<_>>()?, finite))
    }

    /// The number that the loss is scaled by, as an input of the tape.
    fn scale_on<'t>(&self, tape: &'t Tape, loss: Var<'t>) -> Result<Option<Var<'t>>> {
        let Some(scale) = &self.scale else { return Ok(None) };
        match loss.dtype() {
            half if half.is_half() => {
                Err(Error::dtype(format!("train: a loss of {half} has no room for a scale; cast what it is of to f32")))
            }
            dtype => Ok(Some(tape.input(&Tensor::from(Scalar::from(scale.scale()).cast(dtype))))),
        }
    }

    /// Makes all changes conditional, but for sums of gradients, which are dropped.
    fn only_if<'t>(&self, finite: Var<'t>, changed: &mut [Changed<'t>], buffers: &mut [(usize, Var<'t>, Var<'t>)]) {
        let settle = |before: Var<'t>, after: &mut Var<'t>| *after = finite.where_(*after, before);
        for changed in changed {
            let sum = self.sum_place(&self.slots[changed.slot]);
            changed.x.iter_mut().for_each(|(before, after)| settle(*before, after));
            let states = changed.state.iter_mut().enumerate().filter(|(i, _)| Some(*i) != sum);
            states.for_each(|(_, (before, after))| settle(*before, after));
        }
        buffers.iter_mut().for_each(|(_, before, after)| settle(*before, after));
    }

    /// The gradients, cut to what is allowed.
    fn clip(&self, reached: &mut [Reached<'_, '_>]) {
        let bars = || -> Vec<Var<'_>> { reached.iter().map(|reached| reached.xbar).collect() };
        let clipped = match self.clip {
            None => return,
            Some(Clip::Norm(most)) => clip_by_norm(&bars(), most),
            Some(Clip::Value(most)) => clip_by_value(&bars(), most),
        };
        reached.iter_mut().zip(clipped).for_each(|(reached, clipped)| reached.xbar = clipped);
    }

    fn update<'t>(
        &self,
        Reached { i, slot, x, xbar }: Reached<'_, 't>,
        state: Vec<Var<'t>>,
        numbers: &mut Numbers<'_, 't>,
    ) -> Result<Changed<'t>> {
        let ty = x.ty();
        let optimizer = &self.groups[slot.group];
        let own = optimizer.states();
        let mut update = optimizer.update(x, xbar, &state[..own], numbers.of(slot.group, slot.updates + 1, ty.dtype)?);
        slot.check(&ty, own, &update)?;
        if self.sum_place(slot).is_some() {
            update.state.push(xbar.full_like(0.0));
        }
        if let (Some(decay), Some(&mean)) = (self.average, state.last()) {
            update.state.push(decay * mean + (1.0 - decay) * update.x);
        }
        Ok(Changed { slot: i, x: Some((x, update.x)), state: state.into_iter().zip(update.state).collect() })
    }

    /// The buffers that the loss updates.
    fn updated_buffers<'t>(&self, tape: &'t Tape) -> Result<Vec<(usize, Var<'t>, Var<'t>)>> {
        let mut updated = Vec::new();
        for (i, (name, buffer)) in self.buffers.iter().enumerate() {
            let (Some(before), Some(after)) = (buffer.0.found_on(tape), buffer.updated_on(tape)) else { continue };
            if after.is_poisoned() {
                let unknown = || Error::tape(format!("train: {name} becomes what was never defined"));
                return Err(tape.first_error().unwrap_or_else(unknown));
            }
            let (before_type, ty) = (before.ty(), after.ty());
            if before_type != ty {
                return Err(Error::shape(format!("train: the buffer {name} of {before_type} cannot become {ty}")));
            }
            updated.push((i, before, after));
        }
        Ok(updated)
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

/// The parameters with their gradients; those without are left out where that is allowed, else an error names them.
fn reached<'a, 't>(
    tape: &'t Tape,
    loss: Var<'t>,
    scale: Option<Var<'t>>,
    slots: impl Iterator<Item = (usize, &'a Slot)>,
    lenient: bool,
) -> Result<Vec<Reached<'a, 't>>> {
    let found: SmallVec<[_; 8]> = slots.map(|(i, slot)| (i, slot, slot.param.found_on(tape))).collect();
    let xs: SmallVec<[Var<'t>; 8]> = found.iter().filter_map(|(.., x)| *x).collect();
    let mut bars = pullback(&[loss], &[Some(scale.unwrap_or_else(|| loss.full_like(1.0)))], &xs).into_iter();
    let (mut reached, mut lost, mut obstacle) = (Vec::new(), Vec::new(), None);
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

/// The optimisers' numbers as inputs of a tape, once for all parameters of one kind.
struct Numbers<'a, 't> {
    tape: &'t Tape,
    train: &'a Train,
    of: Vec<(Kind, SmallVec<[Var<'t>; 4]>)>,
    known: &'a mut Known,
}

impl<'t> Numbers<'_, 't> {
    fn of(&mut self, group: usize, update: u64, dtype: DType) -> Result<&[Var<'t>]> {
        let kind = (group, update, dtype);
        let k = match self.of.iter().position(|(of, _)| *of == kind) {
            Some(k) => k,
            None => {
                let numbers = self.known.of(&*self.train.groups[group], update, dtype)?;
                let vars = numbers.iter().map(|number| self.tape.input(number)).collect();
                self.of.push((kind, vars));
                self.of.len() - 1
            }
        };
        Ok(&self.of[k].1)
    }
}

/// Tensors of optimisers' numbers, of steps before.
#[derive(Default)]
pub(crate) struct Known {
    numbers: Vec<f64>,
    tensors: Vec<Tensor>,
}

impl Known {
    /// An optimiser's numbers, in memory that nobody uses any more where there is some.
    fn of(&mut self, optimizer: &dyn Optimizer, update: u64, dtype: DType) -> Result<&[Tensor]> {
        self.numbers.clear();
        optimizer.numbers(update, &mut self.numbers);
        self.tensors.truncate(self.numbers.len());
        for (k, &number) in self.numbers.iter().enumerate() {
            let number = Scalar::from(number).cast(dtype);
            match self.tensors.get_mut(k) {
                Some(tensor) if tensor.dtype() == dtype => tensor.set(number)?,
                Some(tensor) => *tensor = Tensor::from(number),
                None => self.tensors.push(Tensor::from(number)),
            }
        }
        Ok(&self.tensors)
    }
}

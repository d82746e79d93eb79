//! [`Train`]: steps of training, each one tape that holds loss, gradients and updates.
//!
//! Always true: a step that fails has changed nothing, and no parameter is left out in silence.

mod compiled;
mod record;
mod scale;
mod slot;
mod state;

use std::fmt;
use std::mem::take;
use std::panic::Location;

use indexmap::IndexMap;
use wengert_autograd::{Tape, Var};
use wengert_tensor::{Error, Result, Tensor};

pub use compiled::CompiledTrain;
use record::Known;
pub use scale::LossScale;
use slot::Slot;

use crate::buffer::Buffer;
use crate::module::Module;
use crate::optim::Optimizer;

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
///
/// What is done besides is said before the first step: groups of parameters with optimisers of their own
/// ([`group`](Self::group)), gradients that are [clipped](Self::clip_norm) or [accumulated](Self::accumulate), and a
/// [running mean](Self::average) of the parameters.
pub struct Train {
    /// Their optimisers; the first is the one of whatever no other group takes.
    groups: Vec<Box<dyn Optimizer>>,
    /// Their learning rates as multiples of the first one's.
    ratios: Vec<f64>,
    slots: Vec<Slot>,
    buffers: Vec<(String, Buffer)>,
    /// Updates made.
    steps: u64,
    /// Steps made, whether or not they ended in an update.
    runs: u64,
    seed: u64,
    /// How many steps make an update.
    accumulate: u64,
    clip: Option<Clip>,
    scale: Option<LossScale>,
    /// The decay of the running mean of parameters.
    average: Option<f64>,
    debug: bool,
    /// What the last step replaced: memory for the next.
    spare: Vec<Tensor>,
    known: Known,
    /// Whether a parameter may be without a gradient.
    lenient: bool,
}

/// What gradients are cut to.
#[derive(Debug, Clone, Copy)]
enum Clip {
    Norm(f64),
    Value(f64),
}

impl Train {
    /// Trains the parameters that `module` has now. Hyper-parameters that are out of range are reported
    /// by the first step.
    pub fn new(module: &(impl Module + ?Sized), optimizer: impl Optimizer + 'static) -> Self {
        Self {
            groups: vec![Box::new(optimizer)],
            ratios: vec![1.0],
            slots: module.params().into_iter().map(|(name, param)| Slot::new(name, param)).collect(),
            buffers: module.buffers().into_iter().collect(),
            steps: 0,
            runs: 0,
            seed: 0,
            accumulate: 1,
            clip: None,
            scale: None,
            average: None,
            debug: false,
            spare: Vec::new(),
            known: Known::default(),
            lenient: false,
        }
    }

    /// The same with an optimiser of their own for the parameters of which `takes` says so by their names, if no group before
    /// took them: another learning rate, which keeps its ratio to the [main one](Self::set_lr), or no weight decay.
    ///
    /// ```
    /// use wengert_nn::{Activation, AdamW, Mlp, Train};
    /// use wengert_tensor::Rng;
    ///
    /// let mlp = Mlp::new(&[2, 4, 1], Activation::Sigmoid, &mut Rng::seed(1))?;
    /// let train = Train::new(&mlp, AdamW::new(1e-3).weight_decay(0.1))
    ///     .group(AdamW::new(1e-3).weight_decay(0.0), |name| name.ends_with("bias"));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias("param_groups", "weight_decay_mask", "no_decay"))]
    pub fn group(mut self, optimizer: impl Optimizer + 'static, takes: impl Fn(&str) -> bool) -> Self {
        let group = self.groups.len();
        for slot in self.slots.iter_mut().filter(|slot| slot.group == 0 && takes(&slot.name)) {
            slot.group = group;
        }
        let main = self.lr();
        self.ratios.push(if main > 0.0 { optimizer.lr() / main } else { 1.0 });
        self.groups.push(Box::new(optimizer));
        self
    }

    /// The same with all gradients scaled by one factor where their joint norm is above `most`: see
    /// [`clip_by_norm`](wengert_autograd::clip_by_norm).
    #[doc(alias = "clip_grad_norm_")]
    pub fn clip_norm(self, most: f64) -> Self {
        Self { clip: Some(Clip::Norm(most)), ..self }
    }

    /// The same with every element of every gradient cut to -`most` to `most`.
    #[doc(alias = "clip_grad_value_")]
    pub fn clip_value(self, most: f64) -> Self {
        Self { clip: Some(Clip::Value(most)), ..self }
    }

    /// The same with an update only at every `n`-th step, by the mean of the gradients of `n`: what one step on a batch `n`
    /// times as large would do, in the memory of a small one.
    pub fn accumulate(self, n: usize) -> Self {
        Self { accumulate: n as u64, ..self }
    }

    /// The same with a loss that is scaled while gradients are taken: for layers that compute in
    /// [`F16`](wengert_tensor::DType::F16). An update whose gradients are not all finite is left out: parameters, the
    /// optimiser's state and buffers stay as they are, and gathered gradients are dropped. The loss must be f32 or f64.
    #[doc(alias = "GradScaler")]
    pub fn loss_scale(self, scale: LossScale) -> Self {
        Self { scale: Some(scale), ..self }
    }

    /// The same with a running mean of the parameters: after every update it keeps the share `decay` of itself and takes the
    /// rest from the new values. [`averages`](Self::averages) has it.
    #[doc(alias("ema", "AveragedModel"))]
    pub fn average(self, decay: f64) -> Self {
        Self { average: Some(decay), ..self }
    }

    /// The same with another seed of the random numbers that layers draw in training, which is 0 otherwise.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// One step: records the loss, its gradients and the updates of all parameters that are not frozen,
    /// runs them together, and returns the loss from before the update. The tape is one
    /// [for training](Tape::is_training).
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
        self.step_at(Location::caller(), loss)
    }

    /// As [`step`](Self::step), for a function that makes steps for its caller, at whose line mistakes are said to be.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn step_at(
        &mut self,
        at: &'static Location<'static>,
        loss: impl for<'t> FnOnce(&'t Tape) -> Var<'t>,
    ) -> Result<f64> {
        let tape = if self.debug { Tape::eager() } else { Tape::new() };
        tape.set_training(self.key());
        let mut known = take(&mut self.known);
        let step = self.record(&tape, loss(&tape), at, &mut known);
        self.known = known;
        let step = step?;
        tape.finish_into(&step.vars(), &mut self.spare)?;
        let mut values = self.spare.iter_mut();
        let loss = values.next().map_or(Ok(f64::NAN), |loss| loss.item())?;
        let finite = match (&step.finite, values.as_slice()) {
            (Some(_), [finite, ..]) => finite.item()? != 0.0,
            _ => true,
        };
        let mut values = values.skip(usize::from(step.finite.is_some()));
        for changed in &step.changed {
            let slot = &mut self.slots[changed.slot];
            if changed.x.is_some() {
                values.next().into_iter().for_each(|x| slot.param.swap(x));
                slot.updates += u64::from(finite);
            }
            slot.start(states(&*self.groups[slot.group], self.accumulate, self.average))?;
            // Gathering changes one state, an update all.
            let first = if changed.x.is_some() { 0 } else { self.groups[slot.group].states() };
            let kept = slot.state[first..].iter().take(changed.state.len());
            kept.zip(values.by_ref()).for_each(|(param, value)| param.swap(value));
        }
        for ((i, ..), value) in step.buffers.iter().zip(values) {
            self.buffers[*i].1.0.swap(value);
        }
        self.advance(finite);
        Ok(loss)
    }

    /// The tape of a step, in the DOT language. Nothing is run.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    #[track_caller]
    pub fn dot(&self, loss: impl for<'t> FnOnce(&'t Tape) -> Var<'t>) -> Result<String> {
        let tape = Tape::new();
        tape.set_training(self.key());
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

    /// The learning rate: of the parameters that are in no group of their own.
    pub fn lr(&self) -> f64 {
        self.groups[0].lr()
    }

    /// Another learning rate, from the next step on. Those of groups keep their ratios to it.
    pub fn set_lr(&mut self, lr: f64) {
        for (optimizer, ratio) in self.groups.iter_mut().zip(&self.ratios) {
            optimizer.set_lr(lr * ratio);
        }
    }

    /// The scale of the loss as it is now, where there [is one](Self::loss_scale).
    pub fn scale(&self) -> Option<&LossScale> {
        self.scale.as_ref()
    }

    /// How many updates were made: with [`accumulate`](Self::accumulate) or a [scaled loss](Self::loss_scale), fewer than steps.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The [running means](Self::average) of the parameters, corrected for having started from zero, with the other tensors
    /// of the model's state as they are: what [`Module::load`] takes.
    ///
    /// # Errors
    /// Where no mean is kept, or there is no memory.
    pub fn averages(&self) -> Result<IndexMap<String, Tensor>> {
        let Some(decay) = self.average else { return Err(Error::value("averages: none are kept")) };
        let mean = |slot: &Slot| match slot.state.last() {
            Some(mean) if slot.updates > 0 => {
                let tape = Tape::new();
                (tape.input(&mean.value()) / (1.0 - decay.powf(slot.updates as f64))).value()
            }
            _ => Ok(slot.param.value()),
        };
        let params = self.slots.iter().map(|slot| Ok((slot.name.clone(), mean(slot)?)));
        let buffers = self.buffers.iter().map(|(name, buffer)| Ok((name.clone(), buffer.value())));
        params.chain(buffers).collect()
    }

    /// Looks for hyper-parameters that are out of range.
    fn check(&self) -> Result<()> {
        self.groups.iter().try_for_each(|optimizer| optimizer.check())?;
        self.scale.iter().try_for_each(LossScale::check)?;
        if self.accumulate == 0 {
            return Err(Error::value("train: gradients of 0 steps cannot be accumulated"));
        }
        if let Some(Clip::Norm(most) | Clip::Value(most)) = self.clip
            && !(most > 0.0 && most.is_finite())
        {
            return Err(Error::value(format!("train: gradients cannot be clipped at {most}")));
        }
        match self.average {
            Some(decay) if !(0.0..1.0).contains(&decay) => {
                Err(Error::value(format!("train: the decay {decay} of a running mean is not from 0 to 1, without 1")))
            }
            _ => Ok(()),
        }
    }

    /// The random key of the next step.
    fn key(&self) -> i64 {
        // A step draws its keys one after another from here; odd multipliers keep the starts of others far away.
        let (seed, run) =
            (self.seed.wrapping_mul(0xd134_2543_de82_ef95), self.runs.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        ((seed ^ run) >> 2) as i64
    }

    /// Whether the next step ends in an update.
    fn updates_next(&self) -> bool {
        self.accumulate <= 1 || (self.runs + 1).is_multiple_of(self.accumulate)
    }

    /// Counts a step, whose gradients were finite or not.
    fn advance(&mut self, finite: bool) {
        let updates = self.updates_next();
        if let Some(scale) = self.scale.as_mut().filter(|_| updates) {
            scale.update(finite);
        }
        self.steps += u64::from(updates && finite);
        self.runs += 1;
    }

    /// How many tensors are kept of a parameter.
    fn states(&self, slot: &Slot) -> usize {
        states(&*self.groups[slot.group], self.accumulate, self.average)
    }

    /// Where the sum of gradients is among them.
    fn sum_place(&self, slot: &Slot) -> Option<usize> {
        (self.accumulate > 1).then(|| self.groups[slot.group].states())
    }
}

fn states(optimizer: &dyn Optimizer, accumulate: u64, average: Option<f64>) -> usize {
    optimizer.states() + usize::from(accumulate > 1) + usize::from(average.is_some())
}

impl fmt::Debug for Train {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.slots.iter().map(|slot| &slot.name);
        write!(f, "Train after {} steps at lr {} of ", self.steps, self.lr())?;
        f.debug_list().entries(names).finish()
    }
}

//! [`CompiledTrain`]: training whose step is recorded once and then only replayed.
//!
//! Always true: a step gives the same bits as [`Train::step`]; parameters show their present values to whoever asks.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use smallvec::SmallVec;
use wengert_autograd::{Compiled, Profile, Tape, Type, Var};
use wengert_tensor::{DType, Error, Result, Scalar, Tensor};

use super::record::{Kind, Known};
use super::slot::Slot;
use super::{LossScale, Train};
use crate::param::{Home, Param};

/// A model in training by a loss that is recorded once for every kind of batch: see [`Train::compile`].
pub struct CompiledTrain<F, const N: usize> {
    pub(super) train: Train,
    loss: F,
    /// The last one that ran comes last.
    pub(super) programs: Vec<Program>,
    /// The optimiser's numbers of a step.
    numbers: Vec<f64>,
}

/// No more programs than this are kept: batches of more sizes should be padded.
const PROGRAMS: usize = 16;

/// A recorded step.
pub(super) struct Program {
    home: Arc<Home>,
    /// The parameters, states of optimisers and buffers that change: states of the program, by their number.
    lent: Vec<Param>,
    /// Parameters and buffers that the loss reads and nothing changes.
    fixed: Vec<(Param, Type)>,
    /// For every slot of the training whether it changes, and whether it was frozen.
    changes: Vec<bool>,
    frozen: Vec<bool>,
    /// Whether parameters are updated, or gradients only gathered.
    updates: bool,
    numbers: Vec<Numbers>,
    /// The first of the random keys, if the loss draws any.
    key: Option<Tensor>,
    /// The number that the loss is scaled by, if it is.
    scale: Option<Tensor>,
    /// The loss, and whether its gradients are finite where that is asked.
    answers: Vec<Tensor>,
}

/// An optimiser's numbers for parameters of its group and one dtype that were updated equally often.
struct Numbers {
    group: usize,
    dtype: DType,
    /// The slots of these.
    slots: Vec<usize>,
    known: Vec<f64>,
    tensors: Vec<Tensor>,
}

impl Train {
    /// The same training by a loss that is a function of tensors: it is recorded once, and every further step only replays
    /// the program. Parameters and the optimiser's state are updated in place.
    ///
    /// What else the function uses, tensors of its own and numbers from a generator, stays as it was when it was recorded;
    /// that happens anew for batches of another shape, and when parameters are frozen or unfrozen. Random numbers of the
    /// tape's [keys](Tape::next_key), as dropout draws them, are new in every step.
    ///
    /// ```
    /// use wengert_nn::{Activation, Adam, Layer, Mlp, Train, loss::mse};
    /// use wengert_tensor::{Rng, Tensor};
    ///
    /// let x = Tensor::from([[0f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
    /// let y = Tensor::from([[0f32], [1.0], [1.0], [0.0]]);
    ///
    /// let mlp = Mlp::new(&[2, 4, 1], Activation::Sigmoid, &mut Rng::seed(1))?;
    /// let mut train = Train::new(&mlp, Adam::new(0.1)).compile(|[x, y]| mse(mlp.forward(x), y));
    /// let first = train.step([&x, &y])?;
    /// for i in 0..200 {
    ///     train.set_lr(0.1 / (1.0 + 0.01 * i as f64));
    ///     train.step([&x, &y])?;
    /// }
    /// assert!(train.step([&x, &y])? < first);
    /// assert!(mlp.predict(&x)?.allclose(&y, 0.0, 0.4)?);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias = "jit")]
    pub fn compile<F, const N: usize>(self, loss: F) -> CompiledTrain<F, N>
    where
        F: for<'t> Fn([Var<'t>; N]) -> Var<'t>,
    {
        CompiledTrain { train: self, loss, programs: Vec::new(), numbers: Vec::new() }
    }
}

impl<F, const N: usize> CompiledTrain<F, N>
where
    F: for<'t> Fn([Var<'t>; N]) -> Var<'t>,
{
    /// One step on a batch; returns the loss from before the update.
    ///
    /// A kernel of the user's own must not ask for the parameters that the step updates: it would wait for the step's end.
    ///
    /// # Errors
    /// As [`Train::step`]. Nothing is changed then.
    #[track_caller]
    pub fn step(&mut self, batch: [&Tensor; N]) -> Result<f64> {
        if self.train.debug {
            return self.train.step(|tape| (self.loss)(batch.map(|x| tape.input(x))));
        }
        self.advance(batch, Location::caller(), |program, arguments, answers| {
            program.run_into(arguments, answers)?;
            answers[0].item()
        })
    }

    /// So many steps on a batch, with a clock around every step of their program: see [`Compiled::profile`]. They are
    /// training as any others, only that nothing searches for anomalies.
    ///
    /// ```
    /// use wengert_nn::{Activation, Adam, Layer, Mlp, Train, loss::mse};
    /// use wengert_tensor::{Rng, Tensor};
    ///
    /// let x = Tensor::from([[0f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
    /// let y = Tensor::from([[0f32], [1.0], [1.0], [0.0]]);
    /// let mlp = Mlp::new(&[2, 4, 1], Activation::Sigmoid, &mut Rng::seed(1))?;
    /// let mut train = Train::new(&mlp, Adam::new(0.1)).compile(|[x, y]| mse(mlp.forward(x), y));
    /// let profile = train.profile([&x, &y], 20)?;
    /// println!("{profile}");
    /// assert_eq!((profile.runs, train.steps()), (20, 20));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`step`](Self::step), after which earlier steps have been made; no steps at all; a [scaled](Train::loss_scale)
    /// loss, of which a profile cannot tell whether it overflowed.
    #[track_caller]
    pub fn profile(&mut self, batch: [&Tensor; N], steps: usize) -> Result<Profile> {
        if self.train.scale.is_some() {
            return Err(Error::value("profile: a loss that is scaled cannot be profiled"));
        }
        let (at, mut profile) = (Location::caller(), None::<Profile>);
        for _ in 0..steps {
            // The numbers of the optimiser differ from step to step, so each is a run of its own.
            let more = self.advance(batch, at, |program, arguments, _| program.profile(arguments, 1))?;
            match &mut profile {
                Some(profile) => profile.append(more)?,
                None => profile = Some(more),
            }
        }
        profile.ok_or_else(|| Error::value("profile: takes 1 step at least, got 0"))
    }

    /// A step on a batch, whose program `run` runs.
    fn advance<R>(
        &mut self,
        batch: [&Tensor; N],
        at: &'static Location<'static>,
        run: impl FnOnce(&mut Compiled, &[&Tensor], &mut [Tensor]) -> Result<R>,
    ) -> Result<R> {
        self.train.check().map_err(|e| e.at(at))?;
        match self.programs.iter().rposition(|program| program.fits(&self.train, &batch)) {
            Some(known) => {
                let last = self.programs.len() - 1;
                self.programs[known..=last].rotate_left(1);
            }
            None => {
                let program = self.record(batch, at)?;
                // Programs for other sets of parameters, or other counts of steps, will not be wanted again soon.
                self.programs.retain(|old| old.changes == program.changes && old.counts(&self.train));
                if self.programs.len() == PROGRAMS {
                    self.programs.remove(0);
                }
                self.programs.push(program);
            }
        }
        let Some(program) = self.programs.last_mut() else { return Err(Error::value("step: no program")) };
        let outcome = program.run(&self.train, &batch, &mut self.numbers, run)?;
        let finite = program.answers.get(1).map_or(Ok(1.0), Tensor::item)? != 0.0;
        for (slot, _) in self.train.slots.iter_mut().zip(&program.changes).filter(|(_, changes)| **changes) {
            slot.updates += u64::from(program.updates && finite);
        }
        self.train.advance(finite);
        Ok(outcome)
    }

    /// The training, to be continued step by recorded step.
    pub fn into_train(self) -> Train {
        self.train
    }

    /// Switches the search for anomalies: see [`Train::debug`].
    pub fn debug(&mut self, on: bool) {
        self.train.debug(on);
    }

    /// The learning rate.
    pub fn lr(&self) -> f64 {
        self.train.lr()
    }

    /// Another learning rate, from the next step on. Nothing is recorded anew.
    pub fn set_lr(&mut self, lr: f64) {
        self.train.set_lr(lr);
    }

    /// The scale of the loss as it is now: see [`Train::loss_scale`].
    pub fn scale(&self) -> Option<&LossScale> {
        self.train.scale()
    }

    /// How many steps were made.
    pub fn steps(&self) -> u64 {
        self.train.steps()
    }

    /// The plan of the step that was run last, as text: what runs together, and the memory it takes. Empty before the
    /// first step.
    pub fn plan(&self) -> String {
        self.programs.last().map(|program| program.home.program().to_string()).unwrap_or_default()
    }

    fn record(&mut self, batch: [&Tensor; N], at: &'static Location<'static>) -> Result<Program> {
        let tape = Tape::new();
        tape.set_training(self.train.key());
        let batch = tape.originating(at, || batch.map(|x| tape.input(x)));
        let step = self.train.record(&tape, (self.loss)(batch), at, &mut Known::default())?;
        for changed in &step.changed {
            let states = self.train.states(&self.train.slots[changed.slot]);
            self.train.slots[changed.slot].start(states)?;
        }
        let slots = &self.train.slots;
        let is_changed = |i: usize| step.changed.iter().any(|changed| changed.slot == i && changed.x.is_some());
        let is_updated = |i: usize| step.buffers.iter().any(|(of, ..)| *of == i);
        let params = slots.iter().enumerate().filter(|(i, _)| !is_changed(*i)).map(|(_, slot)| &slot.param);
        let buffers = self.train.buffers.iter().enumerate().filter(|(i, _)| !is_updated(*i));
        let fixed = params.chain(buffers.map(|(_, (_, buffer))| &buffer.0));
        let fixed = fixed.filter(|param| param.found_on(&tape).is_some());
        let fixed: Vec<(Param, Type)> = fixed.map(|param| (param.clone(), param.ty())).collect();

        let fixed_vars = fixed.iter().filter_map(|(param, _)| param.found_on(&tape));
        let numbers = step.numbers.iter().flat_map(|(_, vars)| vars).copied();
        let inputs: Vec<Var<'_>> =
            batch.into_iter().chain(fixed_vars).chain(tape.first_key()).chain(step.scale).chain(numbers).collect();
        let changes: Vec<_> = step.changes().collect();
        let answers: Vec<Var<'_>> = [step.loss].into_iter().chain(step.finite).collect();
        let mut program = tape.compile_with_states(&inputs, &answers, &changes)?;
        // It has the values of now, and is to have the parameters.
        (0..changes.len()).for_each(|state| drop(program.take_state(state)));

        let mut lent = Vec::new();
        for changed in &step.changed {
            let slot = &slots[changed.slot];
            lent.extend(changed.x.is_some().then(|| slot.param.clone()));
            let first = if changed.x.is_some() { 0 } else { self.train.groups[slot.group].states() };
            lent.extend(slot.state[first..].iter().take(changed.state.len()).cloned());
        }
        lent.extend(step.buffers.iter().map(|(i, ..)| self.train.buffers[*i].1.0.clone()));
        let kind = |changed: usize, dtype| (slots[changed].group, slots[changed].updates + 1, dtype);
        let numbers = step.numbers.iter().map(|(of, vars)| {
            let &(group, _, dtype): &Kind = of;
            let kinds = step.changed.iter().filter_map(|changed| Some((changed.slot, changed.x?.0.dtype())));
            let slots = kinds.filter(|&(slot, dtype)| kind(slot, dtype) == *of).map(|(slot, _)| slot).collect();
            let tensors = vars.iter().map(|_| Tensor::from(Scalar::from(f64::NAN).cast(dtype))).collect();
            Numbers { group, dtype, slots, known: vec![f64::NAN; vars.len()], tensors }
        });
        let mut changes = vec![false; slots.len()];
        step.changed.iter().for_each(|changed| changes[changed.slot] = true);
        Ok(Program {
            lent,
            changes,
            frozen: slots.iter().map(|slot| slot.param.is_frozen()).collect(),
            updates: step.updates,
            numbers: numbers.collect(),
            key: tape.first_key().map(|_| Tensor::from(0)),
            home: Home::new(program),
            fixed,
            scale: step.scale.map(|scale| Tensor::from(Scalar::from(f64::NAN).cast(scale.dtype()))),
            answers: vec![Tensor::from(f64::NAN); answers.len()],
        })
    }
}

impl Program {
    /// Whether this is the step that the training would record now.
    fn fits(&self, train: &Train, batch: &[&Tensor]) -> bool {
        let same = |(slot, frozen): (&Slot, &bool)| slot.param.is_frozen() == *frozen;
        self.updates == train.updates_next()
            && train.slots.iter().zip(&self.frozen).all(same)
            && self.counts(train)
            && self.fixed.iter().all(|(param, ty)| param.ty() == *ty)
            && self.home.program().takes(batch)
            && self.can_borrow()
    }

    /// Whether all that changes is lent to the program or can be: not where it was converted to another dtype.
    fn can_borrow(&self) -> bool {
        let has_all = self.home.program().has_states();
        has_all || self.lent.iter().enumerate().all(|(state, param)| param.fits(&self.home, state))
    }

    /// Whether parameters that share numbers were still updated equally often.
    fn counts(&self, train: &Train) -> bool {
        let updates = |slot: &usize| train.slots[*slot].updates;
        self.numbers.iter().all(|numbers| numbers.slots.iter().all(|slot| updates(slot) == updates(&numbers.slots[0])))
    }

    fn run<R>(
        &mut self,
        train: &Train,
        batch: &[&Tensor],
        buffer: &mut Vec<f64>,
        run: impl FnOnce(&mut Compiled, &[&Tensor], &mut [Tensor]) -> Result<R>,
    ) -> Result<R> {
        for numbers in &mut self.numbers {
            buffer.clear();
            train.groups[numbers.group].numbers(train.slots[numbers.slots[0]].updates + 1, buffer);
            numbers.set(buffer)?;
        }
        if let Some(key) = &mut self.key {
            key.set(Scalar::from(train.key()))?;
        }
        if let (Some(tensor), Some(scale)) = (&mut self.scale, &train.scale) {
            tensor.set(Scalar::from(scale.scale()).cast(tensor.dtype()))?;
        }
        let fixed: SmallVec<[Tensor; 4]> = self.fixed.iter().map(|(param, _)| param.value()).collect();
        let numbers = self.numbers.iter().flat_map(|numbers| &numbers.tensors);
        let arguments: SmallVec<[&Tensor; 16]> =
            batch.iter().copied().chain(&fixed).chain(&self.key).chain(&self.scale).chain(numbers).collect();
        loop {
            let mut program = self.home.program();
            if program.has_states() {
                return run(&mut program, &arguments, &mut self.answers);
            }
            drop(program);
            for (state, param) in self.lent.iter().enumerate() {
                param.lend(&self.home, state)?;
            }
        }
    }
}

impl Numbers {
    /// Other numbers, written where they differ.
    fn set(&mut self, numbers: &[f64]) -> Result<()> {
        if numbers.len() != self.known.len() {
            let (now, before) = (numbers.len(), self.known.len());
            return Err(Error::value(format!("train: the optimiser has {now} numbers and had {before} at first")));
        }
        for ((known, tensor), &number) in self.known.iter_mut().zip(&mut self.tensors).zip(numbers) {
            if known.to_bits() != number.to_bits() {
                tensor.set(Scalar::from(number).cast(self.dtype))?;
                *known = number;
            }
        }
        Ok(())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.lent.iter().for_each(|param| param.leave(&self.home));
    }
}

impl<F, const N: usize> fmt::Debug for CompiledTrain<F, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, compiled", self.train)
    }
}

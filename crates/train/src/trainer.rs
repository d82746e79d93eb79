//! [`Trainer`]: epochs of steps on a loader's batches, validated, observed, saved and resumed.
//!
//! Always true: training that is resumed from a snapshot goes on to the same bits as training that never stopped.

use std::fmt;
use std::panic::Location;
use std::path::PathBuf;
use std::str::FromStr;

use wengert_autograd::{Tape, Var};
use wengert_data::{Collate, Dataset, Loader, Position};
use wengert_nn::{Module, Train};
use wengert_tensor::{Error, ErrorKind, Result};

use crate::interrupt;
use crate::observer::{Control, EpochEvent, Observer, StepEvent};
use crate::snapshot::{Found, Snapshot, Snapshots};

/// How often snapshots are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Every {
    /// After so many steps.
    Steps(u64),
    /// At the end of every so many epochs.
    Epochs(u64),
}

/// How training ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs were made.
    Finished,
    /// An observer ended it, with this reason.
    Stopped(String),
    /// Ctrl-C ended it, after this step; the snapshot that was made then.
    Interrupted(u64, Option<PathBuf>),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished => write!(f, "finished"),
            Self::Stopped(why) => write!(f, "stopped: {why}"),
            Self::Interrupted(step, Some(path)) => {
                write!(f, "interrupted after step {step}; resume to go on from {}", path.display())
            }
            Self::Interrupted(step, None) => write!(f, "interrupted after step {step}, without a snapshot"),
        }
    }
}

/// So many updates in a row whose gradients are not finite are no matter of the loss's scale, which was halved as often.
const LOST: u64 = 50;

/// A model, its training and what is done around its steps.
///
/// ```
/// use wengert_data::{Loader, Tensors};
/// use wengert_nn::{Activation, Adam, Layer, Mlp, Train, loss::mse};
/// use wengert_tensor::{Rng, Tensor};
/// use wengert_train::{Best, Every, Goal, Outcome, Snapshots, Trainer};
///
/// let x = Tensor::from([[0f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
/// let y = Tensor::from([[0f32], [1.0], [1.0], [0.0]]);
/// let loader = Loader::new(Tensors::new((x.clone(), y.clone()))?, 2)?.shuffle(1);
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let folder = folder.path();
/// let mlp = Mlp::new(&[2, 8, 1], Activation::Tanh, &mut Rng::seed(1))?;
/// let mut trainer = Trainer::new(&mlp, Train::new(&mlp, Adam::new(0.05)))
///     .schedule(|update| 0.05 / (1.0 + 0.01 * update as f64))
///     .snapshots(Snapshots::new(folder.join("snapshots"), 3)?, Every::Epochs(10))
///     .observe(Best::new("worst", Goal::Min).keep(folder.join("best.safetensors")));
/// trainer.resume()?;                    // goes on where an earlier run of this program stopped
/// let outcome = trainer.fit(
///     &loader,
///     100,
///     |tape, (x, y)| mse(mlp.forward(tape.input(x)), tape.input(y)),
///     || Ok(vec![("worst".to_string(), mlp.predict(&x)?.sub(&y)?.abs()?.max()?.item()?)]),
/// )?;
/// assert_eq!(outcome, Outcome::Finished);
/// assert!(mlp.predict(&x)?.allclose(&y, 0.0, 0.3)?);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
///
/// A loss or a parameter that becomes NaN or infinite ends training with an error that names the equation's line, the step and
/// the batch, and leaves the model as it was before that step. An update that is left out because its
/// [scaled](Train::loss_scale) gradients overflow does not; 50 of them in a row do.
pub struct Trainer<'m> {
    model: &'m dyn Module,
    train: Train,
    schedule: Option<Box<dyn Fn(u64) -> f64 + 'm>>,
    snapshots: Option<(Snapshots, Every)>,
    observers: Vec<Box<dyn Observer + 'm>>,
    interruptible: bool,
    /// What gets the running means of parameters.
    averaged: Option<&'m dyn Module>,
    progress: Progress,
    /// Of how many epochs training was to have when an observer ended it, and why.
    stopped: Option<(u64, String)>,
    /// Where the loader is to go on.
    position: Position,
}

/// How far training is, besides the loader's position.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    /// Steps made.
    step: u64,
    /// The sum of losses of this epoch, each times the samples of its batch.
    losses: f64,
    /// The samples of this epoch.
    samples: u64,
}

/// The batch of a loader's samples.
type Batch<D> = <<D as Dataset>::Sample as Collate>::Batch;

impl<'m> Trainer<'m> {
    /// Training of a model.
    pub fn new(model: &'m dyn Module, train: Train) -> Self {
        Self {
            model,
            train,
            schedule: None,
            snapshots: None,
            observers: Vec::new(),
            interruptible: false,
            averaged: None,
            progress: Progress::default(),
            stopped: None,
            position: Position::default(),
        }
    }

    /// The same with a learning rate for every update, which are counted from 0.
    pub fn schedule(mut self, rate: impl Fn(u64) -> f64 + 'm) -> Self {
        self.schedule = Some(Box::new(rate));
        self
    }

    /// The same with snapshots, made so often, at the end, and when it is interrupted.
    pub fn snapshots(mut self, snapshots: Snapshots, every: Every) -> Self {
        self.snapshots = Some((snapshots, every));
        self
    }

    /// The same with an observer more. They are told in this order.
    pub fn observe(mut self, observer: impl Observer + 'm) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// The same, where `other`, a model of the same kind, is given the [running means](Train::average) of the parameters before
    /// each validation, which can use it then, and by [`resume`](Self::resume). Observers are shown it too, so that the [best](crate::Best) one is what is kept.
    ///
    /// ```
    /// use wengert_data::{Loader, Tensors};
    /// use wengert_nn::{Layer, Linear, Sgd, Train, loss::mse};
    /// use wengert_tensor::{Rng, Tensor};
    /// use wengert_train::Trainer;
    ///
    /// let x = Tensor::from([[1f32], [2.0]]);
    /// let [model, mean] = [Linear::new(1, 1, &mut Rng::seed(1))?, Linear::new(1, 1, &mut Rng::seed(1))?];
    /// let mut trainer = Trainer::new(&model, Train::new(&model, Sgd::new(0.1)).average(0.9)).averages_into(&mean);
    /// trainer.fit(
    ///     &Loader::new(Tensors::new(x.clone())?, 1)?,
    ///     2,
    ///     |t, x| mse(model.forward(t.input(x)), t.input(x)),
    ///     || Ok(vec![("error".to_string(), mean.predict(&x)?.sub(&x)?.abs()?.max()?.item()?)]),
    /// )?;
    /// assert_eq!(mean.weight.value(), trainer.train().averages()?["weight"]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias("ema", "swa", "AveragedModel"))]
    pub fn averages_into(mut self, other: &'m dyn Module) -> Self {
        self.averaged = Some(other);
        self
    }

    /// The same, where Ctrl-C ends training after the present step, with a snapshot. A second Ctrl-C ends the process.
    pub fn interruptible(mut self) -> Self {
        self.interruptible = true;
        self
    }

    /// The training as it is now: its [steps](Train::steps), [running means](Train::averages), [scale](Train::scale).
    pub fn train(&self) -> &Train {
        &self.train
    }

    /// Goes back to the newest snapshot that is whole, if there is one. It returns what it found: what was wrong with newer ones
    /// is there.
    ///
    /// # Errors
    /// Where there are to be no snapshots; one of another model or other training; a folder that cannot be read.
    pub fn resume(&mut self) -> Result<Found> {
        let Some((snapshots, _)) = &self.snapshots else {
            return Err(Error::value("resume: this training has no snapshots"));
        };
        let found = snapshots.latest()?;
        let Some((_, snapshot)) = &found.snapshot else { return Ok(found) };
        let note = |name: &str| {
            let missing = || Error::file(format!("resume: the snapshot has no {name}"));
            snapshot.notes.get(name).ok_or_else(missing)
        };
        let position = Position { epoch: number(note("epoch")?)?, batch: number(note("batch")?)? };
        let progress = Progress {
            step: number(note("step")?)?,
            losses: f64::from_bits(number(note("losses")?)?),
            samples: number(note("samples")?)?,
        };
        let stopped = match snapshot.notes.get("stopped").and_then(|note| note.split_once(' ')) {
            Some((epochs, why)) => Some((number(epochs)?, why.to_string())),
            None => None,
        };
        snapshot.restore(self.model, &mut self.train)?;
        self.show_averages()?;
        for observer in &mut self.observers {
            if let Some(state) = observer.state().and_then(|(name, _)| snapshot.notes.get(&format!("observer.{name}")))
            {
                observer.restore(state)?;
            }
            observer.resumed(progress.step)?;
        }
        (self.progress, self.position, self.stopped) = (progress, position, stopped);
        Ok(found)
    }

    /// Trains until `epochs` epochs have been made, earlier ones of this trainer and those before it was resumed included,
    /// wherever the loader was. `loss` is recorded on each batch; `validate` is asked for values by name after each epoch. What an
    /// observer ended stays ended, and goes on only where more epochs are wanted than before.
    ///
    /// # Errors
    /// What a step, the loader, an observer, validation or a file refuses; a loss or a parameter that is not finite.
    #[track_caller]
    pub fn fit<D: Dataset + 'static>(
        &mut self,
        loader: &Loader<D>,
        epochs: u64,
        loss: impl for<'t> Fn(&'t Tape, &Batch<D>) -> Var<'t>,
        mut validate: impl FnMut() -> Result<Vec<(String, f64)>>,
    ) -> Result<Outcome> {
        let at = Location::caller();
        if self.interruptible {
            interrupt::listen()?;
        }
        match &self.stopped {
            Some((wanted, why)) if epochs <= *wanted => return Ok(Outcome::Stopped(why.clone())),
            _ => self.stopped = None,
        }
        loader.resume(self.position)?;
        while loader.position().epoch < epochs {
            let (epoch, batches) = (loader.position().epoch, loader.batches());
            if batches == 0 {
                return Err(Error::value("fit: an epoch of the loader has no batches"));
            }
            let mut left = loader.iter();
            loop {
                let place = loader.position();
                let Some(batch) = left.next() else { break };
                let (batch, samples) = (batch?, loader.samples(place.batch));
                if let Some(schedule) = &self.schedule {
                    self.train.set_lr(schedule(self.train.steps()));
                }
                let value = self.step(at, place, &|tape| loss(tape, &batch))?;
                self.progress.step += 1;
                self.progress.losses += value * samples as f64;
                self.progress.samples += samples as u64;
                self.position = loader.position();
                let event = StepEvent {
                    step: self.progress.step,
                    epoch,
                    batch: place.batch,
                    batches,
                    epochs,
                    loss: value,
                    lr: self.train.lr(),
                    samples,
                };
                self.observers.iter_mut().try_for_each(|observer| observer.step(&event))?;
                // What follows the last step of an epoch belongs to it: the end of the epoch comes first.
                if left.left() == 0 {
                    continue;
                }
                if self.is_due() {
                    self.save(self.position)?;
                }
                if self.interruptible && interrupt::wanted() {
                    return Ok(Outcome::Interrupted(event.step, self.save(self.position)?));
                }
            }
            self.show_averages()?;
            let values = validate()?;
            let control = self.end_epoch(epoch, epochs, &values)?;
            self.position = loader.position();
            self.stopped = control.stop.map(|why| (epochs, why));
            let last = epoch + 1 == epochs || self.stopped.is_some();
            let due = matches!(&self.snapshots, Some((_, Every::Epochs(n))) if (epoch + 1).is_multiple_of((*n).max(1)));
            if last || due || self.is_due() {
                self.save(self.position)?;
            }
            if !last && self.interruptible && interrupt::wanted() {
                return Ok(Outcome::Interrupted(self.progress.step, self.save(self.position)?));
            }
            if let Some((_, why)) = &self.stopped {
                return Ok(Outcome::Stopped(why.clone()));
            }
        }
        Ok(Outcome::Finished)
    }
}

impl Trainer<'_> {
    /// Gives the running means to the model that is to have them.
    fn show_averages(&self) -> Result<()> {
        let Some(other) = self.averaged else { return Ok(()) };
        other.load(&self.train.averages()?)
    }

    /// One step, undone where it makes what is not finite.
    fn step(
        &mut self,
        at: &'static Location<'static>,
        place: Position,
        loss: &dyn for<'t> Fn(&'t Tape) -> Var<'t>,
    ) -> Result<f64> {
        let before = Snapshot::of(self.model, &self.train)?;
        let value = self.train.step_at(at, loss)?;
        let is_lost = self.train.scale().is_some_and(|scale| scale.skipped_in_a_row() >= LOST);
        if value.is_finite() && !is_lost && self.is_finite()? {
            return Ok(value);
        }
        // Once more, one equation after another: that finds the first to blame.
        before.restore(self.model, &mut self.train)?;
        self.train.debug(true);
        let again = self.train.step_at(at, loss);
        self.train.debug(false);
        before.restore(self.model, &mut self.train)?;
        let unknown = || {
            let what = match is_lost {
                true => format!("gradients are not finite, for the {LOST}th update in a row"),
                false => format!("the loss is {value}, from numbers that are not finite"),
            };
            Error::new(ErrorKind::NonFinite, what)
        };
        let error = again.err().unwrap_or_else(unknown);
        Err(error.within(format!("train: step {} on {place}", self.progress.step)))
    }

    /// Whether all parameters and buffers are numbers.
    fn is_finite(&self) -> Result<bool> {
        for tensor in self.model.state().values().filter(|tensor| tensor.dtype().is_float()) {
            // Finite numbers may have an infinite sum, but not the other way round.
            if !tensor.sum()?.item()?.is_finite() && !tensor.is_finite()?.all()?.to_vec::<bool>()?[0] {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn end_epoch(&mut self, epoch: u64, epochs: u64, values: &[(String, f64)]) -> Result<Control> {
        let progress = self.progress;
        let event = EpochEvent {
            step: progress.step,
            epoch,
            epochs,
            lr: self.train.lr(),
            loss: progress.losses / progress.samples as f64,
            values,
            model: self.averaged.unwrap_or(self.model),
        };
        let mut control = Control::default();
        self.observers.iter_mut().try_for_each(|observer| observer.epoch(&event, &mut control))?;
        if let Some(lr) = control.lr {
            self.train.set_lr(lr);
        }
        self.progress = Progress { step: progress.step, ..Progress::default() };
        Ok(control)
    }

    /// Whether there is to be a snapshot after so many steps.
    fn is_due(&self) -> bool {
        matches!(&self.snapshots, Some((_, Every::Steps(n))) if self.progress.step.is_multiple_of((*n).max(1)))
    }

    /// A snapshot of now, where there are to be any.
    fn save(&self, position: Position) -> Result<Option<PathBuf>> {
        let Some((snapshots, _)) = &self.snapshots else { return Ok(None) };
        let mut snapshot = Snapshot::of(self.model, &self.train)?;
        let Progress { step, losses, samples } = self.progress;
        let numbers = [
            ("epoch", position.epoch),
            ("batch", position.batch),
            ("step", step),
            ("losses", losses.to_bits()),
            ("samples", samples),
        ];
        snapshot.notes.extend(numbers.map(|(name, number)| (name.to_string(), number.to_string())));
        snapshot.notes.extend(self.stopped.iter().map(|(of, why)| ("stopped".to_string(), format!("{of} {why}"))));
        let states = self.observers.iter().filter_map(|observer| observer.state());
        snapshot.notes.extend(states.map(|(name, state)| (format!("observer.{name}"), state)));
        snapshots.save(step, &snapshot).map(Some)
    }
}

fn number<T: FromStr>(note: &str) -> Result<T> {
    note.parse().map_err(|_| Error::file(format!("resume: {note:?} in the snapshot is no number")))
}

//! The best value so far: for early stopping, and for keeping the model that had it.

use std::path::PathBuf;

use wengert_tensor::{Error, Result};

use crate::observer::{Control, EpochEvent, Observer};
use crate::weights::save;

/// Which of two values is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Goal {
    /// The smaller one, as of a loss.
    Min,
    /// The larger one, as of an accuracy.
    Max,
}

/// Watches a value of validation: keeps the model that had the best one, and ends training when it has not become better for
/// so many epochs. A NaN is never better.
///
/// ```
/// use wengert_train::{Best, Goal};
/// let best = Best::new("accuracy", Goal::Max).patience(5).keep("runs/digits/best.safetensors");
/// ```
#[derive(Debug, Clone)]
#[doc(alias("EarlyStopping", "ModelCheckpoint"))]
pub struct Best {
    name: String,
    goal: Goal,
    patience: Option<u64>,
    least: f64,
    path: Option<PathBuf>,
    best: Option<f64>,
    /// Epochs since then.
    since: u64,
}

impl Best {
    /// The best value of a name, with `loss` for that of training.
    pub fn new(name: impl Into<String>, goal: Goal) -> Self {
        Self { name: name.into(), goal, patience: None, least: 0.0, path: None, best: None, since: 0 }
    }

    /// The same, with an end to training after `epochs` in a row without a better value.
    pub fn patience(self, epochs: u64) -> Self {
        Self { patience: Some(epochs), ..self }
    }

    /// The same, where a value counts as better only from this difference on.
    #[doc(alias = "min_delta")]
    pub fn at_least(self, difference: f64) -> Self {
        Self { least: difference, ..self }
    }

    /// The same, with the best model's state in a safetensors file.
    pub fn keep(self, path: impl Into<PathBuf>) -> Self {
        Self { path: Some(path.into()), ..self }
    }

    /// The best value so far.
    pub fn best(&self) -> Option<f64> {
        self.best
    }

    fn is_better(&self, value: f64) -> bool {
        match (self.best, self.goal) {
            (None, _) => !value.is_nan(),
            (Some(best), Goal::Min) => value < best - self.least,
            (Some(best), Goal::Max) => value > best + self.least,
        }
    }
}

impl Observer for Best {
    fn epoch(&mut self, event: &EpochEvent<'_>, control: &mut Control) -> Result<()> {
        let value = event.value(&self.name)?;
        if self.is_better(value) {
            (self.best, self.since) = (Some(value), 0);
            if let Some(path) = &self.path {
                save(path, &event.model.state())?;
            }
            return Ok(());
        }
        self.since += 1;
        if let Some(best) =
            self.best.or(Some(f64::NAN)).filter(|_| self.patience.is_some_and(|most| self.since >= most))
        {
            control.stop = Some(format!("{} has not become better than {best} for {} epochs", self.name, self.since));
        }
        Ok(())
    }

    fn state(&self) -> Option<(String, String)> {
        // Bits, for the number is to be the same.
        let best = self.best.map_or("none".to_string(), |best| format!("{:016x}", best.to_bits()));
        Some((format!("best.{}", self.name), format!("{best} {}", self.since)))
    }

    fn restore(&mut self, state: &str) -> Result<()> {
        let parse = || {
            let (best, since) = state.split_once(' ')?;
            let best = match best {
                "none" => None,
                bits => Some(f64::from_bits(u64::from_str_radix(bits, 16).ok()?)),
            };
            Some((best, since.parse().ok()?))
        };
        (self.best, self.since) =
            parse().ok_or_else(|| Error::value(format!("best: a state {state:?} of {} is unreadable", self.name)))?;
        Ok(())
    }
}

//! A rate that falls where a metric no longer improves.

use wengert_tensor::{Error, Result};

use super::not_negative;

/// A rate that is multiplied by a factor whenever a metric has not improved for some time, as PyTorch defines it.
///
/// It depends on what happened, so it has a state: four numbers, to be saved with the model's.
///
/// ```
/// use wengert_nn::Plateau;
///
/// let mut rate = Plateau::new(0.5).patience(1).factor(0.5);
/// let losses = [3.0, 2.0, 2.5, 2.0, 1.0];
/// let rates = losses.map(|loss| rate.observe(loss));
/// assert_eq!(rates, [0.5, 0.5, 0.5, 0.25, 0.25]);
///
/// let mut other = Plateau::new(0.5).patience(1).factor(0.5);
/// other.load_state(rate.state())?;
/// assert_eq!(other, rate);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[doc(alias = "ReduceLROnPlateau")]
pub struct Plateau {
    factor: f64,
    patience: u64,
    threshold: f64,
    is_absolute: bool,
    wants_more: bool,
    cooldown: u64,
    least: f64,
    // What changes:
    rate: f64,
    /// None before the first observation.
    best: Option<f64>,
    /// How many observations since were no better.
    bad: u64,
    /// How many more observations are not counted.
    cooling: u64,
}

impl Plateau {
    /// Starts from a rate, for a metric that is to fall. The factor is 0.1, the patience 10, the threshold 1e-4 of the best.
    pub fn new(rate: f64) -> Self {
        Self {
            factor: 0.1,
            patience: 10,
            threshold: 1e-4,
            is_absolute: false,
            wants_more: false,
            cooldown: 0,
            least: 0.0,
            rate,
            best: None,
            bad: 0,
            cooling: 0,
        }
    }

    /// The same for a metric that is to rise, as an accuracy.
    pub fn maximize(self) -> Self {
        Self { wants_more: true, ..self }
    }

    /// The same with another factor, below 1.
    pub fn factor(self, factor: f64) -> Self {
        Self { factor, ..self }
    }

    /// The same with another patience: so many observations in succession may be no better, and the rate falls at the next.
    pub fn patience(self, patience: u64) -> Self {
        Self { patience, ..self }
    }

    /// The same where better means better by this share of the best.
    pub fn threshold(self, share: f64) -> Self {
        Self { threshold: share, is_absolute: false, ..self }
    }

    /// The same where better means better by this much.
    pub fn absolute_threshold(self, difference: f64) -> Self {
        Self { threshold: difference, is_absolute: true, ..self }
    }

    /// The same with so many observations after a fall of which bad ones do not count.
    pub fn cooldown(self, cooldown: u64) -> Self {
        Self { cooldown, ..self }
    }

    /// The same with a lowest rate.
    #[doc(alias = "min_lr")]
    pub fn least(self, least: f64) -> Self {
        Self { least, ..self }
    }

    /// The rate.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// Takes note of the metric, and returns the rate from now on. NaN is no improvement.
    #[doc(alias = "step")]
    pub fn observe(&mut self, metric: f64) -> f64 {
        if self.is_better(metric) {
            self.best = Some(metric);
            self.bad = 0;
        } else {
            self.bad += 1;
        }
        if self.cooling > 0 {
            self.cooling -= 1;
            self.bad = 0;
        }
        if self.bad > self.patience {
            let next = (self.rate * self.factor).max(self.least);
            // What changes nothing that matters is left.
            if self.rate - next > 1e-8 {
                self.rate = next;
            }
            (self.cooling, self.bad) = (self.cooldown, 0);
        }
        self.rate
    }

    fn is_better(&self, metric: f64) -> bool {
        let Some(best) = self.best else { return !metric.is_nan() };
        let sign = if self.wants_more { 1.0 } else { -1.0 };
        let goal = if self.is_absolute { best + sign * self.threshold } else { best * (1.0 + sign * self.threshold) };
        if self.wants_more { metric > goal } else { metric < goal }
    }

    /// Looks for settings that make no sense.
    ///
    /// # Errors
    /// [`ErrorKind::Value`](wengert_tensor::ErrorKind::Value), with the setting.
    pub fn check(&self) -> Result<()> {
        not_negative("rate", self.rate)?;
        not_negative("least", self.least)?;
        not_negative("threshold", self.threshold)?;
        match (0.0..1.0).contains(&self.factor) {
            true => Ok(()),
            false => {
                Err(Error::value(format!("schedule: the factor {} must be at least 0 and less than 1", self.factor)))
            }
        }
    }

    /// What changes in the course of training: the rate, the best metric (NaN before the first), how many observations since
    /// were no better, and how many more are not counted.
    pub fn state(&self) -> [f64; 4] {
        [self.rate, self.best.unwrap_or(f64::NAN), self.bad as f64, self.cooling as f64]
    }

    /// Goes on from what [`state`](Self::state) gave.
    ///
    /// # Errors
    /// Numbers that no state has. Nothing is changed then.
    pub fn load_state(&mut self, [rate, best, bad, cooling]: [f64; 4]) -> Result<()> {
        not_negative("rate", rate)?;
        not_negative("number of bad observations", bad)?;
        not_negative("number of observations to come", cooling)?;
        self.rate = rate;
        self.best = (!best.is_nan()).then_some(best);
        (self.bad, self.cooling) = (bad as u64, cooling as u64);
        Ok(())
    }
}

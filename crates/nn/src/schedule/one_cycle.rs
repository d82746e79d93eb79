//! One cycle: up to a high rate, and down to a very low one.

use wengert_tensor::{Error, Result};

use super::shape::{cosine, mix};
use super::{Kind, Schedule, not_negative};

/// A schedule up to a peak and down again, as PyTorch defines it (L. Smith and N. Topin, "Super-convergence: very fast training
/// of neural networks using large learning rates", 2018): from `start` times the peak up to it in a share of the steps, then
/// down to `end` times the peak, along half a cosine each time.
///
/// ```
/// use wengert_nn::{OneCycle, Schedule};
/// let schedule = Schedule::from(OneCycle::new(0.1, 100).rise(0.2).start(0.5).end(1e-3));
/// assert_eq!((schedule.at(0), schedule.at(19)), (0.05, 0.1));
/// assert!((schedule.at(99) - 1e-4).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[doc(alias = "OneCycleLR")]
pub struct OneCycle {
    peak: f64,
    steps: u64,
    rise: f64,
    start: f64,
    end: f64,
    is_linear: bool,
    has_tail: bool,
}

impl OneCycle {
    /// From 1/25 of `peak` up to it in 0.3 of the `steps`, and down to 1/250000 of it, which is reached at the last step.
    pub fn new(peak: f64, steps: u64) -> Self {
        Self { peak, steps, rise: 0.3, start: 1.0 / 25.0, end: 1.0 / 25e4, is_linear: false, has_tail: false }
    }

    /// The same with another share of the steps on the way up.
    #[doc(alias = "pct_start")]
    pub fn rise(self, rise: f64) -> Self {
        Self { rise, ..self }
    }

    /// The same with another start, as a share of the peak.
    #[doc(alias = "div_factor")]
    pub fn start(self, start: f64) -> Self {
        Self { start, ..self }
    }

    /// The same with another end, as a share of the peak.
    #[doc(alias = "final_div_factor")]
    pub fn end(self, end: f64) -> Self {
        Self { end, ..self }
    }

    /// The same along straight lines.
    pub fn linear(self) -> Self {
        Self { is_linear: true, ..self }
    }

    /// The same with a way down that is as long as the way up and leads to the start, and a tail from there to the end.
    #[doc(alias = "three_phase")]
    pub fn three_phases(self) -> Self {
        Self { has_tail: true, ..self }
    }

    pub(super) fn at(&self, step: u64) -> f64 {
        // The last step is that before there are as many as `steps`; corners may lie between steps.
        let last = self.steps.saturating_sub(1) as f64;
        let (t, top) = ((step as f64).min(last), self.rise * self.steps as f64 - 1.0);
        let (start, end) = (self.start * self.peak, self.end * self.peak);
        let down = if self.has_tail { 2.0 * top } else { last };
        if t <= top {
            self.between(start, self.peak, t / top)
        } else if !self.has_tail {
            self.between(self.peak, end, (t - top) / (last - top))
        } else if t <= down {
            self.between(self.peak, start, (t - top) / top)
        } else {
            self.between(start, end, (t - down) / (last - down))
        }
    }

    fn between(&self, from: f64, to: f64, share: f64) -> f64 {
        // A way of no steps is over.
        let share = if share.is_finite() { share } else { 1.0 };
        if self.is_linear { mix(from, to, 1.0 - share) } else { cosine(from, to, share) }
    }

    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    pub(super) fn check(&self) -> Result<()> {
        not_negative("peak", self.peak)?;
        not_negative("start", self.start)?;
        not_negative("end", self.end)?;
        let most = if self.has_tail { 0.5 } else { 1.0 };
        match (0.0..=most).contains(&self.rise) {
            true => Ok(()),
            false => {
                Err(Error::value(format!("schedule: the rise {} must be from 0 to {most} of the steps", self.rise)))
            }
        }
    }
}

impl From<OneCycle> for Schedule {
    fn from(cycle: OneCycle) -> Self {
        Self(Kind::OneCycle(cycle))
    }
}

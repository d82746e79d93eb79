//! The elementary schedules, each a formula in the number of the step.

use std::f64::consts::PI;
use std::sync::Arc;

use wengert_tensor::{Error, Result};

use super::not_negative;

#[derive(Debug, Clone)]
pub(super) enum Shape {
    Constant { number: f64 },
    Step { every: u64, factor: f64 },
    MultiStep { milestones: Arc<[u64]>, factor: f64 },
    Cosine { from: f64, to: f64, steps: u64 },
    Restarts { from: f64, to: f64, steps: u64, growth: u64 },
    Polynomial { from: f64, to: f64, power: f64, steps: u64 },
}

impl Shape {
    pub fn at(&self, t: u64) -> f64 {
        match *self {
            Self::Constant { number } => number,
            Self::Step { every: 0, .. } | Self::Restarts { steps: 0, .. } | Self::Restarts { growth: 0, .. } => {
                f64::NAN
            }
            Self::Step { every, factor } => factor.powf((t / every) as f64),
            Self::MultiStep { ref milestones, factor } => {
                factor.powf(milestones.iter().filter(|milestone| **milestone <= t).count() as f64)
            }
            Self::Cosine { from, to, steps } => cosine(from, to, share(t, steps)),
            Self::Restarts { from, to, steps, growth } => {
                let (t, steps) = since_restart(t, steps, growth);
                cosine(from, to, share(t, steps))
            }
            Self::Polynomial { from, to, power, steps } => mix(from, to, (1.0 - share(t, steps)).powf(power)),
        }
    }

    pub fn steps(&self) -> Option<u64> {
        match *self {
            Self::Cosine { steps, .. } | Self::Polynomial { steps, .. } => Some(steps),
            _ => None,
        }
    }

    pub fn check(&self) -> Result<()> {
        match *self {
            Self::Constant { number } => not_negative("number", number),
            Self::Step { every: 0, .. } => Err(Error::value("schedule: a step every 0 steps")),
            Self::Restarts { steps: 0, .. } | Self::Restarts { growth: 0, .. } => {
                Err(Error::value("schedule: restarts every 0 steps"))
            }
            Self::Step { factor, .. } | Self::MultiStep { factor, .. } => not_negative("factor", factor),
            Self::Cosine { from, to, .. } | Self::Restarts { from, to, .. } => ends(from, to),
            Self::Polynomial { from, to, power, .. } => ends(from, to).and(not_negative("power", power)),
        }
    }
}

fn ends(from: f64, to: f64) -> Result<()> {
    not_negative("start", from).and(not_negative("end", to))
}

/// How much of the steps is over, from 0 to 1; of none, all.
fn share(t: u64, steps: u64) -> f64 {
    if t >= steps { 1.0 } else { t as f64 / steps as f64 }
}

/// From one number to another along half a cosine, of which a share is over.
pub(super) fn cosine(from: f64, to: f64, share: f64) -> f64 {
    mix(from, to, (1.0 + (PI * share).cos()) / 2.0)
}

/// Between two numbers, and either of them exactly where a share of 1 or 0 is left of the way.
pub(super) fn mix(from: f64, to: f64, left: f64) -> f64 {
    from * left + to * (1.0 - left)
}

/// The steps since the last restart, and how many there are to the next.
fn since_restart(t: u64, steps: u64, growth: u64) -> (u64, u64) {
    if growth == 1 {
        return (t % steps, steps);
    }
    let (mut left, mut steps) = (t, steps);
    while left >= steps {
        left -= steps;
        steps = steps.saturating_mul(growth);
    }
    (left, steps)
}

//! Learning rates that change in the course of training: [`Schedule`], a number for every step, and [`Plateau`], which waits
//! for a metric to stop improving.
//!
//! A schedule is plain data and a pure function of the step's number, so there is nothing to save: training that goes on at
//! step n goes on at the rate of step n. Numbers are what the constructors are given: rates, or shares of a rate that
//! multiply another schedule.
//!
//! ```
//! use wengert_nn::{AdamW, Param, Schedule, Train};
//! use wengert_tensor::Tensor;
//!
//! let schedule = 1e-3 * Schedule::warmup(10).then(Schedule::cosine(1.0, 0.0, 90));
//! let x = Param::new(Tensor::from([1.0, -2.0]));
//! let mut train = Train::new(&x, AdamW::new(1e-3));
//! for _ in 0..100 {
//!     train.set_lr(schedule.at(train.steps()));
//!     train.step(|t| x.on(t).square().sum())?;
//! }
//! assert_eq!((schedule.at(0), schedule.at(10), schedule.at(100)), (1e-4, 1e-3, 0.0));
//! # Ok::<(), wengert_tensor::Error>(())
//! ```

mod one_cycle;
mod plateau;
mod shape;

use std::fmt;
use std::ops::Mul;
use std::sync::Arc;

use wengert_tensor::{Error, Result};

pub use one_cycle::OneCycle;
pub use plateau::Plateau;
use shape::Shape;

/// A number for every step: see the [module](self).
///
/// Steps are counted from 0; whether they are updates or epochs is the caller's choice. A schedule that has an end stays at
/// its last number from there on.
#[derive(Debug, Clone)]
#[doc(alias("lr_scheduler", "LRScheduler"))]
pub struct Schedule(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Shape(Shape),
    OneCycle(OneCycle),
    Function(Function),
    /// One after another. The first is over after so many steps.
    Then(Box<Schedule>, Option<u64>, Box<Schedule>),
    Times(Box<Schedule>, Box<Schedule>),
    Until(Box<Schedule>, u64),
}

#[derive(Clone)]
struct Function(Arc<dyn Fn(u64) -> f64 + Send + Sync>);

impl Schedule {
    /// Always the same number.
    #[doc(alias = "ConstantLR")]
    pub fn constant(number: f64) -> Self {
        Self(Kind::Shape(Shape::Constant { number }))
    }

    /// What a function makes of the step's number.
    #[doc(alias("LambdaLR", "MultiplicativeLR"))]
    pub fn function(f: impl Fn(u64) -> f64 + Send + Sync + 'static) -> Self {
        Self(Kind::Function(Function(Arc::new(f))))
    }

    /// `factor`^k after k times `every` steps: 1 at first.
    ///
    /// ```
    /// use wengert_nn::Schedule;
    /// let schedule = 0.5 * Schedule::step(30, 0.1);
    /// assert_eq!((schedule.at(29), schedule.at(30)), (0.5, 0.05));
    /// ```
    #[doc(alias = "StepLR")]
    pub fn step(every: u64, factor: f64) -> Self {
        Self(Kind::Shape(Shape::Step { every, factor }))
    }

    /// `factor`^k from the k-th of `milestones` on: 1 at first. Their order does not matter.
    #[doc(alias = "MultiStepLR")]
    pub fn multi_step(milestones: &[u64], factor: f64) -> Self {
        Self(Kind::Shape(Shape::MultiStep { milestones: milestones.into(), factor }))
    }

    /// `factor`^t at step t.
    #[doc(alias = "ExponentialLR")]
    pub fn exponential(factor: f64) -> Self {
        Self(Kind::Shape(Shape::Step { every: 1, factor }))
    }

    /// Straight from one number to another in `steps` steps.
    #[doc(alias = "LinearLR")]
    pub fn linear(from: f64, to: f64, steps: u64) -> Self {
        Self::polynomial(from, to, 1.0, steps)
    }

    /// Straight up to 1 in `steps` steps, (t + 1) / `steps` at step t, so that no step is made at a rate of 0.
    pub fn warmup(steps: u64) -> Self {
        Self::linear(1.0 / steps.max(1) as f64, 1.0, steps.saturating_sub(1)).until(steps)
    }

    /// From one number to another in `steps` steps along half a cosine, slow at both ends (I. Loshchilov and F. Hutter,
    /// "SGDR: stochastic gradient descent with warm restarts", ICLR 2017).
    #[doc(alias = "CosineAnnealingLR")]
    pub fn cosine(from: f64, to: f64, steps: u64) -> Self {
        Self(Kind::Shape(Shape::Cosine { from, to, steps }))
    }

    /// As [`cosine`](Self::cosine), again and again: the first time in `steps` steps, and every time in `growth` times as many
    /// as the time before.
    #[doc(alias = "CosineAnnealingWarmRestarts")]
    pub fn cosine_restarts(from: f64, to: f64, steps: u64, growth: u64) -> Self {
        Self(Kind::Shape(Shape::Restarts { from, to, steps, growth }))
    }

    /// From one number to another in `steps` steps; at step t the share (1 - t / `steps`)^`power` of the way is left.
    #[doc(alias = "PolynomialLR")]
    pub fn polynomial(from: f64, to: f64, power: f64, steps: u64) -> Self {
        Self(Kind::Shape(Shape::Polynomial { from, to, power, steps }))
    }

    /// Up to `peak` and down again in `steps` steps: see [`OneCycle`], which has more to choose.
    pub fn one_cycle(peak: f64, steps: u64) -> Self {
        OneCycle::new(peak, steps).into()
    }

    /// This one until it is over, and then `next` from its step 0. One without an end goes on for ever;
    /// [`until`](Self::until) gives it an end.
    #[doc(alias = "SequentialLR")]
    pub fn then(self, next: impl Into<Self>) -> Self {
        let steps = self.steps();
        Self(Kind::Then(Box::new(self), steps, Box::new(next.into())))
    }

    /// The same, over after `steps` steps: it then stays at its number of step `steps`.
    pub fn until(self, steps: u64) -> Self {
        Self(Kind::Until(Box::new(self), steps))
    }

    /// The number at a step.
    ///
    /// It is NaN where the schedule makes no sense ([`check`](Self::check) says why), which optimisers refuse as a rate.
    pub fn at(&self, step: u64) -> f64 {
        match &self.0 {
            Kind::Shape(shape) => shape.at(step),
            Kind::OneCycle(cycle) => cycle.at(step),
            Kind::Function(f) => (f.0)(step),
            Kind::Then(first, steps, next) => match steps {
                Some(steps) if step >= *steps => next.at(step - steps),
                _ => first.at(step),
            },
            Kind::Times(x, y) => x.at(step) * y.at(step),
            Kind::Until(inner, steps) => inner.at(step.min(*steps)),
        }
    }

    /// After how many steps it stays as it is, or goes over to what comes [then](Self::then); `None` if it never does. A
    /// product is over when both of its factors are.
    pub fn steps(&self) -> Option<u64> {
        match &self.0 {
            Kind::Shape(shape) => shape.steps(),
            Kind::OneCycle(cycle) => Some(cycle.steps()),
            Kind::Function(_) => None,
            Kind::Then(_, steps, next) => (*steps)?.checked_add(next.steps()?),
            Kind::Times(x, y) => match (&x.0, &y.0) {
                (Kind::Shape(Shape::Constant { .. }), _) => y.steps(),
                (_, Kind::Shape(Shape::Constant { .. })) => x.steps(),
                _ => Some(x.steps()?.max(y.steps()?)),
            },
            Kind::Until(_, steps) => Some(*steps),
        }
    }

    /// Looks for numbers that make no sense.
    ///
    /// # Errors
    /// [`ErrorKind::Value`](wengert_tensor::ErrorKind::Value), with the number: a negative or infinite one, a period of 0 steps.
    pub fn check(&self) -> Result<()> {
        match &self.0 {
            Kind::Shape(shape) => shape.check(),
            Kind::OneCycle(cycle) => cycle.check(),
            Kind::Function(_) => Ok(()),
            Kind::Then(x, _, y) | Kind::Times(x, y) => x.check().and(y.check()),
            Kind::Until(inner, _) => inner.check(),
        }
    }
}

/// The product at every step.
impl Mul for Schedule {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self(Kind::Times(Box::new(self), Box::new(other)))
    }
}

/// As many times the schedule.
impl Mul<Schedule> for f64 {
    type Output = Schedule;

    fn mul(self, schedule: Schedule) -> Schedule {
        Schedule::constant(self) * schedule
    }
}

/// Always the same number.
impl From<f64> for Schedule {
    fn from(number: f64) -> Self {
        Self::constant(number)
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

/// Refuses what is negative or not finite.
fn not_negative(name: &str, number: f64) -> Result<()> {
    match number.is_finite() && number >= 0.0 {
        true => Ok(()),
        false => Err(Error::value(format!("schedule: {name} {number} must be finite and not negative"))),
    }
}

//! Optimisers: updates recorded on the tape of the loss.
//!
//! An optimiser is its hyper-parameters and a formula, and holds no tensors: [`Train`](crate::Train) keeps
//! the state. Numbers that change from step to step are inputs of the formula, so that every step has the
//! same structure. [`Lbfgs`] stands apart: it asks for the loss several times a step.

mod adadelta;
mod adagrad;
mod adam;
mod lamb;
mod lbfgs;
mod lion;
mod nadam;
mod radam;
mod rmsprop;
mod sgd;

use wengert_autograd::Var;
use wengert_tensor::{Error, Result};

pub use adadelta::Adadelta;
pub use adagrad::Adagrad;
pub use adam::{Adam, AdamW, AdaptiveMoments};
pub use lamb::Lamb;
pub use lbfgs::{Lbfgs, Minimum};
pub use lion::Lion;
pub use nadam::NAdam;
pub use radam::RAdam;
pub use rmsprop::RmsProp;
pub use sgd::Sgd;

/// A rule that makes a parameter and its gradient into a better parameter.
///
/// ```
/// use wengert_autograd::Var;
/// use wengert_nn::{Optimizer, Update};
/// use wengert_tensor::Result;
///
/// /// Steps of a fixed size in the direction of the gradient's sign, element by element.
/// struct SignDescent(f64);
///
/// impl Optimizer for SignDescent {
///     fn lr(&self) -> f64 {
///         self.0
///     }
///
///     fn set_lr(&mut self, lr: f64) {
///         self.0 = lr;
///     }
///
///     fn check(&self) -> Result<()> {
///         Ok(())
///     }
///
///     fn numbers(&self, _step: u64, numbers: &mut Vec<f64>) {
///         numbers.push(self.0);
///     }
///
///     fn update<'t>(&self, x: Var<'t>, xbar: Var<'t>, _: &[Var<'t>], numbers: &[Var<'t>]) -> Update<'t> {
///         let sign = xbar / ((xbar * xbar).sqrt() + 1e-12);
///         Update { x: x - numbers[0] * sign, state: vec![] }
///     }
/// }
/// ```
pub trait Optimizer: Send + Sync {
    /// The learning rate.
    fn lr(&self) -> f64;

    /// Another learning rate, from the next step on.
    fn set_lr(&mut self, lr: f64);

    /// Looks for hyper-parameters that are out of range.
    ///
    /// # Errors
    /// [`ErrorKind::Value`](wengert_tensor::ErrorKind::Value), with the hyper-parameter's name and value.
    fn check(&self) -> Result<()>;

    /// How many tensors of the parameter's type each parameter has as state; they are zero at first.
    fn states(&self) -> usize {
        0
    }

    /// Adds to `numbers` those that the update number `step` of a parameter needs, always as many; the first update is
    /// number 1.
    fn numbers(&self, step: u64, numbers: &mut Vec<f64>);

    /// Records the update of the parameter `x` with the gradient `xbar`. `numbers` are those of
    /// [`numbers`](Self::numbers) as single elements of `x`'s dtype.
    fn update<'t>(&self, x: Var<'t>, xbar: Var<'t>, state: &[Var<'t>], numbers: &[Var<'t>]) -> Update<'t>;
}

/// What an optimiser makes of a parameter.
#[derive(Debug, Clone)]
pub struct Update<'t> {
    /// The new value of the parameter.
    pub x: Var<'t>,
    /// The new state.
    pub state: Vec<Var<'t>>,
}

/// An optimiser that is chosen at run time.
impl<O: Optimizer + ?Sized> Optimizer for Box<O> {
    fn lr(&self) -> f64 {
        (**self).lr()
    }

    fn set_lr(&mut self, lr: f64) {
        (**self).set_lr(lr);
    }

    fn check(&self) -> Result<()> {
        (**self).check()
    }

    fn states(&self) -> usize {
        (**self).states()
    }

    fn numbers(&self, step: u64, numbers: &mut Vec<f64>) {
        (**self).numbers(step, numbers);
    }

    fn update<'t>(&self, x: Var<'t>, xbar: Var<'t>, state: &[Var<'t>], numbers: &[Var<'t>]) -> Update<'t> {
        (**self).update(x, xbar, state, numbers)
    }
}

/// The learning rate of an optimiser that has a field `lr` for it.
macro_rules! rate {
    () => {
        fn lr(&self) -> f64 {
            self.lr
        }

        fn set_lr(&mut self, lr: f64) {
            self.lr = lr;
        }
    };
}
use rate;

/// The gradient with that of `decay` / 2 |x|^2 added.
fn with_decay<'t>(xbar: Var<'t>, decay: f64, x: Var<'t>) -> Var<'t> {
    if decay == 0.0 { xbar } else { xbar + decay * x }
}

/// A running mean that keeps the share `kept` of itself and takes the rest from `x`.
fn running<'t>(kept: f64, mean: Var<'t>, x: Var<'t>) -> Var<'t> {
    kept * mean + (1.0 - kept) * x
}

/// What is made of states or numbers that are not as many as were asked for.
fn misfit<'t>(optimizer: &str, x: Var<'t>) -> Update<'t> {
    let error = Error::value(format!("{optimizer}: got more or fewer states or numbers than it asked for"));
    Update { x: x.tape().error(error), state: vec![] }
}

/// Refuses a hyper-parameter that is negative or not finite.
fn not_negative(optimizer: &str, name: &str, value: f64) -> Result<()> {
    match value.is_finite() && value >= 0.0 {
        true => Ok(()),
        false => Err(Error::value(format!("{optimizer}: {name} {value} must be finite and not negative"))),
    }
}

/// Refuses what optimisers with running means of g and g^2 have in common, out of range.
fn two_moments(optimizer: &str, lr: f64, betas: (f64, f64), eps: f64) -> Result<()> {
    not_negative(optimizer, "lr", lr)?;
    decay_rate(optimizer, "beta 1", betas.0)?;
    decay_rate(optimizer, "beta 2", betas.1)?;
    not_negative(optimizer, "eps", eps)
}

/// Refuses the decay rate of a running mean outside [0, 1).
fn decay_rate(optimizer: &str, name: &str, value: f64) -> Result<()> {
    match (0.0..1.0).contains(&value) {
        true => Ok(()),
        false => Err(Error::value(format!("{optimizer}: {name} {value} must be at least 0 and less than 1"))),
    }
}

//! RMSProp: gradients divided by their recent size.

use wengert_autograd::Var;
use wengert_tensor::Result;

use super::{Optimizer, Update, decay_rate, misfit, not_negative, rate, running, with_decay};

/// RMSProp, as PyTorch defines it (G. Hinton, lecture 6 of "Neural networks for machine learning", 2012; centred: A. Graves,
/// "Generating sequences with recurrent neural networks", 2013). With g = xbar + decay x:
///
/// ```text
/// v <- a v + (1 - a) g^2
/// m <- a m + (1 - a) g                    s = v - m^2 where centred, else v
/// u <- momentum u + g / (sqrt(s) + eps)
/// x <- x - lr u
/// ```
///
/// ```
/// use wengert_nn::RmsProp;
/// let rmsprop = RmsProp::new(1e-2).alpha(0.9).momentum(0.5).centered();
/// ```
#[doc(alias = "RMSprop")]
#[derive(Debug, Clone, PartialEq)]
pub struct RmsProp {
    lr: f64,
    alpha: f64,
    eps: f64,
    weight_decay: f64,
    momentum: f64,
    centered: bool,
}

impl RmsProp {
    /// With the decay rate a = 0.99, eps 1e-8, without momentum, not centred, and no weight decay.
    pub fn new(lr: f64) -> Self {
        Self { lr, alpha: 0.99, eps: 1e-8, weight_decay: 0.0, momentum: 0.0, centered: false }
    }

    /// The same with another decay rate a of the running means, from 0 up to 1.
    pub fn alpha(self, alpha: f64) -> Self {
        Self { alpha, ..self }
    }

    /// The same with another number that keeps the denominator from zero; it is added outside the root.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }

    /// The same with the gradient of `weight_decay` / 2 |x|^2 added to every gradient.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }

    /// The same with momentum: the share of the last u that is kept.
    pub fn momentum(self, momentum: f64) -> Self {
        Self { momentum, ..self }
    }

    /// The same with the variance of the gradient in place of its mean square.
    pub fn centered(self) -> Self {
        Self { centered: true, ..self }
    }
}

impl Optimizer for RmsProp {
    rate!();

    fn check(&self) -> Result<()> {
        decay_rate("rmsprop", "alpha", self.alpha)?;
        not_negative("rmsprop", "lr", self.lr)?;
        not_negative("rmsprop", "eps", self.eps)?;
        not_negative("rmsprop", "momentum", self.momentum)?;
        not_negative("rmsprop", "weight_decay", self.weight_decay)
    }

    fn states(&self) -> usize {
        1 + usize::from(self.centered) + usize::from(self.momentum != 0.0)
    }

    fn numbers(&self, _: u64, numbers: &mut Vec<f64>) {
        numbers.push(self.lr);
    }

    fn update<'t>(&self, x: Var<'t>, xbar: Var<'t>, state: &[Var<'t>], numbers: &[Var<'t>]) -> Update<'t> {
        let (&[v, ref more @ ..], &[lr]) = (state, numbers) else { return misfit("rmsprop", x) };
        let g = with_decay(xbar, self.weight_decay, x);
        let v = running(self.alpha, v, g * g);
        let (mut state, mut size) = (vec![v], v);
        if let (true, Some(&m)) = (self.centered, more.first()) {
            let m = running(self.alpha, m, g);
            // Rounding must not make it negative.
            size = (v - m * m).clamp_min(0.0);
            state.push(m);
        }
        let mut step = g / (size.sqrt() + self.eps);
        if let (true, Some(&u)) = (self.momentum != 0.0, more.last()) {
            step = self.momentum * u + step;
            state.push(step);
        }
        Update { x: x - lr * step, state }
    }
}

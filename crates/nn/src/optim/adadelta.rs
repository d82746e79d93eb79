//! Adadelta: steps as large as recent steps were.

use wengert_autograd::Var;
use wengert_tensor::Result;

use super::{Optimizer, Update, decay_rate, misfit, not_negative, rate, running, with_decay};

/// Adadelta, as PyTorch defines it (M. Zeiler, "ADADELTA: an adaptive learning rate method", 2012). With g = xbar + decay x:
///
/// ```text
/// v <- r v + (1 - r) g^2
/// d = sqrt(u + eps) / sqrt(v + eps) g
/// u <- r u + (1 - r) d^2
/// x <- x - lr d
/// ```
///
/// ```
/// use wengert_nn::Adadelta;
/// let adadelta = Adadelta::new(1.0).rho(0.95);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Adadelta {
    lr: f64,
    rho: f64,
    eps: f64,
    weight_decay: f64,
}

impl Adadelta {
    /// With the decay rate r = 0.9, eps 1e-6, and no weight decay. The paper has no learning rate, which is one of 1.
    pub fn new(lr: f64) -> Self {
        Self { lr, rho: 0.9, eps: 1e-6, weight_decay: 0.0 }
    }

    /// The same with another decay rate r of the running means, from 0 up to 1.
    pub fn rho(self, rho: f64) -> Self {
        Self { rho, ..self }
    }

    /// The same with another number that is added to u and v: the first steps are about as large as its root.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }

    /// The same with the gradient of `weight_decay` / 2 |x|^2 added to every gradient.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }
}

impl Optimizer for Adadelta {
    rate!();

    fn check(&self) -> Result<()> {
        decay_rate("adadelta", "rho", self.rho)?;
        not_negative("adadelta", "lr", self.lr)?;
        not_negative("adadelta", "eps", self.eps)?;
        not_negative("adadelta", "weight_decay", self.weight_decay)
    }

    fn states(&self) -> usize {
        2
    }

    fn numbers(&self, _: u64, numbers: &mut Vec<f64>) {
        numbers.push(self.lr);
    }

    fn update<'t>(&self, x: Var<'t>, xbar: Var<'t>, state: &[Var<'t>], numbers: &[Var<'t>]) -> Update<'t> {
        let (&[v, u], &[lr]) = (state, numbers) else { return misfit("adadelta", x) };
        let g = with_decay(xbar, self.weight_decay, x);
        let v = running(self.rho, v, g * g);
        let d = (u + self.eps).sqrt() / (v + self.eps).sqrt() * g;
        Update { x: x - lr * d, state: vec![v, running(self.rho, u, d * d)] }
    }
}

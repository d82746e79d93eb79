//! Lion: the sign of a momentum.

use wengert_autograd::Var;
use wengert_tensor::Result;

use super::{Optimizer, Update, decay_rate, misfit, not_negative, rate, running};

/// Lion (X. Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023). Every element moves by the same
/// length, so a good rate is some 3 to 10 times smaller than Adam's, and a good weight decay as many times larger:
///
/// ```text
/// x <- x - lr (sign(b1 m + (1 - b1) xbar) + decay x)
/// m <- b2 m + (1 - b2) xbar
/// ```
///
/// ```
/// use wengert_nn::Lion;
/// let lion = Lion::new(1e-4).weight_decay(0.1);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Lion {
    lr: f64,
    betas: (f64, f64),
    weight_decay: f64,
}

impl Lion {
    /// With decay rates 0.9 and 0.99, and no weight decay.
    pub fn new(lr: f64) -> Self {
        Self { lr, betas: (0.9, 0.99), weight_decay: 0.0 }
    }

    /// The same with other decay rates, of the step and of what is kept of it, from 0 up to 1.
    pub fn betas(self, b1: f64, b2: f64) -> Self {
        Self { betas: (b1, b2), ..self }
    }

    /// The same with another weight decay: the share lr `weight_decay` is taken off every parameter at each step.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }
}

impl Optimizer for Lion {
    rate!();

    fn check(&self) -> Result<()> {
        not_negative("lion", "lr", self.lr)?;
        decay_rate("lion", "beta 1", self.betas.0)?;
        decay_rate("lion", "beta 2", self.betas.1)?;
        not_negative("lion", "weight_decay", self.weight_decay)
    }

    fn states(&self) -> usize {
        1
    }

    /// lr and 1 - lr decay.
    fn numbers(&self, _: u64, numbers: &mut Vec<f64>) {
        numbers.extend([self.lr, 1.0 - self.lr * self.weight_decay]);
    }

    fn update<'t>(&self, x: Var<'t>, xbar: Var<'t>, state: &[Var<'t>], numbers: &[Var<'t>]) -> Update<'t> {
        let (&[m], &[lr, keep]) = (state, numbers) else { return misfit("lion", x) };
        let sign = running(self.betas.0, m, xbar).sign();
        Update { x: keep * x - lr * sign, state: vec![running(self.betas.1, m, xbar)] }
    }
}

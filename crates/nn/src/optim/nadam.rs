//! NAdam: Adam that looks ahead as Nesterov does.

use wengert_autograd::Var;
use wengert_tensor::Result;

use super::{Optimizer, Update, misfit, not_negative, rate, running, two_moments, with_decay};

/// NAdam, as PyTorch defines it (T. Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016). With
/// g = xbar + decay x, at step t:
///
/// ```text
/// mu_t = b1 (1 - 0.96^(t psi) / 2)        M_t = mu_1 mu_2 ... mu_t
/// m <- b1 m + (1 - b1) g                  v <- b2 v + (1 - b2) g^2
/// x <- x - lr ((1 - mu_t) / (1 - M_t) g + mu_(t+1) / (1 - M_(t+1)) m) / (sqrt(v / (1 - b2^t)) + eps)
/// ```
///
/// ```
/// use wengert_nn::NAdam;
/// let nadam = NAdam::new(2e-3).weight_decay(0.01).decoupled();
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct NAdam {
    lr: f64,
    betas: (f64, f64),
    eps: f64,
    weight_decay: f64,
    momentum_decay: f64,
    decoupled: bool,
}

impl NAdam {
    /// With decay rates 0.9 and 0.999, eps 1e-8, the momentum's decay psi 0.004, and no weight decay.
    pub fn new(lr: f64) -> Self {
        Self { lr, betas: (0.9, 0.999), eps: 1e-8, weight_decay: 0.0, momentum_decay: 4e-3, decoupled: false }
    }

    /// The same with other decay rates of the running means of g and g^2, from 0 up to 1.
    pub fn betas(self, b1: f64, b2: f64) -> Self {
        Self { betas: (b1, b2), ..self }
    }

    /// The same with another number that keeps the denominator from zero; it is added outside the root.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }

    /// The same with another weight decay: the gradient of `weight_decay` / 2 |x|^2 is added to every gradient.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }

    /// The same with another psi: how fast the share of the momentum mu rises from b1 / 2 to b1.
    pub fn momentum_decay(self, momentum_decay: f64) -> Self {
        Self { momentum_decay, ..self }
    }

    /// The same with decoupled weight decay, as AdamW has it: the share lr `weight_decay` is taken off every parameter at
    /// each step, and gradients stay as they are.
    pub fn decoupled(self) -> Self {
        Self { decoupled: true, ..self }
    }

    /// mu at a step.
    fn mu(&self, step: u64) -> f64 {
        self.betas.0 * (1.0 - 0.5 * 0.96f64.powf(step as f64 * self.momentum_decay))
    }
}

impl Optimizer for NAdam {
    rate!();

    fn check(&self) -> Result<()> {
        two_moments("nadam", self.lr, self.betas, self.eps)?;
        not_negative("nadam", "momentum_decay", self.momentum_decay)?;
        not_negative("nadam", "weight_decay", self.weight_decay)
    }

    fn states(&self) -> usize {
        2
    }

    /// What g and m are multiplied by, sqrt(1 - b2^t), and 1 - lr decay.
    fn numbers(&self, step: u64, numbers: &mut Vec<f64>) {
        // It is soon too small to count, and then there is no need to go on.
        let mut product = 1.0;
        for t in 1..=step {
            product *= self.mu(t);
            if 1.0 - product == 1.0 {
                break;
            }
        }
        let (mu, next) = (self.mu(step), self.mu(step.saturating_add(1)));
        numbers.extend([
            self.lr * (1.0 - mu) / (1.0 - product),
            self.lr * next / (1.0 - product * next),
            (1.0 - self.betas.1.powf(step as f64)).sqrt(),
            1.0 - self.lr * self.weight_decay,
        ]);
    }

    fn update<'t>(&self, x: Var<'t>, xbar: Var<'t>, state: &[Var<'t>], numbers: &[Var<'t>]) -> Update<'t> {
        let (&[m, v], &[of_g, of_m, root, keep]) = (state, numbers) else { return misfit("nadam", x) };
        let (x, g) = match self.decoupled {
            true => (keep * x, xbar),
            false => (x, with_decay(xbar, self.weight_decay, x)),
        };
        let (m, v) = (running(self.betas.0, m, g), running(self.betas.1, v, g * g));
        Update { x: x - (of_g * g + of_m * m) / (v.sqrt() / root + self.eps), state: vec![m, v] }
    }
}

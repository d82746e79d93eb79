//! RAdam: Adam that waits until it knows how large gradients are.

use wengert_autograd::Var;
use wengert_tensor::Result;

use super::{Optimizer, Update, misfit, not_negative, rate, running, two_moments, with_decay};

/// RAdam, as PyTorch defines it (L. Liu et al., "On the variance of the adaptive learning rate and beyond", ICLR 2020). With
/// g = xbar + decay x, at step t:
///
/// ```text
/// m <- b1 m + (1 - b1) g        v <- b2 v + (1 - b2) g^2
/// p = 2 / (1 - b2) - 1          p_t = p - 2 t b2^t / (1 - b2^t)
/// x <- x - lr / (1 - b1^t) m                                                         while p_t <= 5
/// x <- x - lr / (1 - b1^t) r m sqrt(1 - b2^t) / (sqrt(v) + eps)                       afterwards
/// r = sqrt((p_t - 4) (p_t - 2) p / ((p - 4) (p - 2) p_t))
/// ```
///
/// Numbers switch between the two, so that both are one program.
///
/// ```
/// use wengert_nn::RAdam;
/// let radam = RAdam::new(1e-3).weight_decay(0.01).decoupled();
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RAdam {
    lr: f64,
    betas: (f64, f64),
    eps: f64,
    weight_decay: f64,
    decoupled: bool,
}

impl RAdam {
    /// With decay rates 0.9 and 0.999, eps 1e-8, and no weight decay.
    pub fn new(lr: f64) -> Self {
        Self { lr, betas: (0.9, 0.999), eps: 1e-8, weight_decay: 0.0, decoupled: false }
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

    /// The same with decoupled weight decay, as AdamW has it: the share lr `weight_decay` is taken off every parameter at
    /// each step, and gradients stay as they are.
    pub fn decoupled(self) -> Self {
        Self { decoupled: true, ..self }
    }
}

impl Optimizer for RAdam {
    rate!();

    fn check(&self) -> Result<()> {
        two_moments("radam", self.lr, self.betas, self.eps)?;
        not_negative("radam", "weight_decay", self.weight_decay)
    }

    fn states(&self) -> usize {
        2
    }

    /// The rate of m; 0 and 1, or 1 and 0 where v counts; 1 - lr decay.
    fn numbers(&self, step: u64, numbers: &mut Vec<f64>) {
        let (t, (b1, b2)) = (step as f64, self.betas);
        let (power, longest) = (b2.powf(t), 2.0 / (1.0 - b2) - 1.0);
        let length = longest - 2.0 * t * power / (1.0 - power);
        let adapts = length > 5.0;
        let factor = if adapts {
            let share = (length - 4.0) * (length - 2.0) * longest / ((longest - 4.0) * (longest - 2.0) * length);
            (share * (1.0 - power)).sqrt()
        } else {
            1.0
        };
        let adapts = f64::from(u8::from(adapts));
        numbers.extend([
            self.lr / (1.0 - b1.powf(t)) * factor,
            adapts,
            1.0 - adapts,
            1.0 - self.lr * self.weight_decay,
        ]);
    }

    fn update<'t>(&self, x: Var<'t>, xbar: Var<'t>, state: &[Var<'t>], numbers: &[Var<'t>]) -> Update<'t> {
        let (&[m, v], &[rate, adapts, waits, keep]) = (state, numbers) else { return misfit("radam", x) };
        let (x, g) = match self.decoupled {
            true => (keep * x, xbar),
            false => (x, with_decay(xbar, self.weight_decay, x)),
        };
        let (m, v) = (running(self.betas.0, m, g), running(self.betas.1, v, g * g));
        Update { x: x - rate * (m / (adapts * (v.sqrt() + self.eps) + waits)), state: vec![m, v] }
    }
}

//! Adam and AdamW: one formula that differs in where the weight decays.

use wengert_autograd::Var;
use wengert_tensor::Result;

use super::{Optimizer, Update, misfit, not_negative, rate, running, two_moments, with_decay};

/// Adam, as PyTorch defines it (D. Kingma and J. Ba, "Adam: a method for stochastic optimization",
/// ICLR 2015). With g = xbar + decay x, at step t:
///
/// ```text
/// m <- b1 m + (1 - b1) g        v <- b2 v + (1 - b2) g^2
/// x <- x - lr / (1 - b1^t) m / (sqrt(v / (1 - b2^t)) + eps)
/// ```
///
/// ```
/// use wengert_nn::Adam;
/// let adam = Adam::new(1e-3).betas(0.9, 0.98).eps(1e-9);
/// ```
pub type Adam = AdaptiveMoments<false>;

/// Adam with decoupled weight decay, as PyTorch defines it: x <- (1 - lr decay) x before every step, and a
/// gradient without decay (I. Loshchilov and F. Hutter, "Decoupled weight decay regularization",
/// ICLR 2019).
///
/// ```
/// use wengert_nn::AdamW;
/// let adamw = AdamW::new(1e-3).weight_decay(0.1);
/// ```
pub type AdamW = AdaptiveMoments<true>;

/// [`Adam`], or [`AdamW`] where `DECOUPLED`.
#[derive(Debug, Clone, PartialEq)]
pub struct AdaptiveMoments<const DECOUPLED: bool> {
    lr: f64,
    betas: (f64, f64),
    eps: f64,
    weight_decay: f64,
    amsgrad: bool,
}

impl<const DECOUPLED: bool> AdaptiveMoments<DECOUPLED> {
    const NAME: &str = if DECOUPLED { "adamw" } else { "adam" };

    /// With decay rates 0.9 and 0.999, eps 1e-8, and a weight decay of 0.01 for AdamW and 0 for Adam.
    pub fn new(lr: f64) -> Self {
        let weight_decay = if DECOUPLED { 0.01 } else { 0.0 };
        Self { lr, betas: (0.9, 0.999), eps: 1e-8, weight_decay, amsgrad: false }
    }

    /// The same with other decay rates of the running means of g and g^2, from 0 up to 1.
    pub fn betas(self, b1: f64, b2: f64) -> Self {
        Self { betas: (b1, b2), ..self }
    }

    /// The same with another number that keeps the denominator from zero; it is added outside the root.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }

    /// The same with another weight decay: for Adam, the gradient of `weight_decay` / 2 |x|^2 is added to
    /// every gradient; for AdamW, the share lr `weight_decay` is taken off every parameter at each step.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }

    /// The same with the largest v that there ever was in place of v, so that no element's rate grows again (S. Reddi, S. Kale
    /// and S. Kumar, "On the convergence of Adam and beyond", ICLR 2018).
    pub fn amsgrad(self) -> Self {
        Self { amsgrad: true, ..self }
    }
}

impl<const DECOUPLED: bool> Optimizer for AdaptiveMoments<DECOUPLED> {
    rate!();

    fn check(&self) -> Result<()> {
        two_moments(Self::NAME, self.lr, self.betas, self.eps)?;
        not_negative(Self::NAME, "weight_decay", self.weight_decay)
    }

    fn states(&self) -> usize {
        2 + usize::from(self.amsgrad)
    }

    /// lr / (1 - b1^t), sqrt(1 - b2^t) and 1 - lr decay.
    fn numbers(&self, step: u64, numbers: &mut Vec<f64>) {
        let correction = |beta: f64| 1.0 - beta.powf(step as f64);
        let (b1, b2) = self.betas;
        numbers.extend([self.lr / correction(b1), correction(b2).sqrt(), 1.0 - self.lr * self.weight_decay]);
    }

    fn update<'t>(&self, x: Var<'t>, xbar: Var<'t>, state: &[Var<'t>], numbers: &[Var<'t>]) -> Update<'t> {
        let (&[m, v, ref most @ ..], &[rate, root, keep]) = (state, numbers) else { return misfit(Self::NAME, x) };
        let (x, g) = match (self.weight_decay, DECOUPLED) {
            (0.0, _) => (x, xbar),
            (_, true) => (keep * x, xbar),
            (decay, false) => (x, with_decay(xbar, decay, x)),
        };
        let (b1, b2) = self.betas;
        let (m, v) = (running(b1, m, g), running(b2, v, g * g));
        let most = most.first().map(|most| most.maximum(v));
        let step = rate * (m / (most.unwrap_or(v).sqrt() / root + self.eps));
        Update { x: x - step, state: [m, v].into_iter().chain(most).collect() }
    }
}

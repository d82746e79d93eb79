//! LAMB: steps in proportion to what they change, for large batches.

use wengert_autograd::Var;
use wengert_tensor::Result;

use super::{Optimizer, Update, misfit, not_negative, rate, running, two_moments, with_decay};

/// LAMB (Y. You et al., "Large batch optimization for deep learning: training BERT in 76 minutes", ICLR 2020), with the
/// identity as its phi. Norms are those of whole parameters; at step t:
///
/// ```text
/// m <- b1 m + (1 - b1) xbar               v <- b2 v + (1 - b2) xbar^2
/// u = m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps) + decay x
/// x <- x - lr |x| / |u| u                 x <- x - lr u where |x| or |u| is 0
/// ```
///
/// ```
/// use wengert_nn::Lamb;
/// let lamb = Lamb::new(2e-3).weight_decay(0.0);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Lamb {
    lr: f64,
    betas: (f64, f64),
    eps: f64,
    weight_decay: f64,
}

impl Lamb {
    /// With decay rates 0.9 and 0.999, eps 1e-6, and a weight decay of 0.01.
    pub fn new(lr: f64) -> Self {
        Self { lr, betas: (0.9, 0.999), eps: 1e-6, weight_decay: 0.01 }
    }

    /// The same with other decay rates of the running means of g and g^2, from 0 up to 1.
    pub fn betas(self, b1: f64, b2: f64) -> Self {
        Self { betas: (b1, b2), ..self }
    }

    /// The same with another number that keeps the denominator from zero; it is added outside the root.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }

    /// The same with another weight decay, which counts towards the step u.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }
}

impl Optimizer for Lamb {
    rate!();

    fn check(&self) -> Result<()> {
        two_moments("lamb", self.lr, self.betas, self.eps)?;
        not_negative("lamb", "weight_decay", self.weight_decay)
    }

    fn states(&self) -> usize {
        2
    }

    /// lr, 1 - b1^t and sqrt(1 - b2^t).
    fn numbers(&self, step: u64, numbers: &mut Vec<f64>) {
        let correction = |beta: f64| 1.0 - beta.powf(step as f64);
        numbers.extend([self.lr, correction(self.betas.0), correction(self.betas.1).sqrt()]);
    }

    fn update<'t>(&self, x: Var<'t>, xbar: Var<'t>, state: &[Var<'t>], numbers: &[Var<'t>]) -> Update<'t> {
        let (&[m, v], &[lr, unbiased, root]) = (state, numbers) else { return misfit("lamb", x) };
        let (m, v) = (running(self.betas.0, m, xbar), running(self.betas.1, v, xbar * xbar));
        let u = with_decay(m / unbiased / (v.sqrt() / root + self.eps), self.weight_decay, x);
        let (of_x, of_u) = ((x * x).sum().sqrt(), (u * u).sum().sqrt());
        let moves = of_u.greater(0.0);
        // 0 / 0 is not computed, not even to be left: a search for anomalies would find it.
        let trust = of_x.greater(0.0).logical_and(moves).where_(of_x / moves.where_(of_u, 1.0), 1.0);
        Update { x: x - lr * trust * u, state: vec![m, v] }
    }
}

//! Adagrad: gradients divided by the size of all before.

use wengert_autograd::Var;
use wengert_tensor::Result;

use super::{Optimizer, Update, misfit, not_negative, rate, with_decay};

/// Adagrad, as PyTorch defines it (J. Duchi, E. Hazan and Y. Singer, "Adaptive subgradient methods for online learning and
/// stochastic optimization", JMLR 12, 2011). With g = xbar + decay x, at step t:
///
/// ```text
/// v <- v + g^2
/// x <- x - lr / (1 + (t - 1) lr_decay) g / (sqrt(v) + eps)
/// ```
///
/// ```
/// use wengert_nn::Adagrad;
/// let adagrad = Adagrad::new(1e-2).initial(0.1);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Adagrad {
    lr: f64,
    lr_decay: f64,
    eps: f64,
    weight_decay: f64,
    initial: f64,
}

impl Adagrad {
    /// With eps 1e-10, v that starts from 0, and no decay of weights or rate.
    pub fn new(lr: f64) -> Self {
        Self { lr, lr_decay: 0.0, eps: 1e-10, weight_decay: 0.0, initial: 0.0 }
    }

    /// The same with a learning rate that falls by itself.
    pub fn lr_decay(self, lr_decay: f64) -> Self {
        Self { lr_decay, ..self }
    }

    /// The same with another number that keeps the denominator from zero; it is added outside the root.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }

    /// The same with the gradient of `weight_decay` / 2 |x|^2 added to every gradient.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }

    /// The same with another number that v starts from.
    #[doc(alias = "initial_accumulator_value")]
    pub fn initial(self, initial: f64) -> Self {
        Self { initial, ..self }
    }
}

impl Optimizer for Adagrad {
    rate!();

    fn check(&self) -> Result<()> {
        not_negative("adagrad", "lr", self.lr)?;
        not_negative("adagrad", "lr_decay", self.lr_decay)?;
        not_negative("adagrad", "eps", self.eps)?;
        not_negative("adagrad", "initial", self.initial)?;
        not_negative("adagrad", "weight_decay", self.weight_decay)
    }

    fn states(&self) -> usize {
        1
    }

    /// lr at this step, and what v is more than the state, which starts from 0.
    fn numbers(&self, step: u64, numbers: &mut Vec<f64>) {
        let first = if step <= 1 { self.initial } else { 0.0 };
        numbers.extend([self.lr / (1.0 + step.saturating_sub(1) as f64 * self.lr_decay), first]);
    }

    fn update<'t>(&self, x: Var<'t>, xbar: Var<'t>, state: &[Var<'t>], numbers: &[Var<'t>]) -> Update<'t> {
        let (&[v], &[rate, more]) = (state, numbers) else { return misfit("adagrad", x) };
        let g = with_decay(xbar, self.weight_decay, x);
        let v = v + more + g * g;
        Update { x: x - rate * (g / (v.sqrt() + self.eps)), state: vec![v] }
    }
}

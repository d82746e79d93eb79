//! Gradient descent.

use wengert_autograd::Var;
use wengert_tensor::{Error, Result};

use super::{Optimizer, Update, misfit, not_negative, rate, with_decay};

/// Gradient descent, x <- x - lr g, with what one may add to it, as PyTorch defines it:
///
/// - weight decay: g = xbar + decay x;
/// - momentum: v <- momentum v + (1 - dampening) g, and v in place of g; the first v is g undampened;
/// - Nesterov's momentum: g + momentum v, with the new v, in place of g (I. Sutskever, J. Martens, G. Dahl
///   and G. Hinton, "On the importance of initialization and momentum in deep learning", ICML 2013).
///
/// ```
/// use wengert_nn::Sgd;
/// let sgd = Sgd::new(0.1).momentum(0.9).nesterov().weight_decay(1e-4);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Sgd {
    lr: f64,
    momentum: f64,
    dampening: f64,
    nesterov: bool,
    weight_decay: f64,
}

impl Sgd {
    /// Plain gradient descent at a learning rate.
    pub fn new(lr: f64) -> Self {
        Self { lr, momentum: 0.0, dampening: 0.0, nesterov: false, weight_decay: 0.0 }
    }

    /// The same with momentum: the share of the last velocity that is kept, from 0 up to 1.
    pub fn momentum(self, momentum: f64) -> Self {
        Self { momentum, ..self }
    }

    /// The same with a dampening: the share of the gradient, from 0 to 1, that momentum does not take.
    pub fn dampening(self, dampening: f64) -> Self {
        Self { dampening, ..self }
    }

    /// The same with Nesterov's momentum.
    pub fn nesterov(self) -> Self {
        Self { nesterov: true, ..self }
    }

    /// The same with the gradient of `weight_decay` / 2 |x|^2 added to every gradient.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }
}

impl Optimizer for Sgd {
    rate!();

    fn check(&self) -> Result<()> {
        not_negative("sgd", "lr", self.lr)?;
        not_negative("sgd", "momentum", self.momentum)?;
        not_negative("sgd", "weight_decay", self.weight_decay)?;
        if !(0.0..=1.0).contains(&self.dampening) {
            return Err(Error::value(format!("sgd: dampening {} must be from 0 to 1", self.dampening)));
        }
        match (self.nesterov, self.momentum == 0.0, self.dampening == 0.0) {
            (true, true, _) => Err(Error::value("sgd: nesterov needs a momentum above 0")),
            (true, _, false) => Err(Error::value("sgd: nesterov goes without dampening")),
            _ => Ok(()),
        }
    }

    fn states(&self) -> usize {
        usize::from(self.momentum != 0.0)
    }

    /// lr and, with dampening, the share of the gradient.
    fn numbers(&self, step: u64, numbers: &mut Vec<f64>) {
        numbers.push(self.lr);
        if self.dampening != 0.0 {
            numbers.push(if step == 1 { 1.0 } else { 1.0 - self.dampening });
        }
    }

    fn update<'t>(&self, x: Var<'t>, xbar: Var<'t>, state: &[Var<'t>], numbers: &[Var<'t>]) -> Update<'t> {
        let &[lr, ref share @ ..] = numbers else { return misfit("sgd", x) };
        let g = with_decay(xbar, self.weight_decay, x);
        match state {
            [v] => {
                let v = self.momentum * *v + share.first().map_or(g, |share| *share * g);
                let step = if self.nesterov { g + self.momentum * v } else { v };
                Update { x: x - lr * step, state: vec![v] }
            }
            _ => Update { x: x - lr * g, state: vec![] },
        }
    }
}

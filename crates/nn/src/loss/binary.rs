//! Losses of two classes: the binary cross-entropy.

use wengert_autograd::{Operand, Var};

use super::{Reduction, fit};

/// The mean of -y ln s(x) - (1 - y) ln(1 - s(x)), with s the sigmoid: the binary cross-entropy of logits `x` and
/// targets `y` from 0 to 1, exact for large logits too. See [`BceWithLogits`] for weights.
///
/// ```
/// use wengert_autograd::Tape;
/// use wengert_nn::loss::bce_with_logits;
/// use wengert_tensor::Tensor;
///
/// let tape = Tape::new();
/// let x = tape.input(&Tensor::from([1000.0, -1000.0]));
/// let y = tape.input(&Tensor::from([0.0, 0.0]));
/// assert_eq!(bce_with_logits(x, y).item()?, 500.0);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[doc(alias("binary_cross_entropy_with_logits", "BCEWithLogitsLoss"))]
#[inline]
#[track_caller]
pub fn bce_with_logits<'t>(x: Var<'t>, y: Var<'t>) -> Var<'t> {
    BceWithLogits::new().of(x, y)
}

/// As [`bce_with_logits`], reduced as said.
#[inline]
#[track_caller]
pub fn bce_with_logits_with<'t>(x: Var<'t>, y: Var<'t>, reduction: Reduction) -> Var<'t> {
    BceWithLogits::new().reduction(reduction).of(x, y)
}

/// The mean of -y ln p - (1 - y) ln(1 - p): the binary cross-entropy of probabilities `p` and targets `y` from
/// 0 to 1. See [`Bce`] for weights.
///
/// As in PyTorch no logarithm is taken below -100, so a probability that was rounded to 0 or 1 costs at most
/// that; it has no gradient then, which [`bce_with_logits`] still has.
#[doc(alias("binary_cross_entropy", "BCELoss"))]
#[inline]
#[track_caller]
pub fn bce<'t>(p: Var<'t>, y: Var<'t>) -> Var<'t> {
    Bce::new().of(p, y)
}

/// As [`bce`], reduced as said.
#[inline]
#[track_caller]
pub fn bce_with<'t>(p: Var<'t>, y: Var<'t>, reduction: Reduction) -> Var<'t> {
    Bce::new().reduction(reduction).of(p, y)
}

/// [`bce_with_logits`] with weights: the mean of w (-c y ln s(x) - (1 - y) ln(1 - s(x))).
///
/// ```
/// use wengert_autograd::Tape;
/// use wengert_nn::loss::BceWithLogits;
/// use wengert_tensor::Tensor;
///
/// let tape = Tape::new();
/// let (x, y) = (tape.input(&Tensor::from([0.0, 0.0])), tape.input(&Tensor::from([1.0, 0.0])));
/// let loss = BceWithLogits::new().positive_weight(3.0).of(x, y);
/// assert_eq!(loss.item()?, 2.0 * 2f64.ln());
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[doc(alias = "BCEWithLogitsLoss")]
pub struct BceWithLogits<'t> {
    weight: Option<Var<'t>>,
    positive: Option<Operand<'t>>,
    reduction: Reduction,
}

impl<'t> BceWithLogits<'t> {
    /// Without weights, reduced to the mean.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with w, which is repeated to the shape of the logits; the mean is of the weighted losses, over
    /// their number.
    pub fn weight(self, weight: Var<'t>) -> Self {
        Self { weight: Some(weight), ..self }
    }

    /// The same with c, the weight of positive targets: a number, or a variable that is repeated to the shape of the
    /// logits, such as one number for each class.
    #[doc(alias = "pos_weight")]
    pub fn positive_weight(self, weight: impl Into<Operand<'t>>) -> Self {
        Self { positive: Some(weight.into()), ..self }
    }

    /// The same, reduced as said.
    pub fn reduction(self, reduction: Reduction) -> Self {
        Self { reduction, ..self }
    }

    /// The loss of logits `x` and targets `y`.
    #[inline]
    #[track_caller]
    pub fn of(&self, x: Var<'t>, y: Var<'t>) -> Var<'t> {
        if let Err(poisoned) = fit("bce_with_logits", x, y) {
            return poisoned;
        }
        // -ln s(x) = softplus(-x) and -ln(1 - s(x)) = softplus(x): nothing cancels.
        let positive = y * (-x).softplus();
        let positive = match self.positive {
            Some(Operand::Var(c)) => c.broadcast_to(x.shape()) * positive,
            Some(Operand::Plain(c)) => x.full_like(c) * positive,
            None => positive,
        };
        self.reduction.of(weighted(self.weight, positive + (1.0 - y) * x.softplus()))
    }
}

/// [`bce`] with weights: the mean of w (-y ln p - (1 - y) ln(1 - p)).
#[derive(Debug, Clone, Copy, Default)]
#[doc(alias = "BCELoss")]
pub struct Bce<'t> {
    weight: Option<Var<'t>>,
    reduction: Reduction,
}

impl<'t> Bce<'t> {
    /// Without weights, reduced to the mean.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with w, which is repeated to the shape of the probabilities; the mean is of the weighted losses, over
    /// their number.
    pub fn weight(self, weight: Var<'t>) -> Self {
        Self { weight: Some(weight), ..self }
    }

    /// The same, reduced as said.
    pub fn reduction(self, reduction: Reduction) -> Self {
        Self { reduction, ..self }
    }

    /// The loss of probabilities `p` and targets `y`.
    #[inline]
    #[track_caller]
    pub fn of(&self, p: Var<'t>, y: Var<'t>) -> Var<'t> {
        if let Err(poisoned) = fit("bce", p, y) {
            return poisoned;
        }
        const LEAST: f64 = -100.0;
        // The logarithm is taken of 1 where its result is not used: an infinite derivative times zero is NaN.
        let zero = p.less_equal(LEAST.exp());
        let one = (1.0 - p).less_equal(LEAST.exp());
        let ln_p = zero.where_(LEAST, zero.where_(1.0, p).ln());
        let ln_q = one.where_(LEAST, (-one.where_(0.0, p)).ln_1p());
        self.reduction.of(weighted(self.weight, -(y * ln_p + (1.0 - y) * ln_q)))
    }
}

#[inline]
#[track_caller]
fn weighted<'t>(weight: Option<Var<'t>>, losses: Var<'t>) -> Var<'t> {
    match weight {
        Some(weight) if !losses.is_poisoned() => weight.broadcast_to(losses.shape()) * losses,
        _ => losses,
    }
}

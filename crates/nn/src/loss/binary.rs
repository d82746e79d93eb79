//! Losses of two classes: the binary cross-entropy.

use wengert_autograd::Var;

use super::{Reduction, fit};

/// The mean of -y ln s(x) - (1 - y) ln(1 - s(x)), with s the sigmoid: the binary cross-entropy of logits `x` and
/// targets `y` from 0 to 1, exact for large logits too.
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
#[track_caller]
pub fn bce_with_logits<'t>(x: Var<'t>, y: Var<'t>) -> Var<'t> {
    bce_with_logits_with(x, y, Reduction::Mean)
}

/// As [`bce_with_logits`], reduced as said.
#[track_caller]
pub fn bce_with_logits_with<'t>(x: Var<'t>, y: Var<'t>, reduction: Reduction) -> Var<'t> {
    if let Err(poisoned) = fit("bce_with_logits", x, y) {
        return poisoned;
    }
    // -ln s(x) = softplus(-x) and -ln(1 - s(x)) = softplus(x): nothing cancels.
    reduction.of(y * (-x).softplus() + (1.0 - y) * x.softplus())
}

/// The mean of -y ln p - (1 - y) ln(1 - p): the binary cross-entropy of probabilities `p` and targets `y` from
/// 0 to 1.
///
/// As in PyTorch no logarithm is taken below -100, so a probability that was rounded to 0 or 1 costs at most
/// that; it has no gradient then, which [`bce_with_logits`] still has.
#[doc(alias("binary_cross_entropy", "BCELoss"))]
#[track_caller]
pub fn bce<'t>(p: Var<'t>, y: Var<'t>) -> Var<'t> {
    bce_with(p, y, Reduction::Mean)
}

/// As [`bce`], reduced as said.
#[track_caller]
pub fn bce_with<'t>(p: Var<'t>, y: Var<'t>, reduction: Reduction) -> Var<'t> {
    if let Err(poisoned) = fit("bce", p, y) {
        return poisoned;
    }
    const LEAST: f64 = -100.0;
    // The logarithm is taken of 1 where its result is not used: an infinite derivative times zero is NaN.
    let zero = p.less_equal(LEAST.exp());
    let one = (1.0 - p).less_equal(LEAST.exp());
    let ln_p = zero.where_(LEAST, zero.where_(1.0, p).ln());
    let ln_q = one.where_(LEAST, (-one.where_(0.0, p)).ln_1p());
    reduction.of(-(y * ln_p + (1.0 - y) * ln_q))
}

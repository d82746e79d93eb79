//! Losses of numbers.

use wengert_autograd::Var;
use wengert_tensor::Error;

use super::{Reduction, fit};

/// The mean of (x - y)^2.
///
/// ```
/// use wengert_autograd::Tape;
/// use wengert_nn::loss::mse;
/// use wengert_tensor::Tensor;
///
/// let tape = Tape::new();
/// let x = tape.input(&Tensor::from([[1.0], [2.0]]));
/// assert_eq!(mse(x, tape.input(&Tensor::from([[0.0], [4.0]]))).item()?, 2.5);
///
/// let err = mse(x, tape.input(&Tensor::from([0.0, 4.0]))).item().unwrap_err();
/// assert_eq!(err.sentence(), "mse: prediction [2, 1] and target [2] differ");
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[doc(alias = "mse_loss")]
#[inline]
#[track_caller]
pub fn mse<'t>(x: Var<'t>, y: Var<'t>) -> Var<'t> {
    mse_with(x, y, Reduction::Mean)
}

/// As [`mse`], reduced as said.
#[inline]
#[track_caller]
pub fn mse_with<'t>(x: Var<'t>, y: Var<'t>, reduction: Reduction) -> Var<'t> {
    if let Err(poisoned) = fit("mse", x, y) {
        return poisoned;
    }
    let d = x - y;
    reduction.of(d * d)
}

/// The mean of |x - y|.
#[doc(alias("l1_loss", "mae"))]
#[inline]
#[track_caller]
pub fn l1<'t>(x: Var<'t>, y: Var<'t>) -> Var<'t> {
    l1_with(x, y, Reduction::Mean)
}

/// As [`l1`], reduced as said.
#[inline]
#[track_caller]
pub fn l1_with<'t>(x: Var<'t>, y: Var<'t>, reduction: Reduction) -> Var<'t> {
    if let Err(poisoned) = fit("l1", x, y) {
        return poisoned;
    }
    reduction.of((x - y).abs())
}

/// The mean of d^2 / 2 where d = |x - y| is at most `delta`, and of delta (d - delta / 2) beyond, where outliers
/// pull with a constant force (P. Huber, "Robust estimation of a location parameter", Annals of
/// Mathematical Statistics 35(1), 1964).
#[doc(alias = "huber_loss")]
#[inline]
#[track_caller]
pub fn huber<'t>(x: Var<'t>, y: Var<'t>, delta: f64) -> Var<'t> {
    huber_with(x, y, delta, Reduction::Mean)
}

/// As [`huber`], reduced as said.
#[inline]
#[track_caller]
pub fn huber_with<'t>(x: Var<'t>, y: Var<'t>, delta: f64, reduction: Reduction) -> Var<'t> {
    if let Err(poisoned) = fit("huber", x, y) {
        return poisoned;
    }
    if !(delta > 0.0 && delta.is_finite()) {
        return x.tape().error(Error::value(format!("huber: delta {delta} must be finite and above 0")));
    }
    let d = (x - y).abs();
    reduction.of(d.less_equal(delta).where_(0.5 * d * d, delta * (d - 0.5 * delta)))
}

/// [`huber`] over `beta`: the mean of d^2 / (2 beta) where d = |x - y| is below `beta`, and of d - beta / 2 beyond,
/// with slope 1 there; [`l1`] for a `beta` of 0 (R. Girshick, "Fast R-CNN", ICCV 2015).
#[doc(alias = "smooth_l1_loss")]
#[inline]
#[track_caller]
pub fn smooth_l1<'t>(x: Var<'t>, y: Var<'t>, beta: f64) -> Var<'t> {
    smooth_l1_with(x, y, beta, Reduction::Mean)
}

/// As [`smooth_l1`], reduced as said.
#[inline]
#[track_caller]
pub fn smooth_l1_with<'t>(x: Var<'t>, y: Var<'t>, beta: f64, reduction: Reduction) -> Var<'t> {
    if let Err(poisoned) = fit("smooth_l1", x, y) {
        return poisoned;
    }
    if !(beta >= 0.0 && beta.is_finite()) {
        return x.tape().error(Error::value(format!("smooth_l1: beta {beta} must be finite and not below 0")));
    }
    let d = (x - y).abs();
    reduction.of(match beta {
        0.0 => d,
        _ => d.less(beta).where_(0.5 / beta * d * d, d - 0.5 * beta),
    })
}

//! Losses of several classes, which lie on the last axis.

use wengert_autograd::Var;
use wengert_tensor::{DType, Error};

use super::{Reduction, defined, fit};

/// The mean of `-ln softmax(x)[label]`: the cross-entropy of logits of shape `[.., classes]`.
///
/// The targets are labels, `i64` of shape `[..]`, or probabilities of the logits' own type, for which it is the
/// mean of `-sum p ln softmax(x)`. Classes lie on the last axis, unlike PyTorch's. A label outside the
/// classes is an error when the value is asked for.
///
/// ```
/// use wengert_autograd::Tape;
/// use wengert_nn::loss::cross_entropy;
/// use wengert_tensor::Tensor;
///
/// let tape = Tape::new();
/// let x = tape.input(&Tensor::from([[0.0, 0.0], [1000.0, 0.0]]));
/// let loss = cross_entropy(x, tape.input(&Tensor::from([0, 1])));
/// assert_eq!(loss.item()?, (2f64.ln() + 1000.0) / 2.0);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[doc(alias = "CrossEntropyLoss")]
#[track_caller]
pub fn cross_entropy<'t>(x: Var<'t>, y: Var<'t>) -> Var<'t> {
    cross_entropy_with(x, y, Reduction::Mean)
}

/// As [`cross_entropy`], reduced as said.
#[track_caller]
pub fn cross_entropy_with<'t>(x: Var<'t>, y: Var<'t>, reduction: Reduction) -> Var<'t> {
    let losses = if y.dtype().is_float() { of_probabilities(x, y) } else { of_labels("cross_entropy", x, y, true) };
    losses.map_or_else(|poisoned| poisoned, |losses| reduction.of(losses))
}

/// The mean of `-x[label]`: the negative log-likelihood, for log-probabilities of shape `[.., classes]` and
/// labels of shape `[..]`.
#[doc(alias("nll_loss", "NLLLoss"))]
#[track_caller]
pub fn nll<'t>(x: Var<'t>, y: Var<'t>) -> Var<'t> {
    nll_with(x, y, Reduction::Mean)
}

/// As [`nll`], reduced as said.
#[track_caller]
pub fn nll_with<'t>(x: Var<'t>, y: Var<'t>, reduction: Reduction) -> Var<'t> {
    of_labels("nll", x, y, false).map_or_else(|poisoned| poisoned, |losses| reduction.of(losses))
}

#[track_caller]
fn of_probabilities<'t>(x: Var<'t>, y: Var<'t>) -> Result<Var<'t>, Var<'t>> {
    fit("cross_entropy", x, y)?;
    if x.rank() == 0 {
        return Err(x.tape().error(Error::shape("cross_entropy: logits have an axis of classes, [] has none")));
    }
    Ok(-(y * x.log_softmax(-1)).sum_axes(-1))
}

/// For labels `y` of shape [..], the elements of `x` at them, or of the logarithms of the softmax of `x`, negated.
#[track_caller]
fn of_labels<'t>(loss: &str, x: Var<'t>, y: Var<'t>, softmax: bool) -> Result<Var<'t>, Var<'t>> {
    defined(&[x, y])?;
    let (a, b) = (x.ty(), y.ty());
    let error = if !a.dtype.is_float() {
        Error::dtype(format!("{loss}: takes a prediction of a float dtype, got {a}"))
    } else if b.dtype != DType::I64 {
        Error::dtype(format!("{loss}: takes labels of dtype i64, got {b}"))
    } else if a.shape.split_last().is_none_or(|(_, lead)| *lead != b.shape[..]) {
        Error::shape(format!(
            "{loss}: prediction {} and labels {} differ: it takes [.., classes] and [..]",
            a.shape, b.shape
        ))
    } else {
        let x = if softmax { x.log_softmax(-1) } else { x };
        return Ok(-x.gather(-1, y.unsqueeze(-1)).squeeze(-1));
    };
    Err(x.tape().error(error))
}

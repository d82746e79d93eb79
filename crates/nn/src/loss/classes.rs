//! Losses of several classes, which lie on the last axis.

use wengert_autograd::Var;
use wengert_tensor::{DType, Error, Tensor};

use super::{Reduction, defined, fit};

/// The mean of `-ln softmax(x)[label]`: the cross-entropy of logits of shape `[.., classes]`.
///
/// The targets are labels, `i64` of shape `[..]`, or probabilities of the logits' own type, for which it is the
/// mean of `-sum p ln softmax(x)`. Classes lie on the last axis, unlike PyTorch's. A label outside the
/// classes is an error when the value is asked for. See [`CrossEntropy`] for smoothing, weights and labels to ignore.
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
#[inline]
#[track_caller]
pub fn cross_entropy<'t>(x: Var<'t>, y: Var<'t>) -> Var<'t> {
    CrossEntropy::new().of(x, y)
}

/// As [`cross_entropy`], reduced as said.
#[inline]
#[track_caller]
pub fn cross_entropy_with<'t>(x: Var<'t>, y: Var<'t>, reduction: Reduction) -> Var<'t> {
    CrossEntropy::new().reduction(reduction).of(x, y)
}

/// The mean of `-x[label]`: the negative log-likelihood, for log-probabilities of shape `[.., classes]` and
/// labels of shape `[..]`. See [`Nll`] for weights and labels to ignore.
#[doc(alias("nll_loss", "NLLLoss"))]
#[inline]
#[track_caller]
pub fn nll<'t>(x: Var<'t>, y: Var<'t>) -> Var<'t> {
    Nll::new().of(x, y)
}

/// As [`nll`], reduced as said.
#[inline]
#[track_caller]
pub fn nll_with<'t>(x: Var<'t>, y: Var<'t>, reduction: Reduction) -> Var<'t> {
    Nll::new().reduction(reduction).of(x, y)
}

/// [`cross_entropy`] with options. With smoothing s, a label counts as a distribution that has 1 - s on the label and s
/// evenly on all classes (C. Szegedy et al., "Rethinking the inception architecture for computer vision",
/// CVPR 2016).
///
/// ```
/// use wengert_autograd::Tape;
/// use wengert_nn::loss::CrossEntropy;
/// use wengert_tensor::Tensor;
///
/// let tape = Tape::new();
/// let x = tape.input(&Tensor::from([[0.0, 0.0], [1000.0, 0.0]]));
/// let y = tape.input(&Tensor::from([0, -1]));
/// let loss = CrossEntropy::new().label_smoothing(0.1).ignore_index(-1).of(x, y);
/// assert_eq!(loss.item()?, 2f64.ln());
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
#[doc(alias = "CrossEntropyLoss")]
pub struct CrossEntropy {
    classes: Classes,
    smoothing: f64,
}

/// [`nll`] with options.
#[derive(Debug, Clone, Default)]
#[doc(alias = "NLLLoss")]
pub struct Nll {
    classes: Classes,
}

/// The options that both have.
#[derive(Debug, Clone, Default)]
struct Classes {
    weights: Option<Vec<f64>>,
    ignored: Option<i64>,
    reduction: Reduction,
}

macro_rules! options {
    () => {
        /// Without options, reduced to the mean.
        pub fn new() -> Self {
            Self::default()
        }

        /// The same with a weight for each class. The mean is then that of the weights: over their sum.
        pub fn weights(mut self, weights: &[f64]) -> Self {
            self.classes.weights = Some(weights.to_vec());
            self
        }

        /// The same where this label, which need not be a class, means that there is none: its loss is 0 and does
        /// not count in the mean. Without any other label the mean is NaN.
        pub fn ignore_index(mut self, label: i64) -> Self {
            self.classes.ignored = Some(label);
            self
        }

        /// The same, reduced as said.
        pub fn reduction(mut self, reduction: Reduction) -> Self {
            self.classes.reduction = reduction;
            self
        }
    };
}

impl CrossEntropy {
    options!();

    /// The same with a part of the target, from 0 to 1, spread evenly over all classes.
    pub fn label_smoothing(self, smoothing: f64) -> Self {
        Self { smoothing, ..self }
    }

    /// The loss of logits `x`, `[.., classes]`, and labels or probabilities `y`.
    #[inline]
    #[track_caller]
    pub fn of<'t>(&self, x: Var<'t>, y: Var<'t>) -> Var<'t> {
        let loss = "cross_entropy";
        if !(0.0..=1.0).contains(&self.smoothing) {
            let sentence = format!("{loss}: smoothing {} must be from 0 to 1", self.smoothing);
            return x.tape().error(Error::value(sentence));
        }
        let losses = if y.dtype().is_float() {
            self.of_probabilities(x, y)
        } else {
            match check_labels(loss, x, y) {
                Ok(()) => self.classes.of_labels(loss, x.log_softmax(-1), y, self.smoothing),
                Err(poisoned) => Err(poisoned),
            }
        };
        losses.unwrap_or_else(|poisoned| poisoned)
    }

    #[inline]
    #[track_caller]
    fn of_probabilities<'t>(&self, x: Var<'t>, y: Var<'t>) -> Result<Var<'t>, Var<'t>> {
        fit("cross_entropy", x, y)?;
        let Some(&classes) = x.shape().last() else {
            return Err(x.tape().error(Error::shape("cross_entropy: logits have an axis of classes, [] has none")));
        };
        let y = match self.smoothing {
            0.0 => y,
            s => (1.0 - s) * y + s / classes as f64,
        };
        let terms = y * x.log_softmax(-1);
        let terms = match self.classes.weights_on("cross_entropy", x)? {
            Some(weights) => weights * terms,
            None => terms,
        };
        Ok(self.classes.reduction.of(-terms.sum_axes(-1)))
    }
}

impl Nll {
    options!();

    /// The loss of log-probabilities `x`, `[.., classes]`, and labels `y`, `[..]`.
    #[inline]
    #[track_caller]
    pub fn of<'t>(&self, x: Var<'t>, y: Var<'t>) -> Var<'t> {
        if let Err(poisoned) = check_labels("nll", x, y) {
            return poisoned;
        }
        self.classes.of_labels("nll", x, y, 0.0).unwrap_or_else(|poisoned| poisoned)
    }
}

impl Classes {
    /// The reduced loss of log-probabilities and labels that fit.
    #[inline]
    #[track_caller]
    fn of_labels<'t>(&self, loss: &str, x: Var<'t>, y: Var<'t>, smoothing: f64) -> Result<Var<'t>, Var<'t>> {
        let weights = self.weights_on(loss, x)?;
        let tape = x.tape();
        Ok(tape.originating(tape.here(), || self.weighted(x, y, weights, smoothing)))
    }

    #[inline]
    fn weighted<'t>(&self, x: Var<'t>, y: Var<'t>, weights: Option<Var<'t>>, smoothing: f64) -> Var<'t> {
        let ignored = self.ignored.map(|label| y.equal(label));
        let label = ignored.map_or(y, |ignored| ignored.where_(0i64, y));
        // Not a product: what is ignored may be infinite.
        let kept = |losses: Var<'t>| ignored.map_or(losses, |ignored| ignored.where_(0.0, losses));
        let own = -x.gather(-1, label.unsqueeze(-1)).squeeze(-1);
        let by_label = weights.map(|weights| weights.index_select(0, label));
        let mut losses = by_label.map_or(own, |weights| weights * own);
        if smoothing != 0.0 {
            let all = weights.map_or(x, |weights| weights * x).mean_axes(-1);
            losses = (1.0 - smoothing) * losses - smoothing * all;
        }
        let losses = kept(losses);
        match self.reduction {
            Reduction::Mean if weights.is_some() || ignored.is_some() => {
                losses.sum() / kept(by_label.unwrap_or_else(|| own.full_like(1.0))).sum()
            }
            reduction => reduction.of(losses),
        }
    }

    /// The weights on the tape of `x`, in its dtype.
    #[inline]
    #[track_caller]
    fn weights_on<'t>(&self, loss: &str, x: Var<'t>) -> Result<Option<Var<'t>>, Var<'t>> {
        match &self.weights {
            Some(weights) => weights_of_classes(loss, weights, x).map(Some),
            None => Ok(None),
        }
    }
}

/// A weight for each class of `x`, `[.., classes]`, on its tape and in its dtype.
#[inline]
#[track_caller]
pub(super) fn weights_of_classes<'t>(loss: &str, weights: &[f64], x: Var<'t>) -> Result<Var<'t>, Var<'t>> {
    let shape = x.shape();
    if shape.last() != Some(&weights.len()) {
        let sentence = format!("{loss}: {} weights for the classes of {shape}", weights.len());
        return Err(x.tape().error(Error::shape(sentence)));
    }
    match Tensor::from_slice(weights, [weights.len()]).and_then(|weights| weights.cast(x.dtype())) {
        Ok(weights) => Ok(x.tape().input(&weights)),
        Err(error) => Err(x.tape().error(error.within(loss))),
    }
}

/// That `x` is a float for each class, `[.., classes]`, and `y` a label for each of them, `[..]`.
#[inline]
#[track_caller]
pub(super) fn check_labels<'t>(loss: &str, x: Var<'t>, y: Var<'t>) -> Result<(), Var<'t>> {
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
        return Ok(());
    };
    Err(x.tape().error(error))
}

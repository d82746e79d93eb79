//! Losses that are 0 beyond a margin.

use wengert_autograd::Var;
use wengert_tensor::Tensor;

use super::classes::{check_labels, weights_of_classes};
use super::{Reduction, alike, fit};

/// The mean of ln(1 + e^(-y x)) for scores `x` and targets `y` of -1 and 1: a margin that is soft.
#[doc(alias("soft_margin_loss", "SoftMarginLoss"))]
#[inline]
#[track_caller]
pub fn soft_margin<'t>(x: Var<'t>, y: Var<'t>) -> Var<'t> {
    soft_margin_with(x, y, Reduction::Mean)
}

/// As [`soft_margin`], reduced as said.
#[inline]
#[track_caller]
pub fn soft_margin_with<'t>(x: Var<'t>, y: Var<'t>, reduction: Reduction) -> Var<'t> {
    match fit("soft_margin", x, y) {
        Ok(()) => reduction.of((-y * x).softplus()),
        Err(poisoned) => poisoned,
    }
}

/// The mean of max(0, margin - y (x1 - x2)): where `y` is 1, `x1` should be larger than `x2` by the margin; where it
/// is -1, smaller.
#[doc(alias("margin_ranking_loss", "MarginRankingLoss"))]
#[inline]
#[track_caller]
pub fn margin_ranking<'t>(x1: Var<'t>, x2: Var<'t>, y: Var<'t>, margin: f64) -> Var<'t> {
    margin_ranking_with(x1, x2, y, margin, Reduction::Mean)
}

/// As [`margin_ranking`], reduced as said.
#[inline]
#[track_caller]
pub fn margin_ranking_with<'t>(x1: Var<'t>, x2: Var<'t>, y: Var<'t>, margin: f64, reduction: Reduction) -> Var<'t> {
    match alike("margin_ranking", ["first input", "second"], x1, x2).and_then(|()| fit("margin_ranking", x1, y)) {
        Ok(()) => reduction.of((margin - y * (x1 - x2)).relu()),
        Err(poisoned) => poisoned,
    }
}

/// The mean of x where `y` is 1, and of max(0, margin - x) where it is -1, for distances `x`: what belongs together
/// should be near, what does not at least the margin apart.
#[doc(alias("hinge_embedding_loss", "HingeEmbeddingLoss"))]
#[inline]
#[track_caller]
pub fn hinge_embedding<'t>(x: Var<'t>, y: Var<'t>, margin: f64) -> Var<'t> {
    hinge_embedding_with(x, y, margin, Reduction::Mean)
}

/// As [`hinge_embedding`], reduced as said.
#[inline]
#[track_caller]
pub fn hinge_embedding_with<'t>(x: Var<'t>, y: Var<'t>, margin: f64, reduction: Reduction) -> Var<'t> {
    match fit("hinge_embedding", x, y) {
        Ok(()) => reduction.of(y.equal(1.0).where_(x, (margin - x).relu())),
        Err(poisoned) => poisoned,
    }
}

/// The mean of Σ max(0, margin - x(label) + x(j)) / classes over the classes j that are not the label: the hinge
/// loss for several classes, of scores of shape `[.., classes]` and labels of shape `[..]`.
///
/// K. Crammer and Y. Singer, "On the algorithmic implementation of multiclass kernel-based vector machines",
/// JMLR 2, 2001, has the largest instead of the sum; J. Weston and C. Watkins, "Support vector machines for
/// multi-class pattern recognition", ESANN 1999, this.
///
/// ```
/// use wengert_autograd::Tape;
/// use wengert_nn::loss::MultiMargin;
/// use wengert_tensor::Tensor;
///
/// let tape = Tape::new();
/// let (x, y) = (tape.input(&Tensor::from([[1.0, 3.0]])), tape.input(&Tensor::from([0])));
/// assert_eq!(MultiMargin::new().of(x, y).item()?, 1.5);
/// assert_eq!(MultiMargin::new().squared().of(x, y).item()?, 4.5);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone)]
#[doc(alias("multi_margin_loss", "MultiMarginLoss"))]
pub struct MultiMargin {
    margin: f64,
    squared: bool,
    weights: Option<Vec<f64>>,
    reduction: Reduction,
}

impl Default for MultiMargin {
    fn default() -> Self {
        Self { margin: 1.0, squared: false, weights: None, reduction: Reduction::Mean }
    }
}

impl MultiMargin {
    /// With a margin of 1, reduced to the mean.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with another margin.
    pub fn margin(self, margin: f64) -> Self {
        Self { margin, ..self }
    }

    /// The same with the squares of what is summed.
    pub fn squared(self) -> Self {
        Self { squared: true, ..self }
    }

    /// The same with a weight for each class; a loss has that of its label.
    pub fn weights(self, weights: &[f64]) -> Self {
        Self { weights: Some(weights.to_vec()), ..self }
    }

    /// The same, reduced as said.
    pub fn reduction(self, reduction: Reduction) -> Self {
        Self { reduction, ..self }
    }

    /// The loss of scores `x`, `[.., classes]`, and labels `y`, `[..]`.
    #[inline]
    #[track_caller]
    pub fn of<'t>(&self, x: Var<'t>, y: Var<'t>) -> Var<'t> {
        if let Err(poisoned) = check_labels("multi_margin", x, y) {
            return poisoned;
        }
        let classes = x.shape().last().copied().unwrap_or(0);
        let numbers = match Tensor::arange(0, classes as i64, 1) {
            Ok(numbers) => x.tape().input(&numbers),
            Err(error) => return x.tape().error(error.within("multi_margin")),
        };
        let label = y.unsqueeze(-1);
        let excess = (self.margin - x.gather(-1, label) + x).relu();
        let excess = if self.squared { excess.square() } else { excess };
        let losses = numbers.equal(label).where_(0.0, excess).sum_axes(-1) / classes as f64;
        self.reduction.of(match &self.weights {
            Some(weights) => match weights_of_classes("multi_margin", weights, x) {
                Ok(weights) => weights.index_select(0, y) * losses,
                Err(poisoned) => return poisoned,
            },
            None => losses,
        })
    }
}

//! Losses: how wrong a prediction is, as a variable.
//!
//! Each is a mean over all elements (over all labels, for classes), and has a twin `…_with` that takes a
//! [`Reduction`]. A prediction and a target of different shapes are an error: broadcasting them would
//! compare every one with every other, in silence.
//!
//! Where there is more to say, a struct says it, as in `CrossEntropy::new().label_smoothing(0.1).of(x, y)`.
//! As layers, they are `#[inline]` so that only programs that use one compile it.
//!
//! - Numbers: [`mse`], [`l1`], [`huber`], [`smooth_l1`].
//! - Two classes: [`bce_with_logits`], and [`bce`] where there are only probabilities.
//! - More classes: [`cross_entropy`], [`nll`] where there are only log-probabilities, and [`MultiMargin`].
//! - Distributions: [`kl_div`], [`poisson_nll`], [`gaussian_nll`].
//! - Margins: [`soft_margin`], [`margin_ranking`], [`hinge_embedding`].
//! - Vectors near each other or apart: [`cosine_embedding`], [`TripletMargin`].
//! - Sequences without an alignment: [`Ctc`].

mod binary;
mod classes;
mod ctc;
mod embedding;
mod likelihood;
mod margin;
mod regression;

pub use binary::{Bce, BceWithLogits, bce, bce_with, bce_with_logits, bce_with_logits_with};
pub use classes::{CrossEntropy, Nll, cross_entropy, cross_entropy_with, nll, nll_with};
pub use ctc::Ctc;
pub use embedding::{TripletMargin, cosine_embedding, cosine_embedding_with, triplet_margin};
pub use likelihood::{
    GaussianNll, PoissonNll, gaussian_nll, kl_div, kl_div_of_logs, kl_div_of_logs_with, kl_div_with, poisson_nll,
};
pub use margin::{
    MultiMargin, hinge_embedding, hinge_embedding_with, margin_ranking, margin_ranking_with, soft_margin,
    soft_margin_with,
};
pub use regression::{huber, huber_with, l1, l1_with, mse, mse_with, smooth_l1, smooth_l1_with};

use wengert_autograd::Var;
use wengert_tensor::Error;

/// What becomes of the single losses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Reduction {
    /// Their mean; NaN where there are none.
    #[default]
    Mean,
    /// Their sum.
    Sum,
    /// They stay as they are: for weights, masks and means of one's own.
    None,
}

impl Reduction {
    #[inline]
    #[track_caller]
    fn of(self, losses: Var<'_>) -> Var<'_> {
        match self {
            Self::Mean => losses.mean(),
            Self::Sum => losses.sum(),
            Self::None => losses,
        }
    }
}

/// That a prediction and a target are of one shape and float dtype, or a poisoned variable.
#[inline]
#[track_caller]
fn fit<'t>(loss: &str, x: Var<'t>, y: Var<'t>) -> Result<(), Var<'t>> {
    alike(loss, ["prediction", "target"], x, y)
}

/// That two variables, called by their names, are of one shape and float dtype, or a poisoned variable.
#[inline]
#[track_caller]
fn alike<'t>(loss: &str, [first, second]: [&str; 2], x: Var<'t>, y: Var<'t>) -> Result<(), Var<'t>> {
    defined(&[x, y])?;
    let (a, b) = (x.ty(), y.ty());
    let error = if a.shape != b.shape {
        Error::shape(format!("{loss}: {first} {} and {second} {} differ", a.shape, b.shape))
    } else if a.dtype != b.dtype {
        Error::dtype(format!("{loss}: {first} {a} and {second} {b} differ in dtype"))
    } else if !a.dtype.is_float() {
        Error::dtype(format!("{loss}: takes a float dtype, got {a}"))
    } else {
        return Ok(());
    };
    Err(x.tape().error(error))
}

/// That none of `xs` is poisoned, or the first that is.
fn defined<'t>(xs: &[Var<'t>]) -> Result<(), Var<'t>> {
    xs.iter().find(|x| x.is_poisoned()).map_or(Ok(()), |poisoned| Err(*poisoned))
}

//! Losses: how wrong a prediction is, as a variable.
//!
//! Each is a mean over all elements (over all labels, for classes), and has a twin `…_with` that takes a
//! [`Reduction`]. A prediction and a target of different shapes are an error: broadcasting them would
//! compare every one with every other, in silence.
//!
//! - Numbers: [`mse`], [`l1`], [`huber`].
//! - Two classes: [`bce_with_logits`], and [`bce`] where there are only probabilities.
//! - More classes: [`cross_entropy`], and [`nll`] where there are only log-probabilities.

mod binary;
mod classes;
mod regression;

pub use binary::{bce, bce_with, bce_with_logits, bce_with_logits_with};
pub use classes::{cross_entropy, cross_entropy_with, nll, nll_with};
pub use regression::{huber, huber_with, l1, l1_with, mse, mse_with};

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
    /// They stay as they are.
    None,
}

impl Reduction {
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
#[track_caller]
fn fit<'t>(loss: &str, x: Var<'t>, y: Var<'t>) -> Result<(), Var<'t>> {
    defined(&[x, y])?;
    let (a, b) = (x.ty(), y.ty());
    let error = if a.shape != b.shape {
        Error::shape(format!("{loss}: prediction {} and target {} differ", a.shape, b.shape))
    } else if a.dtype != b.dtype {
        Error::dtype(format!("{loss}: prediction {a} and target {b} differ in dtype"))
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

//! Losses: how wrong a prediction is, as a variable.
//!
//! Each is a mean over all elements (over all labels, for classes), and has a twin `…_with` that takes a
//! [`Reduction`]. A prediction and a target of different shapes are an error: broadcasting them would
//! compare every one with every other, in silence.

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
            Self::Mean => losses.sum() / losses.shape().numel() as f64,
            Self::Sum => losses.sum(),
            Self::None => losses,
        }
    }
}

/// `x`, or the mistake that it and the target `y` are not of one shape and float dtype.
#[track_caller]
fn fit<'t>(loss: &str, x: Var<'t>, y: Var<'t>) -> Result<(), Var<'t>> {
    if let Some(poisoned) = [x, y].into_iter().find(|v| v.is_poisoned()) {
        return Err(poisoned);
    }
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
#[track_caller]
pub fn mse<'t>(x: Var<'t>, y: Var<'t>) -> Var<'t> {
    mse_with(x, y, Reduction::Mean)
}

/// As [`mse`], reduced as said.
#[track_caller]
pub fn mse_with<'t>(x: Var<'t>, y: Var<'t>, reduction: Reduction) -> Var<'t> {
    if let Err(poisoned) = fit("mse", x, y) {
        return poisoned;
    }
    let d = x - y;
    reduction.of(d * d)
}

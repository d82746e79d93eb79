//! [`Operand`]: what an operation takes beside a variable.

use wengert_tensor::Scalar;

use crate::tape::Var;

/// A variable, or a plain number, which takes the dtype and shape of the variable that it meets.
///
/// ```
/// use wengert_autograd::Tape;
/// use wengert_tensor::Tensor;
///
/// let tape = Tape::new();
/// let x = tape.input(&Tensor::from([-1.0, 2.0]));
/// let relu = x.greater(0.0).where_(x, 0.0);
/// assert_eq!(relu.value()?, Tensor::from([0.0, 2.0]));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub enum Operand<'t> {
    /// A variable.
    Var(Var<'t>),
    /// A number or truth value.
    Plain(Scalar),
}

impl<'t> Operand<'t> {
    /// This operand as a variable, beside `other`.
    #[track_caller]
    pub(crate) fn like(self, other: Var<'t>) -> Var<'t> {
        match self {
            Self::Var(var) => var,
            Self::Plain(value) => other.full_like(value),
        }
    }
}

impl<'t> From<Var<'t>> for Operand<'t> {
    fn from(var: Var<'t>) -> Self {
        Self::Var(var)
    }
}

macro_rules! plain {
    ($($t:ty),*) => {$(
        impl From<$t> for Operand<'_> {
            fn from(value: $t) -> Self {
                Self::Plain(value.into())
            }
        }
    )*};
}

plain!(f64, i64, bool, Scalar);

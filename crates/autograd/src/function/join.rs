//! Variables joined along the axes that images, rows and columns lie along.

use wengert_tensor::Shape;

use crate::op::nothing;
use crate::tape::Var;

impl<'t> Var<'t> {
    /// Beside each other: joined along axis 1, vectors along their only axis. A single element is a vector of one.
    ///
    /// ```
    /// use wengert_autograd::{Tape, Var};
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[1.0], [2.0]]));
    /// assert_eq!(Var::hstack(&[x, x]).value()?, Tensor::from([[1.0, 1.0], [2.0, 2.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// No variables, shapes that differ along another axis.
    #[inline]
    #[track_caller]
    pub fn hstack(xs: &[Self]) -> Self {
        let axis = if xs.first().is_some_and(|x| x.rank() > 1) { 1 } else { 0 };
        joined("hstack", xs, axis, |x| if x.rank() == 0 { [1].into() } else { x.shape() })
    }

    /// Below each other: joined along axis 0. A vector is one row.
    ///
    /// ```
    /// use wengert_autograd::{Tape, Var};
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([1.0, 2.0]));
    /// assert_eq!(Var::vstack(&[x, x]).value()?, Tensor::from([[1.0, 2.0], [1.0, 2.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// No variables, shapes that differ along another axis.
    #[doc(alias = "row_stack")]
    #[inline]
    #[track_caller]
    pub fn vstack(xs: &[Self]) -> Self {
        joined("vstack", xs, 0, |x| match x.shape()[..] {
            [] => [1, 1].into(),
            [n] => [1, n].into(),
            ref more => more.into(),
        })
    }

    /// Behind each other: joined along axis 2. A vector is one row, and a matrix has depth 1.
    ///
    /// ```
    /// use wengert_autograd::{Tape, Var};
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([1.0, 2.0]));
    /// assert_eq!(Var::dstack(&[x, x]).value()?, Tensor::from([[[1.0, 1.0], [2.0, 2.0]]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// No variables, shapes that differ along another axis.
    #[inline]
    #[track_caller]
    pub fn dstack(xs: &[Self]) -> Self {
        joined("dstack", xs, 2, |x| match x.shape()[..] {
            [] => [1, 1, 1].into(),
            [n] => [1, n, 1].into(),
            [m, n] => [m, n, 1].into(),
            ref more => more.into(),
        })
    }
}

/// Variables in the shapes that `as_` gives them, one after another.
#[track_caller]
fn joined<'t>(op: &'static str, xs: &[Var<'t>], axis: isize, as_: fn(Var<'t>) -> Shape) -> Var<'t> {
    if xs.is_empty() {
        return nothing(op);
    }
    let mut parts = Vec::with_capacity(xs.len());
    for &x in xs {
        parts.push(x.reshape(as_(x)));
    }
    Var::concat(&parts, axis)
}

//! Variables joined along an axis.

use wengert_tensor::{Error, Result, Tensor, View, ViewMut, kernel};

use super::{Example, Rule, lift};
use crate::tape::{Var, nowhere};
use crate::ty::Type;

/// y = all x one after another along `axis`;  dy = all dx so
///
/// The cotangent of an operand is its part of ybar.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Concat {
    /// An axis that all operands have.
    pub axis: usize,
}

impl Rule for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn takes_halves(&self) -> bool {
        true
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let first = *x.first().ok_or_else(|| Error::shape("concat: nothing to join"))?;
        if let Some(other) = x.iter().find(|x| x.dtype != first.dtype) {
            return Err(Error::dtype(format!("concat: dtypes {} and {} differ", first.dtype, other.dtype)));
        }
        Ok(first.with_shape(kernel::concat::shape(x.iter().map(|x| &x.shape), self.axis)?))
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        kernel::concat::concat(x, self.axis, out)
    }

    fn jvp<'t>(&self, x: &[Var<'t>], y: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        let dx = x.iter().zip(dx).map(|(x, dx)| dx.unwrap_or_else(|| x.full_like(0.0)));
        Some(y.tape().record(self.clone(), &dx.collect::<Vec<_>>()))
    }

    fn vjp<'t>(&self, i: usize, x: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        let size = |x: &Var<'t>| x.shape()[self.axis];
        Some(ybar.narrow(self.axis as isize, x[..i].iter().map(size).sum(), size(&x[i])))
    }

    fn batch<'t>(&self, x: &[Var<'t>], batched: &[bool], n: usize) -> Var<'t> {
        x[0].tape().record(Concat { axis: self.axis + 1 }, &lift(x, batched, n))
    }

    #[inline]
    fn examples() -> Vec<Example> {
        let x = Tensor::from([[1.0, 2.0, -0.5], [0.25, -3.0, 4.0]]);
        let y = Tensor::from([[0.5, 1.5, -2.0]]);
        let z = Tensor::from([[3.0], [-1.0]]);
        vec![
            Example::new(Concat { axis: 0 }, [x.clone(), y.clone(), x.clone()]),
            Example::new(Concat { axis: 1 }, [z, x]),
            Example::new(Concat { axis: 0 }, [y]),
        ]
    }
}

impl<'t> Var<'t> {
    /// Variables one after another along an axis they have. Their shapes agree but for that axis.
    ///
    /// ```
    /// use wengert_autograd::{Tape, Var};
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let (a, b) = (tape.input(&Tensor::from([1.0])), tape.input(&Tensor::from([2.0, 3.0])));
    /// assert_eq!(Var::concat(&[a, b], 0).value()?, Tensor::from([1.0, 2.0, 3.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias("cat", "concatenate"))]
    #[track_caller]
    pub fn concat(xs: &[Self], axis: isize) -> Self {
        let Some(first) = xs.first() else { return nothing("concat") };
        if let Some(poisoned) = xs.iter().find(|x| x.is_poisoned()) {
            return *poisoned;
        }
        match first.axis("concat", axis) {
            Ok(_) if xs.len() == 1 => *first,
            Ok(axis) => first.tape().record(Concat { axis }, xs),
            Err(poisoned) => poisoned,
        }
    }

    /// Variables of one shape along a new axis, which is `axis` of the result.
    #[track_caller]
    pub fn stack(xs: &[Self], axis: isize) -> Self {
        let Some(first) = xs.first() else { return nothing("stack") };
        if let Some(poisoned) = xs.iter().find(|x| x.is_poisoned()) {
            return *poisoned;
        }
        let shape = first.shape();
        if let Some(other) = xs.iter().find(|x| x.shape() != shape) {
            return first.tape().error(Error::shape(format!("stack: shapes {shape} and {} differ", other.shape())));
        }
        let mut layers = Vec::with_capacity(xs.len());
        for x in xs {
            layers.push(x.unsqueeze(axis));
        }
        Self::concat(&layers, axis)
    }
}

/// The mistake of joining no variables.
#[track_caller]
pub(crate) fn nothing<'t>(op: &'static str) -> Var<'t> {
    nowhere(op).error(Error::shape(format!("{op}: nothing to join")))
}

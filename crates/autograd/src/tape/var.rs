//! [`Var`]: a variable on a tape, small enough to copy.
//!
//! The operations on variables are methods written beside each operation in `op/`; here is what is
//! true of every variable.

use std::fmt;

use wengert_tensor::{DType, Error, Result, Scalar, Shape, Tensor};

use super::{Tape, VarId};
use crate::op::StopGradient;
use crate::transform;
use crate::ty::Type;

/// A variable: a tape and a position on it.
///
/// ```
/// use wengert_autograd::Tape;
/// use wengert_tensor::Tensor;
///
/// let tape = Tape::new();
/// let x = tape.input(&Tensor::from([3.0, 4.0]));
/// let y = (x * x).sum();
/// assert_eq!(y.item()?, 25.0);
/// assert_eq!(y.grad(x).value()?, Tensor::from([6.0, 8.0]));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Var<'t> {
    pub(crate) tape: &'t Tape,
    pub(crate) id: VarId,
}

impl<'t> Var<'t> {
    /// The tape it is on.
    pub fn tape(self) -> &'t Tape {
        self.tape
    }

    /// Its position on the tape.
    pub fn id(self) -> VarId {
        self.id
    }

    /// Whether a mistake was made on the way to it; asking for its value returns the mistake.
    pub fn is_poisoned(self) -> bool {
        self.id == VarId::POISONED
    }

    /// Whether it is an input that was given a key, as parameters are.
    pub(crate) fn is_keyed(self) -> bool {
        self.tape.inner.borrow().keyed.values().any(|&id| id == self.id)
    }

    /// Its dtype and shape. A poisoned variable, having none, is said to be a single `f64`.
    pub fn ty(self) -> Type {
        self.with_type(Type::clone)
    }

    /// What `f` says of its type: for where a copy of it would be wasted.
    pub(crate) fn with_type<R>(self, f: impl FnOnce(&Type) -> R) -> R {
        self.tape.with_eqns(|eqns| match eqns.get(self.id.index()) {
            Some(eqn) => f(&eqn.ty),
            None => f(&Type::new(DType::F64, ())),
        })
    }

    /// Whether it has the dtype and shape of `other`, on the same tape.
    pub(crate) fn same_type(self, other: Self) -> bool {
        self.tape.with_eqns(|eqns| match (eqns.get(self.id.index()), eqns.get(other.id.index())) {
            (Some(a), Some(b)) => a.ty == b.ty,
            _ => false,
        })
    }

    /// The sizes of its axes.
    pub fn shape(self) -> Shape {
        self.with_type(|ty| ty.shape.clone())
    }

    /// The dtype of its elements.
    pub fn dtype(self) -> DType {
        self.with_type(|ty| ty.dtype)
    }

    /// The number of its axes.
    pub fn rank(self) -> usize {
        self.with_type(|ty| ty.shape.rank())
    }

    /// Its value; what is not yet known of it is computed now.
    ///
    /// # Errors
    /// The mistake that was made on the way to it.
    pub fn value(self) -> Result<Tensor> {
        let mut values = self.tape.evaluate(&[self])?;
        Ok(values.swap_remove(0))
    }

    /// Its value as one number.
    ///
    /// # Errors
    /// The mistake that was made on the way to it, or that it has more or fewer elements than one.
    pub fn item(self) -> Result<f64> {
        self.value()?.item()
    }

    /// The gradient of this single number with respect to `x`, as a variable of `x`'s shape on the
    /// same tape: it can be differentiated again.
    ///
    /// A variable that this one does not depend on has no gradient: that is an error, not zero.
    #[track_caller]
    pub fn grad(self, x: Var<'t>) -> Var<'t> {
        self.grads(&[x])[0]
    }

    /// The gradients of this single number with respect to each of `xs`; see [`grad`](Self::grad).
    #[track_caller]
    pub fn grads(self, xs: &[Var<'t>]) -> Vec<Var<'t>> {
        let at = self.tape.here();
        self.tape.originating(at, || transform::gradients(self, xs))
    }

    /// The same value, which derivatives do not pass: its cotangent goes no further.
    #[doc(alias = "stop_gradient")]
    #[track_caller]
    pub fn detach(self) -> Var<'t> {
        self.tape.record(StopGradient, &[self])
    }

    /// A variable of this one's shape and dtype whose every element is `value`.
    #[track_caller]
    pub fn full_like(self, value: impl Into<Scalar>) -> Var<'t> {
        self.scalar(value.into(), self.shape())
    }

    /// `value` in this variable's dtype, of a shape. A number that the dtype cannot hold is an error.
    #[track_caller]
    pub(crate) fn scalar(self, value: Scalar, shape: Shape) -> Var<'t> {
        if self.is_poisoned() {
            return self;
        }
        let dtype = self.dtype();
        let cast = value.cast(dtype);
        if !dtype.is_float() && cast.to_f64() != value.to_f64() {
            return self.tape.error(Error::dtype(format!("{value} is not of dtype {dtype}")));
        }
        self.tape.full(shape, cast)
    }
}

impl fmt::Debug for Var<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_poisoned() {
            true => f.write_str("poisoned"),
            false => write!(f, "{}: {}", self.id, self.ty()),
        }
    }
}

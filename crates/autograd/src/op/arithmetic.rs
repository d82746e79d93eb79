//! The four operations and negation, elementwise, and Rust's operators for them.
//!
//! The operands of an equation have one type. The operators broadcast by NumPy's rule first, by
//! equations of their own; a plain number takes the dtype and shape of the variable.

use std::ops;

use wengert_tensor::{Error, Result, kernel};

use super::{Op, elementwise, operands, same_types};
use crate::tape::Var;
use crate::ty::Type;

elementwise! { @rule
    /// y = -x,  dy = -dx
    Neg, neg,
    |op, x| numbers(op, &operands::<1>(op, x)?),
    |x: &[wengert_tensor::View], out| kernel::unary::neg(x[0], out),
    |_, _, _, bar| Some(-bar),
    [vec![wengert_tensor::Tensor::from([0.5, -2.0])]]
}

elementwise! { binary:
    /// z = x + y,  dz = dx + dy
    Add: add (pair_of_numbers), |_, _, _, bar| Some(bar), Some(bar), [(1.0, 0.5), (-2.0, 3.0)];
    /// z = x - y,  dz = dx - dy
    Sub: sub (pair_of_numbers), |_, _, _, bar| Some(bar), Some(-bar), [(1.0, 0.5), (-2.0, 3.0)];
    /// z = x y,  dz = y dx + x dy
    Mul: mul (pair_of_numbers), |x, y, _, bar| Some(bar * y), Some(bar * x), [(1.0, 0.5), (-2.0, 3.0)];
    /// z = x / y,  dz = (dx - z dy) / y
    Div: div (pair_of_floats), |_, y, z, bar| Some(bar / y), Some(-(bar / y) * z), [(1.0, 0.5), (-2.0, 3.0)];
}

fn numbers(op: &str, x: &[&Type]) -> Result<Type> {
    match x[0].dtype {
        wengert_tensor::DType::Bool => Err(Error::dtype(format!("{op}: takes numbers, got {}", x[0]))),
        _ => Ok(x[0].clone()),
    }
}

/// Two operands of one type, which is not `bool`.
pub(crate) fn pair_of_numbers(op: &str, x: &[&Type]) -> Result<Type> {
    let [a, b] = operands(op, x)?;
    same_types(op, a, b)?;
    numbers(op, &[a])
}

/// Two operands of one type, a float.
pub(crate) fn pair_of_floats(op: &str, x: &[&Type]) -> Result<Type> {
    let [a, b] = operands(op, x)?;
    same_types(op, a, b)?;
    match a.dtype.is_float() {
        true => Ok(a.clone()),
        false => Err(Error::dtype(format!("{op}: takes a float dtype, got {a}"))),
    }
}

impl<'t> Var<'t> {
    /// An elementwise operation of this and `other`, broadcast to their common shape.
    #[track_caller]
    pub(crate) fn broadcast_with(self, op: impl Into<Op>, other: Var<'t>) -> Var<'t> {
        let op = op.into();
        let (a, b) = (self.shape(), other.shape());
        if a == b || self.is_poisoned() || other.is_poisoned() {
            return self.tape().record(op, &[self, other]);
        }
        match a.broadcast(&b) {
            Some(shape) => self.tape().record(op, &[self.broadcast_to(&shape), other.broadcast_to(&shape)]),
            None => {
                let name = op.rule().name();
                self.tape().error(Error::shape(format!("{name}: shapes {a} and {b} do not broadcast")))
            }
        }
    }
}

macro_rules! operators {
    ($($Trait:ident, $method:ident, $Op:ident;)*) => {$(
        impl<'t> ops::$Trait for Var<'t> {
            type Output = Var<'t>;

            #[track_caller]
            fn $method(self, other: Var<'t>) -> Var<'t> {
                self.broadcast_with($Op, other)
            }
        }

        impl<'t> ops::$Trait<f64> for Var<'t> {
            type Output = Var<'t>;

            #[track_caller]
            fn $method(self, other: f64) -> Var<'t> {
                ops::$Trait::$method(self, self.full_like(other))
            }
        }

        impl<'t> ops::$Trait<Var<'t>> for f64 {
            type Output = Var<'t>;

            #[track_caller]
            fn $method(self, other: Var<'t>) -> Var<'t> {
                ops::$Trait::$method(other.full_like(self), other)
            }
        }
    )*};
}

operators! {
    Add, add, Add;
    Sub, sub, Sub;
    Mul, mul, Mul;
    Div, div, Div;
}

impl<'t> ops::Neg for Var<'t> {
    type Output = Var<'t>;

    #[track_caller]
    fn neg(self) -> Var<'t> {
        self.tape().record(Neg, &[self])
    }
}

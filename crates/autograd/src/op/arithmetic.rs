//! The four operations, negation, and division with remainder, elementwise; Rust's operators for them.
//!
//! The operands of an equation have one type. The operators broadcast by NumPy's rule first, by
//! equations of their own; a plain number takes the dtype and shape of the variable.

#![expect(clippy::should_implement_trait, reason = "beside the operators, methods that take any plain number")]

use std::ops;

use wengert_tensor::Error;

use super::elementwise::{number, pair_of_floats, pair_of_numbers};
use super::{Op, elementwise};
use crate::tape::Var;

elementwise! { unary:
    /// y = -x,  dy/dx = -1
    Neg: neg (number), |_, _, bar| -bar, [0.5, -2.0];
    /// y = 1 / x,  dy/dx = -y²
    #[doc(alias = "reciprocal")]
    Recip: recip, |_, y, bar| -(bar * y * y), [0.5, -2.0, 3.0];
    /// y = x²,  dy/dx = 2 x
    Square: square (number), |x, _, bar| bar * (2.0 * x), [0.5, -2.0, 0.0];
}

elementwise! { binary:
    /// z = x + y,  dz = dx + dy
    Add: add (pair_of_numbers), |_, _, _, bar| bar, bar, [(1.0, 0.5), (-2.0, 3.0)];
    /// z = x - y,  dz = dx - dy
    #[doc(alias = "subtract")]
    Sub: sub (pair_of_numbers), |_, _, _, bar| bar, -bar, [(1.0, 0.5), (-2.0, 3.0)];
    /// z = x y,  dz = y dx + x dy
    #[doc(alias = "multiply")]
    Mul: mul (pair_of_numbers), |x, y, _, bar| bar * y, bar * x, [(1.0, 0.5), (-2.0, 3.0)];
    /// z = x / y,  dz = (dx - z dy) / y
    #[doc(alias = "divide")]
    #[doc(alias = "true_divide")]
    Div: div (pair_of_floats), |_, y, z, bar| bar / y, -(bar / y) * z, [(1.0, 0.5), (-2.0, 3.0)];
    /// z = x - y ⌊x / y⌋, the remainder with the divisor's sign;  dz = dx - ⌊x / y⌋ dy
    #[doc(alias = "remainder")]
    #[doc(alias = "mod")]
    Rem: rem (pair_of_numbers), |x, y, _, bar| bar, -(bar * x.floor_div(y)), [(5.5, 2.0), (-2.0, 0.75)];
    /// z = x - y trunc(x / y), the remainder with the dividend's sign;  dz = dx - trunc(x / y) dy
    Fmod: fmod (pair_of_numbers), |x, y, z, bar| bar, -(bar * ((x - z) / y).round()), [(5.5, 2.0), (-2.0, 0.75)];
}

elementwise! { relations:
    /// z = ⌊x / y⌋
    #[doc(alias = "floor_divide")]
    FloorDiv: binary::floor_div (pair_of_numbers), [(5.5, 2.0), (-2.0, 0.75)];
}

impl<'t> Var<'t> {
    /// An elementwise operation of this and `other`, broadcast to their common shape.
    #[track_caller]
    pub(crate) fn broadcast_with(self, op: Op, other: Var<'t>) -> Var<'t> {
        if self.same_type(other) || self.is_poisoned() || other.is_poisoned() {
            return self.tape().record(op, &[self, other]);
        }
        let common = self.with_type(|a| other.with_type(|b| a.shape.broadcast(&b.shape)));
        match common {
            // Not in a closure, whose caller would not be the user.
            Some(shape) => {
                let (a, b) = (self.broadcast_to(&shape), other.broadcast_to(shape));
                self.tape().record(op, &[a, b])
            }
            None => {
                let (a, b) = (self.shape(), other.shape());
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
                self.broadcast_with($Op.into(), other)
            }
        }

        impl<'t> ops::$Trait<f64> for Var<'t> {
            type Output = Var<'t>;

            #[track_caller]
            fn $method(self, other: f64) -> Var<'t> {
                self.broadcast_with($Op.into(), self.full_like(other))
            }
        }

        impl<'t> ops::$Trait<Var<'t>> for f64 {
            type Output = Var<'t>;

            #[track_caller]
            fn $method(self, other: Var<'t>) -> Var<'t> {
                other.full_like(self).broadcast_with($Op.into(), other)
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

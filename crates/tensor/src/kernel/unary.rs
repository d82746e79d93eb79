//! Elementwise functions of one operand. The result has the operand's shape and, unless said, its dtype.

use num_traits::Float;

use crate::error::Result;
use crate::kernel::each::map1;
use crate::kernel::{with_float, with_number};
use crate::view::{View, ViewMut};

/// A kernel of one operand.
pub type Unary = fn(View, ViewMut) -> Result<()>;

macro_rules! float_functions {
    ($($(#[$doc:meta])* $name:ident = $f:expr;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// Where the dtype is not a float, or the result's shape or dtype differs.
        pub fn $name(x: View, out: ViewMut) -> Result<()> {
            let op = stringify!($name);
            with_float!(op, x.dtype(), T => {
                let f: fn(T) -> T = $f;
                map1(op, x.typed::<T>(op)?, out.typed::<T>(op)?, f)
            })
        }
    )*};
}

float_functions! {
    /// e^x.
    exp = |x| x.exp();
    /// Natural logarithm.
    ln = |x| x.ln();
    /// Square root.
    sqrt = |x| x.sqrt();
    /// Sine, of radians.
    sin = |x| x.sin();
    /// Cosine, of radians.
    cos = |x| x.cos();
    /// Hyperbolic tangent.
    tanh = |x| x.tanh();
    /// Logistic function, 1 / (1 + e^-x).
    sigmoid = |x| 1.0 / (1.0 + (-x).exp());
}

/// -x, of numbers; integers wrap.
///
/// # Errors
/// Where the dtype is `bool`, or the result's shape or dtype differs.
pub fn neg(x: View, out: ViewMut) -> Result<()> {
    with_number!("neg", x.dtype(), T => {
        map1("neg", x.typed::<T>("neg")?, out.typed::<T>("neg")?, Number::negated)
    })
}

/// What floats and integers can both do, with integers that wrap instead of panicking.
pub(crate) trait Number: Copy {
    fn negated(self) -> Self;
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
}

macro_rules! float_number {
    ($($t:ty),*) => {$(
        impl Number for $t {
            fn negated(self) -> Self { -self }
            fn plus(self, other: Self) -> Self { self + other }
            fn minus(self, other: Self) -> Self { self - other }
            fn times(self, other: Self) -> Self { self * other }
        }
    )*};
}

float_number!(f32, f64);

impl Number for i64 {
    fn negated(self) -> Self {
        self.wrapping_neg()
    }
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }
    fn minus(self, other: Self) -> Self {
        self.wrapping_sub(other)
    }
    fn times(self, other: Self) -> Self {
        self.wrapping_mul(other)
    }
}

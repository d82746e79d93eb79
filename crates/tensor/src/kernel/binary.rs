//! Elementwise functions of two operands of one dtype, slices to a slice. The result has that dtype too.
//!
//! Division of integers by zero is an error.

use crate::error::{Error, Result};
use crate::kernel::loops::{dtype, each2, map2};
use crate::kernel::number::Number;
use crate::kernel::{with_float, with_number};
use crate::view::{Data, DataMut};

macro_rules! functions {
    ($loop:ident, $with:ident, $needs:literal:
        $($(#[$doc:meta])* $name:ident = |$x:ident, $y:ident| $z:expr;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        #[doc = concat!("Where the operands' dtypes differ or are not ", $needs, ", or the result does not fit.")]
        pub fn $name(x: &[Data], out: DataMut) -> Result<()> {
            let op = stringify!($name);
            $with!(op, dtype(op, x)?, T => $loop(op, x, out, |$x: T, $y: T| -> T { $z }))
        }
    )*};
}

functions! { map2, with_number, "numbers":
    /// x + y; integers wrap.
    add = |x, y| x.plus(y);
    /// x - y; integers wrap.
    sub = |x, y| x.minus(y);
    /// x y; integers wrap.
    mul = |x, y| x.times(y);
    /// The larger of x and y; NaN where either is.
    maximum = |x, y| x.larger(y);
    /// The smaller of x and y; NaN where either is.
    minimum = |x, y| x.smaller(y);
}

functions! { map2, with_float, "floats":
    /// x / y.
    div = |x, y| x / y;
    /// |x| with the sign of y.
    copysign = |x, y| x.copysign(y);
}

functions! { each2, with_float, "floats":
    /// x to the power y; NaN for a negative x and a y that is not an integer.
    pow = |x, y| x.powf(y);
    /// The angle of the point (y, x) as seen from the origin, in (-π, π]: here x is the ordinate.
    atan2 = |x, y| x.atan2(y);
    /// √(x² + y²), without overflow on the way.
    hypot = |x, y| x.hypot(y);
}

macro_rules! divisions {
    ($($(#[$doc:meta])* $name:ident = $method:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// Where the operands' dtypes differ or are not numbers, an integer y is 0, or the result does not fit.
        pub fn $name(x: &[Data], out: DataMut) -> Result<()> {
            let op = stringify!($name);
            if let [_, Data::I64(y)] = x
                && y.contains(&0)
            {
                return Err(Error::value(format!("{op}: division of integers by zero")));
            }
            with_number!(op, dtype(op, x)?, T => each2(op, x, out, |x: T, y: T| -> T { Division::$method(x, y) }))
        }
    )*};
}

divisions! {
    /// x - y ⌊x / y⌋: the remainder that has the sign of the divisor, as `%` in Python.
    rem = floored_rem;
    /// The remainder that has the sign of the dividend, as `%` in Rust and C.
    fmod = truncated_rem;
    /// ⌊x / y⌋.
    floor_div = floored;
}

/// Division with remainder, for divisors that are floats or integers other than 0.
trait Division {
    fn floored(self, y: Self) -> Self;
    fn floored_rem(self, y: Self) -> Self;
    fn truncated_rem(self, y: Self) -> Self;
}

macro_rules! float_division {
    ($($t:ty),*) => {$(
        impl Division for $t {
            fn floored(self, y: Self) -> Self {
                if y == 0.0 {
                    return self / y;
                }
                // The quotient less its remainder is nearly an integer, and rounds to the right one;
                // `(self / y).floor()` may round up across it.
                let r = self % y;
                let q = ((self - r) / y).round();
                let q = if r != 0.0 && (r < 0.0) != (y < 0.0) { q - 1.0 } else { q };
                if q == 0.0 { q.copysign(self / y) } else { q }
            }

            fn floored_rem(self, y: Self) -> Self {
                let r = self % y;
                match r {
                    0.0 => r.copysign(y),
                    _ if (r < 0.0) != (y < 0.0) => r + y,
                    _ => r,
                }
            }

            fn truncated_rem(self, y: Self) -> Self {
                self % y
            }
        }
    )*};
}

float_division!(f32, f64);

impl Division for i64 {
    fn floored(self, y: Self) -> Self {
        let (q, r) = (self.wrapping_div(y), self.wrapping_rem(y));
        if r != 0 && (r < 0) != (y < 0) { q - 1 } else { q }
    }

    fn floored_rem(self, y: Self) -> Self {
        let r = self.wrapping_rem(y);
        if r != 0 && (r < 0) != (y < 0) { r + y } else { r }
    }

    fn truncated_rem(self, y: Self) -> Self {
        self.wrapping_rem(y)
    }
}

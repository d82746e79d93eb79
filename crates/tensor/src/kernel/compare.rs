//! Elementwise comparisons of two operands of one dtype, slices to a slice. The result is `bool`.
//!
//! A NaN is unequal to everything and neither above nor below anything; `false` is below `true`.

use crate::error::Result;
use crate::kernel::loops::{dtype, map2};
use crate::kernel::with_computed;
use crate::view::{Data, DataMut};

macro_rules! relations {
    ($($name:ident = $relation:tt;)*) => {$(
        fn $name(op: &str, x: &[Data], out: DataMut) -> Result<()> {
            with_computed!(op, dtype(op, x)?, T => map2(op, x, out, |x: T, y: T| x $relation y))
        }
    )*};
}

relations! {
    same = ==;
    different = !=;
    below = <;
    not_above = <=;
}

macro_rules! comparisons {
    ($($(#[$doc:meta])* $name:ident = |$x:ident, $y:ident| $relation:ident($($operand:ident),*);)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// Where the operands' dtypes differ, or the result does not fit.
        pub fn $name(operands: &[Data], out: DataMut) -> Result<()> {
            match *operands {
                [$x, $y] => $relation(stringify!($name), &[$($operand),*], out),
                _ => $relation(stringify!($name), operands, out),
            }
        }
    )*};
}

comparisons! {
    /// x = y.
    equal = |x, y| same(x, y);
    /// x ≠ y.
    not_equal = |x, y| different(x, y);
    /// x < y.
    less = |x, y| below(x, y);
    /// x ≤ y.
    less_equal = |x, y| not_above(x, y);
    /// x > y.
    greater = |x, y| below(y, x);
    /// x ≥ y.
    greater_equal = |x, y| not_above(y, x);
}

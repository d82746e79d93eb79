//! Elementwise comparisons of two operands of one dtype, slices to a slice. The result is `bool`.
//!
//! A NaN is unequal to everything and neither above nor below anything; `false` is below `true`.

use crate::error::Result;
use crate::kernel::loops::{dtype, map2};
use crate::kernel::with_element;
use crate::view::{Data, DataMut};

macro_rules! comparisons {
    ($($(#[$doc:meta])* $name:ident = $relation:tt;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// Where the operands' dtypes differ, or the result does not fit.
        pub fn $name(x: &[Data], out: DataMut) -> Result<()> {
            let op = stringify!($name);
            with_element!(dtype(op, x)?, T => map2(op, x, out, |x: T, y: T| x $relation y))
        }
    )*};
}

comparisons! {
    /// x = y.
    equal = ==;
    /// x ≠ y.
    not_equal = !=;
    /// x < y.
    less = <;
    /// x ≤ y.
    less_equal = <=;
    /// x > y.
    greater = >;
    /// x ≥ y.
    greater_equal = >=;
}

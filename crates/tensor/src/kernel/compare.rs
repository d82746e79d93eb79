//! Elementwise comparisons of two operands of one shape and dtype. The result is `bool`.
//!
//! A NaN is unequal to everything and neither above nor below anything; `false` is below `true`.

use crate::error::Result;
use crate::kernel::binary::same_dtype;
use crate::kernel::each::map2;
use crate::kernel::with_element;
use crate::view::{View, ViewMut};

macro_rules! comparisons {
    ($($(#[$doc:meta])* $name:ident = $relation:tt;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// Where the operands' shapes or dtypes differ, or the result does not fit.
        pub fn $name(x: View, y: View, out: ViewMut) -> Result<()> {
            let op = stringify!($name);
            same_dtype(op, x, y)?;
            with_element!(x.dtype(), T => {
                map2(op, x.typed::<T>(op)?, y.typed::<T>(op)?, out.typed(op)?, &|x, y, out| {
                    out.iter_mut().zip(x).zip(y).for_each(|((out, &x), &y)| *out = x $relation y);
                })
            })
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

//! Elementwise logic of two `bool` operands of one shape. Negation is
//! [`logical_not`](crate::kernel::unary::logical_not).

use crate::error::Result;
use crate::kernel::each::map2;
use crate::view::{View, ViewMut};

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident = $f:tt;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// Where the operands' shapes differ, a dtype is not `bool`, or the result does not fit.
        pub fn $name(x: View, y: View, out: ViewMut) -> Result<()> {
            let op = stringify!($name);
            map2(op, x.typed::<bool>(op)?, y.typed::<bool>(op)?, out.typed::<bool>(op)?, &|x, y, out| {
                out.iter_mut().zip(x).zip(y).for_each(|((out, &x), &y)| *out = x $f y);
            })
        }
    )*};
}

functions! {
    /// x and y.
    logical_and = &;
    /// x or y.
    logical_or = |;
    /// Either x or y.
    logical_xor = ^;
}

//! Elementwise logic of two `bool` operands, slices to a slice. Negation is
//! [`logical_not`](crate::kernel::unary::logical_not).

use crate::error::Result;
use crate::kernel::loops::map2;
use crate::view::{Data, DataMut};

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident = $f:tt;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// Where a dtype is not `bool`, or the result does not fit.
        pub fn $name(x: &[Data], out: DataMut) -> Result<()> {
            map2(stringify!($name), x, out, |x: bool, y: bool| x $f y)
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

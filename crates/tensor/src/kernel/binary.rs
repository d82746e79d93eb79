//! Elementwise functions of two operands of one shape and dtype. The result has both.

use crate::error::Result;
use crate::kernel::each::map2;
use crate::kernel::unary::Number;
use crate::kernel::{with_float, with_number};
use crate::view::{View, ViewMut};

/// A kernel of two operands.
pub type Binary = fn(View, View, ViewMut) -> Result<()>;

macro_rules! functions {
    ($with:ident: $($(#[$doc:meta])* $name:ident = $f:expr;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// Where the operands' shapes or dtypes differ or do not suit, or the result's do.
        pub fn $name(x: View, y: View, out: ViewMut) -> Result<()> {
            let op = stringify!($name);
            $with!(op, x.dtype(), T => {
                let f: fn(T, T) -> T = $f;
                map2(op, x.typed::<T>(op)?, y.typed::<T>(op)?, out.typed::<T>(op)?, f)
            })
        }
    )*};
}

functions! { with_number:
    /// x + y; integers wrap.
    add = |x, y| x.plus(y);
    /// x - y; integers wrap.
    sub = |x, y| x.minus(y);
    /// x y; integers wrap.
    mul = |x, y| x.times(y);
}

functions! { with_float:
    /// x / y, of floats.
    div = |x, y| x / y;
}

//! Size, sign and order of numbers, elementwise. At a kink the derivative is the mean of both sides.

use super::elementwise;
use super::elementwise::{number, pair_of_floats, pair_of_numbers};
use crate::tape::Var;

elementwise! { unary:
    /// y = |x|,  dy/dx = sign x
    #[doc(alias("absolute", "fabs"))]
    Abs: abs (number), |x, _, bar| bar * x.sign(), [0.5, -2.0];
}

elementwise! { steps:
    /// y = -1, 0 or 1, as x is negative, zero or positive
    #[doc(alias = "sgn")]
    Sign: unary::sign (number), [0.5, -2.0];
}

elementwise! { binary:
    /// z = |x| with the sign of y,  dz = sign x sign z dx. That of NaN may be any, and another in a program.
    Copysign: copysign (pair_of_floats), |x, _, z, bar| bar * (x.sign() * z.sign()), return None,
        [(1.0, 0.5), (-2.0, 3.0), (-1.5, -0.5)];
    /// z = the larger of x and y, NaN where either is;  dz = its differential, the mean of both for equals
    Maximum: maximum (pair_of_numbers), |x, y, _, bar| share(bar, x.less(y), x.equal(y)),
        share(bar, y.less(x), x.equal(y)), [(1.0, 0.5), (-2.0, 3.0)];
    /// z = the smaller of x and y, NaN where either is;  dz = its differential, the mean of both for equals
    Minimum: minimum (pair_of_numbers), |x, y, _, bar| share(bar, x.greater(y), x.equal(y)),
        share(bar, y.greater(x), x.equal(y)), [(1.0, 0.5), (-2.0, 3.0)];
}

/// None of `bar` for the operand that lost, half of it for one of two equals, else all.
fn share<'t>(bar: Var<'t>, lost: Var<'t>, tied: Var<'t>) -> Var<'t> {
    lost.where_(0.0, tied.where_(0.5 * bar, bar))
}

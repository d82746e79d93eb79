//! Rounding, elementwise. Constant between jumps: no derivative.

use super::elementwise;
use super::elementwise::float;

elementwise! { steps:
    /// The largest integer not above x
    Floor: unary::floor (float), [0.75, -2.25];
    /// The smallest integer not below x
    Ceil: unary::ceil (float), [0.75, -2.25];
    /// The nearest integer, the even one of two
    #[doc(alias("around", "rint"))]
    Round: unary::round (float), [0.75, -2.25];
    /// The integer part of x
    #[doc(alias = "fix")]
    Trunc: unary::trunc (float), [0.75, -2.25];
}

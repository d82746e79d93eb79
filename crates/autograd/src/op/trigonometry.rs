//! Trigonometric functions and their inverses, elementwise, of radians.

use super::elementwise;
use super::elementwise::pair_of_floats;
use crate::tape::Var;

elementwise! { unary:
    /// y = sin x,  dy/dx = cos x
    Sin: sin, |x, _, bar| bar * x.cos(), [-2.0, 0.0, 1.5];
    /// y = cos x,  dy/dx = -sin x
    Cos: cos, |x, _, bar| -(bar * x.sin()), [-2.0, 0.0, 1.5];
    /// y = tan x,  dy/dx = 1 + y²
    Tan: tan, |_, y, bar| bar * (1.0 + y * y), [-1.0, 0.0, 0.75];
    /// y = arcsin x,  dy/dx = 1 / √(1 - x²)
    #[doc(alias = "arcsin")]
    Asin: asin, |x, _, bar| bar / circle(x), [-0.75, 0.0, 0.5];
    /// y = arccos x,  dy/dx = -1 / √(1 - x²)
    #[doc(alias = "arccos")]
    Acos: acos, |x, _, bar| -(bar / circle(x)), [-0.75, 0.0, 0.5];
    /// y = arctan x,  dy/dx = 1 / (1 + x²)
    #[doc(alias = "arctan")]
    Atan: atan, |x, _, bar| bar / (1.0 + x * x), [-2.0, 0.0, 1.5];
}

elementwise! { binary:
    /// z = the angle of the point (y, x), of which x, this variable, is the ordinate;
    /// dz = (y dx - x dy) / (x² + y²)
    #[doc(alias = "arctan2")]
    Atan2: atan2 (pair_of_floats), |x, y, _, bar| bar * (y / (x * x + y * y)), -(bar * (x / (x * x + y * y))),
        [(1.0, 2.0), (-0.5, -1.5), (2.0, 0.0)];
}

/// √(1 - x²).
fn circle(x: Var<'_>) -> Var<'_> {
    below_one(x).sqrt()
}

/// 1 - x², exact near ±1, with derivatives that have no 0 · ∞ there.
///
/// The value is the product's, the derivative -2x that of the difference: a factor that is 0 would meet the infinite
/// derivative of what the product goes into.
pub(super) fn below_one(x: Var<'_>) -> Var<'_> {
    let square = x * x;
    ((1.0 - x) * (1.0 + x)).detach() + (square.detach() - square)
}

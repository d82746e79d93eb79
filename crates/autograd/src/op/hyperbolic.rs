//! Hyperbolic functions and their inverses, elementwise. The tangent is among the sigmoids.

use super::elementwise;
use super::trigonometry::below_one;

elementwise! { unary:
    /// y = sinh x,  dy/dx = cosh x
    Sinh: sinh, |x, _, bar| bar * x.cosh(), [-2.0, 0.0, 1.5];
    /// y = cosh x,  dy/dx = sinh x
    Cosh: cosh, |x, _, bar| bar * x.sinh(), [-2.0, 0.0, 1.5];
    /// y = arsinh x,  dy/dx = 1 / √(1 + x²)
    #[doc(alias = "arcsinh")]
    Asinh: asinh, |x, _, bar| bar / x.hypot(1.0), [-2.0, 0.0, 1.5];
    /// y = arcosh x,  dy/dx = 1 / √(x² - 1)
    #[doc(alias = "arccosh")]
    Acosh: acosh, |x, _, bar| bar * (x - 1.0).rsqrt() * (x + 1.0).rsqrt(), [1.5, 2.0, 5.0];
    /// y = artanh x,  dy/dx = 1 / (1 - x²)
    #[doc(alias = "arctanh")]
    Atanh: atanh, |x, _, bar| bar / below_one(x), [-0.75, 0.0, 0.5];
}

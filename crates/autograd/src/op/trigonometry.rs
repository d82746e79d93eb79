//! Trigonometric functions, elementwise, of radians.

use super::elementwise;

elementwise! { unary:
    /// y = sin x,  dy/dx = cos x
    Sin: sin, |x, _, bar| bar * x.cos(), [-2.0, 0.0, 1.5];
    /// y = cos x,  dy/dx = -sin x
    Cos: cos, |x, _, bar| -(bar * x.sin()), [-2.0, 0.0, 1.5];
}

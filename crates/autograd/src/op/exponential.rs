//! Exponentials, logarithms and roots, elementwise.

use super::elementwise;

elementwise! { unary:
    /// y = e^x,  dy/dx = y
    Exp: exp, |_, y, bar| bar * y, [-2.0, 0.0, 1.5];
    /// y = ln x,  dy/dx = 1 / x
    Ln: ln, |x, _, bar| bar / x, [0.5, 1.0, 3.0];
    /// y = sqrt x,  dy/dx = 1 / (2 y)
    Sqrt: sqrt, |_, y, bar| bar / (2.0 * y), [0.5, 1.0, 3.0];
}

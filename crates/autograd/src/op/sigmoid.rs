//! Functions that rise smoothly from one level to another, elementwise.

use super::elementwise;

elementwise! { unary:
    /// y = tanh x,  dy/dx = 1 - y^2
    Tanh: tanh, |_, y, bar| bar * (1.0 - y * y), [-2.0, 0.0, 1.5];
    /// y = 1 / (1 + e^-x),  dy/dx = y (1 - y)
    Sigmoid: sigmoid, |_, y, bar| bar * y * (1.0 - y), [-2.0, 0.0, 1.5];
}

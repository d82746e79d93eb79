//! Functions that rise smoothly from one level or slope to another, elementwise.

use super::elementwise;

elementwise! { unary:
    /// y = tanh x,  dy/dx = 1 - y²
    Tanh: tanh, |_, y, bar| bar * (1.0 - y * y), [-2.0, 0.0, 1.5];
    /// y = 1 / (1 + e⁻ˣ),  dy/dx = y (1 - y). Its logarithm is better asked for as
    /// [`logsigmoid`](crate::Var::logsigmoid), which does not underflow.
    #[doc(alias = "expit")]
    Sigmoid: sigmoid, |_, y, bar| bar * y * (1.0 - y), [-2.0, 0.0, 1.5];
    /// y = ln(1 + eˣ),  dy/dx = 1 / (1 + e⁻ˣ)
    Softplus: softplus, |x, _, bar| bar * x.sigmoid(), [-2.0, 0.0, 1.5];
}

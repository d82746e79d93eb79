//! Exponentials and logarithms, elementwise.

use std::f64::consts::{LN_2, LN_10};

use super::elementwise;

elementwise! { unary:
    /// y = eˣ,  dy/dx = y
    Exp: exp, |_, y, bar| bar * y, [-2.0, 0.0, 1.5];
    /// y = 2ˣ,  dy/dx = y ln 2
    Exp2: exp2, |_, y, bar| bar * (LN_2 * y), [-2.0, 0.0, 1.5];
    /// y = eˣ - 1, exact near 0,  dy/dx = eˣ
    #[doc(alias = "expm1")]
    ExpM1: exp_m1, |x, _, bar| bar * x.exp(), [-2.0, 0.0, 1.5];
    /// y = ln x,  dy/dx = 1 / x
    #[doc(alias = "log")]
    Ln: ln, |x, _, bar| bar / x, [0.5, 1.0, 3.0];
    /// y = ln(1 + x), exact near 0,  dy/dx = 1 / (1 + x)
    #[doc(alias = "log1p")]
    Ln1p: ln_1p, |x, _, bar| bar / (1.0 + x), [-0.5, 0.0, 3.0];
    /// y = log₂ x,  dy/dx = 1 / (x ln 2)
    Log2: log2, |x, _, bar| bar / (LN_2 * x), [0.5, 1.0, 3.0];
    /// y = log₁₀ x,  dy/dx = 1 / (x ln 10)
    Log10: log10, |x, _, bar| bar / (LN_10 * x), [0.5, 1.0, 3.0];
}

//! Smooth functions of one or two numbers.

use std::f64::consts::PI;

use crate::op::Operand;
use crate::tape::Var;

impl<'t> Var<'t> {
    /// x + w (y - x): x for w = 0, y for w = 1.
    #[doc(alias = "mix")]
    #[track_caller]
    pub fn lerp(self, other: Self, weight: impl Into<Operand<'t>>) -> Self {
        let weight = weight.into().like(self);
        self + weight * (other - self)
    }

    /// x ln y, which is 0 where x = 0 unless y is NaN.
    #[track_caller]
    pub fn xlogy(self, other: impl Into<Operand<'t>>) -> Self {
        let y = other.into().like(self);
        let singular = y.less_equal(0.0).logical_or(y.equal(f64::INFINITY));
        self * self.equal(0.0).logical_and(singular).where_(1.0, y).ln()
    }

    /// sin(πx) / (πx), 1 at 0.
    #[track_caller]
    pub fn sinc(self) -> Self {
        let t = PI * self;
        let near = t.abs().less(1.0);
        // Where the quotient would lose digits, and all derivatives at 0, Taylor's series of the sine has them.
        let square = near.where_(t * t, 0.0);
        let mut series = self.full_like(1.0);
        for k in (1..10).rev() {
            let k = k as f64;
            series = 1.0 - square / (2.0 * k * (2.0 * k + 1.0)) * series;
        }
        near.where_(series, t.sin() / near.where_(1.0, t))
    }

    /// [`logit`](Self::logit) of x kept within `eps` and 1 - `eps`, where it is finite; beyond them the derivative is 0.
    #[doc(alias = "logit")]
    #[inline]
    #[track_caller]
    pub fn logit_within(self, eps: f64) -> Self {
        // Not a clamp: where the bounds cross, an element becomes the bound that it is first found outside of.
        let (lo, hi) = (eps, 1.0 - eps);
        self.less(lo).where_(lo, self.greater(hi).where_(hi, self)).logit()
    }

    /// ln(x / (1 - x)), the inverse of [`sigmoid`](Self::sigmoid).
    #[track_caller]
    pub fn logit(self) -> Self {
        self.ln() - (-self).ln_1p()
    }
}

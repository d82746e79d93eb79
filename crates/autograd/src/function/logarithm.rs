//! Sums in the logarithm: ln Σ exp, over two numbers, over axes, and running.
//!
//! What is subtracted for stability is detached: the value does not depend on it.

use std::f64::consts::LN_2;

use wengert_tensor::Axes;

use super::product::scan;
use crate::op::Operand;
use crate::tape::Var;

impl<'t> Var<'t> {
    /// ln(eˣ + eʸ), without overflow on the way; infinities give infinities.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([1000.0, f64::NEG_INFINITY]));
    /// assert_eq!(x.logaddexp(x).value()?, Tensor::from([1000.0 + 2f64.ln(), f64::NEG_INFINITY]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn logaddexp(self, other: impl Into<Operand<'t>>) -> Self {
        let other = other.into().like(self);
        let first = self.greater_equal(other);
        let (hi, lo) = (first.where_(self, other), first.where_(other, self));
        // The difference of two equal infinities is NaN, and should be 0.
        let infinite = hi.equal(lo).logical_and(hi.is_finite().logical_not());
        hi + infinite.where_(0.0, lo - hi).softplus()
    }

    /// log₂(2ˣ + 2ʸ), without overflow on the way.
    #[track_caller]
    pub fn logaddexp2(self, other: impl Into<Operand<'t>>) -> Self {
        let other = other.into().like(self);
        (LN_2 * self).logaddexp(LN_2 * other) / LN_2
    }

    /// ln Σ exp x over some axes, which are dropped; -∞ of nothing.
    #[track_caller]
    pub fn logsumexp(self, axes: impl Into<Axes>) -> Self {
        let axes = match self.resolve("logsumexp", axes) {
            Ok(axes) => axes,
            Err(poisoned) => return poisoned,
        };
        let shape = self.shape();
        if axes.iter().any(|&axis| shape[axis] == 0) {
            return self.exp().sum_axes(&axes[..]).ln();
        }
        let x = self.wide();
        let max = x.max_axes(&axes[..]).detach();
        let max = max.is_finite().where_(max, 0.0);
        ((x - max.unreduce(&axes, x)).exp().sum_axes(&axes[..]).ln() + max).narrowed(self)
    }

    /// ln Σ exp x over some axes, which stay with size 1.
    #[track_caller]
    pub fn logsumexp_keep(self, axes: impl Into<Axes>) -> Self {
        let axes = axes.into();
        self.logsumexp(axes.clone()).keep(self, axes)
    }

    /// ln Σ exp x over the elements up to and including each along `axis`.
    #[doc(alias("logaddexp.accumulate"))]
    #[track_caller]
    pub fn logcumsumexp(self, axis: isize) -> Self {
        scan(self, "logcumsumexp", axis, |x, y| x.logaddexp(y))
    }
}

//! Sums with a factor, quotients and numbers rounded, steps.

use super::{compose, wide};
use crate::op::Operand;
use crate::tape::Var;

impl<'t> Var<'t> {
    /// x + `alpha` y; a difference where alpha is negative.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let (x, y) = (tape.input(&Tensor::from([1.0, 2.0])), tape.input(&Tensor::from([10.0, 20.0])));
    /// assert_eq!(x.add_scaled(y, -0.5).value()?, Tensor::from([-4.0, -8.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias("add", "subtract", "rsub", "axpy"))]
    #[inline]
    #[track_caller]
    pub fn add_scaled(self, other: Self, alpha: f64) -> Self {
        compose("add_scaled", [self, other], |xs| {
            let [x, y] = wide(xs)?;
            Ok((x + scaled(y, alpha)).narrowed(self))
        })
    }

    /// x + `value` a b.
    #[inline]
    #[track_caller]
    pub fn addcmul(self, a: Self, b: Self, value: f64) -> Self {
        compose("addcmul", [self, a, b], |xs| {
            let [x, a, b] = wide(xs)?;
            Ok((x + scaled(a, value) * b).narrowed(self))
        })
    }

    /// x + `value` a / b.
    #[inline]
    #[track_caller]
    pub fn addcdiv(self, a: Self, b: Self, value: f64) -> Self {
        compose("addcdiv", [self, a, b], |xs| {
            let [x, a, b] = wide(xs)?;
            Ok((x + scaled(a, value) / b).narrowed(self))
        })
    }

    /// x / y without what is behind the point, where [`floor_div`](Self::floor_div) rounds down.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([7.0, -7.0]));
    /// assert_eq!(x.trunc_div(2.0).value()?, Tensor::from([3.0, -3.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias("divide", "rounding_mode"))]
    #[inline]
    #[track_caller]
    pub fn trunc_div(self, other: impl Into<Operand<'t>>) -> Self {
        (self / other.into().like(self)).trunc()
    }

    /// The nearest number with so many digits behind the point, of two the one with an even last digit; tens, hundreds
    /// and so on where `digits` is negative. The derivative is 0.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([1.375, 1250.0]));
    /// assert_eq!(x.round_to(1).value()?, Tensor::from([1.4, 1250.0]));
    /// assert_eq!(x.round_to(-2).value()?, Tensor::from([0.0, 1200.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias("round", "around", "decimals"))]
    #[inline]
    #[track_caller]
    pub fn round_to(self, digits: i32) -> Self {
        // Powers of ten that are whole are exact, their reciprocals are not.
        let scale = 10f64.powi(digits.saturating_abs());
        let x = self.wide();
        let rounded = match digits {
            0 => x.round(),
            1.. => {
                // What overflows has no digits so far behind the point.
                let grown = x * scale;
                grown.abs().less(f64::INFINITY).where_(grown.round() / scale, x.detach())
            }
            _ => {
                let units = (x / scale).round();
                // 0 of a unit beyond all numbers.
                units.equal(0.0).where_(units, units * scale)
            }
        };
        rounded.narrowed(self)
    }

    /// 0 where x < 0, `at_zero` where x = 0, else 1; NaN where x is. It has no derivative by x.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([-2.0, 0.0, 3.0]));
    /// assert_eq!(x.heaviside(0.5).value()?, Tensor::from([0.0, 0.5, 1.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[inline]
    #[track_caller]
    pub fn heaviside(self, at_zero: impl Into<Operand<'t>>) -> Self {
        let at_zero = at_zero.into().like(self);
        compose("heaviside", [self, at_zero], |[x, at_zero]| {
            let sides = x.greater(0.0).where_(1.0, x.less(0.0).where_(0.0, x.detach()));
            Ok(x.equal(0.0).where_(at_zero, sides))
        })
    }
}

/// x times a number, which may be 1.
#[inline]
#[track_caller]
pub(super) fn scaled(x: Var<'_>, by: f64) -> Var<'_> {
    if by == 1.0 { x } else { x * by }
}

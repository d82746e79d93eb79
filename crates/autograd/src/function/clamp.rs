//! Keeping numbers within bounds, and choosing among numbers some of which are not.

use crate::op::Operand;
use crate::tape::Var;

impl<'t> Var<'t> {
    /// x where lo ≤ x ≤ hi, else the bound that it is beyond; `hi` where lo > hi.
    ///
    /// The derivative passes to x within the bounds and on them, else to the bound.
    ///
    /// ```
    /// use wengert_autograd::grad;
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::from([-2.0, 0.5, 1.0, 3.0]);
    /// assert_eq!(grad(|x| x.clamp(-1.0, 1.0).sum(), &x)?, Tensor::from([0.0, 1.0, 1.0, 0.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias = "clip")]
    #[track_caller]
    pub fn clamp(self, lo: impl Into<Operand<'t>>, hi: impl Into<Operand<'t>>) -> Self {
        self.clamp_min(lo).clamp_max(hi)
    }

    /// x where x ≥ lo, else lo. At a bound that is a plain number the derivative passes to x; one that is a variable
    /// shares it, as with [`maximum`](Self::maximum).
    #[track_caller]
    pub fn clamp_min(self, lo: impl Into<Operand<'t>>) -> Self {
        match lo.into() {
            Operand::Var(lo) => self.maximum(lo),
            plain => self.less(plain).where_(plain, self),
        }
    }

    /// x where x ≤ hi, else hi. At a bound that is a plain number the derivative passes to x; one that is a variable
    /// shares it, as with [`minimum`](Self::minimum).
    #[track_caller]
    pub fn clamp_max(self, hi: impl Into<Operand<'t>>) -> Self {
        match hi.into() {
            Operand::Var(hi) => self.minimum(hi),
            plain => self.greater(plain).where_(plain, self),
        }
    }

    /// The larger of x and y, or the one that is not NaN. Equals share the derivative, as with
    /// [`maximum`](Self::maximum).
    #[track_caller]
    pub fn fmax(self, other: impl Into<Operand<'t>>) -> Self {
        let other = other.into().like(self);
        other.is_nan().where_(self, self.is_nan().where_(other, self.maximum(other)))
    }

    /// The smaller of x and y, or the one that is not NaN. Equals share the derivative, as with
    /// [`minimum`](Self::minimum).
    #[track_caller]
    pub fn fmin(self, other: impl Into<Operand<'t>>) -> Self {
        let other = other.into().like(self);
        other.is_nan().where_(self, self.is_nan().where_(other, self.minimum(other)))
    }

    /// x with NaN, ∞ and -∞ replaced.
    #[track_caller]
    pub fn nan_to_num(
        self,
        nan: impl Into<Operand<'t>>,
        infinity: impl Into<Operand<'t>>,
        negative_infinity: impl Into<Operand<'t>>,
    ) -> Self {
        let (above, below) = (self.equal(f64::INFINITY), self.equal(f64::NEG_INFINITY));
        let finite = above.where_(infinity, below.where_(negative_infinity, self));
        self.is_nan().where_(nan, finite)
    }

    /// The part of x behind the point, x - trunc x.
    #[track_caller]
    pub fn frac(self) -> Self {
        self - self.trunc()
    }
}

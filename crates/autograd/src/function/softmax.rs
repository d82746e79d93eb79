//! Softmax and its kin: numbers along an axis made into a distribution.
//!
//! The largest is subtracted for stability, and detached: the value does not depend on it. Where all
//! are -∞, or one is ∞, the distribution is undefined: NaN.

use crate::tape::Var;

impl Var<'_> {
    /// exp x / Σ exp x along `axis`.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[1000.0, 1000.0]]));
    /// assert_eq!(x.softmax(-1).value()?, Tensor::from([[0.5, 0.5]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn softmax(self, axis: isize) -> Self {
        let e = self.wide().below_largest("softmax", axis).exp();
        (e / e.sum_keep(axis)).narrowed(self)
    }

    /// ln softmax x along `axis`, x - ln Σ exp x.
    #[track_caller]
    pub fn log_softmax(self, axis: isize) -> Self {
        let x = self.wide().below_largest("log_softmax", axis);
        (x - x.exp().sum_keep(axis).ln()).narrowed(self)
    }

    /// softmax(-x) along `axis`.
    #[track_caller]
    pub fn softmin(self, axis: isize) -> Self {
        (-self).softmax(axis)
    }

    /// x less the largest along `axis`.
    #[track_caller]
    fn below_largest(self, op: &str, axis: isize) -> Self {
        match self.axis(op, axis) {
            Ok(axis) if self.shape()[axis] == 0 => self,
            Ok(axis) => self - self.max_keep(axis).detach(),
            Err(poisoned) => poisoned,
        }
    }
}

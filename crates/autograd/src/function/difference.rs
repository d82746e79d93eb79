//! Differences of neighbours.

use wengert_tensor::DType;

use super::compose;
use crate::tape::Var;

impl<'t> Var<'t> {
    /// The differences of neighbours along `axis`, each less the one before, taken `n` times: the axis becomes shorter by
    /// n, and not less than 0. Of truth values, whether neighbours differ.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([1.0, 4.0, 9.0, 16.0]));
    /// assert_eq!(x.diff(1, 0).value()?, Tensor::from([3.0, 5.0, 7.0]));
    /// assert_eq!(x.diff(2, 0).value()?, Tensor::from([2.0, 2.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[inline]
    #[track_caller]
    pub fn diff(self, n: usize, axis: isize) -> Self {
        compose("diff", [self], |[x]| {
            let at = x.shape().axis(axis)?;
            let mut x = x;
            for _ in 0..n {
                let size = x.shape()[at];
                // Nothing is left, or a mistake was made: there may be very many steps more.
                if x.is_poisoned() || size == 0 {
                    break;
                }
                let (next, last) = (x.narrow(axis, 1, size - 1), x.narrow(axis, 0, size - 1));
                x = if x.dtype() == DType::Bool { next.not_equal(last) } else { next - last };
            }
            Ok(x)
        })
    }

    /// [`diff`](Self::diff) after `before` and `after` were joined to the two ends of the axis. Without a difference, for
    /// n = 0, they are not.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([1.0, 3.0, 6.0]));
    /// let zero = tape.full([1], 0.0);
    /// assert_eq!(x.diff_with(1, 0, Some(zero), None).value()?, Tensor::from([1.0, 2.0, 3.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias("diff", "ediff1d", "prepend", "append"))]
    #[inline]
    #[track_caller]
    pub fn diff_with(self, n: usize, axis: isize, before: Option<Self>, after: Option<Self>) -> Self {
        if n == 0 {
            return self.diff(0, axis);
        }
        let parts: Vec<Self> = [before, Some(self), after].into_iter().flatten().collect();
        Self::concat(&parts, axis).diff(n, axis)
    }
}

//! Means, variances, standard deviations, correlations.

use wengert_tensor::Axes;

use crate::tape::Var;

impl Var<'_> {
    /// The mean of all elements; NaN of none.
    #[track_caller]
    pub fn mean(self) -> Self {
        self.mean_axes(..)
    }

    /// The mean over some axes, which are dropped.
    #[track_caller]
    pub fn mean_axes(self, axes: impl Into<Axes>) -> Self {
        match self.resolve("mean", axes) {
            Ok(axes) => (self.wide().sum_axes(&axes[..]) / self.count(&axes)).narrowed(self),
            Err(poisoned) => poisoned,
        }
    }

    /// The mean over some axes, which stay with size 1.
    #[track_caller]
    pub fn mean_keep(self, axes: impl Into<Axes>) -> Self {
        let axes = axes.into();
        self.mean_axes(axes.clone()).keep(self, axes)
    }

    /// The variance of all elements: see [`var_axes`](Self::var_axes).
    #[track_caller]
    pub fn var(self, correction: impl Into<f64>) -> Self {
        self.var_axes(.., correction)
    }

    /// The variance of the n elements along some axes, which are dropped, Σ (x - mean)² / (n - correction).
    ///
    /// `correction` 0 is the mean squared deviation; 1, Bessel's correction, estimates the variance
    /// of what the elements are a sample of. Any number will do; with n ≤ correction, the divisor is 0.
    #[track_caller]
    pub fn var_axes(self, axes: impl Into<Axes>, correction: impl Into<f64>) -> Self {
        let axes = match self.resolve("var", axes) {
            Ok(axes) => axes,
            Err(poisoned) => return poisoned,
        };
        let divisor = (self.count(&axes) - correction.into()).max(0.0);
        let x = self.wide();
        ((x - x.mean_keep(&axes[..])).square().sum_axes(&axes[..]) / divisor).narrowed(self)
    }

    /// The variance over some axes, which stay with size 1.
    #[track_caller]
    pub fn var_keep(self, axes: impl Into<Axes>, correction: impl Into<f64>) -> Self {
        let axes = axes.into();
        self.var_axes(axes.clone(), correction).keep(self, axes)
    }

    /// The standard deviation of all elements, √[`var`](Self::var); its derivative at 0 is said to be 0.
    #[track_caller]
    pub fn std(self, correction: impl Into<f64>) -> Self {
        self.wide().var(correction).sqrt_flat_at_0().narrowed(self)
    }

    /// The standard deviation over some axes, which are dropped; its derivative at 0 is said to be 0.
    #[track_caller]
    pub fn std_axes(self, axes: impl Into<Axes>, correction: impl Into<f64>) -> Self {
        self.wide().var_axes(axes, correction).sqrt_flat_at_0().narrowed(self)
    }

    /// The standard deviation over some axes, which stay with size 1; its derivative at 0 is said to be 0.
    #[track_caller]
    pub fn std_keep(self, axes: impl Into<Axes>, correction: impl Into<f64>) -> Self {
        self.wide().var_keep(axes, correction).sqrt_flat_at_0().narrowed(self)
    }

    /// The variance and the mean over some axes, which are dropped; see [`var_axes`](Self::var_axes). The mean is computed
    /// once for both.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let (var, mean) = tape.input(&Tensor::from([1.0, 2.0, 3.0])).var_mean(.., 1);
    /// assert_eq!((var.item()?, mean.item()?), (1.0, 2.0));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn var_mean(self, axes: impl Into<Axes>, correction: impl Into<f64>) -> (Self, Self) {
        let axes = axes.into();
        (self.var_axes(axes.clone(), correction), self.mean_axes(axes))
    }

    /// The standard deviation and the mean over some axes, which are dropped; see [`std_axes`](Self::std_axes).
    #[track_caller]
    pub fn std_mean(self, axes: impl Into<Axes>, correction: impl Into<f64>) -> (Self, Self) {
        let axes = axes.into();
        (self.std_axes(axes.clone(), correction), self.mean_axes(axes))
    }

    /// The covariances of variables, which are the rows of [.., n, samples]: [.., n, n] with the variances on the
    /// diagonal; of one variable, a vector, its variance. For `correction` see [`var_axes`](Self::var_axes).
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[1.0, 2.0, 3.0], [6.0, 4.0, 2.0]]));
    /// assert_eq!(x.cov(1).value()?, Tensor::from([[1.0, -2.0], [-2.0, 4.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias = "covariance")]
    #[track_caller]
    pub fn cov(self, correction: impl Into<f64>) -> Self {
        let x = match self.wide().deviations("cov") {
            Ok(x) => x,
            Err(poisoned) => return poisoned,
        };
        let divisor = (self.count(&[self.rank() - 1]) - correction.into()).max(0.0);
        self.of_rows(x.matmul(x.t()) / divisor).narrowed(self)
    }

    /// The coefficients of correlation of variables, which are the rows of [.., n, samples]: their covariances over
    /// their standard deviations, from -1 to 1; NaN for a variable that is constant.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[1.0, 2.0, 3.0], [6.0, 4.0, 2.0]]));
    /// assert!(x.corrcoef().value()?.allclose(&Tensor::from([[1.0, -1.0], [-1.0, 1.0]]), 1e-15, 0.0)?);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias = "correlation")]
    #[track_caller]
    pub fn corrcoef(self) -> Self {
        let x = match self.wide().deviations("corrcoef") {
            Ok(x) => x,
            Err(poisoned) => return poisoned,
        };
        let x = x / x.norm_keep(2.0, -1);
        // Rounding may go beyond.
        self.of_rows(x.matmul(x.t()).clamp(-1.0, 1.0)).narrowed(self)
    }

    /// The rows less their means; a vector is one row.
    #[track_caller]
    fn deviations(self, op: &str) -> Result<Self, Self> {
        self.axis(op, -1)?;
        let rows = if self.rank() == 1 { self.unsqueeze(0) } else { self };
        Ok(rows - rows.mean_keep(-1))
    }

    /// What was found for every two rows: of a vector one number.
    #[track_caller]
    fn of_rows(self, pairs: Self) -> Self {
        if self.rank() == 1 { pairs.reshape([0usize; 0]) } else { pairs }
    }

    /// The number of elements along some axes, as a divisor.
    fn count(self, axes: &[usize]) -> f64 {
        let shape = self.shape();
        axes.iter().map(|&axis| shape[axis] as f64).product()
    }

    /// √x, with all derivatives 0 where x = 0.
    #[track_caller]
    pub(super) fn sqrt_flat_at_0(self) -> Self {
        let zero = self.equal(0.0);
        zero.where_(0.0, zero.where_(1.0, self).sqrt())
    }
}

//! Means, variances, standard deviations.

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
            Ok(axes) => self.sum_axes(&axes[..]) / self.count(&axes),
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
    pub fn var(self, correction: usize) -> Self {
        self.var_axes(.., correction)
    }

    /// The variance of the n elements along some axes, which are dropped, Σ (x - mean)² / (n - correction).
    ///
    /// `correction` 0 is the mean squared deviation; 1, Bessel's correction, estimates the variance
    /// of what the elements are a sample of. With n ≤ correction, the divisor is 0.
    #[track_caller]
    pub fn var_axes(self, axes: impl Into<Axes>, correction: usize) -> Self {
        let axes = match self.resolve("var", axes) {
            Ok(axes) => axes,
            Err(poisoned) => return poisoned,
        };
        let divisor = (self.count(&axes) - correction as f64).max(0.0);
        (self - self.mean_keep(&axes[..])).square().sum_axes(&axes[..]) / divisor
    }

    /// The variance over some axes, which stay with size 1.
    #[track_caller]
    pub fn var_keep(self, axes: impl Into<Axes>, correction: usize) -> Self {
        let axes = axes.into();
        self.var_axes(axes.clone(), correction).keep(self, axes)
    }

    /// The standard deviation of all elements, √[`var`](Self::var); its derivative at 0 is said to be 0.
    #[track_caller]
    pub fn std(self, correction: usize) -> Self {
        self.var(correction).sqrt_flat_at_0()
    }

    /// The standard deviation over some axes, which are dropped; its derivative at 0 is said to be 0.
    #[track_caller]
    pub fn std_axes(self, axes: impl Into<Axes>, correction: usize) -> Self {
        self.var_axes(axes, correction).sqrt_flat_at_0()
    }

    /// The standard deviation over some axes, which stay with size 1; its derivative at 0 is said to be 0.
    #[track_caller]
    pub fn std_keep(self, axes: impl Into<Axes>, correction: usize) -> Self {
        self.var_keep(axes, correction).sqrt_flat_at_0()
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

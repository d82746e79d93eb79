//! Vector norms.

use wengert_tensor::Axes;

use crate::tape::Var;

impl Var<'_> {
    /// The norm (Σ |x|ᵖ)^(1/p) of all elements: see [`norm_axes`](Self::norm_axes).
    ///
    /// ```
    /// use wengert_autograd::value_and_grad;
    /// use wengert_tensor::Tensor;
    ///
    /// let (y, g) = value_and_grad(|x| x.norm(2.0), &Tensor::from([0.0, -4.0]))?;
    /// assert_eq!((y, g), (Tensor::from(4.0), Tensor::from([0.0, -1.0])));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias = "vector_norm")]
    #[track_caller]
    pub fn norm(self, p: f64) -> Self {
        self.norm_axes(p, ..)
    }

    /// The norm (Σ |x|ᵖ)^(1/p) over some axes, which are dropped.
    ///
    /// p = ∞ is the largest |x|, p = -∞ the smallest, p = 0 the number of elements that are not 0.
    /// Where the norm has a kink, its derivative is said to be 0 along what is 0 there.
    #[doc(alias("vector_norm"))]
    #[track_caller]
    pub fn norm_axes(self, p: f64, axes: impl Into<Axes>) -> Self {
        let axes = axes.into();
        let x = self.wide();
        let norm = match p {
            0.0 if x.is_poisoned() => x,
            0.0 => x.not_equal(0.0).cast(x.dtype()).sum_axes(axes),
            1.0 => x.abs().sum_axes(axes),
            2.0 => x.square().sum_axes(axes).sqrt_flat_at_0(),
            f64::INFINITY => x.abs().max_axes(axes),
            f64::NEG_INFINITY => x.abs().min_axes(axes),
            _ => power_flat_at_0(power_flat_at_0(x.abs(), p).sum_axes(axes), p.recip()),
        };
        norm.narrowed(self)
    }

    /// The norm over some axes, which stay with size 1.
    #[doc(alias("vector_norm"))]
    #[track_caller]
    pub fn norm_keep(self, p: f64, axes: impl Into<Axes>) -> Self {
        let axes = axes.into();
        self.norm_axes(p, axes.clone()).keep(self, axes)
    }
}

/// xᵖ for x ≥ 0, with all derivatives 0 where x = 0.
#[track_caller]
fn power_flat_at_0(x: Var<'_>, p: f64) -> Var<'_> {
    let zero = x.equal(0.0);
    zero.where_(0f64.powf(p), zero.where_(1.0, x).powf(p))
}

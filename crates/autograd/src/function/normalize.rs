//! Normalization: values brought to a common scale along axes.

use wengert_tensor::Axes;

use crate::tape::Var;

impl<'t> Var<'t> {
    /// x divided by its norm along some axes, or by `eps` where the norm is smaller.
    #[track_caller]
    pub fn normalize(self, p: f64, axes: impl Into<Axes>, eps: f64) -> Self {
        let x = self.wide();
        (x / x.norm_keep(p, axes).clamp_min(eps)).narrowed(self)
    }

    /// The cosine of the angle between x and `other` along some axes, Σ x y / (|x| |y|), with `eps` in
    /// place of a norm that is smaller.
    #[track_caller]
    pub fn cosine_similarity(self, other: Self, axes: impl Into<Axes>, eps: f64) -> Self {
        let axes = axes.into();
        let (product, x, y) = ((self * other).wide(), self.wide(), other.wide());
        let norms = x.norm_axes(2.0, axes.clone()).clamp_min(eps) * y.norm_axes(2.0, axes.clone()).clamp_min(eps);
        (product.sum_axes(axes) / norms).narrowed(self)
    }

    /// (x - mean) / √(var + eps) over some axes, then times `weight`, plus `bias`, where they are
    /// given; they broadcast. For x of half precision they may also be of f32.
    ///
    /// J. L. Ba, J. R. Kiros and G. E. Hinton, "Layer normalization" (2016).
    #[track_caller]
    pub fn layer_norm(self, axes: impl Into<Axes>, weight: Option<Self>, bias: Option<Self>, eps: f64) -> Self {
        let axes = axes.into();
        let x = self.wide();
        let centred = x - x.mean_keep(axes.clone());
        let scale = (centred.square().mean_keep(axes) + eps).rsqrt();
        affine(self, centred * scale, weight, bias)
    }

    /// x / √(mean x² + eps) over some axes, then times `weight` where it is given; it broadcasts. For x of half precision it
    /// may also be of f32.
    ///
    /// B. Zhang and R. Sennrich, "Root mean square layer normalization" (2019).
    #[track_caller]
    pub fn rms_norm(self, axes: impl Into<Axes>, weight: Option<Self>, eps: f64) -> Self {
        let x = self.wide();
        affine(self, x * (x.square().mean_keep(axes) + eps).rsqrt(), weight, None)
    }
}

/// y weight + bias, where y was computed of the [wide](Var::wide) x, and the others are of x's dtype.
#[track_caller]
fn affine<'t>(x: Var<'t>, mut y: Var<'t>, weight: Option<Var<'t>>, bias: Option<Var<'t>>) -> Var<'t> {
    if let Some(weight) = weight {
        y = y * if same_dtype(x, weight) { weight.wide() } else { weight };
    }
    if let Some(bias) = bias {
        y = y + if same_dtype(x, bias) { bias.wide() } else { bias };
    }
    y.narrowed(x)
}

/// Whether both are there and of one dtype.
fn same_dtype(x: Var<'_>, y: Var<'_>) -> bool {
    !x.is_poisoned() && !y.is_poisoned() && x.dtype() == y.dtype()
}

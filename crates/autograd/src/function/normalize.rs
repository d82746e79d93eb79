//! Normalization: values brought to a common scale along axes.

use wengert_tensor::Axes;

use crate::tape::Var;

impl<'t> Var<'t> {
    /// x divided by its norm along some axes, or by `eps` where the norm is smaller.
    #[track_caller]
    pub fn normalize(self, p: f64, axes: impl Into<Axes>, eps: f64) -> Self {
        self / self.norm_keep(p, axes).clamp_min(eps)
    }

    /// The cosine of the angle between x and `other` along some axes, Σ x y / (|x| |y|), with `eps` in
    /// place of a norm that is smaller.
    #[track_caller]
    pub fn cosine_similarity(self, other: Self, axes: impl Into<Axes>, eps: f64) -> Self {
        let axes = axes.into();
        let norms =
            self.norm_axes(2.0, axes.clone()).clamp_min(eps) * other.norm_axes(2.0, axes.clone()).clamp_min(eps);
        (self * other).sum_axes(axes) / norms
    }

    /// (x - mean) / √(var + eps) over some axes, then times `weight`, plus `bias`, where they are
    /// given; they broadcast.
    ///
    /// J. L. Ba, J. R. Kiros and G. E. Hinton, "Layer normalization" (2016).
    #[track_caller]
    pub fn layer_norm(self, axes: impl Into<Axes>, weight: Option<Self>, bias: Option<Self>, eps: f64) -> Self {
        let axes = axes.into();
        let centred = self - self.mean_keep(axes.clone());
        let scale = (centred.square().mean_keep(axes) + eps).rsqrt();
        affine(centred * scale, weight, bias)
    }

    /// x / √(mean x² + eps) over some axes, then times `weight` where it is given; it broadcasts.
    ///
    /// B. Zhang and R. Sennrich, "Root mean square layer normalization" (2019).
    #[track_caller]
    pub fn rms_norm(self, axes: impl Into<Axes>, weight: Option<Self>, eps: f64) -> Self {
        affine(self * (self.square().mean_keep(axes) + eps).rsqrt(), weight, None)
    }
}

#[track_caller]
fn affine<'t>(x: Var<'t>, weight: Option<Var<'t>>, bias: Option<Var<'t>>) -> Var<'t> {
    let scaled = match weight {
        Some(weight) => x * weight,
        None => x,
    };
    match bias {
        Some(bias) => scaled + bias,
        None => scaled,
    }
}

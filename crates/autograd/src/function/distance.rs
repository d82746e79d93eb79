//! Distances and angles between vectors.

use wengert_tensor::{Axes, Error};

use super::{compose, wide};
use crate::tape::Var;

impl<'t> Var<'t> {
    /// The distance (Σ |x - y + eps|ᵖ)^(1/p) along the last axis, which is dropped, of each vector of this variable from
    /// that of `other`; they broadcast.
    ///
    /// Where both are equal and `eps` is 0, the derivative is 0, as that of [`norm_axes`](Self::norm_axes): no eps is
    /// needed to keep it finite.
    ///
    /// ```
    /// use wengert_autograd::grad;
    /// use wengert_tensor::Tensor;
    ///
    /// let (x, y) = (Tensor::from([[0.0, 0.0], [1.0, 1.0]]), Tensor::from([[3.0, 4.0], [1.0, 1.0]]));
    /// let [dx, _] = grad(|[x, y]| x.pairwise_distance(y, 2.0, 0.0).sum(), [&x, &y])?;
    /// assert!(dx.allclose(&Tensor::from([[-0.6, -0.8], [0.0, 0.0]]), 1e-15, 0.0)?);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias = "PairwiseDistance")]
    #[track_caller]
    pub fn pairwise_distance(self, other: Self, p: f64, eps: f64) -> Self {
        compose("pairwise_distance", [self, other], |xs| {
            let [x, y] = wide(xs)?;
            let difference = if eps == 0.0 { x - y } else { x - y + eps };
            Ok(if difference.is_poisoned() { difference } else { difference.norm_axes(p, -1).narrowed(self) })
        })
    }

    /// The distances (Σ |x - y|ᵖ)^(1/p) of every vector of this variable, [.., n, width], from every one of `other`,
    /// [.., m, width]: [.., n, m]. Leading axes broadcast.
    ///
    /// The derivative at distance 0 is 0.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[0.0, 0.0], [3.0, 4.0]]));
    /// assert_eq!(x.cdist(x, 2.0).value()?, Tensor::from([[0.0, 5.0], [5.0, 0.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias("pdist", "distance_matrix"))]
    #[track_caller]
    pub fn cdist(self, other: Self, p: f64) -> Self {
        compose("cdist", [self, other], |xs| {
            let (x, y) = (self.shape(), other.shape());
            if x.rank() < 2 || y.rank() < 2 || x.last() != y.last() {
                return Err(Error::shape(format!("{x} and {y} are not vectors [.., n, width] of one width")));
            }
            // Of nothing there is no largest element, but all norms are 0.
            let p = if x.last() == Some(&0) { 1.0 } else { p };
            let [from, to] = wide(xs)?;
            Ok((from.unsqueeze(-2) - to.unsqueeze(-3)).norm_axes(p, -1).narrowed(self))
        })
    }

    /// The cosine of the angle between x and `other` along some axes, Σ x y / (|x| |y|), with `eps` in
    /// place of a norm that is smaller. They broadcast.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[3.0, 0.0], [0.0, 2.0]]));
    /// let y = tape.input(&Tensor::from([4.0, 0.0]));
    /// assert_eq!(x.cosine_similarity(y, -1, 1e-8).value()?, Tensor::from([1.0, 0.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn cosine_similarity(self, other: Self, axes: impl Into<Axes>, eps: f64) -> Self {
        let axes = axes.into();
        compose("cosine_similarity", [self, other], |xs| {
            let (a, b) = (self.shape(), other.shape());
            let shape = a.broadcast(&b).ok_or_else(|| Error::shape(format!("{a} and {b} do not broadcast")))?;
            let axes = axes.resolve(&shape)?;
            let unit = |v: Self| v.broadcast_to(&shape).normalize(2.0, &axes[..], eps);
            let [x, y] = wide(xs)?;
            // Of unit vectors: the product of large norms could overflow.
            Ok((unit(x) * unit(y)).sum_axes(&axes[..]).narrowed(self))
        })
    }
}

//! Distances and angles between vectors.

use wengert_tensor::{Axes, Error};

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
        let difference = self.wide() - other.wide();
        let distance = match eps == 0.0 || difference.is_poisoned() {
            true => difference.norm_axes(p, -1),
            false => (difference + eps).norm_axes(p, -1),
        };
        distance.narrowed(self)
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
        if let Some(poisoned) = [self, other].into_iter().find(|v| v.is_poisoned()) {
            return poisoned;
        }
        let (x, y) = (self.shape(), other.shape());
        if x.rank() < 2 || y.rank() < 2 || x.last() != y.last() {
            let sentence = format!("cdist: {x} and {y} are not vectors [.., n, width] of one width");
            return self.tape().error(Error::shape(sentence));
        }
        // Of nothing there is no largest element, but all norms are 0.
        let p = if x.last() == Some(&0) { 1.0 } else { p };
        (self.wide().unsqueeze(-2) - other.wide().unsqueeze(-3)).norm_axes(p, -1).narrowed(self)
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
        if let Some(poisoned) = [self, other].into_iter().find(|v| v.is_poisoned()) {
            return poisoned;
        }
        let (x, y) = (self.shape(), other.shape());
        let Some(shape) = x.broadcast(&y) else {
            return self.tape().error(Error::shape(format!("cosine_similarity: {x} and {y} do not broadcast")));
        };
        let [x, y] = [self.wide().broadcast_to(&shape), other.wide().broadcast_to(&shape)];
        let axes = match x.resolve("cosine_similarity", axes) {
            Ok(axes) => axes,
            Err(poisoned) => return poisoned,
        };
        // Of unit vectors: the product of large norms could overflow.
        (x.normalize(2.0, &axes[..], eps) * y.normalize(2.0, &axes[..], eps)).sum_axes(&axes[..]).narrowed(self)
    }
}

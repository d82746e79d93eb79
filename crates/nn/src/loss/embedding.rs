//! Losses of vectors, `[.., width]`, that should be near each other or far apart.

use wengert_autograd::Var;
use wengert_tensor::Error;

use super::{Reduction, alike, defined};

/// The mean of 1 - cos(x1, x2) where `y` is 1, and of max(0, cos(x1, x2) - margin) where it is -1, for vectors of shape
/// `[.., width]` and targets of shape `[..]`.
#[doc(alias("cosine_embedding_loss", "CosineEmbeddingLoss"))]
#[inline]
#[track_caller]
pub fn cosine_embedding<'t>(x1: Var<'t>, x2: Var<'t>, y: Var<'t>, margin: f64) -> Var<'t> {
    cosine_embedding_with(x1, x2, y, margin, Reduction::Mean)
}

/// As [`cosine_embedding`], reduced as said.
#[inline]
#[track_caller]
pub fn cosine_embedding_with<'t>(x1: Var<'t>, x2: Var<'t>, y: Var<'t>, margin: f64, reduction: Reduction) -> Var<'t> {
    let loss = "cosine_embedding";
    if let Err(poisoned) = vectors(loss, x1, x2).and(defined(&[y])) {
        return poisoned;
    }
    let (shape, target) = (x1.shape(), y.shape());
    if shape.split_last().is_none_or(|(_, lead)| *lead != target[..]) {
        return x1.tape().error(Error::shape(format!("{loss}: vectors {shape} and targets {target} do not fit")));
    }
    // As PyTorch's, so that a vector of zeros has a cosine.
    const EPS: f64 = 1e-12;
    let (a, b) = (x1.square().sum_axes(-1) + EPS, x2.square().sum_axes(-1) + EPS);
    let cosine = (x1 * x2).sum_axes(-1) / (a * b).sqrt();
    reduction.of(y.equal(1.0).where_(1.0 - cosine, (cosine - margin).relu()))
}

/// The mean of max(0, d(a, p) - d(a, n) + margin): an anchor `a` should be nearer to a positive example `p` than to a
/// negative one `n` by the margin, in the distance d(x, y) = (Σ |x - y + eps|^p)^(1/p).
///
/// F. Schroff, D. Kalenichenko and J. Philbin, "FaceNet: a unified embedding for face recognition and clustering",
/// CVPR 2015; the swap: V. Balntas et al., "Learning local feature descriptors with triplets and shallow
/// convolutional neural networks", BMVC 2016.
///
/// ```
/// use wengert_autograd::Tape;
/// use wengert_nn::loss::TripletMargin;
/// use wengert_tensor::Tensor;
///
/// let tape = Tape::new();
/// let [a, p, n] = [[[0.0, 0.0]], [[3.0, 4.0]], [[0.0, 2.0]]].map(|x| tape.input(&Tensor::from(x)));
/// let loss = TripletMargin::new().margin(0.5).eps(0.0).of(a, p, n);
/// assert_eq!(loss.item()?, 5.0 - 2.0 + 0.5);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
#[doc(alias("triplet_margin_loss", "TripletMarginLoss"))]
pub struct TripletMargin {
    margin: f64,
    p: f64,
    eps: f64,
    swap: bool,
    reduction: Reduction,
}

impl Default for TripletMargin {
    fn default() -> Self {
        Self { margin: 1.0, p: 2.0, eps: 1e-6, swap: false, reduction: Reduction::Mean }
    }
}

impl TripletMargin {
    /// With a margin of 1, Euclid's distance and an eps of 1e-6, reduced to the mean.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with another margin.
    pub fn margin(self, margin: f64) -> Self {
        Self { margin, ..self }
    }

    /// The same with the distance of another p.
    pub fn p(self, p: f64) -> Self {
        Self { p, ..self }
    }

    /// The same with another eps, which keeps distances away from 0, where they have a kink.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }

    /// The same where the positive example takes the anchor's place if it is nearer to the negative one.
    pub fn swap(self) -> Self {
        Self { swap: true, ..self }
    }

    /// The same, reduced as said.
    pub fn reduction(self, reduction: Reduction) -> Self {
        Self { reduction, ..self }
    }

    /// The loss of anchors, positive and negative examples, all of shape `[.., width]`.
    #[inline]
    #[track_caller]
    pub fn of<'t>(&self, anchor: Var<'t>, positive: Var<'t>, negative: Var<'t>) -> Var<'t> {
        let loss = "triplet_margin";
        if let Err(poisoned) = vectors(loss, anchor, positive).and_then(|()| vectors(loss, anchor, negative)) {
            return poisoned;
        }
        let Self { p, eps, .. } = *self;
        let far = anchor.pairwise_distance(negative, p, eps);
        let far = if self.swap { far.minimum(positive.pairwise_distance(negative, p, eps)) } else { far };
        self.reduction.of((anchor.pairwise_distance(positive, p, eps) - far + self.margin).relu())
    }
}

/// [`TripletMargin`] with its defaults.
#[doc(alias("triplet_margin_loss", "TripletMarginLoss"))]
#[inline]
#[track_caller]
pub fn triplet_margin<'t>(anchor: Var<'t>, positive: Var<'t>, negative: Var<'t>) -> Var<'t> {
    TripletMargin::new().of(anchor, positive, negative)
}

#[inline]
#[track_caller]
fn vectors<'t>(loss: &str, x1: Var<'t>, x2: Var<'t>) -> Result<(), Var<'t>> {
    alike(loss, ["vectors", "vectors"], x1, x2)?;
    match x1.rank() {
        0 => Err(x1.tape().error(Error::shape(format!("{loss}: takes vectors [.., width], got [] and []")))),
        _ => Ok(()),
    }
}

//! What a query may see.

use wengert_autograd::Var;
use wengert_tensor::{DType, Tensor};

/// What the queries of an attention may see of the keys: everything, unless it is told otherwise.
///
/// As with [`where_`](Var::where_), true is what is seen; the masks of PyTorch's `MultiheadAttention` say true where
/// nothing is. A query that may see nothing gets zeros.
///
/// ```
/// use wengert_autograd::Tape;
/// use wengert_nn::{Mask, MultiHeadAttention};
/// use wengert_tensor::{DType, Rng, Tensor};
///
/// let attention = MultiHeadAttention::new(4, 2, &mut Rng::seed(0))?;
/// let tape = Tape::new();
/// let x = tape.input(&Tensor::ones([2, 3, 4], DType::F32)?);
/// // The second sequence has two steps; the third is there to fill up the batch.
/// let there = tape.input(&Tensor::from([[true, true, true], [true, true, false]]));
/// let y = attention.forward_masked(x, Mask::causal().keys(there));
/// assert_eq!(y.value()?.shape()[..], [2, 3, 4]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Mask<'t> {
    causal: bool,
    keys: Option<Var<'t>>,
    pairs: Option<Var<'t>>,
}

impl<'t> Mask<'t> {
    /// All queries see all keys.
    #[inline]
    pub fn none() -> Self {
        Self::default()
    }

    /// A query sees the keys of its own and of earlier positions.
    #[inline]
    #[doc(alias = "is_causal")]
    pub fn causal() -> Self {
        Self { causal: true, ..Self::default() }
    }

    /// Only keys of which `seen`, Bool `[.., keys]`, is true are seen: those that do not fill up a batch.
    #[inline]
    #[doc(alias = "key_padding_mask")]
    pub fn keys(self, seen: Var<'t>) -> Self {
        Self { keys: Some(seen), ..self }
    }

    /// With a mask that broadcasts to `[.., heads, queries, keys]`: true where the query sees the key, or floats,
    /// which are added to the scores.
    #[inline]
    #[doc(alias = "attn_mask")]
    pub fn pairs(self, seen: Var<'t>) -> Self {
        Self { pairs: Some(seen), ..self }
    }

    #[inline]
    pub(super) fn and_causal(self, causal: bool) -> Self {
        Self { causal: self.causal || causal, ..self }
    }

    /// The weights of the keys for scores `[.., heads, queries, keys]`, of which the first query is at position
    /// `start`: a softmax over what is seen.
    #[inline]
    pub(super) fn weights(self, scores: Var<'t>, start: usize) -> Var<'t> {
        let dtype = scores.dtype();
        // In f32 where it is of half precision: f16 has no number for what is unseen.
        let mut scores = scores.cast(dtype.computed());
        let mut seen = self.keys.map(|keys| keys.unsqueeze(-2).unsqueeze(-2));
        match self.pairs {
            Some(pairs) if pairs.dtype() != DType::Bool => scores = scores + pairs.cast(pairs.dtype().computed()),
            Some(pairs) => seen = Some(seen.map_or(pairs, |seen| seen.logical_and(pairs))),
            None => {}
        }
        let choosy = seen.is_some();
        if self.causal && !scores.is_poisoned() {
            let earlier = earlier(scores, start);
            seen = Some(seen.map_or(earlier, |seen| seen.logical_and(earlier)));
        }
        let Some(seen) = seen else { return scores.softmax(-1).cast(dtype) };
        // Not -∞: where nothing is seen, that would make NaN of values and derivatives.
        let weights = seen.where_(scores, UNSEEN).softmax(-1);
        if choosy { seen.where_(weights, 0.0).cast(dtype) } else { weights.cast(dtype) }
    }
}

/// A score of which nothing is left beside any other: the exponential of its distance to them is 0.
const UNSEEN: f64 = -1e30;

/// Which keys are at the position of the query or before, `[queries, keys]`.
#[inline]
fn earlier(scores: Var<'_>, start: usize) -> Var<'_> {
    let (tape, shape) = (scores.tape(), scores.shape());
    let (queries, keys) = (shape[shape.rank() - 2], shape[shape.rank() - 1]);
    let positions = |from: usize, count: usize| match Tensor::arange(from as i64, (from + count) as i64, 1) {
        Ok(positions) => tape.input(&positions),
        Err(error) => tape.error(error),
    };
    positions(start, queries).unsqueeze(1).greater_equal(positions(0, keys))
}

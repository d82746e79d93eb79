//! Attention: for every query a mean of values, weighted by what the query and the values' keys have in common.

use wengert_tensor::{DType, Error, Result, Shape, Tensor};

use super::compose;
use crate::tape::Var;

/// What the queries of an attention may see of the keys: everything, unless it is told otherwise.
///
/// As with [`where_`](Var::where_), true is what is seen; the masks of PyTorch's `MultiheadAttention` say true where
/// nothing is. A query that may see nothing gets zeros.
///
/// ```
/// use wengert_autograd::{Mask, Tape};
/// use wengert_tensor::Tensor;
///
/// let tape = Tape::new();
/// let x = tape.input(&Tensor::from([[1.0, 0.0], [0.0, 1.0]]));
/// let weights = x.attention_weights(x, Mask::causal());
/// assert_eq!(weights.value()?.select_axis(0, 0)?, Tensor::from([1.0, 0.0]));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Mask<'t> {
    causal: bool,
    start: usize,
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

    /// Also [`causal`](Self::causal), where `causal` says so.
    #[inline]
    pub fn and_causal(self, causal: bool) -> Self {
        Self { causal: self.causal || causal, ..self }
    }

    /// With the first query at position `start` of the keys, where a causal mask puts it at 0.
    #[inline]
    pub fn starting_at(self, start: usize) -> Self {
        Self { start, ..self }
    }

    /// Only keys of which `seen`, Bool `[.., keys]`, is true are seen: those that do not fill up a batch. It is the same
    /// for all queries, and for all heads where there are more axes than its own and theirs.
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

    /// Whether queries see no later keys.
    #[inline]
    pub(crate) fn is_causal(&self) -> bool {
        self.causal
    }

    /// How many keys, from the first on, are seen by some of so many queries, from the first on.
    #[inline]
    pub(crate) fn seen(&self, queries: usize) -> usize {
        // With room above, as for rounding up.
        if self.causal { self.start.saturating_add(queries).min(usize::MAX / 2) } else { usize::MAX / 2 }
    }

    /// Whether it is one for scores of this shape.
    #[inline]
    pub(crate) fn fits(&self, scores: &Shape) -> bool {
        self.matrices(scores.rank())
            .iter()
            .flatten()
            .all(|mask| !mask.is_poisoned() && mask.shape().stretches_to(scores))
    }

    /// The masks of keys and of pairs, each with the axes of queries and keys, for scores of so many axes.
    #[inline]
    pub(crate) fn matrices(&self, rank: usize) -> [Option<Var<'t>>; 2] {
        let keys = self.keys.map(|keys| {
            let heads = keys.rank() + 2 <= rank;
            if heads { keys.unsqueeze(-2).unsqueeze(-2) } else { keys.unsqueeze(-2) }
        });
        [keys, self.pairs]
    }

    /// The mask of queries from `first` on, with other masks of keys, `[1, keys]`, and pairs, `[queries, keys]`.
    #[inline]
    pub(crate) fn of_block(self, first: usize, [keys, pairs]: [Option<Var<'t>>; 2]) -> Self {
        Self { start: self.start.saturating_add(first), keys: keys.map(|keys| keys.squeeze(0)), pairs, ..self }
    }

    /// The weights of the keys for scores `[.., queries, keys]`: a softmax over what is seen.
    #[inline]
    fn weights(self, scores: Var<'t>) -> Result<Var<'t>> {
        let whole = scores;
        // In f32 where it is of half precision: f16 has no number for what is unseen.
        let mut scores = scores.wide();
        let [mut seen, pairs] = self.matrices(scores.rank());
        for mask in [seen, pairs].into_iter().flatten() {
            mask.shape().stretch(scores.shape())?;
        }
        match pairs {
            Some(pairs) if pairs.dtype() == whole.dtype() => scores = scores + pairs.wide(),
            // Of f32 beside halves it fits too; another dtype is a mistake.
            Some(pairs) if pairs.dtype() != DType::Bool => scores = scores + pairs,
            Some(pairs) => seen = Some(seen.map_or(pairs, |seen| seen.logical_and(pairs))),
            None => {}
        }
        let choosy = seen.is_some();
        if self.causal && !scores.is_poisoned() {
            let earlier = earlier(scores, self.start)?;
            seen = Some(seen.map_or(earlier, |seen| seen.logical_and(earlier)));
        }
        let Some(seen) = seen else { return Ok(scores.softmax(-1).narrowed(whole)) };
        // Not -∞: where nothing is seen, that would make NaN of values and derivatives.
        let weights = seen.where_(scores, UNSEEN).softmax(-1);
        Ok(if choosy { seen.where_(weights, 0.0) } else { weights }.narrowed(whole))
    }
}

/// A score of which nothing is left beside any other: the exponential of its distance to them is 0.
const UNSEEN: f64 = -1e30;

/// Which keys are at the position of the query or before, `[queries, keys]`.
#[inline]
fn earlier(scores: Var<'_>, start: usize) -> Result<Var<'_>> {
    let (tape, shape) = (scores.tape(), scores.shape());
    let (queries, keys) = (shape[shape.rank() - 2] as i64, shape[shape.rank() - 1] as i64);
    // After all keys it does not matter how far.
    let start = i64::try_from(start).unwrap_or(i64::MAX).min(keys);
    let queries = Tensor::arange(start, start.saturating_add(queries), 1)?;
    let keys = Tensor::arange(0, keys, 1)?;
    Ok(tape.input(&queries).unsqueeze(1).greater_equal(tape.input(&keys)))
}

impl<'t> Var<'t> {
    /// The weights of an [`attention`](Self::attention), `[.., queries, keys]`, whose sums over the keys are 1.
    #[inline]
    #[track_caller]
    pub fn attention_weights(self, key: Self, mask: Mask<'t>) -> Self {
        compose("attention", [self, key], |[query, key]| weights(query, key, mask))
    }
}

/// Attention all at once.
#[inline]
pub(crate) fn attend<'t>(query: Var<'t>, key: Var<'t>, value: Var<'t>, mask: Mask<'t>) -> Result<Var<'t>> {
    let weights = weights(query, key, mask)?;
    Ok(if weights.is_poisoned() { weights } else { weights.matmul(shared(value, &weights.shape())?) })
}

#[inline]
fn weights<'t>(query: Var<'t>, key: Var<'t>, mask: Mask<'t>) -> Result<Var<'t>> {
    let (of, to) = (query.shape(), key.shape());
    let (&[.., _, d], &[.., _, _]) = (&of[..], &to[..]) else {
        return Err(Error::shape(format!("queries {of} and keys {to} are not steps of vectors")));
    };
    let scores = (query * (d as f64).powf(-0.5)).matmul(shared(key, &of)?.t());
    mask.weights(scores)
}

/// Keys or values, each repeated for the heads of queries, or of weights, that share it.
#[inline]
pub(crate) fn shared<'t>(x: Var<'t>, queries: &Shape) -> Result<Var<'t>> {
    let own = x.shape();
    if own.rank() < 2 {
        return Err(Error::shape(format!("values {own} are not steps of vectors")));
    }
    match sharers(&own, queries) {
        1 => Ok(x),
        n => Ok(x.repeat_interleave(-3, n)),
    }
}

/// How many heads of queries share each of keys. Where that is no number, the product says what does not fit.
#[inline]
pub(crate) fn sharers(own: &Shape, queries: &Shape) -> usize {
    match (&queries[..], &own[..]) {
        (&[.., heads, _, _], &[.., fewer, _, _]) if fewer > 1 && heads > fewer && heads % fewer == 0 => heads / fewer,
        _ => 1,
    }
}

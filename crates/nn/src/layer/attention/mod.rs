//! Attention: every vector of a sequence as a mean of the vectors of a sequence, weighted by what they have in common.

mod cache;
mod projection;

use wengert_autograd::{Mask, Var};
use wengert_tensor::{Error, Result, Rng, Shape};

pub use cache::{Cache, Seen};

use super::{Dropout, Layer, Linear, Rotary};
use crate::init::Init;
use crate::{Module, Visitor};
use projection::Projection;

/// Attention with several heads.
///
/// ```text
/// [q, k, v] = [x_q W_q + b_q, x_k W_k + b_k, x_v W_v + b_v]        cut into heads of width d = width / heads
/// y = (softmax(q k' / sqrt(d)) v, heads joined) W_o + b_o
/// ```
///
/// From queries `[.., queries, width]` and keys and values `[.., keys, width]` to `[.., queries, width]`. As a
/// [`Layer`] it is self-attention: all three are x. Weights start as Xavier's uniform ones, biases at 0.
///
/// Parameters are named as PyTorch's: `in_proj_weight` `[3 width, width]` of W_q, W_k, W_v, transposed, below each
/// other, `in_proj_bias`, `out_proj.weight`, `out_proj.bias`. `out_proj` is a [`Linear`], so its weight is the
/// transpose of PyTorch's.
///
/// A. Vaswani et al., "Attention is all you need", NeurIPS 2017.
///
/// ```
/// use wengert_autograd::Tape;
/// use wengert_nn::{Layer, Mask, MultiHeadAttention};
/// use wengert_tensor::{DType, Rng, Tensor};
///
/// let attention = MultiHeadAttention::new(8, 2, &mut Rng::seed(0))?;
/// let y = attention.predict(&Tensor::ones([3, 5, 8], DType::F32)?)?;
/// assert_eq!(y.shape()[..], [3, 5, 8]);
///
/// let tape = Tape::new();
/// let x = tape.input(&Tensor::ones([3, 5, 8], DType::F32)?);
/// let memory = tape.input(&Tensor::ones([3, 7, 8], DType::F32)?);
/// let (y, weights) = attention.attend_with_weights(x, memory, memory, Mask::none());
/// assert_eq!((&y.shape()[..], &weights.shape()[..]), (&[3, 5, 8][..], &[3, 2, 5, 7][..]));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone)]
#[doc(alias = "MultiheadAttention")]
pub struct MultiHeadAttention {
    heads: usize,
    projection: Projection,
    /// W_o and b_o.
    pub out_proj: Linear,
    causal: bool,
    rotary: Option<Rotary>,
    dropout: Dropout,
}

impl MultiHeadAttention {
    /// Attention among vectors of one width, in f32.
    ///
    /// # Errors
    /// A number of heads that does not divide the width; weights that cannot be allocated.
    #[inline]
    pub fn new(width: usize, heads: usize, rng: &mut Rng) -> Result<Self> {
        Self::new_with(width, heads, [width; 2], rng)
    }

    /// With keys and values that are made of vectors of other widths. The parameters of unequal ones are
    /// `q_proj_weight`, `k_proj_weight` and `v_proj_weight`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    #[inline]
    pub fn new_with(width: usize, heads: usize, [keys, values]: [usize; 2], rng: &mut Rng) -> Result<Self> {
        if heads == 0 || !width.is_multiple_of(heads) {
            return Err(Error::value(format!("attention: {heads} heads do not share a width of {width}")));
        }
        let projection = Projection::new(width, keys, values, rng)?;
        let out_proj = Linear::new_with(width, width, Init::XavierUniform { gain: 1.0 }, rng)?;
        Ok(Self { heads, projection, out_proj, causal: false, rotary: None, dropout: Dropout::new(0.0) })
    }

    /// The same attention without biases.
    #[inline]
    pub fn without_bias(mut self) -> Self {
        self.projection.in_proj_bias = None;
        self.out_proj.bias = None;
        self
    }

    /// With a causal mask in self-attention.
    #[inline]
    pub fn causal(self) -> Self {
        Self { causal: true, ..self }
    }

    /// With queries and keys turned by their positions; the width of the rotations is that of a head.
    ///
    /// # Errors
    /// Rotations of another width.
    #[inline]
    pub fn rotary(self, rotary: Rotary) -> Result<Self> {
        let (own, width) = (self.head(), rotary.width());
        if own != width {
            return Err(Error::value(format!(
                "attention: heads of width {own} are not turned by rotations of {width}"
            )));
        }
        Ok(Self { rotary: Some(rotary), ..self })
    }

    /// With [`Dropout`] of the weights, of this probability.
    #[inline]
    pub fn dropout(self, p: f64) -> Self {
        Self { dropout: Dropout::new(p), ..self }
    }

    /// Self-attention under a mask.
    #[inline]
    #[track_caller]
    pub fn forward_masked<'t>(&self, x: Var<'t>, mask: Mask<'t>) -> Var<'t> {
        self.attend(x, x, x, mask.and_causal(self.causal))
    }

    /// Causal self-attention of the next part of a sequence, which also sees what was seen before. A mask of keys is
    /// one of all that are seen.
    #[inline]
    #[track_caller]
    pub fn forward_cached<'t>(&self, x: Var<'t>, mask: Mask<'t>, seen: &mut Seen<'t>) -> Var<'t> {
        let tape = x.tape();
        tape.originating(tape.here(), || {
            if let Some(poisoned) = self.mistake(x, x, x) {
                return poisoned;
            }
            let start = seen.position();
            let [query, key, value] = self.projection.of(x, x, x).map(|part| self.split(part));
            let (query, key) = (self.turn(query, start), self.turn(key, start));
            let [key, value] = seen.extend([key, value]);
            self.mean(query, key, value, mask.and_causal(true), start)
        })
    }

    /// Attention to a memory that stays the same while a sequence is generated: its keys and values are made once.
    #[inline]
    #[track_caller]
    pub fn attend_cached<'t>(&self, query: Var<'t>, memory: Var<'t>, mask: Mask<'t>, seen: &mut Seen<'t>) -> Var<'t> {
        let tape = query.tape();
        tape.originating(tape.here(), || {
            if let Some(poisoned) = self.mistake(query, memory, memory) {
                return poisoned;
            }
            let start = seen.position();
            let query = self.turn(self.split(self.projection.query(query)), start);
            let [key, value] = seen.keep(|| {
                let [key, value] = self.projection.keys_and_values(memory, memory).map(|part| self.split(part));
                [self.turn(key, 0), value]
            });
            self.mean(query, key, value, mask, start)
        })
    }

    /// What the queries make of keys and values.
    #[inline]
    #[doc(alias = "scaled_dot_product_attention")]
    #[track_caller]
    pub fn attend<'t>(&self, query: Var<'t>, key: Var<'t>, value: Var<'t>, mask: Mask<'t>) -> Var<'t> {
        let tape = query.tape();
        tape.originating(tape.here(), || match self.parts(query, key, value) {
            Ok([query, key, value]) => self.mean(query, key, value, mask, 0),
            Err(poisoned) => poisoned,
        })
    }

    /// As [`attend`](Self::attend), with the weights `[.., heads, queries, keys]`, whose sums over the keys are 1.
    #[inline]
    #[track_caller]
    pub fn attend_with_weights<'t>(
        &self,
        query: Var<'t>,
        key: Var<'t>,
        value: Var<'t>,
        mask: Mask<'t>,
    ) -> (Var<'t>, Var<'t>) {
        let tape = query.tape();
        tape.originating(tape.here(), || match self.parts(query, key, value) {
            Ok([query, key, value]) => {
                let weights = query.attention_weights(key, mask);
                (self.output(self.dropout.forward(weights).matmul(value)), weights)
            }
            Err(poisoned) => (poisoned, poisoned),
        })
    }

    /// Queries, keys and values `[.., heads, steps, width of a head]`, or a mistake, as a poisoned variable.
    #[inline]
    fn parts<'t>(&self, query: Var<'t>, key: Var<'t>, value: Var<'t>) -> std::result::Result<[Var<'t>; 3], Var<'t>> {
        if let Some(poisoned) = self.mistake(query, key, value) {
            return Err(poisoned);
        }
        let [query, key, value] = self.projection.of(query, key, value).map(|part| self.split(part));
        Ok([self.turn(query, 0), self.turn(key, 0), value])
    }

    /// The output for queries, keys and values `[.., heads, steps, width of a head]`, the first query at position `start`.
    #[inline]
    fn mean<'t>(&self, query: Var<'t>, key: Var<'t>, value: Var<'t>, mask: Mask<'t>, start: usize) -> Var<'t> {
        let mask = mask.starting_at(start);
        if self.dropout.keeps_all(query) {
            return self.output(query.attention(key, value, mask));
        }
        // What is dropped are weights, so all of them are there.
        self.output(self.dropout.forward(query.attention_weights(key, mask)).matmul(value))
    }

    /// The output for what heads found.
    #[inline]
    fn output<'t>(&self, heads: Var<'t>) -> Var<'t> {
        self.out_proj.forward(self.join(heads))
    }

    /// The width of a head.
    #[inline]
    fn head(&self) -> usize {
        self.projection.width / self.heads
    }

    /// From `[.., steps, width]` to `[.., heads, steps, width of a head]`.
    #[inline]
    fn split<'t>(&self, x: Var<'t>) -> Var<'t> {
        if x.is_poisoned() {
            return x;
        }
        let mut sizes = x.shape().to_vec();
        sizes.pop();
        sizes.extend([self.heads, self.head()]);
        x.reshape(&sizes[..]).transpose(-3, -2)
    }

    /// Back from there.
    #[inline]
    fn join<'t>(&self, x: Var<'t>) -> Var<'t> {
        if x.is_poisoned() {
            return x;
        }
        let x = x.transpose(-3, -2);
        let mut sizes = x.shape().to_vec();
        sizes.truncate(x.rank() - 2);
        sizes.push(self.projection.width);
        x.reshape(&sizes[..])
    }

    #[inline]
    fn turn<'t>(&self, x: Var<'t>, start: usize) -> Var<'t> {
        self.rotary.as_ref().map_or(x, |rotary| rotary.forward_at(x, start))
    }

    /// What is wrong with the operands, as a poisoned variable.
    #[inline]
    fn mistake<'t>(&self, query: Var<'t>, key: Var<'t>, value: Var<'t>) -> Option<Var<'t>> {
        if let Some(poisoned) = [query, key, value].into_iter().find(|x| x.is_poisoned()) {
            return Some(poisoned);
        }
        let of = &self.projection;
        let wrong = |what: &str, x: Var<'t>, width: usize| {
            let shape = x.shape();
            let fits = shape.rank() >= 2 && shape[shape.rank() - 1] == width;
            (!fits).then(|| format!("attention: {what} are made of [.., steps, {width}], not {shape}"))
        };
        let steps = |shape: Shape| shape[shape.rank() - 2];
        let sentence = wrong("queries", query, of.width)
            .or_else(|| wrong("keys", key, of.keys))
            .or_else(|| wrong("values", value, of.values))
            .or_else(|| {
                let (key, value) = (key.shape(), value.shape());
                let differ = steps(key.clone()) != steps(value.clone());
                differ.then(|| format!("attention: keys of {key} and values of {value} have not as many steps"))
            })?;
        Some(query.tape().error(Error::shape(sentence)))
    }
}

impl Layer for MultiHeadAttention {
    #[inline]
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        self.forward_masked(x, Mask::none())
    }
}

impl Module for MultiHeadAttention {
    #[inline]
    fn visit(&self, visitor: &mut Visitor) {
        self.projection.weights.visit(visitor);
        if let Some(bias) = &self.projection.in_proj_bias {
            visitor.child("in_proj_bias", bias);
        }
        visitor.child("out_proj", &self.out_proj);
    }
}

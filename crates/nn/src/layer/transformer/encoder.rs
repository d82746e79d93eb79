//! Transformers of one sequence.

use wengert_autograd::Var;
use wengert_tensor::{Result, Rng};

use super::{Residue, TransformerOptions};
use crate::Module;
use crate::layer::{Activation, Layer, LayerNorm, Linear, Mask, MultiHeadAttention, Seen};

/// Self-attention and a network, from `[.., steps, width]` to the same.
///
/// ```text
/// normalized first                         normalized last
/// x <- x + attention(norm1 x)              x <- norm1(x + attention(x))
/// y = x + network(norm2 x)                 y = norm2(x + network(x))        network = linear2 f linear1
/// ```
///
/// Attention is causal where [`TransformerOptions::causal`] says so.
///
/// A. Vaswani et al., "Attention is all you need", NeurIPS 2017; normalized first: R. Xiong et al., "On layer
/// normalization in the transformer architecture", ICML 2020.
///
/// ```
/// use wengert_nn::{Activation, EncoderBlock, Layer, TransformerOptions};
/// use wengert_tensor::{DType, Rng, Tensor};
///
/// let options = TransformerOptions::new(8, 2).activation(Activation::Relu).norm_last();
/// let block = EncoderBlock::new(&options, &mut Rng::seed(0))?;
/// assert_eq!(block.predict(&Tensor::ones([2, 5, 8], DType::F32)?)?.shape()[..], [2, 5, 8]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Module)]
#[doc(alias = "TransformerEncoderLayer")]
pub struct EncoderBlock {
    /// The attention.
    pub self_attn: MultiHeadAttention,
    /// The first dense layer of the network.
    pub linear1: Linear,
    /// The second.
    pub linear2: Linear,
    /// The normalization of the attention.
    pub norm1: LayerNorm,
    /// That of the network.
    pub norm2: LayerNorm,
    activation: Activation,
    #[module(skip)]
    residue: Residue,
}

impl EncoderBlock {
    /// A block in f32.
    ///
    /// # Errors
    /// A number of heads that does not divide the width; heads of odd width that are to be turned; weights that cannot be allocated.
    #[inline]
    pub fn new(options: &TransformerOptions, rng: &mut Rng) -> Result<Self> {
        let TransformerOptions { width, hidden, activation, .. } = *options;
        Ok(Self {
            self_attn: options.self_attention(rng)?,
            linear1: options.linear(width, hidden, rng)?,
            linear2: options.linear(hidden, width, rng)?,
            norm1: options.norm()?,
            norm2: options.norm()?,
            activation,
            residue: Residue::new(options),
        })
    }

    /// Under a mask.
    #[inline]
    #[track_caller]
    pub fn forward_masked<'t>(&self, x: Var<'t>, mask: Mask<'t>) -> Var<'t> {
        self.with(x, |x| self.self_attn.forward_masked(x, mask))
    }

    /// The next part of a sequence: see [`MultiHeadAttention::forward_cached`].
    #[inline]
    #[track_caller]
    pub fn forward_cached<'t>(&self, x: Var<'t>, mask: Mask<'t>, seen: &mut Seen<'t>) -> Var<'t> {
        self.with(x, |x| self.self_attn.forward_cached(x, mask, seen))
    }

    #[inline]
    #[track_caller]
    fn with<'t>(&self, x: Var<'t>, attend: impl FnOnce(Var<'t>) -> Var<'t>) -> Var<'t> {
        let tape = x.tape();
        tape.originating(tape.here(), || {
            let x = self.residue.add(x, &self.norm1, attend);
            let network = |x| self.residue.network(x, &self.linear1, self.activation, &self.linear2);
            self.residue.add(x, &self.norm2, network)
        })
    }
}

impl Layer for EncoderBlock {
    #[inline]
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        self.forward_masked(x, Mask::none())
    }
}

/// [`EncoderBlock`]s on top of each other, from `[.., steps, width]` to the same. Normalized first, they end with a
/// normalization.
///
/// With [`TransformerOptions::causal`] it is what is between the embedding and the head of a GPT. A sequence that
/// grows is then seen once, step by step:
///
/// ```
/// use wengert_nn::{Cache, Mask, TransformerEncoder, TransformerOptions};
/// use wengert_tensor::{DType, Rng, Tensor};
///
/// let model = TransformerEncoder::new(2, &TransformerOptions::new(8, 2).causal(), &mut Rng::seed(0))?;
/// let mut cache = Cache::new();
/// let prompt = Tensor::ones([1, 5, 8], DType::F32)?;
/// let y = cache.extend(|tape, seen| model.forward_cached(tape.input(&prompt), Mask::none(), seen))?;
/// let next = y.narrow(1, 4, 1)?; // Here a model would choose a token, and embed it.
/// let y = cache.extend(|tape, seen| model.forward_cached(tape.input(&next), Mask::none(), seen))?;
/// assert_eq!(y.shape()[..], [1, 1, 8]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Module)]
pub struct TransformerEncoder {
    /// The blocks.
    pub layers: Vec<EncoderBlock>,
    /// The normalization after them.
    pub norm: Option<LayerNorm>,
}

impl TransformerEncoder {
    /// So many blocks in f32, each with parameters of its own.
    ///
    /// # Errors
    /// As [`EncoderBlock::new`].
    #[inline]
    pub fn new(blocks: usize, options: &TransformerOptions, rng: &mut Rng) -> Result<Self> {
        let layers = (0..blocks).map(|_| EncoderBlock::new(options, rng)).collect::<Result<_>>()?;
        Ok(Self { layers, norm: options.last_norm()? })
    }

    /// Under a mask.
    #[inline]
    #[track_caller]
    pub fn forward_masked<'t>(&self, x: Var<'t>, mask: Mask<'t>) -> Var<'t> {
        let mut y = x;
        for block in &self.layers {
            y = block.forward_masked(y, mask);
        }
        self.last(y)
    }

    /// The next part of a sequence: see [`MultiHeadAttention::forward_cached`].
    #[inline]
    #[track_caller]
    pub fn forward_cached<'t>(&self, x: Var<'t>, mask: Mask<'t>, seen: &mut Seen<'t>) -> Var<'t> {
        let mut y = x;
        for block in &self.layers {
            y = block.forward_cached(y, mask, seen);
        }
        self.last(y)
    }

    #[inline]
    #[track_caller]
    fn last<'t>(&self, y: Var<'t>) -> Var<'t> {
        match &self.norm {
            Some(norm) => norm.forward(y),
            None => y,
        }
    }
}

impl Layer for TransformerEncoder {
    #[inline]
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        self.forward_masked(x, Mask::none())
    }
}

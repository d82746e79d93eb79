//! Transformers of a sequence that also look at a memory.

use wengert_autograd::Var;
use wengert_tensor::{Result, Rng};

use super::{Residue, TransformerOptions};
use crate::Module;
use crate::layer::{Activation, Layer, LayerNorm, Linear, Mask, MultiHeadAttention, Seen};

/// Self-attention, attention to a memory, and a network, from `[.., steps, width]` and a memory
/// `[.., memory, width]` to `[.., steps, width]`.
///
/// ```text
/// normalized first                                  normalized last
/// x <- x + self_attn(norm1 x)                       x <- norm1(x + self_attn(x))
/// x <- x + multihead_attn(norm2 x, memory)          x <- norm2(x + multihead_attn(x, memory))
/// y = x + network(norm3 x)                          y = norm3(x + network(x))
/// ```
///
/// A. Vaswani et al., "Attention is all you need", NeurIPS 2017.
///
/// ```
/// use wengert_autograd::Tape;
/// use wengert_nn::{DecoderBlock, Mask, TransformerOptions};
/// use wengert_tensor::{DType, Rng, Tensor};
///
/// let block = DecoderBlock::new(&TransformerOptions::new(8, 2), &mut Rng::seed(0))?;
/// let tape = Tape::new();
/// let x = tape.input(&Tensor::ones([2, 5, 8], DType::F32)?);
/// let memory = tape.input(&Tensor::ones([2, 3, 8], DType::F32)?);
/// let y = block.forward(x, memory, Mask::causal(), Mask::none());
/// assert_eq!(y.value()?.shape()[..], [2, 5, 8]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Module)]
#[doc(alias = "TransformerDecoderLayer")]
pub struct DecoderBlock {
    /// The attention of the sequence to itself.
    pub self_attn: MultiHeadAttention,
    /// The attention to the memory.
    pub multihead_attn: MultiHeadAttention,
    /// The first dense layer of the network.
    pub linear1: Linear,
    /// The second.
    pub linear2: Linear,
    /// The normalization of self-attention.
    pub norm1: LayerNorm,
    /// That of the attention to the memory.
    pub norm2: LayerNorm,
    /// That of the network.
    pub norm3: LayerNorm,
    activation: Activation,
    #[module(skip)]
    residue: Residue,
}

impl DecoderBlock {
    /// A block in f32.
    ///
    /// # Errors
    /// As [`EncoderBlock::new`](super::EncoderBlock::new).
    #[inline]
    pub fn new(options: &TransformerOptions, rng: &mut Rng) -> Result<Self> {
        let TransformerOptions { width, hidden, activation, .. } = *options;
        Ok(Self {
            self_attn: options.self_attention(rng)?,
            multihead_attn: options.attention(rng)?,
            linear1: options.linear(width, hidden, rng)?,
            linear2: options.linear(hidden, width, rng)?,
            norm1: options.norm()?,
            norm2: options.norm()?,
            norm3: options.norm()?,
            activation,
            residue: Residue::new(options),
        })
    }

    /// With a mask for the sequence itself, [`Mask::causal`] in models that generate, and one for the memory.
    #[inline]
    #[track_caller]
    pub fn forward<'t>(&self, x: Var<'t>, memory: Var<'t>, mask: Mask<'t>, memory_mask: Mask<'t>) -> Var<'t> {
        let attend = |x| self.multihead_attn.attend(x, memory, memory, memory_mask);
        self.with(x, |x| self.self_attn.forward_masked(x, mask), attend)
    }

    /// The next part of a sequence. Keys and values of the memory are made once: it is the same for all parts.
    #[inline]
    #[track_caller]
    pub fn forward_cached<'t>(
        &self,
        x: Var<'t>,
        memory: Var<'t>,
        memory_mask: Mask<'t>,
        seen: &mut Seen<'t>,
    ) -> Var<'t> {
        // One after another, and never at once: both attentions renew what was seen.
        let seen = std::cell::RefCell::new(seen);
        self.with(
            x,
            |x| self.self_attn.forward_cached(x, Mask::none(), &mut seen.borrow_mut()),
            |x| self.multihead_attn.attend_cached(x, memory, memory_mask, &mut seen.borrow_mut()),
        )
    }

    #[inline]
    #[track_caller]
    fn with<'t>(
        &self,
        x: Var<'t>,
        attend_itself: impl FnOnce(Var<'t>) -> Var<'t>,
        attend_memory: impl FnOnce(Var<'t>) -> Var<'t>,
    ) -> Var<'t> {
        let tape = x.tape();
        tape.originating(tape.here(), || {
            let x = self.residue.add(x, &self.norm1, attend_itself);
            let x = self.residue.add(x, &self.norm2, attend_memory);
            let network = |x| self.residue.network(x, &self.linear1, self.activation, &self.linear2);
            self.residue.add(x, &self.norm3, network)
        })
    }
}

/// [`DecoderBlock`]s on top of each other. Normalized first, they end with a normalization.
///
/// ```
/// use wengert_autograd::Tape;
/// use wengert_nn::{Layer, Mask, TransformerDecoder, TransformerEncoder, TransformerOptions};
/// use wengert_tensor::{DType, Rng, Tensor};
///
/// let (options, rng) = (TransformerOptions::new(8, 2), &mut Rng::seed(0));
/// let (encoder, decoder) = (TransformerEncoder::new(2, &options, rng)?, TransformerDecoder::new(2, &options, rng)?);
/// let tape = Tape::new();
/// let source = tape.input(&Tensor::ones([1, 7, 8], DType::F32)?);
/// let target = tape.input(&Tensor::ones([1, 5, 8], DType::F32)?);
/// let y = decoder.forward(target, encoder.forward(source), Mask::causal(), Mask::none());
/// assert_eq!(y.value()?.shape()[..], [1, 5, 8]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Module)]
pub struct TransformerDecoder {
    /// The blocks.
    pub layers: Vec<DecoderBlock>,
    /// The normalization after them.
    pub norm: Option<LayerNorm>,
}

impl TransformerDecoder {
    /// So many blocks in f32, each with parameters of its own.
    ///
    /// # Errors
    /// As [`EncoderBlock::new`](super::EncoderBlock::new).
    #[inline]
    pub fn new(blocks: usize, options: &TransformerOptions, rng: &mut Rng) -> Result<Self> {
        let layers = (0..blocks).map(|_| DecoderBlock::new(options, rng)).collect::<Result<_>>()?;
        Ok(Self { layers, norm: options.last_norm()? })
    }

    /// See [`DecoderBlock::forward`].
    #[inline]
    #[track_caller]
    pub fn forward<'t>(&self, x: Var<'t>, memory: Var<'t>, mask: Mask<'t>, memory_mask: Mask<'t>) -> Var<'t> {
        let mut y = x;
        for block in &self.layers {
            y = block.forward(y, memory, mask, memory_mask);
        }
        self.last(y)
    }

    /// See [`DecoderBlock::forward_cached`].
    #[inline]
    #[track_caller]
    pub fn forward_cached<'t>(
        &self,
        x: Var<'t>,
        memory: Var<'t>,
        memory_mask: Mask<'t>,
        seen: &mut Seen<'t>,
    ) -> Var<'t> {
        let mut y = x;
        for block in &self.layers {
            y = block.forward_cached(y, memory, memory_mask, seen);
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

//! Transformers: blocks of attention and a network of two dense layers, each added to what comes in.
//!
//! Fields, and so parameters, are named as PyTorch's.

mod decoder;
mod encoder;

use wengert_autograd::Var;
use wengert_tensor::{Result, Rng};

pub use decoder::{DecoderBlock, TransformerDecoder};
pub use encoder::{EncoderBlock, TransformerEncoder};

use super::{Activation, Dropout, Layer, LayerNorm, Linear, MultiHeadAttention, Rotary};

/// The sizes and options of transformers.
///
/// ```
/// use wengert_nn::{Layer, TransformerEncoder, TransformerOptions};
/// use wengert_tensor::{DType, Rng, Tensor};
///
/// let options = TransformerOptions::new(16, 4).causal().rotary(128);
/// let model = TransformerEncoder::new(2, &options, &mut Rng::seed(0))?;
/// let y = model.predict(&Tensor::zeros([1, 10, 16], DType::F32)?)?;
/// assert_eq!(y.shape()[..], [1, 10, 16]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TransformerOptions {
    /// The width of the vectors.
    pub width: usize,
    /// The number of heads of an attention.
    pub heads: usize,
    /// The width between the two dense layers.
    pub hidden: usize,
    /// What is between the two dense layers.
    pub activation: Activation,
    /// The probability of [`Dropout`]: of the weights of an attention, between the dense layers, and of what is added.
    pub dropout: f64,
    /// Whether what comes in is normalized before attention and network, or the sum after them.
    pub norm_first: bool,
    /// Whether dense layers and normalizations have biases.
    pub bias: bool,
    /// Whether encoders are causal, for models that generate.
    pub causal: bool,
    /// For how many positions queries and keys of self-attention are turned, if they are.
    pub rotary: Option<usize>,
}

impl TransformerOptions {
    /// Normalized first, 4 `width` between the dense layers, GELU, and no dropout.
    #[inline]
    pub fn new(width: usize, heads: usize) -> Self {
        Self {
            width,
            heads,
            hidden: width.saturating_mul(4),
            activation: Activation::Gelu,
            dropout: 0.0,
            norm_first: true,
            bias: true,
            causal: false,
            rotary: None,
        }
    }

    /// With another width between the dense layers.
    #[inline]
    #[doc(alias = "dim_feedforward")]
    pub fn hidden(self, hidden: usize) -> Self {
        Self { hidden, ..self }
    }

    /// With another activation.
    #[inline]
    pub fn activation(self, activation: Activation) -> Self {
        Self { activation, ..self }
    }

    /// With [`Dropout`] of this probability.
    #[inline]
    pub fn dropout(self, p: f64) -> Self {
        Self { dropout: p, ..self }
    }

    /// With normalization after attention and network.
    #[inline]
    #[doc(alias = "post_norm")]
    pub fn norm_last(self) -> Self {
        Self { norm_first: false, ..self }
    }

    /// Without biases.
    #[inline]
    pub fn without_bias(self) -> Self {
        Self { bias: false, ..self }
    }

    /// With causal self-attention in encoders. That in decoders has the mask that it is given.
    #[inline]
    pub fn causal(self) -> Self {
        Self { causal: true, ..self }
    }

    /// With queries and keys of self-attention turned by their positions, of which there are `most`: see [`Rotary`].
    #[inline]
    pub fn rotary(self, most: usize) -> Self {
        Self { rotary: Some(most), ..self }
    }

    /// Attention to a memory.
    #[inline]
    fn attention(&self, rng: &mut Rng) -> Result<MultiHeadAttention> {
        let attention = MultiHeadAttention::new(self.width, self.heads, rng)?.dropout(self.dropout);
        Ok(if self.bias { attention } else { attention.without_bias() })
    }

    #[inline]
    fn self_attention(&self, rng: &mut Rng) -> Result<MultiHeadAttention> {
        let attention = self.attention(rng)?;
        let attention = if self.causal { attention.causal() } else { attention };
        match self.rotary {
            Some(most) => attention.rotary(Rotary::new(most, self.width / self.heads)?),
            None => Ok(attention),
        }
    }

    #[inline]
    fn linear(&self, inputs: usize, outputs: usize, rng: &mut Rng) -> Result<Linear> {
        let linear = Linear::new(inputs, outputs, rng)?;
        Ok(if self.bias { linear } else { linear.without_bias() })
    }

    #[inline]
    fn norm(&self) -> Result<LayerNorm> {
        let norm = LayerNorm::new([self.width])?;
        Ok(if self.bias { norm } else { norm.without_bias() })
    }

    /// A stack of blocks that are normalized first ends with a normalization.
    #[inline]
    fn last_norm(&self) -> Result<Option<LayerNorm>> {
        self.norm_first.then(|| self.norm()).transpose()
    }
}

/// What blocks do with a part of theirs: x + f(norm x), or norm(x + f(x)).
#[derive(Debug, Clone, Copy)]
struct Residue {
    norm_first: bool,
    dropout: Dropout,
}

impl Residue {
    #[inline]
    fn new(options: &TransformerOptions) -> Self {
        Self { norm_first: options.norm_first, dropout: Dropout::new(options.dropout) }
    }

    #[inline]
    fn add<'t>(&self, x: Var<'t>, norm: &LayerNorm, f: impl FnOnce(Var<'t>) -> Var<'t>) -> Var<'t> {
        match self.norm_first {
            true => x + self.dropout.forward(f(norm.forward(x))),
            false => norm.forward(x + self.dropout.forward(f(x))),
        }
    }

    /// The network of two dense layers.
    #[inline]
    fn network<'t>(&self, x: Var<'t>, first: &Linear, activation: Activation, second: &Linear) -> Var<'t> {
        second.forward(self.dropout.forward(activation.forward(first.forward(x))))
    }
}

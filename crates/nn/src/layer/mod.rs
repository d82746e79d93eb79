//! Layers: modules with one input and one output.
//!
//! Most of them are `#[inline]` so that whoever uses a layer compiles it, and a program that uses none does not pay.

mod activation;
mod adaptive_pool;
mod attention;
mod avg_pool;
mod batch_norm;
mod bilinear;
mod conv;
mod conv_transpose;
mod dropout;
mod embedding;
mod flatten;
mod group_norm;
mod images;
mod instance_norm;
mod layer_norm;
mod linear;
mod max_pool;
mod mlp;
mod norm;
mod position;
mod prelu;
mod recurrent;
mod residual;
mod rms_norm;
mod sequential;
mod softmax;
mod transformer;

use wengert_autograd::{Tape, Var};
use wengert_tensor::{Result, Tensor};

pub use activation::Activation;
pub use adaptive_pool::{
    AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d, AdaptiveAvgPoolNd, AdaptiveMaxPool1d, AdaptiveMaxPool2d,
    AdaptiveMaxPool3d, AdaptiveMaxPoolNd,
};
pub use attention::{Cache, MultiHeadAttention, Seen};
pub use avg_pool::{AvgPool1d, AvgPool2d, AvgPool3d, AvgPoolNd};
pub use batch_norm::BatchNorm;
pub use bilinear::Bilinear;
pub use conv::{Conv1d, Conv2d, Conv3d, ConvNd};
pub use conv_transpose::{ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, ConvTransposeNd};
pub use dropout::{ChannelDropout, Dropout};
pub use embedding::Embedding;
pub use flatten::{Flatten, Reshape, Unflatten};
pub use group_norm::GroupNorm;
pub use images::PerAxis;
pub use instance_norm::InstanceNorm;
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use max_pool::{MaxPool1d, MaxPool2d, MaxPool3d, MaxPoolNd};
pub use mlp::Mlp;
pub use position::{LearnedPositions, Rotary, SinusoidalPositions};
pub use prelu::Prelu;
pub use recurrent::{Gru, Lstm, Recurrence, Rnn};
pub use residual::Residual;
pub use rms_norm::RmsNorm;
pub use sequential::Sequential;
pub use softmax::{Glu, LogSoftmax, Softmax};
pub use transformer::{DecoderBlock, EncoderBlock, TransformerDecoder, TransformerEncoder, TransformerOptions};
pub use wengert_autograd::Mask;

use crate::Module;

/// A module with one input and one output.
///
/// ```
/// extern crate wengert_nn as wengert; // Not needed by users of the crate `wengert`.
/// use wengert_autograd::Var;
/// use wengert_nn::{Layer, Linear, Module};
/// use wengert_tensor::{Rng, Tensor};
///
/// #[derive(Module)]
/// struct Gated {
///     gate: Linear,
/// }
///
/// impl Layer for Gated {
///     fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
///         x * self.gate.forward(x).sigmoid()
///     }
/// }
///
/// let layer = Gated { gate: Linear::new(3, 3, &mut Rng::seed(0))? };
/// let y = layer.predict(&Tensor::from([[1f32, 2.0, 3.0]]))?;
/// assert_eq!(y.shape()[..], [1, 3]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
pub trait Layer: Module {
    /// Records the layer's output for an input. Mistakes are kept on the tape.
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t>;

    /// The layer's output for an input, on a tape of its own.
    ///
    /// # Errors
    /// An input whose shape or dtype the layer does not take.
    #[track_caller]
    fn predict(&self, x: &Tensor) -> Result<Tensor> {
        let tape = Tape::new();
        self.forward(tape.input(x)).value()
    }
}

/// A layer that is chosen at run time. Its mistakes name the line that calls it.
impl<L: Layer + ?Sized> Layer for Box<L> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        // The compiler does not tell a function behind a pointer who called it.
        x.tape().originating(x.tape().here(), || (**self).forward(x))
    }
}

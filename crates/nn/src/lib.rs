//! Neural networks on the tape: parameters, layers, losses, optimisers and training.
//!
//! - [`Param`], [`Buffer`] and [`Module`]: what is trained, what state there is besides, and how it is named, frozen, saved and
//!   loaded.
//! - [`Layer`]: a module with one input and one output: [`Linear`], [`Activation`], [`Sequential`], [`Mlp`];
//!   for images [`Conv2d`], [`ConvTranspose2d`], [`MaxPool2d`], [`AvgPool2d`], [`AdaptiveAvgPool2d`] and their kin; to normalize
//!   [`BatchNorm`], [`LayerNorm`], [`GroupNorm`], [`InstanceNorm`], [`RmsNorm`]; [`Dropout`] and [`ChannelDropout`];
//!   [`Embedding`], [`Bilinear`], [`Prelu`]; [`Flatten`], [`Reshape`], [`Residual`].
//! - Sequences, `[batch, steps, width]`: [`Rnn`], [`Lstm`], [`Gru`]; [`MultiHeadAttention`] with [`Mask`] and [`Cache`],
//!   [`LearnedPositions`], [`SinusoidalPositions`], [`Rotary`]; [`TransformerEncoder`], [`TransformerDecoder`].
//! - [`Init`]: the numbers that weights start from.
//! - [`loss`]: how wrong a prediction is, as a variable.
//! - [`Optimizer`]: an update, recorded on the tape of the loss: [`Sgd`], [`Adam`], [`AdamW`] and others; and [`Lbfgs`].
//! - [`Schedule`]: learning rates that change in the course of training.
//! - [`Train`]: one step after another; [`CompiledTrain`]: the same, recorded once.
//!
//! There is no gradient formula in this crate: all of them come from the tape. It names no operation of
//! the tape either; everything is written with methods of [`Var`](wengert_autograd::Var).

#![forbid(unsafe_code)]

// What `#[derive(Module)]` writes names the crate that its users see.
extern crate self as wengert;

mod buffer;
mod init;
mod layer;
pub mod loss;
mod module;
mod optim;
mod param;
pub mod schedule;
mod train;

pub use buffer::Buffer;
pub use indexmap::{self, IndexMap};
pub use init::{Fans, Init};
pub use layer::*;
pub use loss::Reduction;
pub use module::{Module, Visitor};
pub use optim::{
    Adadelta, Adagrad, Adam, AdamW, AdaptiveMoments, Lamb, Lbfgs, Lion, Minimum, NAdam, Optimizer, RAdam, RmsProp, Sgd,
    Update,
};
pub use param::Param;
pub use schedule::{OneCycle, Plateau, Schedule};
pub use train::{CompiledTrain, LossScale, Train};
pub use wengert_derive::Module;

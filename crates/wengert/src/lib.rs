//! Wengert: automatic differentiation of any order on a plain-data tape, and neural networks on top of it.
//!
//! A network that learns XOR:
//!
//! ```
//! use wengert::prelude::*;
//!
//! fn main() -> Result<()> {
//!     let x = Tensor::from([[0f32, 0.], [0., 1.], [1., 0.], [1., 1.]]);
//!     let y = Tensor::from([[0f32], [1.], [1.], [0.]]);
//!
//!     let mlp = Mlp::new(&[2, 4, 1], Activation::Sigmoid, &mut Rng::seed(1))?;
//!     let mut train = Train::new(&mlp, Adam::new(0.1));
//!
//!     for _ in 0..300 {
//!         train.step(|t| mse(mlp.forward(t.input(&x)), t.input(&y)))?;
//!     }
//!     println!("{}", mlp.predict(&x)?);
//!     assert!(mlp.predict(&x)?.allclose(&y, 0.0, 0.2)?);
//!     Ok(())
//! }
//! ```
//!
//! Derivatives of any function, of any order:
//!
//! ```
//! use wengert::prelude::*;
//!
//! fn f(x: Var) -> Var {
//!     (x.sin() * x).sum()
//! }
//!
//! let x = Tensor::from([0.5, 1.5]);
//! println!("{} {}", grad(f, &x)?, hessian(f, &x)?);
//! # Ok::<(), Error>(())
//! ```
//!
//! [`tensor`] has the arrays, [`autograd`] the tape and its transformations, [`nn`] parameters, layers, losses,
//! optimisers and training; everything of theirs is here too, and what programs usually need is in the
//! [`prelude`].

#![forbid(unsafe_code)]

pub use wengert_autograd as autograd;
pub use wengert_nn as nn;
pub use wengert_tensor as tensor;

pub use wengert_autograd::*;
pub use wengert_nn::*;
pub use wengert_tensor::*;

/// The programs in the README, compiled and run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// What programs usually need: `use wengert::prelude::*;`.
pub mod prelude {
    pub use wengert_autograd::{
        Reversed, Tape, Var, checkpoint, compile, cond, custom_jvp, custom_vjp, grad, gradcheck, hessian, hvp,
        jacobian, jvp, linearize, remat, scan, value_and_grad, vjp, vmap, vmap_axes, while_loop,
    };
    pub use wengert_nn::loss::{
        CrossEntropy, Reduction, bce, bce_with, bce_with_logits, bce_with_logits_with, cross_entropy,
        cross_entropy_with, huber, huber_with, l1, l1_with, mse, mse_with, nll, nll_with,
    };
    pub use wengert_nn::{
        Activation, Adam, AdamW, AdaptiveAvgPool2d, AvgPool2d, BatchNorm, Buffer, Conv1d, Conv2d, Conv3d,
        ConvTranspose2d, Dropout, Embedding, Flatten, GroupNorm, Gru, Init, Layer, LayerNorm, Lbfgs, Linear, Lion,
        LossScale, Lstm, Mask, MaxPool2d, Mlp, Module, MultiHeadAttention, NAdam, OneCycle, Optimizer, Param, Plateau,
        Residual, RmsNorm, RmsProp, Rnn, Schedule, Sequential, Sgd, Train, TransformerEncoder, TransformerOptions,
    };
    pub use wengert_tensor::{DType, Error, Result, Rng, Shape, Tensor};
}

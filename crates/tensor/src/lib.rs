//! N-dimensional arrays for Wengert: dtypes, shapes, strided views, and the kernels that compute.
//!
//! This crate knows nothing of graphs or gradients. See [`Tensor`].

#![deny(missing_docs)]

mod compare;
mod convert;
mod create;
mod dtype;
mod error;
mod half;
pub mod kernel;
mod layout;
mod ops;
mod pool;
mod print;
mod random;
mod shape;
mod storage;
mod tensor;
pub mod view;

pub use dtype::{DType, Element, Scalar};
pub use error::{Error, ErrorKind, Result};
pub use half::{Bf16, F16};
pub use kernel::conv::Conv;
pub use kernel::pad::Pad;
pub use kernel::parallel::{set_threads, threads};
pub use kernel::pool::Pool;
pub use layout::{Layout, SliceRange, Strides, window_positions};
pub use pool::trim;
pub use random::Rng;
pub use shape::{Axes, AxisList, Shape, Sizes};
pub use storage::{ALIGNMENT, Aligned, Storage};
pub use tensor::Tensor;
pub use view::{Data, DataMut, View, ViewMut};

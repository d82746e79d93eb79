//! Training a model on data: the loop around [`wengert_nn::Train`], and its parts, each of which can be used alone.

#![forbid(unsafe_code)]

mod atomic;

pub use atomic::write_atomically;

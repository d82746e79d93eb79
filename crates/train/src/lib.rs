//! Training a model on data: the loop around [`wengert_nn::Train`], and its parts, each of which can be used alone.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod atomic;
mod log;
mod png;
mod report;

pub use atomic::write_atomically;
pub use log::{CsvLog, JsonlLog, TensorBoard};
pub use report::{History, Log, Report};

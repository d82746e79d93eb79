//! Training a model on data: the loop around [`wengert_nn::Train`], and its parts, each of which can be used alone.

#![forbid(unsafe_code)]

mod atomic;
mod snapshot;
mod weights;

pub use atomic::write_atomically;
pub use snapshot::{Found, Snapshot, Snapshots};
pub use weights::{load, save};

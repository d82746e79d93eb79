//! x
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod collate;
mod combine;
mod dataset;
mod loader;
mod seed;
mod source;
mod tensors;
mod transform;

pub use collate::Collate;
pub use combine::{Concat, Map, Split, Subset};
pub use dataset::Dataset;
pub use loader::{Batches, Loader, Position};
#[cfg(feature = "npz")]
pub use source::npz;
pub use source::{idx, npy};
pub use tensors::{Rows, Tensors};
pub use transform::{Standardize, augment};

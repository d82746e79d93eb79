//! x
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod collate;
mod combine;
mod dataset;
mod fill;
mod loader;
mod seed;
mod source;
mod table;
mod tensors;
mod text;
mod transform;

pub use collate::Collate;
pub use combine::{Concat, Map, Split, Subset};
pub use dataset::Dataset;
pub use loader::{Batches, Loader, Position};
#[cfg(feature = "npz")]
pub use source::npz;
pub use source::{idx, npy};
#[cfg(feature = "image")]
pub use source::ImageFolder;
#[cfg(feature = "csv")]
pub use table::Csv;
pub use table::Table;
pub use tensors::{Rows, Tensors};
pub use text::{Bpe, Chars, Tokenizer, Windows};
pub use transform::{Standardize, augment};

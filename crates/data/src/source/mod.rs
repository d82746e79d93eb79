//! Readers of files.
//!
//! What must hold for each: a damaged or hostile file is an error that names the file and the place, never a panic, and no memory
//! is taken for more than the file has been seen to hold.

#[cfg(feature = "image")]
mod folder;
pub mod idx;
pub mod npy;
#[cfg(feature = "npz")]
pub mod npz;
mod open;
mod raw;

#[cfg(feature = "image")]
pub use folder::ImageFolder;
#[cfg(feature = "parquet")]
pub(crate) use open::guarded;
#[cfg(feature = "csv")]
pub(crate) use open::unzipped;
#[cfg(any(feature = "csv", feature = "parquet"))]
pub(crate) use open::{failed, open};

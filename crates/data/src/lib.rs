//! Data for training: data sets, the batches made of them, the files they come from.
//!
//! A [`Dataset`] is samples by index. [`Tensors`] is one in memory; combinators map, choose, split and join them. A [`Loader`] makes
//! batches of one, in an order that a seed decides, by threads in the background if wanted. **Batches are a function of the data set,
//! the seeds and the [`Position`] alone**: the number of threads changes none, and a run that is stopped and resumed gets the same ones
//! as a run that never stopped.
//!
//! ```
//! use wengert_data::{Csv, Dataset, Loader, Standardize, Tensors};
//! use wengert_tensor::DType;
//!
//! // A real table: four measures of 150 flowers, and their species.
//! let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/data/iris.csv");
//! let table = Csv::new().read(path)?;
//! let x = table.numbers(["sepal_length", "sepal_width", "petal_length", "petal_width"], DType::F32)?;
//! let (y, species) = table.labels("species")?;
//! assert_eq!(species, ["setosa", "versicolor", "virginica"]);
//!
//! // A fifth is kept for testing. What is learned of the rest, scales included, is not learned from it.
//! let [train, test] = Tensors::new((x, y))?.split([0.8, 0.2], 1)?;
//! let (features, _) = train.gather(&Vec::from_iter(0..train.len()))?;
//! let scale = Standardize::fit(&features)?;
//!
//! let loader = Loader::new(train.map(move |(x, y)| Ok((scale.apply(&x)?, y))), 16)?.shuffle(7).workers(2);
//! while loader.position().epoch < 3 {
//!     for batch in &loader {
//!         let (x, y) = batch?;
//!         assert_eq!((x.shape()[1], y.rank()), (4, 1)); // and here a training step
//!     }
//! }
//!
//! // Two numbers say where the run is. Keep them beside the model, and go on from there.
//! let position = loader.position();
//! loader.resume(position)?;
//! # assert_eq!(test.len(), 30);
//! # Ok::<(), wengert_tensor::Error>(())
//! ```
//!
//! | from | by | feature |
//! |---|---|---|
//! | tensors in memory | [`Tensors`] | |
//! | CSV, plain or gzip | [`Csv`] -> [`Table`] | `csv`, `gzip` (on at first) |
//! | Parquet, Arrow | `Table::parquet`, `Table::arrow` | `parquet` |
//! | NPY, NPZ | [`npy`], `npz` | `npz` for archives |
//! | IDX (MNIST's format), plain or gzip | [`idx`] | `gzip` (on at first) |
//! | PNG, JPEG, a folder a class | `ImageFolder` | `image` |
//! | text | [`Chars`] or [`Bpe`], then [`Windows`] | |
//!
//! For pictures and other floats: [`Standardize`], and [`augment`] for random changes. Rows of a one for each class are
//! [`Tensor::one_hot`](wengert_tensor::Tensor::one_hot), or `Table::one_hot` of a column.
//!
//! Mistakes are errors with the file, the line, the sample's index. Damaged and hostile files too: nothing here panics on what it
//! reads, and a size that a file claims is believed only as far as the file holds it.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod collate;
mod combine;
mod dataset;
mod fill;
mod loader;
mod seed;
mod source;
#[cfg(any(feature = "csv", feature = "parquet"))]
mod table;
mod tensors;
mod text;
mod transform;

pub use collate::Collate;
pub use combine::{Concat, Map, Split, Subset};
pub use dataset::Dataset;
pub use loader::{Batches, Loader, Position};
#[cfg(feature = "image")]
pub use source::ImageFolder;
#[cfg(feature = "npz")]
pub use source::npz;
pub use source::{idx, npy};
#[cfg(feature = "csv")]
pub use table::Csv;
#[cfg(any(feature = "csv", feature = "parquet"))]
pub use table::Table;
pub use tensors::{Rows, Tensors};
pub use text::{Bpe, Chars, Tokenizer, Windows};
pub use transform::{Standardize, augment};

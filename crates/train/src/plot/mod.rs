//! Pictures of training: curves, confusion matrices, decision surfaces, grids of images or weights.
//!
//! A picture is PNG or SVG by its file's extension, and is written atomically. The text of a PNG is drawn with a font that the
//! library carries (Noto Sans), so a machine without any fonts draws the same bytes.

mod canvas;
mod colors;
mod confusion;
mod curves;
mod decision;
mod grid;

pub use curves::Curves;
pub use decision::decision_surface;
pub use grid::{Shades, image_grid};

//! Data sets made of others.

mod concat;
mod map;
mod split;
mod subset;

pub use concat::Concat;
pub use map::Map;
pub use split::Split;
pub use subset::Subset;

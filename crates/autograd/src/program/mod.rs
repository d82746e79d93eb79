//! Running what a tape says.

pub(crate) mod interpret;

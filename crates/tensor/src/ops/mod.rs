//! The methods of [`Tensor`](crate::Tensor), one file a family.

mod views;

//! The methods of [`Tensor`](crate::Tensor), one file a family.

mod concat;
mod conv;
mod gather;
mod matmul;
mod pad;
mod pool;
mod views;
mod window;

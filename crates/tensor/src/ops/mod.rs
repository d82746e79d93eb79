//! The methods of [`Tensor`](crate::Tensor), one file a family, named as its kernels.

mod binary;
mod compare;
mod concat;
mod conv;
mod gather;
mod matmul;
mod pad;
mod pool;
mod reduce;
mod scan;
mod select;
mod sort;
mod unary;
mod views;
mod window;

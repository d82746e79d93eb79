//! The operations on tensors, as methods: one file a family, named as its kernels.

mod binary;
mod compare;
mod reduce;
mod scan;
mod select;
mod sort;
mod unary;

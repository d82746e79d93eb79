//! What is done to samples on their way: standardizing, and random changes in training.

pub mod augment;
mod standardize;

pub use standardize::Standardize;

//! Functions composed of operations: plain methods of [`Var`](crate::Var), one file for each topic.
//!
//! They have no rules of their own: what they record has, to every order. A mistake is said to be
//! made by the caller. Where a function is singular beside a choice, its operand is kept away from
//! there: a cotangent of 0 times an infinite derivative would be NaN. Of variables of half precision they are computed in
//! f32 from end to end.

mod activation;
mod clamp;
mod clip;
mod einsum;
mod grid_sample;
mod linear;
mod logarithm;
mod matrix;
mod norm;
mod normalize;
mod order;
mod pool;
mod product;
mod shape;
mod softmax;
mod special;
mod statistics;

pub use clip::{clip_by_norm, clip_by_value};
pub use grid_sample::{GridSample, Interpolation, Outside};

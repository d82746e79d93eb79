//! Functions composed of operations: plain methods of [`Var`](crate::Var), one file for each topic.
//!
//! They have no rules of their own: what they record has. A mistake is said to be made by the caller.

mod shape;

//! Logic of truth values, elementwise. No derivative.

use wengert_tensor::Result;

use super::elementwise;
use super::elementwise::{pair, truth};
use crate::ty::Type;

fn truths(op: &str, x: &[&Type]) -> Result<Type> {
    truth(op, &[&pair(op, x)?])
}

elementwise! { relations:
    /// x and y
    LogicalAnd: logic::logical_and (truths), [(true, false), (true, true)];
    /// x or y
    LogicalOr: logic::logical_or (truths), [(true, false), (false, false)];
    /// Either x or y
    LogicalXor: logic::logical_xor (truths), [(true, false), (true, true)];
}

elementwise! { steps:
    /// Not x
    LogicalNot: unary::logical_not (truth), [true, false];
}

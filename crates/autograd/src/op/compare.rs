//! Comparisons and tests of numbers, elementwise. Results are `bool`: no derivative.
//!
//! A NaN is unequal to everything and neither above nor below anything.

use wengert_tensor::{DType, Result};

use super::elementwise;
use super::elementwise::{float, pair};
use crate::ty::Type;

fn compared(op: &str, x: &[&Type]) -> Result<Type> {
    Ok(pair(op, x)?.with_dtype(DType::Bool))
}

fn tested(op: &str, x: &[&Type]) -> Result<Type> {
    Ok(float(op, x)?.with_dtype(DType::Bool))
}

elementwise! { relations:
    /// Whether x = y
    #[doc(alias = "eq")]
    Equal: compare::equal (compared), [(1.0, 2.0), (3.0, 3.0)];
    /// Whether x ≠ y
    #[doc(alias = "ne")]
    NotEqual: compare::not_equal (compared), [(1.0, 2.0), (3.0, 3.0)];
    /// Whether x < y
    #[doc(alias = "lt")]
    Less: compare::less (compared), [(1.0, 2.0), (3.0, 0.5)];
    /// Whether x ≤ y
    #[doc(alias = "le")]
    LessEqual: compare::less_equal (compared), [(1.0, 2.0), (3.0, 0.5)];
    /// Whether x > y
    #[doc(alias = "gt")]
    Greater: compare::greater (compared), [(1.0, 2.0), (3.0, 0.5)];
    /// Whether x ≥ y
    #[doc(alias = "ge")]
    GreaterEqual: compare::greater_equal (compared), [(1.0, 2.0), (3.0, 0.5)];
}

elementwise! { steps:
    /// Whether x is not a number
    #[doc(alias = "isnan")]
    IsNan: unary::is_nan (tested), [1.0, f64::INFINITY];
    /// Whether x is ∞ or -∞
    #[doc(alias = "isinf")]
    IsInf: unary::is_inf (tested), [1.0, f64::INFINITY];
    /// Whether x is neither infinite nor NaN
    #[doc(alias = "isfinite")]
    IsFinite: unary::is_finite (tested), [1.0, f64::INFINITY];
}

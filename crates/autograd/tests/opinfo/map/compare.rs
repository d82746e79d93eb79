//! Comparisons and logic: results are truth values, without derivatives.

use wengert_autograd::Var;
use wengert_tensor::DType;

use super::table;
use crate::args::Args;

table! {
    "eq(input, other)" => |a| compare(a, Var::equal);
    "ne(input, other)" => |a| compare(a, Var::not_equal);
    "lt(input, other)" => |a| compare(a, Var::less);
    "le(input, other)" => |a| compare(a, Var::less_equal);
    "gt(input, other)" => |a| compare(a, Var::greater);
    "ge(input, other)" => |a| compare(a, Var::greater_equal);
    "logical_and(input, other)" => |a| truth(a.var("input")).logical_and(truth(a.var("other")));
    "logical_or(input, other)" => |a| truth(a.var("input")).logical_or(truth(a.var("other")));
    "logical_xor(input, other)" => |a| truth(a.var("input")).logical_xor(truth(a.var("other")));
    "logical_not(input)" => |a| truth(a.var("input")).logical_not();
    "isfinite(input)" => |a| a.x().is_finite();
    "isinf(input)" => |a| a.x().is_inf();
    "isnan(input)" => |a| a.x().is_nan();
}

fn compare<'t>(a: &Args<'t>, relation: impl Fn(Var<'t>, Var<'t>) -> Var<'t>) -> Var<'t> {
    let (x, y) = a.pair("input", "other");
    relation(x, y)
}

/// Numbers as truth values: true unless zero.
pub fn truth(x: Var<'_>) -> Var<'_> {
    if x.dtype() == DType::Bool { x } else { x.cast(DType::Bool) }
}

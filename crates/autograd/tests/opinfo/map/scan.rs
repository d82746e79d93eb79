//! Cumulative operations, sorting and order statistics.

use wengert_autograd::Var;

use super::reduce::along;
use super::table;
use crate::args::Args;

table! {
    "cumsum(input, dim, dtype=null)" => |a| lifted(a, |x, axis| [x.cumsum(axis)]);
    "cumprod(input, dim, dtype=null)" => |a| lifted(a, |x, axis| [x.cumprod(axis)]);
    "logcumsumexp(input, dim)" => |a| lifted(a, |x, axis| [x.logcumsumexp(axis)]);
    "cummax(input, dim)" => |a| lifted(a, |x, axis| [x.cummax(axis), x.arg_cummax(axis)]);
    "cummin(input, dim)" => |a| lifted(a, |x, axis| [x.cummin(axis), x.arg_cummin(axis)]);
    "argsort(input, dim=-1, descending=false, stable=false)" =>
        |a| lifted(a, |x, axis| [x.argsort(axis, a.flag("descending"))]);
    "sort(input, dim=-1, descending=false, stable=false)" =>
        |a| lifted(a, |x, axis| x.sort_with_index(axis, a.flag("descending")).into());
    "msort(input)" => |a| if a.x().rank() == 0 { a.x() } else { a.x().sort(0, false) };
    "topk(input, k, dim=-1, largest=true, sorted=true)" => |a| lifted(a, |x, axis| x.topk(a.int("k") as usize, axis, a.flag("largest")).into());
    "kthvalue(input, k, dim=-1, keepdim=false)" => |a| along(a, |x, axis| x.kthvalue(a.int("k") as usize, axis).into());
    "median(input, dim=null, keepdim=false)" => |a| median(a);
}

/// `f` along `dim`; a tensor of rank 0 is one of one element meanwhile.
fn lifted<'t, const N: usize>(a: &Args<'t>, f: impl Fn(Var<'t>, isize) -> [Var<'t>; N]) -> [Var<'t>; N] {
    let x = a.x();
    let axis = a.axis("dim", &x.shape()) as isize;
    match x.rank() {
        0 => f(x.flatten(), 0).map(|y| y.reshape(x.shape())),
        _ => f(x, axis),
    }
}

/// The lower median: along an axis with its index, or of all elements without.
fn median<'t>(a: &Args<'t>) -> Vec<Var<'t>> {
    match a.given("dim") {
        true => along(a, |x, axis| x.median_axis(axis).into()).to_vec(),
        false => vec![a.x().median()],
    }
}

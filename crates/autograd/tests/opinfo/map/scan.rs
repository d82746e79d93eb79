//! Cumulative operations, sorting and order statistics.

use wengert_autograd::Var;

use super::elementwise::logaddexp;
use super::reduce::at;
use super::table;
use crate::args::Args;

table! {
    "cumsum(input, dim, dtype=null)" => |a| lifted(a, |x, axis| [x.cumsum(axis)]);
    "cumprod(input, dim, dtype=null)" => |a| lifted(a, |x, axis| [fold(x, axis, |a, b| a * b)]);
    "logcumsumexp(input, dim)" => |a| lifted(a, |x, axis| [fold(x, axis, logaddexp)]);
    "cummax(input, dim)" => |a| lifted(a, |x, axis| [x.cummax(axis), x.arg_cummax(axis)]);
    "cummin(input, dim)" => |a| lifted(a, |x, axis| [x.cummin(axis), x.arg_cummin(axis)]);
    "argsort(input, dim=-1, descending=false, stable=false)" =>
        |a| lifted(a, |x, axis| [x.argsort(axis, a.flag("descending"))]);
    "sort(input, dim=-1, descending=false, stable=false)" => |a| lifted(a, |x, axis| {
        [x.sort(axis, a.flag("descending")), x.argsort(axis, a.flag("descending"))]
    });
    "msort(input)" => |a| if a.x().rank() == 0 { a.x() } else { a.x().sort(0, false) };
    "topk(input, k, dim=-1, largest=true, sorted=true)" => |a| lifted(a, |x, axis| {
        let index = x.argsort(axis, a.flag("largest")).narrow(axis, 0, a.int("k") as usize);
        [x.gather(axis, index), index]
    });
    "kthvalue(input, k, dim=-1, keepdim=false)" => |a| ranked(a, a.int("k") as usize - 1);
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

/// The running results of an associative operation along an axis.
fn fold<'t>(x: Var<'t>, axis: isize, f: impl Fn(Var<'t>, Var<'t>) -> Var<'t>) -> Var<'t> {
    let n = x.shape()[axis as usize];
    let mut parts: Vec<Var<'t>> = Vec::with_capacity(n);
    for i in 0..n {
        let part = x.narrow(axis, i, 1);
        parts.push(parts.last().map_or(part, |&before| f(before, part)));
    }
    if parts.is_empty() { x } else { Var::concat(&parts, axis) }
}

/// The element of one rank in sorted order along `dim`, and its index.
fn ranked<'t>(a: &Args<'t>, rank: usize) -> Vec<Var<'t>> {
    let x = a.x();
    let axis = a.axis("dim", &x.shape()) as isize;
    if x.rank() == 0 {
        return vec![x, x.flatten().argsort(0, false).squeeze(0)];
    }
    let index = x.argsort(axis, false).narrow(axis, rank, 1);
    let index = if a.flag("keepdim") { index } else { index.squeeze(axis) };
    vec![at(x, index, a), index]
}

/// The lower median: along an axis with its index, or of all elements without.
fn median<'t>(a: &Args<'t>) -> Vec<Var<'t>> {
    let x = a.x();
    if a.given("dim") {
        let n = x.shape().get(a.axis("dim", &x.shape())).copied().unwrap_or(1);
        return ranked(a, (n - 1) / 2);
    }
    let flat = x.flatten();
    let n = flat.shape()[0];
    vec![flat.sort(0, false).select_axis(0, (n as isize - 1) / 2)]
}

//! Reductions over axes.

use wengert_autograd::Var;
use wengert_tensor::DType;

use super::compare::truth;
use super::table;
use crate::args::Args;

table! {
    "sum(input, dim=null, keepdim=false, dtype=null)" => |a| over(a, a.x(), |x, axes| x.sum_axes(axes));
    "mean(input, dim=null, keepdim=false, dtype=null)" => |a| over(a, a.x(), |x, axes| x.mean_axes(axes));
    "prod(input, dim=null, keepdim=false, dtype=null)" => |a| over(a, a.x(), |x, axes| x.prod_axes(axes));
    "amax(input, dim=null, keepdim=false)" => |a| over(a, a.x(), |x, axes| x.max_axes(axes));
    "amin(input, dim=null, keepdim=false)" => |a| over(a, a.x(), |x, axes| x.min_axes(axes));
    "all(input, dim=null, keepdim=false)" => |a| over(a, truth(a.var("input")), |x, axes| x.all_axes(axes));
    "any(input, dim=null, keepdim=false)" => |a| over(a, truth(a.var("input")), |x, axes| x.any_axes(axes));
    "count_nonzero(input, dim=null, keepdim=false)" =>
        |a| over(a, truth(a.var("input")).cast(DType::I64), |x, axes| x.sum_axes(axes));
    "argmax(input, dim=null, keepdim=false)" => |a| arg(a, Var::argmax);
    "argmin(input, dim=null, keepdim=false)" => |a| arg(a, Var::argmin);
    "max(input, dim=null, keepdim=false)" => |a| extreme(a, Var::argmax, Var::maximum, |x| x.max());
    "min(input, dim=null, keepdim=false)" => |a| extreme(a, Var::argmin, Var::minimum, |x| x.min());
    "var(input, dim=null, unbiased=null, keepdim=false, correction=null)" => |a| var(a);
    "std(input, dim=null, unbiased=null, keepdim=false, correction=null)" => |a| var(a).sqrt();
    "var_mean(input, dim=null, unbiased=null, keepdim=false, correction=null)" => |a| [var(a), mean(a)];
    "logsumexp(input, dim, keepdim=false)" => |a| over(a, a.x(), |x, axes| x.logsumexp_axes(axes));
    "norm(input, p=\"fro\", dim=null, keepdim=false, dtype=null)" => |a| over(a, a.x(), |x, axes| norm(x, order(a, "p"), axes));
    "linalg.vector_norm(input, ord=2, dim=null, keepdim=false, dtype=null)" =>
        |a| over(a, a.x(), |x, axes| norm(x, order(a, "ord"), axes));
}

/// A reduction over the axes that `dim` names, which stay with size 1 where `keepdim` says so.
fn over<'t>(a: &Args<'t>, x: Var<'t>, reduce: impl Fn(Var<'t>, &[usize]) -> Var<'t>) -> Var<'t> {
    // `var(x, True)`: the overload without axes.
    let axes = if a.is_flag("dim") { (0..x.rank()).collect() } else { a.axes("dim", &x.shape()) };
    // An empty list of axes means all of them, as if there were none.
    let axes = if axes.is_empty() { (0..x.rank()).collect() } else { axes };
    let y = reduce(x, &axes);
    if a.flag("keepdim") { y.reshape(x.shape().ones_at(&axes)) } else { y }
}

/// An index along `dim`, or into the flattened tensor.
fn arg<'t>(a: &Args<'t>, find: impl Fn(Var<'t>, isize) -> Var<'t>) -> Var<'t> {
    let x = a.x();
    if !a.given("dim") {
        let index = find(x.flatten(), 0);
        return if a.flag("keepdim") { index.reshape(vec![1usize; x.rank()].as_slice()) } else { index };
    }
    along(x, a, find)
}

fn along<'t>(x: Var<'t>, a: &Args<'t>, find: impl Fn(Var<'t>, isize) -> Var<'t>) -> Var<'t> {
    let axis = a.axis("dim", &x.shape());
    match x.rank() {
        0 => find(x.flatten(), 0),
        _ => {
            let index = find(x, axis as isize);
            if a.flag("keepdim") { index.unsqueeze(axis as isize) } else { index }
        }
    }
}

/// The three overloads of `max` and `min`: over everything, along an axis with the index, of two tensors.
fn extreme<'t>(
    a: &Args<'t>,
    find: impl Fn(Var<'t>, isize) -> Var<'t>,
    binary: impl Fn(Var<'t>, Var<'t>) -> Var<'t>,
    all: impl Fn(Var<'t>) -> Var<'t>,
) -> Vec<Var<'t>> {
    let x = a.x();
    if a.is_tensor("dim") {
        return vec![binary(x, a.real("dim"))];
    }
    if !a.given("dim") {
        return vec![all(x)];
    }
    let index = along(x, a, find);
    vec![at(x, index, a), index]
}

/// The elements of `x` along `dim` at one index each.
pub fn at<'t>(x: Var<'t>, index: Var<'t>, a: &Args<'t>) -> Var<'t> {
    if x.rank() == 0 {
        return x;
    }
    let axis = a.axis("dim", &x.shape());
    let value = x.gather(axis as isize, index.reshape(x.shape().with_size(axis, 1)));
    value.reshape(index.shape())
}

fn mean<'t>(a: &Args<'t>) -> Var<'t> {
    over(a, a.x(), |x, axes| x.mean_axes(axes))
}

/// The variance; the correction may be negative or larger than the number of elements.
fn var<'t>(a: &Args<'t>) -> Var<'t> {
    let unbiased = |name| if a.flag(name) { 1.0 } else { 0.0 };
    let correction = match (a.is_flag("dim"), a.is_flag("unbiased"), a.given("correction")) {
        (true, ..) => unbiased("dim"),
        (_, true, _) => unbiased("unbiased"),
        (_, _, true) => a.float("correction"),
        _ => 1.0,
    };
    over(a, a.x(), |x, axes| {
        let n = axes.iter().map(|&axis| x.shape()[axis]).product::<usize>() as f64;
        (x - x.mean_keep(axes)).square().sum_axes(axes) / (n - correction).max(0.0)
    })
}

fn order(a: &Args<'_>, name: &str) -> f64 {
    if !a.given(name) || a.says(name, "fro") { 2.0 } else { a.float(name) }
}

/// The p-norm over axes.
pub fn norm<'t>(x: Var<'t>, p: f64, axes: &[usize]) -> Var<'t> {
    match p {
        0.0 => x.not_equal(x.full_like(0.0)).cast(DType::F64).sum_axes(axes),
        1.0 => x.abs().sum_axes(axes),
        2.0 => x.square().sum_axes(axes).sqrt(),
        f64::INFINITY => x.abs().max_axes(axes),
        f64::NEG_INFINITY => x.abs().min_axes(axes),
        p => {
            let powers = x.abs().pow(x.full_like(p)).sum_axes(axes);
            powers.pow(powers.full_like(1.0 / p))
        }
    }
}

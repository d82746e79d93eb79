//! Reductions over axes.

use wengert_autograd::Var;

use super::compare::truth;
use super::{linalg, table};
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
        |a| over(a, a.var("input"), |x, axes| x.count_nonzero(axes));
    "argmax(input, dim=null, keepdim=false)" => |a| arg(a, Var::argmax);
    "argmin(input, dim=null, keepdim=false)" => |a| arg(a, Var::argmin);
    "max(input, dim=null, keepdim=false)" => |a| extreme(a, Var::max_with_index, Var::maximum, Var::max);
    "min(input, dim=null, keepdim=false)" => |a| extreme(a, Var::min_with_index, Var::minimum, Var::min);
    "var(input, dim=null, unbiased=null, keepdim=false, correction=null)" =>
        |a| over(a, a.x(), |x, axes| x.var_axes(axes, correction(a)));
    "std(input, dim=null, unbiased=null, keepdim=false, correction=null)" =>
        |a| over(a, a.x(), |x, axes| x.std_axes(axes, correction(a)));
    "var_mean(input, dim=null, unbiased=null, keepdim=false, correction=null)" => |a| {
        let (x, c) = (a.x(), correction(a));
        [over(a, x, |x, axes| x.var_mean(axes, c).0), over(a, x, |x, axes| x.var_mean(axes, c).1)]
    };
    "logsumexp(input, dim, keepdim=false)" => |a| over(a, a.x(), |x, axes| x.logsumexp(axes));
    "norm(input, p=\"fro\", dim=null, keepdim=false, dtype=null)" => |a| match a.says("p", "nuc") {
        true if !a.given("dim") => linalg::matrix_norm(a, a.x(), &[0, 1], "p"),
        true => linalg::matrix_norm(a, a.x(), &a.axes("dim", &a.x().shape()), "p"),
        false => over(a, a.x(), |x, axes| x.norm_axes(order(a, "p"), axes)),
    };
    "linalg.vector_norm(input, ord=2, dim=null, keepdim=false, dtype=null)" =>
        |a| over(a, a.x(), |x, axes| x.norm_axes(order(a, "ord"), axes));
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
    if a.given("dim") {
        return along(a, |x, axis| [find(x, axis)])[0];
    }
    let index = find(x.flatten(), 0);
    if a.flag("keepdim") { index.reshape(&vec![1usize; x.rank()][..]) } else { index }
}

/// What `f` finds along `dim`, which it drops and `keepdim` brings back. A tensor of rank 0 is one of
/// one element meanwhile.
pub fn along<'t, const N: usize>(a: &Args<'t>, f: impl Fn(Var<'t>, isize) -> [Var<'t>; N]) -> [Var<'t>; N] {
    let x = a.x();
    if x.rank() == 0 {
        return f(x.flatten(), 0);
    }
    let axis = a.axis("dim", &x.shape()) as isize;
    f(x, axis).map(|y| if a.flag("keepdim") { y.unsqueeze(axis) } else { y })
}

/// The three overloads of `max` and `min`: over everything, along an axis with the index, of two tensors.
fn extreme<'t>(
    a: &Args<'t>,
    one: impl Fn(Var<'t>, isize) -> (Var<'t>, Var<'t>),
    binary: impl Fn(Var<'t>, Var<'t>) -> Var<'t>,
    all: impl Fn(Var<'t>) -> Var<'t>,
) -> Vec<Var<'t>> {
    match (a.is_tensor("dim"), a.given("dim")) {
        (true, _) => vec![binary(a.x(), a.real("dim"))],
        (_, false) => vec![all(a.x())],
        (_, true) => along(a, |x, axis| one(x, axis).into()).to_vec(),
    }
}

/// What is taken off the number of elements; it may be negative, or larger than that.
fn correction(a: &Args<'_>) -> f64 {
    let unbiased = |name| if a.flag(name) { 1.0 } else { 0.0 };
    match (a.is_flag("dim"), a.is_flag("unbiased"), a.given("correction")) {
        (true, ..) => unbiased("dim"),
        (_, true, _) => unbiased("unbiased"),
        (_, _, true) => a.float("correction"),
        _ => 1.0,
    }
}

fn order(a: &Args<'_>, name: &str) -> f64 {
    if !a.given(name) || a.says(name, "fro") { 2.0 } else { a.float(name) }
}

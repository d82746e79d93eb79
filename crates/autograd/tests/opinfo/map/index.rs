//! Elements picked and placed by index.

use wengert_autograd::Var;
use wengert_tensor::{DType, Shape, Tensor};

use super::table;
use crate::args::Args;

table! {
    "gather(input, dim, index, sparse_grad=false)" => |a| gather(a);
    "take(input, index)" => |a| take(a.x(), a.var("index"));
    "take_along_dim(input, indices, dim=null)" => |a| take_along(a);
    "index_select(input, dim, index)" => |a| lifted(a, |x, axis| x.index_select(axis, a.var("index").flatten()));
    "index_add(input, dim, index, source, alpha=1)" => |a| lifted(a, |x, axis| {
        x.index_add(axis, a.var("index").flatten(), slices(a, x, axis) * a.float("alpha"))
    });
    "index_copy(input, dim, index, source)" => |a| lifted(a, |x, axis| place(a, x, axis, slices(a, x, axis)));
    "index_fill(input, dim, index, value)" => |a| lifted(a, |x, axis| {
        let shape = x.shape().with_size(axis as usize, a.var("index").shape().numel());
        place(a, x, axis, a.real("value").broadcast_to(shape))
    });
    "scatter(input, dim, index, src, reduce=null)" => |a| scatter(a);
    "scatter_add(input, dim, index, src)" => |a| lifted(a, |x, axis| {
        let (index, src) = scattered(a, x);
        x.scatter_add(axis, index, src)
    });
    "masked_select(input, mask)" => |a| masked_select(a);
    "nn.functional.embedding(weight, input, padding_idx=null, max_norm=null, norm_type=2.0, scale_grad_by_freq=false, sparse=false)" =>
        |a| embedding(a);
}

/// `f` along `dim`; tensors of rank 0 are of one element meanwhile.
fn lifted<'t>(a: &Args<'t>, f: impl Fn(Var<'t>, isize) -> Var<'t>) -> Var<'t> {
    let x = a.var("input");
    match x.rank() {
        0 => f(x.flatten(), 0).reshape([0usize; 0]),
        _ => f(x, a.axis("dim", &x.shape()) as isize),
    }
}

fn gather<'t>(a: &Args<'t>) -> Var<'t> {
    let index = a.var("index");
    // An index without elements may have any shape.
    if index.shape().numel() == 0 {
        return a.tape.full(index.shape(), 0.0);
    }
    lifted(a, |x, axis| x.gather(axis, if index.rank() == 0 { index.flatten() } else { index })).reshape(index.shape())
}

/// Indices of `n` elements, those that count from the end counted from the start.
fn from_start(index: Var<'_>, n: usize) -> Var<'_> {
    index.less(0i64).where_(index + index.full_like(n as i64), index)
}

fn take<'t>(x: Var<'t>, index: Var<'t>) -> Var<'t> {
    x.take(from_start(index, x.shape().numel()))
}

fn take_along<'t>(a: &Args<'t>) -> Var<'t> {
    let (x, index) = (a.x(), a.var("indices"));
    if !a.given("dim") {
        return take(x, index.flatten());
    }
    let axis = a.axis("dim", &x.shape());
    let index = from_start(index, x.shape()[axis]);
    let ones =
        x.shape().with_size(axis, 1).broadcast(&index.shape().with_size(axis, 1)).expect("shapes that broadcast");
    let (to, from) = (ones.with_size(axis, index.shape()[axis]), ones.with_size(axis, x.shape()[axis]));
    x.broadcast_to(from).gather(axis as isize, index.broadcast_to(to))
}

/// The source of as many slices as the index has numbers.
fn slices<'t>(a: &Args<'t>, x: Var<'t>, axis: isize) -> Var<'t> {
    a.real("source").reshape(x.shape().with_size(axis as usize, a.var("index").shape().numel()))
}

/// `x` with slices put where the index says.
fn place<'t>(a: &Args<'t>, x: Var<'t>, axis: isize, slices: Var<'t>) -> Var<'t> {
    let index = a.var("index").flatten();
    let zeros = x.full_like(0.0);
    let count = zeros.index_add(axis, index, slices.full_like(1.0));
    // An index that repeats means one of its slices; those of a filling are equal.
    let sum = zeros.index_add(axis, index, slices) / count.clamp_min(1.0);
    count.greater(0.0).where_(sum, x)
}

/// The index, and the part of the source that it is for.
fn scattered<'t>(a: &Args<'t>, x: Var<'t>) -> (Var<'t>, Var<'t>) {
    let index = a.var("index");
    let shape = if index.rank() == 0 { Shape::from([1]) } else { index.shape() };
    let src = a.real("src");
    let src = match src.rank() {
        0 => src.broadcast_to(&shape),
        _ => (0..x.rank()).fold(src, |src, axis| src.narrow(axis as isize, 0, shape[axis])),
    };
    (index.reshape(&shape), src)
}

fn scatter<'t>(a: &Args<'t>) -> Var<'t> {
    assert!(!a.given("reduce"), "a scatter that reduces");
    lifted(a, |x, axis| {
        let (index, src) = scattered(a, x);
        let zeros = x.full_like(0.0);
        let count = zeros.scatter_add(axis, index, src.full_like(1.0));
        count.greater(0.0).where_(zeros.scatter_add(axis, index, src), x)
    })
}

/// The elements where the mask is true: how many there are depends on its values.
fn masked_select<'t>(a: &Args<'t>) -> Var<'t> {
    let (x, mask) = (a.x(), a.tensor("mask"));
    let shape = x.shape().broadcast(mask.shape()).expect("shapes that broadcast");
    let mask = mask.broadcast_to(&shape).and_then(|mask| mask.to_vec::<bool>()).expect("a mask of truth values");
    let places: Vec<i64> = mask.iter().enumerate().filter(|(_, keep)| **keep).map(|(i, _)| i as i64).collect();
    x.broadcast_to(shape).take(a.tape.input(&Tensor::from(places)))
}

fn embedding<'t>(a: &Args<'t>) -> Var<'t> {
    assert!(!a.given("max_norm") && !a.flag("scale_grad_by_freq"), "an embedding that renormalises or scales");
    let (table, ids) = (a.real("weight"), a.var("input").cast(DType::I64));
    let rows = table.embedding(ids);
    if !a.given("padding_idx") {
        return rows;
    }
    // The row of the padding gets no gradient.
    let padding = a.int("padding_idx").rem_euclid(table.shape()[0] as isize);
    ids.equal(padding as i64).unsqueeze(-1).where_(rows.detach(), rows)
}

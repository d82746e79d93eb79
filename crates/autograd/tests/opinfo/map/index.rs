//! Elements picked and placed by index.

use wengert_autograd::Var;
use wengert_tensor::DType;

use super::table;
use crate::args::Args;

table! {
    "gather(input, dim, index, sparse_grad=false)" => |a| gather(a);
    "take(input, index)" => |a| a.x().take(a.var("index"));
    "take_along_dim(input, indices, dim=null)" => |a| match a.given("dim") {
        true => a.x().take_along_axis(a.int("dim"), a.var("indices")),
        false => a.x().take(a.var("indices").flatten()),
    };
    "index_select(input, dim, index)" => |a| lifted(a, |x, axis| x.index_select(axis, a.var("index").flatten()));
    "index_add(input, dim, index, source, alpha=1)" => |a| lifted(a, |x, axis| {
        x.index_add(axis, a.var("index").flatten(), slices(a, x, axis) * a.float("alpha"))
    });
    "index_copy(input, dim, index, source)" =>
        |a| lifted(a, |x, axis| x.index_copy(axis, a.var("index").flatten(), slices(a, x, axis)));
    "index_fill(input, dim, index, value)" =>
        |a| lifted(a, |x, axis| x.index_fill(axis, a.var("index"), a.real("value")));
    "scatter(input, dim, index, src, reduce=null)" => |a| lifted(a, |x, axis| {
        assert!(!a.given("reduce"), "a scatter that reduces");
        let (index, src) = scattered(a, x);
        x.scatter(axis, index, src)
    });
    "scatter_add(input, dim, index, src)" => |a| lifted(a, |x, axis| {
        let (index, src) = scattered(a, x);
        x.scatter_add(axis, index, src)
    });
    "masked_select(input, mask)" => |a| a.x().masked_select(a.var("mask"));
    "nn.functional.embedding(weight, input, padding_idx=null, max_norm=null, norm_type=2.0, scale_grad_by_freq=false, sparse=false)" =>
        |a| embedding(a);
}

/// `f` along `dim`; tensors of rank 0 are of one element meanwhile.
fn lifted<'t>(a: &Args<'t>, f: impl Fn(Var<'t>, isize) -> Var<'t>) -> Var<'t> {
    let x = a.var("input");
    match x.rank() {
        0 => f(x.flatten(), 0).reshape([0usize; 0]),
        _ => f(x, a.int("dim")),
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

/// The source of as many slices as the index has numbers.
fn slices<'t>(a: &Args<'t>, x: Var<'t>, axis: isize) -> Var<'t> {
    let axis = x.shape().axis(axis).expect("an axis of the operand");
    a.real("source").reshape(x.shape().with_size(axis, a.var("index").shape().numel()))
}

/// The index, and the part of the source that it is for, or its one number.
fn scattered<'t>(a: &Args<'t>, x: Var<'t>) -> (Var<'t>, Var<'t>) {
    let (index, src) = (a.var("index"), a.real("src"));
    let index = if index.rank() == 0 { index.flatten() } else { index };
    match src.rank() {
        0 => (index, src.broadcast_to(index.shape())),
        _ => (index, (0..x.rank()).fold(src, |src, axis| src.narrow(axis as isize, 0, index.shape()[axis]))),
    }
}

fn embedding<'t>(a: &Args<'t>) -> Var<'t> {
    assert!(!a.given("max_norm") && !a.flag("scale_grad_by_freq"), "an embedding that renormalises or scales");
    let (table, ids) = (a.real("weight"), a.var("input").cast(DType::I64));
    if !a.given("padding_idx") {
        return table.embedding(ids);
    }
    let padding = a.int("padding_idx").rem_euclid(table.shape()[0] as isize);
    table.embedding_with_padding(ids, padding as usize)
}

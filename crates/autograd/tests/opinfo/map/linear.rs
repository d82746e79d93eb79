//! Products of vectors, matrices and tensors.

use wengert_autograd::Var;
use wengert_tensor::{DType, Tensor};

use super::table;
use crate::args::{Args, axis};

table! {
    "matmul(input, other)" => |a| a.x().matmul(a.real("other"));
    "mm(input, mat2)" => |a| a.x().matmul(a.real("mat2"));
    "bmm(input, mat2)" => |a| a.x().matmul(a.real("mat2"));
    "mv(input, vec)" => |a| a.x().matmul(a.real("vec"));
    "dot(input, other)" => |a| a.x().matmul(a.real("other"));
    "inner(input, other)" => |a| inner(a.x(), a.real("other"));
    "outer(input, vec2)" => |a| a.x().unsqueeze(1) * a.real("vec2").unsqueeze(0);
    "addmm(input, mat1, mat2, beta=1, alpha=1)" => |a| plus(a, a.real("mat1").matmul(a.real("mat2")));
    "addmv(input, mat, vec, beta=1, alpha=1)" => |a| plus(a, a.real("mat").matmul(a.real("vec")));
    "addbmm(input, batch1, batch2, beta=1, alpha=1)" =>
        |a| plus(a, a.real("batch1").matmul(a.real("batch2")).sum_axes(0));
    "baddbmm(input, batch1, batch2, beta=1, alpha=1)" => |a| plus(a, a.real("batch1").matmul(a.real("batch2")));
    "linalg.multi_dot(tensors)" => |a| multi_dot(&a.vars("tensors"));
    "cross(input, other, dim=null)" => |a| cross(a);
    "tensordot(input, other, dims=2)" => |a| tensordot(a);
    "einsum(tensors, equation)" => |a| {
        let xs = a.vars("tensors");
        xs[0].einsum(a.text("equation"), &xs[1..])
    };
    "nn.functional.linear(input, weight, bias=null)" => |a| {
        let weight = a.real("weight");
        biased(a, a.x().matmul(if weight.rank() == 2 { weight.t() } else { weight }))
    };
    "nn.functional.bilinear(input1, input2, weight, bias=null)" =>
        |a| biased(a, a.real("input1").einsum("...i,oij,...j->...o", &[a.real("weight"), a.real("input2")]));
    "nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=null, dropout_p=0.0, is_causal=false, scale=null, enable_gqa=false)" =>
        |a| attention(a);
}

/// beta input + alpha product; a beta of 0 ignores even NaN.
fn plus<'t>(a: &Args<'t>, product: Var<'t>) -> Var<'t> {
    let product = product * a.float("alpha");
    if a.float("beta") == 0.0 { product } else { a.x() * a.float("beta") + product }
}

fn biased<'t>(a: &Args<'t>, y: Var<'t>) -> Var<'t> {
    a.maybe("bias").map_or(y, |bias| y + bias)
}

/// Products over the last axis of both.
fn inner<'t>(x: Var<'t>, y: Var<'t>) -> Var<'t> {
    if x.rank() == 0 || y.rank() == 0 { x * y } else { x.tensordot(y, &[-1], &[-1]) }
}

fn multi_dot<'t>(xs: &[Var<'t>]) -> Var<'t> {
    xs[1..].iter().fold(xs[0], |product, x| product.matmul(*x))
}

fn cross<'t>(a: &Args<'t>) -> Var<'t> {
    let (x, y) = (a.x(), a.real("other"));
    let shape = x.shape().broadcast(&y.shape()).expect("shapes that broadcast");
    let (x, y) = (x.broadcast_to(&shape), y.broadcast_to(&shape));
    let at = match a.given("dim") {
        true => a.axis("dim", &shape),
        false => shape.iter().position(|&n| n == 3).expect("an axis of size 3"),
    } as isize;
    let turn = |v: Var<'t>, by| v.roll(at, by);
    turn(x, -1) * turn(y, -2) - turn(x, -2) * turn(y, -1)
}

fn tensordot<'t>(a: &Args<'t>) -> Var<'t> {
    let (x, y) = (a.x(), a.real("other"));
    if !a.is_list("dims") {
        let n = a.int("dims");
        let (last, first): (Vec<isize>, Vec<isize>) = ((-n..0).collect(), (0..n).collect());
        return x.tensordot(y, &last, &first);
    }
    let lists = a.lists("dims");
    // An axis of size 1 stretches to the other's, which is the same as summing the other.
    let alone = |v: Var<'t>, own: &[isize], w: Var<'t>, other: &[isize]| {
        let size = |v: Var<'t>, i: isize| v.shape()[axis(i, v.rank())];
        let stretched = own.iter().zip(other).filter(|&(&i, &j)| size(w, j) == 1 && size(v, i) != 1);
        stretched.fold(v, |v, (&i, _)| v.sum_keep(i))
    };
    alone(x, &lists[0], y, &lists[1]).tensordot(alone(y, &lists[1], x, &lists[0]), &lists[0], &lists[1])
}

fn attention<'t>(a: &Args<'t>) -> Var<'t> {
    let (query, mut key, mut value) = (a.real("query"), a.real("key"), a.real("value"));
    if a.flag("enable_gqa") {
        let heads = |v: Var<'t>| v.shape()[v.rank() - 3];
        let (by_key, by_value) = (heads(query) / heads(key), heads(query) / heads(value));
        (key, value) = (key.repeat_interleave(-3, by_key), value.repeat_interleave(-3, by_value));
    }
    let width = query.shape()[query.rank() - 1] as f64;
    let scale = if a.given("scale") { a.float("scale") } else { 1.0 / width.sqrt() };
    let mut scores = query.matmul(key.t()) * scale;
    if a.flag("is_causal") {
        let (l, s) = (query.shape()[query.rank() - 2], key.shape()[key.rank() - 2]);
        let seen = (0..l).flat_map(|i| (0..s).map(move |j| j <= i)).collect();
        let seen = a.tape.input(&Tensor::from_vec(seen, [l, s]).expect("a mask of scores"));
        scores = seen.where_(scores, f64::NEG_INFINITY);
    }
    if a.given("attn_mask") {
        let mask = a.var("attn_mask");
        scores = match mask.dtype() {
            DType::Bool => mask.where_(scores, f64::NEG_INFINITY),
            _ => scores + mask,
        };
    }
    scores.softmax(-1).matmul(value)
}

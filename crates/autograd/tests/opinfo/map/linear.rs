//! Products of vectors, matrices and tensors.

use wengert_autograd::{Mask, Var};

use super::table;
use crate::args::Args;

table! {
    "matmul(input, other)" => |a| a.x().matmul(a.real("other"));
    "mm(input, mat2)" => |a| a.x().matmul(a.real("mat2"));
    "bmm(input, mat2)" => |a| a.x().matmul(a.real("mat2"));
    "mv(input, vec)" => |a| a.x().matmul(a.real("vec"));
    "dot(input, other)" => |a| a.x().matmul(a.real("other"));
    "inner(input, other)" => |a| a.x().inner(a.real("other"));
    "outer(input, vec2)" => |a| a.x().outer(a.real("vec2"));
    "addmm(input, mat1, mat2, beta=1, alpha=1)" => |a| plus(a, Var::addmm, "mat1", "mat2");
    "addmv(input, mat, vec, beta=1, alpha=1)" => |a| plus(a, Var::addmm, "mat", "vec");
    "addbmm(input, batch1, batch2, beta=1, alpha=1)" => |a| plus(a, Var::addbmm, "batch1", "batch2");
    "baddbmm(input, batch1, batch2, beta=1, alpha=1)" => |a| plus(a, Var::addmm, "batch1", "batch2");
    "linalg.multi_dot(tensors)" => |a| Var::multi_dot(&a.vars("tensors"));
    "cross(input, other, dim=null)" => |a| cross(a);
    "tensordot(input, other, dims=2)" => |a| match a.is_list("dims") {
        false => a.x().tensordot_n(a.real("other"), a.int("dims") as usize),
        true => a.x().tensordot(a.real("other"), &a.lists("dims")[0], &a.lists("dims")[1]),
    };
    "einsum(tensors, equation)" => |a| {
        let xs = a.vars("tensors");
        xs[0].einsum(a.text("equation"), &xs[1..])
    };
    "nn.functional.linear(input, weight, bias=null)" => |a| a.x().linear(a.real("weight").t(), a.maybe("bias"));
    "nn.functional.bilinear(input1, input2, weight, bias=null)" =>
        |a| a.real("input1").bilinear(a.real("input2"), a.real("weight"), a.maybe("bias"));
    "nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=null, dropout_p=0.0, is_causal=false, scale=null, enable_gqa=false)" =>
        |a| attention(a);
}

/// A product with `beta` the input added.
fn plus<'t>(a: &Args<'t>, f: Plus<'t>, left: &str, right: &str) -> Var<'t> {
    f(a.x(), a.real(left), a.real(right), a.float("beta"), a.float("alpha"))
}

type Plus<'t> = fn(Var<'t>, Var<'t>, Var<'t>, f64, f64) -> Var<'t>;

/// Without an axis, the first of three elements.
fn cross<'t>(a: &Args<'t>) -> Var<'t> {
    let (x, y) = (a.x(), a.real("other"));
    let shape = x.shape().broadcast(&y.shape()).expect("shapes that broadcast");
    let first = || shape.iter().position(|&n| n == 3).expect("an axis of size 3");
    x.cross(y, if a.given("dim") { a.int("dim") } else { first() as isize })
}

/// The reference has an argument for the scale, and a flag for heads that share keys.
fn attention<'t>(a: &Args<'t>) -> Var<'t> {
    let mut query = a.real("query");
    if a.given("scale") {
        let width = query.shape()[query.rank() - 1] as f64;
        query = query * (a.float("scale") * width.sqrt());
    }
    let mut mask = Mask::none().and_causal(a.flag("is_causal"));
    if a.given("attn_mask") {
        mask = mask.pairs(a.var("attn_mask"));
    }
    query.attention(a.real("key"), a.real("value"), mask)
}

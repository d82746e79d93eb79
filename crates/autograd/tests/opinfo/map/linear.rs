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
    "einsum(tensors, equation)" => |a| einsum(a.text("equation"), &a.vars("tensors"));
    "nn.functional.linear(input, weight, bias=null)" => |a| {
        let weight = a.real("weight");
        biased(a, a.x().matmul(if weight.rank() == 2 { weight.t() } else { weight }))
    };
    "nn.functional.bilinear(input1, input2, weight, bias=null)" =>
        |a| biased(a, einsum("...i,oij,...j->...o", &[a.real("input1"), a.real("weight"), a.real("input2")]));
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
    if x.rank() == 0 || y.rank() == 0 {
        return x * y;
    }
    let (i, j) = (x.rank() - 1, y.rank() - 1);
    contract(x, y, &[i], &[j])
}

/// Products summed over axes `i` of `x` and `j` of `y`; the other axes follow each other.
fn contract<'t>(x: Var<'t>, y: Var<'t>, i: &[usize], j: &[usize]) -> Var<'t> {
    let free = |v: Var<'t>, axes: &[usize]| (0..v.rank()).filter(|axis| !axes.contains(axis)).collect::<Vec<_>>();
    let (p, q) = (free(x, i), free(y, j));
    let size = |v: Var<'t>, axes: &[usize]| axes.iter().map(|&axis| v.shape()[axis]).collect::<Vec<_>>();
    let (lead, common, last) = (size(x, &p), size(x, i).iter().product::<usize>(), size(y, &q));
    let (m, n) = (lead.iter().product::<usize>(), last.iter().product::<usize>());
    let x = x.permute(&[&p[..], i].concat()[..]).reshape([m, common]);
    let y = y.permute(&[j, &q[..]].concat()[..]).reshape([common, n]);
    x.matmul(y).reshape(&[lead, last].concat()[..])
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
        let n = a.int("dims") as usize;
        let last: Vec<usize> = (x.rank() - n..x.rank()).collect();
        return contract(x, y, &last, &(0..n).collect::<Vec<_>>());
    }
    let lists = a.lists("dims");
    let axes = |v: Var<'t>, list: &[isize]| list.iter().map(|&i| axis(i, v.rank())).collect::<Vec<_>>();
    let (i, j) = (axes(x, &lists[0]), axes(y, &lists[1]));
    // An axis of size 1 stretches to the other's, which is the same as summing the other.
    let alone = |v: Var<'t>, own: &[usize], w: Var<'t>, other: &[usize]| {
        own.iter()
            .zip(other)
            .filter(|(i, j)| w.shape()[**j] == 1 && v.shape()[**i] != 1)
            .fold(v, |v, (&i, _)| v.sum_keep(i))
    };
    contract(alone(x, &i, y, &j), alone(y, &j, x, &i), &i, &j)
}

/// Einstein's summation: every operand with the axes of all labels, multiplied, and summed.
fn einsum<'t>(equation: &str, xs: &[Var<'t>]) -> Var<'t> {
    let equation: String = equation.chars().filter(|c| !c.is_whitespace()).collect();
    let (left, right) = equation.split_once("->").map_or((equation.as_str(), None), |(l, r)| (l, Some(r)));
    // The axes that an ellipsis stands for get digits as labels, aligned at the last.
    let label = |term: &str, rank: usize| {
        let hidden = (rank + 3).saturating_sub(term.len());
        let digits: String = (0..hidden).rev().map(|i| char::from(b'0' + i as u8)).collect();
        term.replace("...", &digits)
    };
    let terms: Vec<String> = left.split(',').zip(xs).map(|(term, x)| label(term, x.rank())).collect();
    let mut labels: Vec<char> = terms.iter().flat_map(|term| term.chars()).collect();
    labels.sort_unstable();
    labels.dedup();
    let digits: String = labels.iter().rev().filter(|c| c.is_ascii_digit()).collect();
    let out: Vec<char> = match right {
        Some(right) => right.replace("...", &digits).chars().collect(),
        None => {
            let times = |c: char| terms.iter().flat_map(|term| term.chars()).filter(|&other| other == c).count();
            digits.chars().chain(labels.iter().copied().filter(|&c| c.is_alphabetic() && times(c) == 1)).collect()
        }
    };
    let order: Vec<char> = out.iter().copied().chain(labels.into_iter().filter(|c| !out.contains(c))).collect();
    let aligned = xs.iter().zip(&terms).map(|(x, term)| align(*x, term, &order));
    let product = aligned.reduce(|a, b| a * b).expect("at least one operand");
    product.sum_axes(&(out.len()..order.len()).collect::<Vec<_>>()[..])
}

/// `x`, whose axes have the labels of `term`, with one axis for each of `order`, of size 1 where it has none.
fn align<'t>(x: Var<'t>, term: &str, order: &[char]) -> Var<'t> {
    let (mut x, mut labels) = (x, term.chars().collect::<Vec<_>>());
    // A label that repeats means the diagonal, whose axis comes last.
    while let Some((i, j)) =
        (0..labels.len()).flat_map(|j| (0..j).map(move |i| (i, j))).find(|&(i, j)| labels[i] == labels[j])
    {
        let rest: Vec<usize> = (0..labels.len()).filter(|&axis| axis != i && axis != j).collect();
        // An axis of size 1 stretches to the other's.
        let n = x.shape()[i].max(x.shape()[j]);
        let square = x.shape().with_size(i, n).with_size(j, n);
        x = x.broadcast_to(square).permute(&[&rest[..], &[i, j]].concat()[..]).diagonal(0);
        labels = rest.iter().map(|&axis| labels[axis]).chain([labels[i]]).collect();
    }
    let present: Vec<usize> = order.iter().filter_map(|c| labels.iter().position(|label| label == c)).collect();
    let size = |c: &char| labels.iter().position(|label| label == c).map_or(1, |axis| x.shape()[axis]);
    let sizes: Vec<usize> = order.iter().map(size).collect();
    x.permute(&present[..]).reshape(&sizes[..])
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

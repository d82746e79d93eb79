//! Losses. Training code takes them from another crate; here they are compositions of what they need.

use std::f64::consts::PI;

use wengert_autograd::Var;
use wengert_tensor::{DType, Shape};

use super::table;
use crate::args::Args;

table! {
    "nn.functional.mse_loss(input, target, size_average=null, reduce=null, reduction=\"mean\", weight=null)" =>
        |a| reduced(a, weighted(a, (a.x() - a.real("target")).square()));
    "nn.functional.l1_loss(input, target, size_average=null, reduce=null, reduction=\"mean\", weight=null)" =>
        |a| reduced(a, weighted(a, (a.x() - a.real("target")).abs()));
    "nn.functional.smooth_l1_loss(input, target, size_average=null, reduce=null, reduction=\"mean\", beta=1.0)" =>
        |a| match a.float("beta") {
            0.0 => reduced(a, (a.x() - a.real("target")).abs()),
            beta => reduced(a, huber(a, beta) / beta),
        };
    "nn.functional.huber_loss(input, target, reduction=\"mean\", delta=1.0, weight=null)" =>
        |a| reduced(a, weighted(a, huber(a, a.float("delta"))));
    "nn.functional.binary_cross_entropy(input, target, weight=null, size_average=null, reduce=null, reduction=\"mean\")" =>
        |a| reduced(a, weighted(a, binary_cross_entropy(a.x(), a.real("target"))));
    "nn.functional.binary_cross_entropy_with_logits(input, target, weight=null, size_average=null, reduce=null, reduction=\"mean\", pos_weight=null)" =>
        |a| reduced(a, weighted(a, with_logits(a)));
    "nn.functional.cross_entropy(input, target, weight=null, size_average=null, ignore_index=-100, reduce=null, reduction=\"mean\", label_smoothing=0.0)" =>
        |a| cross_entropy(a);
    "nn.functional.nll_loss(input, target, weight=null, size_average=null, ignore_index=-100, reduce=null, reduction=\"mean\")" =>
        |a| likelihood(a, a.x(), 0.0);
    "nn.functional.kl_div(input, target, size_average=null, reduce=null, reduction=\"mean\", log_target=false)" => |a| {
        let (x, y) = (a.x(), a.real("target"));
        reduced(a, if a.flag("log_target") { y.exp() * (y - x) } else { y.xlogy(y) - y * x })
    };
    "nn.functional.gaussian_nll_loss(input, target, var, full=false, eps=1e-6, reduction=\"mean\")" => |a| gaussian(a);
    "nn.functional.poisson_nll_loss(input, target, log_input=true, full=false, size_average=null, eps=1e-8, reduce=null, reduction=\"mean\")" =>
        |a| reduced(a, poisson(a));
    "nn.functional.soft_margin_loss(input, target, size_average=null, reduce=null, reduction=\"mean\")" =>
        |a| reduced(a, (-a.real("target") * a.x()).softplus());
    "nn.functional.margin_ranking_loss(input1, input2, target, margin=0.0, size_average=null, reduce=null, reduction=\"mean\")" =>
        |a| reduced(a, (-a.real("target") * (a.real("input1") - a.real("input2")) + a.float("margin")).relu());
    "nn.functional.hinge_embedding_loss(input, target, margin=1.0, size_average=null, reduce=null, reduction=\"mean\")" => |a| {
        let (x, y) = (a.x(), a.real("target"));
        reduced(a, y.not_equal(1.0).where_((a.float("margin") - x).relu(), 0.0) + y.not_equal(-1.0).where_(x, 0.0))
    };
    "nn.functional.cosine_embedding_loss(input1, input2, target, margin=0.0, size_average=null, reduce=null, reduction=\"mean\")" =>
        |a| reduced(a, cosine_embedding(a));
    "nn.functional.triplet_margin_loss(anchor, positive, negative, margin=1.0, p=2.0, eps=1e-6, swap=false, size_average=null, reduce=null, reduction=\"mean\")" =>
        |a| reduced(a, triplet_margin(a));
    "nn.functional.multi_margin_loss(input, target, p=1, margin=1.0, weight=null, size_average=null, reduce=null, reduction=\"mean\")" =>
        |a| reduced(a, multi_margin(a));
}

/// The mean, the sum, the mean over the batch, or all of them.
fn reduced<'t>(a: &Args<'t>, losses: Var<'t>) -> Var<'t> {
    match a.text("reduction") {
        "none" => losses,
        "sum" => losses.sum(),
        "batchmean" => losses.sum() / losses.shape().first().copied().unwrap_or(1) as f64,
        _ => losses.mean(),
    }
}

fn weighted<'t>(a: &Args<'t>, losses: Var<'t>) -> Var<'t> {
    a.maybe("weight").map_or(losses, |weight| losses * weight)
}

/// Half the square of the error up to `delta`, and as steep as there beyond.
fn huber<'t>(a: &Args<'t>, delta: f64) -> Var<'t> {
    let error = a.x() - a.real("target");
    let size = error.abs();
    size.less(delta).where_(0.5 * error.square(), delta * (size - 0.5 * delta))
}

/// With logarithms of at least -100.
fn binary_cross_entropy<'t>(x: Var<'t>, y: Var<'t>) -> Var<'t> {
    let ln = |x: Var<'t>| x.ln().clamp_min(-100.0);
    -(y * ln(x) + (1.0 - y) * ln(1.0 - x))
}

/// The cross-entropy of sigmoid x, without computing the sigmoid.
fn with_logits<'t>(a: &Args<'t>) -> Var<'t> {
    let (x, y) = (a.x(), a.real("target"));
    let positive = y * (-x).softplus();
    a.maybe("pos_weight").map_or(positive, |weight| weight * positive) + (1.0 - y) * x.softplus()
}

/// The axis of classes: the second, or the only one.
fn classes(x: Var<'_>) -> isize {
    1.min(x.rank() as isize - 1)
}

fn cross_entropy<'t>(a: &Args<'t>) -> Var<'t> {
    let (x, smoothing) = (a.x(), a.float("label_smoothing"));
    let (axis, target) = (classes(x), a.var("target"));
    let logs = x.log_softmax(axis);
    if !target.dtype().is_float() {
        return likelihood(a, logs, smoothing);
    }
    // The target is a distribution over the classes.
    let n = x.shape()[axis as usize] as f64;
    let target = target * (1.0 - smoothing) + smoothing / n;
    let terms = logs * target;
    let losses = -a.maybe("weight").map_or(terms, |w| terms * per_class(x, w)).sum_axes(axis);
    match a.text("reduction") {
        "mean" => losses.sum() / losses.shape().numel() as f64,
        _ => reduced(a, losses),
    }
}

/// One number for each class, along the axis of classes.
fn per_class<'t>(x: Var<'t>, each: Var<'t>) -> Var<'t> {
    let axis = classes(x) as usize;
    each.reshape(&(0..x.rank()).map(|i| if i == axis { x.shape()[axis] } else { 1 }).collect::<Vec<_>>()[..])
}

/// The negative logarithms of the targets' probabilities, weighted by class; the mean is of the weights.
fn likelihood<'t>(a: &Args<'t>, logs: Var<'t>, smoothing: f64) -> Var<'t> {
    let (axis, target) = (classes(logs), a.var("target").cast(DType::I64));
    let ignored = target.equal(a.int("ignore_index") as i64);
    let index = ignored.where_(0i64, target);
    let weights = match a.maybe("weight") {
        Some(weight) => weight.index_select(0, index),
        None => index.cast(DType::F64).full_like(1.0),
    };
    let weights = ignored.where_(0.0, weights);
    let picked = logs.gather(axis, index.unsqueeze(axis)).squeeze(axis);
    let losses = -(weights * picked);
    let smooth = a.maybe("weight").map_or(logs, |weight| logs * per_class(logs, weight)).sum_axes(axis);
    let smooth = ignored.where_(0.0, -smooth) / logs.shape()[axis as usize] as f64;
    let losses = if smoothing == 0.0 { losses } else { (1.0 - smoothing) * losses + smoothing * smooth };
    match a.text("reduction") {
        "mean" => losses.sum() / weights.sum(),
        _ => reduced(a, losses),
    }
}

fn gaussian<'t>(a: &Args<'t>) -> Var<'t> {
    let (x, y, var) = (a.x(), a.real("target"), a.real("var"));
    // A variance for all of the last axis may lack it.
    let shape = x.shape();
    let short = shape.rank() > 0 && var.shape() == Shape::from(&shape[..shape.rank() - 1]) && var.shape() != shape;
    let var = if short { var.unsqueeze(-1) } else { var };
    // The bound is not differentiated: the derivative passes as if there were none.
    let bounded = var + (var.clamp_min(a.float("eps")) - var).detach();
    let losses = 0.5 * (bounded.ln() + (x - y).square() / bounded);
    reduced(a, if a.flag("full") { losses + 0.5 * (2.0 * PI).ln() } else { losses })
}

fn poisson<'t>(a: &Args<'t>) -> Var<'t> {
    let (x, y) = (a.x(), a.real("target"));
    let losses = if a.flag("log_input") { x.exp() - y * x } else { x - y * (x + a.float("eps")).ln() };
    if !a.flag("full") {
        return losses;
    }
    let stirling = y * y.ln() - y + 0.5 * (2.0 * PI * y).ln();
    losses + y.less_equal(1.0).where_(0.0, stirling)
}

fn cosine_embedding<'t>(a: &Args<'t>) -> Var<'t> {
    let (x1, x2, y, eps) = (a.real("input1"), a.real("input2"), a.real("target"), 1e-12);
    let norm = |x: Var<'t>| x.square().sum_axes(-1) + eps;
    let cosine = (x1 * x2).sum_axes(-1) / (norm(x1) * norm(x2)).sqrt();
    let unlike = (cosine - a.float("margin")).relu();
    y.equal(1.0).where_(1.0 - cosine, 0.0) + y.equal(-1.0).where_(unlike, 0.0)
}

fn triplet_margin<'t>(a: &Args<'t>) -> Var<'t> {
    let (anchor, positive, negative) = (a.real("anchor"), a.real("positive"), a.real("negative"));
    let distance = |x: Var<'t>, y: Var<'t>| (x - y + a.float("eps")).norm_axes(a.float("p"), -1);
    let far = distance(anchor, negative);
    let far = if a.flag("swap") { far.minimum(distance(positive, negative)) } else { far };
    (distance(anchor, positive) - far + a.float("margin")).relu()
}

fn multi_margin<'t>(a: &Args<'t>) -> Var<'t> {
    let x = if a.x().rank() == 0 { a.x().flatten() } else { a.x() };
    let (axis, n) = (x.rank() as isize - 1, x.shape()[x.rank() - 1]);
    let target = a.var("target").reshape(x.shape().with_size(axis as usize, 1));
    let own = x.gather(axis, target);
    let classes = a.tape.input(&wengert_tensor::Tensor::arange(0, n as i64, 1).expect("classes"));
    let excess = (a.float("margin") - own + x).relu();
    let mut losses = if a.float("p") == 2.0 { excess.square() } else { excess };
    if let Some(weight) = a.maybe("weight") {
        losses = losses * weight.index_select(0, target.squeeze(axis)).unsqueeze(axis);
    }
    let (target, classes) = (target.broadcast_to(x.shape()), classes.broadcast_to(x.shape()));
    let sums = classes.equal(target).where_(0.0, losses).sum_axes(axis) / n as f64;
    // Of a single example whose label is a list, the loss is one too.
    if x.rank() == 1 && a.var("target").rank() == 1 { sums.flatten() } else { sums }
}

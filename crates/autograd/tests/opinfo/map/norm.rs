//! Normalisation, and distances and similarities of vectors.

use wengert_autograd::{LocalResponseNorm, Var};

use super::table;
use crate::args::Args;

table! {
    "nn.functional.layer_norm(input, normalized_shape, weight=null, bias=null, eps=1e-5)" =>
        |a| a.x().layer_norm(&last(a)[..], a.maybe("weight"), a.maybe("bias"), a.float("eps"));
    "nn.functional.rms_norm(input, normalized_shape, weight=null, eps=null)" =>
        |a| a.x().rms_norm(&last(a)[..], a.maybe("weight"), if a.given("eps") { a.float("eps") } else { f64::EPSILON });
    "nn.functional.group_norm(input, num_groups, weight=null, bias=null, eps=1e-5)" =>
        |a| a.x().group_norm(a.int("num_groups") as usize, a.maybe("weight"), a.maybe("bias"), a.float("eps"));
    "nn.functional.instance_norm(input, running_mean=null, running_var=null, weight=null, bias=null, use_input_stats=true, momentum=0.1, eps=1e-5)" =>
        |a| match a.flag("use_input_stats") {
            true => a.x().instance_norm(a.maybe("weight"), a.maybe("bias"), a.float("eps")),
            false => batch_norm(a, true),
        };
    "nn.functional.batch_norm(input, running_mean, running_var, weight=null, bias=null, training=false, momentum=0.1, eps=1e-5)" =>
        |a| batch_norm(a, !a.flag("training"));
    "nn.functional.local_response_norm(input, size, alpha=1e-4, beta=0.75, k=1.0)" => |a| {
        let [alpha, beta, k] = ["alpha", "beta", "k"].map(|name| a.float(name));
        a.x().local_response_norm(LocalResponseNorm { size: a.int("size") as usize, alpha, beta, k })
    };
    "nn.functional.normalize(input, p=2.0, dim=1, eps=1e-12)" =>
        |a| a.x().normalize(a.float("p"), &a.axes("dim", &a.x().shape())[..], a.float("eps"));
    "nn.functional.cosine_similarity(x1, x2, dim=1, eps=1e-8)" =>
        |a| a.real("x1").cosine_similarity(a.real("x2"), a.int("dim"), a.float("eps"));
    "nn.functional.pairwise_distance(x1, x2, p=2.0, eps=1e-6, keepdim=false)" => |a| {
        let distance = a.real("x1").pairwise_distance(a.real("x2"), a.float("p"), a.float("eps"));
        if a.flag("keepdim") { distance.unsqueeze(-1) } else { distance }
    };
    "cdist(x1, x2, p=2.0, compute_mode=null)" => |a| a.real("x1").cdist(a.real("x2"), a.float("p"));
}

/// The last axes, as many as `normalized_shape` has.
fn last(a: &Args<'_>) -> Vec<usize> {
    let rank = a.x().rank();
    (rank - a.ints("normalized_shape").len()..rank).collect()
}

/// By the batch's own statistics, or by those given.
fn batch_norm<'t>(a: &Args<'t>, given: bool) -> Var<'t> {
    let statistics = given.then(|| (a.real("running_mean"), a.real("running_var")));
    // A vector is one sample.
    let alone = a.x().rank() == 1;
    let x = if alone { a.x().unsqueeze(0) } else { a.x() };
    let y = x.batch_norm(statistics, a.maybe("weight"), a.maybe("bias"), a.float("eps"));
    if alone { y.squeeze(0) } else { y }
}

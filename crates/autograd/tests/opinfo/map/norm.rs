//! Normalisation, and distances and similarities of vectors.

use wengert_autograd::Var;

use super::table;
use crate::args::Args;

table! {
    "nn.functional.layer_norm(input, normalized_shape, weight=null, bias=null, eps=1e-5)" =>
        |a| a.x().layer_norm(&last(a)[..], a.maybe("weight"), a.maybe("bias"), a.float("eps"));
    "nn.functional.rms_norm(input, normalized_shape, weight=null, eps=null)" =>
        |a| a.x().rms_norm(&last(a)[..], a.maybe("weight"), if a.given("eps") { a.float("eps") } else { f64::EPSILON });
    "nn.functional.group_norm(input, num_groups, weight=null, bias=null, eps=1e-5)" => |a| group_norm(a);
    "nn.functional.instance_norm(input, running_mean=null, running_var=null, weight=null, bias=null, use_input_stats=true, momentum=0.1, eps=1e-5)" =>
        |a| {
            let spatial: Vec<usize> = (2..a.x().rank()).collect();
            by_statistics(a, a.flag("use_input_stats").then_some(&spatial[..]))
        };
    "nn.functional.batch_norm(input, running_mean, running_var, weight=null, bias=null, training=false, momentum=0.1, eps=1e-5)" =>
        |a| {
            let others: Vec<usize> = (0..a.x().rank()).filter(|&axis| axis != 1).collect();
            by_statistics(a, a.flag("training").then_some(&others[..]))
        };
    "nn.functional.local_response_norm(input, size, alpha=1e-4, beta=0.75, k=1.0)" => |a| local_response_norm(a);
    "nn.functional.normalize(input, p=2.0, dim=1, eps=1e-12)" =>
        |a| a.x().normalize(a.float("p"), &a.axes("dim", &a.x().shape())[..], a.float("eps"));
    "nn.functional.cosine_similarity(x1, x2, dim=1, eps=1e-8)" => |a| cosine_similarity(a);
    "nn.functional.pairwise_distance(x1, x2, p=2.0, eps=1e-6, keepdim=false)" => |a| {
        let difference = a.real("x1") - a.real("x2") + a.float("eps");
        let distance = difference.norm_axes(a.float("p"), -1);
        if a.flag("keepdim") { distance.unsqueeze(-1) } else { distance }
    };
    "cdist(x1, x2, p=2.0, compute_mode=null)" =>
        |a| (a.real("x1").unsqueeze(-2) - a.real("x2").unsqueeze(-3)).norm_axes(a.float("p"), -1);
}

/// The last axes, as many as `normalized_shape` has.
fn last(a: &Args<'_>) -> Vec<usize> {
    let rank = a.x().rank();
    (rank - a.ints("normalized_shape").len()..rank).collect()
}

/// One number for each channel, along the axis of channels.
fn channels<'t>(x: Var<'t>, each: Var<'t>) -> Var<'t> {
    let axis = 1.min(x.rank() - 1);
    each.reshape(&(0..x.rank()).map(|i| if i == axis { each.shape().numel() } else { 1 }).collect::<Vec<_>>()[..])
}

fn affine<'t>(a: &Args<'t>, y: Var<'t>) -> Var<'t> {
    let y = a.maybe("weight").map_or(y, |weight| y * channels(y, weight));
    a.maybe("bias").map_or(y, |bias| y + channels(y, bias))
}

fn group_norm<'t>(a: &Args<'t>) -> Var<'t> {
    let (x, shape, groups) = (a.x(), a.x().shape(), a.int("num_groups") as usize);
    let size: usize = shape[1..].iter().product::<usize>() / groups;
    let normal = x.reshape([shape[0], groups, size]).layer_norm(-1, None, None, a.float("eps"));
    affine(a, normal.reshape(shape))
}

/// Normalised by the statistics over some axes, or by those given.
fn by_statistics<'t>(a: &Args<'t>, over: Option<&[usize]>) -> Var<'t> {
    let x = a.x();
    let normal = match over {
        Some(axes) => x.layer_norm(axes, None, None, a.float("eps")),
        None => {
            let (mean, var) = (channels(x, a.real("running_mean")), channels(x, a.real("running_var")));
            (x - mean) * (var + a.float("eps")).rsqrt()
        }
    };
    affine(a, normal)
}

/// Each channel divided by a power of the mean square of `size` neighbouring ones.
fn local_response_norm<'t>(a: &Args<'t>) -> Var<'t> {
    let (x, size) = (a.x(), a.int("size") as usize);
    let last = x.square().move_axis(1, -1);
    let mut pads = vec![(0, 0); x.rank()];
    pads[x.rank() - 1] = (size / 2, (size - 1) / 2);
    let mean = last.pad(&pads, 0.0).windows(&[size], &[1], &[1]).mean_axes(-1).move_axis(-1, 1);
    x / (mean * a.float("alpha") + a.float("k")).powf(a.float("beta"))
}

fn cosine_similarity<'t>(a: &Args<'t>) -> Var<'t> {
    let (x, y, eps) = (a.real("x1"), a.real("x2"), a.float("eps"));
    let shape = x.shape().broadcast(&y.shape()).expect("shapes that broadcast");
    let axes = a.axes("dim", &shape);
    let unit = |v: Var<'t>| v.broadcast_to(&shape).normalize(2.0, &axes[..], eps);
    (unit(x) * unit(y)).sum_axes(&axes[..])
}

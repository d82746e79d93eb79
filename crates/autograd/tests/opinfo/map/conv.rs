//! Convolutions, and the windows they are made of.

use wengert_autograd::Var;
use wengert_tensor::{Conv, Pool};

use super::table;
use crate::args::Args;

table! {
    "nn.functional.conv1d(input, weight, bias=null, stride=1, padding=0, dilation=1, groups=1)" => |a| conv(a);
    "nn.functional.conv2d(input, weight, bias=null, stride=1, padding=0, dilation=1, groups=1)" => |a| conv(a);
    "nn.functional.conv3d(input, weight, bias=null, stride=1, padding=0, dilation=1, groups=1)" => |a| conv(a);
    "nn.functional.conv_transpose1d(input, weight, bias=null, stride=1, padding=0, output_padding=0, groups=1, dilation=1)" =>
        |a| transposed(a);
    "nn.functional.conv_transpose2d(input, weight, bias=null, stride=1, padding=0, output_padding=0, groups=1, dilation=1)" =>
        |a| transposed(a);
    "nn.functional.conv_transpose3d(input, weight, bias=null, stride=1, padding=0, output_padding=0, groups=1, dilation=1)" =>
        |a| transposed(a);
    "nn.functional.unfold(input, kernel_size, dilation=1, padding=0, stride=1)" => |a| {
        let [sizes, dilations, padding, strides] =
            ["kernel_size", "dilation", "padding", "stride"].map(|name| a.per_axis(name, 2));
        let padding = padding.into_iter().map(|n| (n, n)).collect();
        a.x().im2col(&Pool { sizes, strides, padding, dilations, ceil: false })
    };
}

fn options(a: &Args<'_>) -> Conv {
    let window = a.var("weight").shape();
    let axes = window.rank() - 2;
    let dilations = a.per_axis("dilation", axes);
    let padding = match (a.says("padding", "valid"), a.says("padding", "same")) {
        (true, _) => vec![(0, 0); axes],
        (_, true) => {
            // As long as before: what is odd comes after.
            let reach = |i: usize| (dilations[i] * (window[i + 2] - 1)) as isize;
            (0..axes).map(|i| (reach(i) / 2, reach(i) - reach(i) / 2)).collect()
        }
        _ => a.per_axis("padding", axes).into_iter().map(|n| (n as isize, n as isize)).collect(),
    };
    Conv { strides: a.per_axis("stride", axes), padding, dilations, groups: a.int("groups") as usize }
}

/// `f` of the input as a batch, which may be of one sample without its axis, and the bias added.
fn batched<'t>(a: &Args<'t>, f: impl Fn(Var<'t>, Var<'t>) -> Var<'t>) -> Var<'t> {
    let (x, weight) = (a.x(), a.real("weight"));
    let alone = x.rank() < weight.rank();
    let y = f(if alone { x.unsqueeze(0) } else { x }, weight);
    let bias = |bias: Var<'t>| bias.reshape(&[vec![bias.shape()[0]], vec![1; y.rank() - 2]].concat()[..]);
    let y = a.maybe("bias").map_or(y, |b| y + bias(b));
    if alone { y.squeeze(0) } else { y }
}

fn conv<'t>(a: &Args<'t>) -> Var<'t> {
    batched(a, |x, weight| x.conv(weight, &options(a)))
}

fn transposed<'t>(a: &Args<'t>) -> Var<'t> {
    batched(a, |x, weight| x.conv_transpose(weight, &options(a), &a.per_axis("output_padding", weight.rank() - 2)))
}

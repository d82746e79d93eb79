//! The same elements in another arrangement.

use wengert_autograd::{PadMode, Var};

use super::table;
use crate::args::Args;

table! {
    "broadcast_to(input, size)" => |a| a.x().expand(&a.ints("size")[..]);
    "expand(input, size)" => |a| a.x().expand(&a.ints("size")[..]);
    "reshape(input, shape)" => |a| a.x().reshape(&a.ints("shape")[..]);
    "view(input, shape)" => |a| a.x().reshape(&a.ints("shape")[..]);
    "flatten(input, start_dim=0, end_dim=-1)" => |a| a.x().flatten_axes(a.int("start_dim"), a.int("end_dim"));
    "unflatten(input, dim, sizes)" => |a| a.x().unflatten(a.int("dim"), &a.ints("sizes")[..]);
    "squeeze(input, dim=null)" => |a| a.x().squeeze_axes(&a.axes("dim", &a.x().shape())[..]);
    "unsqueeze(input, dim)" => |a| a.x().unsqueeze(a.int("dim"));
    "permute(input, dims)" => |a| a.x().permute(&a.ints("dims")[..]);
    "transpose(input, dim0, dim1)" => |a| swap(a.x(), a.int("dim0"), a.int("dim1"));
    "t(input)" => |a| swap(a.x(), 0, a.x().rank() as isize - 1);
    "movedim(input, source, destination)" => |a| a.x().move_axes(&a.ints("source")[..], &a.ints("destination")[..]);
    "flip(input, dims)" => |a| a.x().flip(&a.ints("dims")[..]);
    "fliplr(input)" => |a| a.x().fliplr();
    "flipud(input)" => |a| a.x().flipud();
    "roll(input, shifts, dims=null)" => |a| roll(a);
    "rot90(input, k=1, dims=[0,1])" => |a| a.x().rot90(a.int("k"), pair(a.ints("dims")));
    "cat(tensors, dim=0)" => |a| cat(&a.vars("tensors"), a.int("dim"));
    "stack(tensors, dim=0)" => |a| Var::stack(&a.vars("tensors"), a.int("dim"));
    "hstack(tensors)" => |a| Var::hstack(&a.vars("tensors"));
    "vstack(tensors)" => |a| Var::vstack(&a.vars("tensors"));
    "split(input, split_size_or_sections, dim=0)" => |a| split(a);
    "chunk(input, chunks, dim=0)" => |a| a.x().chunk(a.int("dim"), a.int("chunks") as usize);
    "unbind(input, dim=0)" => |a| a.x().unbind(a.int("dim"));
    "narrow(input, dim, start, length)" => |a| narrow(a);
    "select(input, dim, index)" => |a| a.x().select_axis(a.int("dim"), a.int("index"));
    "slice(input, dim=0, start=null, end=null, step=1)" => |a| slice(a);
    "repeat(input, repeats)" => |a| a.x().tile(&sizes(&a.ints("repeats")));
    "tile(input, dims)" => |a| a.x().tile(&sizes(&a.ints("dims")));
    "repeat_interleave(input, repeats, dim=null, output_size=null)" => |a| repeat_interleave(a);
    "diag(input, diagonal=0)" => |a| a.x().diag(a.int("diagonal"));
    "diagonal(input, offset=0, dim1=0, dim2=1)" =>
        |a| a.x().diagonal_axes(a.int("offset"), [a.int("dim1"), a.int("dim2")]);
    "diag_embed(input, offset=0, dim1=-2, dim2=-1)" =>
        |a| a.x().diag_embed_axes(a.int("offset"), [a.int("dim1"), a.int("dim2")]);
    "trace(input)" => |a| a.x().trace();
    "tril(input, diagonal=0)" => |a| a.x().tril(a.int("diagonal"));
    "triu(input, diagonal=0)" => |a| a.x().triu(a.int("diagonal"));
    "unfold(input, dimension, size, step)" => |a| unfold(a);
    "diff(input, n=1, dim=-1, prepend=null, append=null)" =>
        |a| a.x().diff_with(a.int("n") as usize, a.int("dim"), a.maybe("prepend"), a.maybe("append"));
    "nn.functional.pad(input, pad, mode=\"constant\", value=null)" => |a| pad(a);
    "nn.functional.pixel_shuffle(input, upscale_factor)" => |a| a.x().pixel_shuffle(a.int("upscale_factor") as usize);
}

fn sizes(sizes: &[isize]) -> Vec<usize> {
    sizes.iter().map(|&n| usize::try_from(n).unwrap_or_else(|_| panic!("the size {n} is negative"))).collect()
}

fn pair(ints: Vec<isize>) -> [isize; 2] {
    ints.try_into().unwrap_or_else(|ints| panic!("{ints:?} are not two numbers"))
}

fn swap(x: Var<'_>, i: isize, j: isize) -> Var<'_> {
    if x.rank() == 0 { x } else { x.transpose(i, j) }
}

fn roll<'t>(a: &Args<'t>) -> Var<'t> {
    let shifts = a.ints("shifts");
    match a.given("dims") && !a.ints("dims").is_empty() {
        true => a.x().roll_axes(&a.ints("dims").into_iter().zip(shifts).collect::<Vec<_>>()),
        false => a.x().roll_all(shifts[0]),
    }
}

fn split<'t>(a: &Args<'t>) -> Vec<Var<'t>> {
    let parts = sizes(&a.ints("split_size_or_sections"));
    match a.is_list("split_size_or_sections") {
        true => a.x().split(a.int("dim"), &parts),
        false => a.x().split_every(a.int("dim"), parts[0]),
    }
}

fn narrow<'t>(a: &Args<'t>) -> Var<'t> {
    let n = a.x().shape()[a.axis("dim", &a.x().shape())] as isize;
    let start = a.int("start");
    let start = if start < 0 { start + n } else { start };
    a.x().narrow(a.int("dim"), start as usize, a.int("length") as usize)
}

fn slice<'t>(a: &Args<'t>) -> Var<'t> {
    let bound = |name, default| if a.given(name) { a.int(name) } else { default };
    a.x().slice(a.int("dim"), bound("start", 0)..bound("end", isize::MAX), a.int("step"))
}

fn repeat_interleave<'t>(a: &Args<'t>) -> Var<'t> {
    let (x, axis) = match a.given("dim") {
        true => (a.x(), a.int("dim")),
        false => (a.x().flatten(), 0),
    };
    match sizes(&a.ints("repeats"))[..] {
        [times] => x.repeat_interleave(axis, times),
        ref counts => x.repeat_each(axis, counts),
    }
}

/// A tensor of rank 0 is one of one element here.
fn unfold<'t>(a: &Args<'t>) -> Var<'t> {
    match a.x().rank() {
        0 => a.x().flatten(),
        _ => a.x().unfold(a.int("dimension"), a.int("size") as usize, a.int("step") as usize),
    }
}

/// Joined, but for empty lists among tensors of other ranks, which the reference leaves out.
fn cat<'t>(all: &[Var<'t>], axis: isize) -> Var<'t> {
    let some: Vec<Var<'t>> = all.iter().copied().filter(|x| x.shape() != [0usize][..].into()).collect();
    Var::concat(if some.is_empty() { all } else { &some }, axis)
}

/// The reference gives the amounts of the last axis first.
fn pad<'t>(a: &Args<'t>) -> Var<'t> {
    let amounts: Vec<(isize, isize)> = a.ints("pad").chunks(2).rev().map(|ends| (ends[0], ends[1])).collect();
    let mode = match a.text("mode") {
        "constant" if a.given("value") => PadMode::Constant(a.float("value").into()),
        "constant" => PadMode::ZEROS,
        "reflect" => PadMode::Reflect,
        "replicate" => PadMode::Replicate,
        "circular" => PadMode::Circular,
        other => panic!("padding by {other}"),
    };
    a.x().pad_with(&amounts, mode)
}

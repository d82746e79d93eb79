//! The same elements in another arrangement.

use wengert_autograd::Var;
use wengert_tensor::{Shape, Tensor};

use super::table;
use crate::args::{Args, axis};

table! {
    "broadcast_to(input, size)" => |a| expand(a.x(), &a.ints("size"));
    "expand(input, size)" => |a| expand(a.x(), &a.ints("size"));
    "reshape(input, shape)" => |a| a.x().reshape(&a.ints("shape")[..]);
    "view(input, shape)" => |a| a.x().reshape(&a.ints("shape")[..]);
    "flatten(input, start_dim=0, end_dim=-1)" => |a| flatten(a);
    "unflatten(input, dim, sizes)" => |a| unflatten(a);
    "squeeze(input, dim=null)" => |a| squeeze(a);
    "unsqueeze(input, dim)" => |a| a.x().unsqueeze(a.int("dim"));
    "permute(input, dims)" => |a| a.x().permute(&a.ints("dims")[..]);
    "transpose(input, dim0, dim1)" => |a| swap(a.x(), a.int("dim0"), a.int("dim1"));
    "t(input)" => |a| swap(a.x(), 0, a.x().rank() as isize - 1);
    "movedim(input, source, destination)" => |a| movedim(a);
    "flip(input, dims)" => |a| a.x().flip(&a.ints("dims")[..]);
    "fliplr(input)" => |a| a.x().flip(1);
    "flipud(input)" => |a| a.x().flip(0);
    "roll(input, shifts, dims=null)" => |a| roll(a);
    "rot90(input, k=1, dims=[0,1])" => |a| rot90(a);
    "cat(tensors, dim=0)" => |a| cat(&a.vars("tensors"), a.int("dim"));
    "stack(tensors, dim=0)" => |a| Var::stack(&a.vars("tensors"), a.int("dim"));
    "hstack(tensors)" => |a| hstack(&a.vars("tensors"));
    "vstack(tensors)" => |a| vstack(&a.vars("tensors"));
    "split(input, split_size_or_sections, dim=0)" => |a| split(a);
    "chunk(input, chunks, dim=0)" => |a| a.x().chunk(a.int("dim"), a.int("chunks") as usize);
    "unbind(input, dim=0)" => |a| a.x().unbind(a.int("dim"));
    "narrow(input, dim, start, length)" => |a| narrow(a);
    "select(input, dim, index)" => |a| a.x().select_axis(a.int("dim"), a.int("index"));
    "slice(input, dim=0, start=null, end=null, step=1)" => |a| slice(a);
    "repeat(input, repeats)" => |a| a.x().tile(&sizes(&a.ints("repeats")));
    "tile(input, dims)" => |a| a.x().tile(&sizes(&a.ints("dims")));
    "repeat_interleave(input, repeats, dim=null, output_size=null)" => |a| repeat_interleave(a);
    "diag(input, diagonal=0)" => |a| match a.x().rank() {
        1 => a.x().diag_embed(a.int("diagonal")),
        _ => a.x().diagonal(a.int("diagonal")),
    };
    "diagonal(input, offset=0, dim1=0, dim2=1)" =>
        |a| pair_last(a.x(), a.int("dim1"), a.int("dim2")).diagonal(a.int("offset"));
    "diag_embed(input, offset=0, dim1=-2, dim2=-1)" =>
        |a| last_pair(a.x().diag_embed(a.int("offset")), a.int("dim1"), a.int("dim2"));
    "trace(input)" => |a| a.x().trace();
    "tril(input, diagonal=0)" => |a| a.x().tril(a.int("diagonal"));
    "triu(input, diagonal=0)" => |a| a.x().triu(a.int("diagonal"));
    "unfold(input, dimension, size, step)" => |a| unfold(a);
    "diff(input, n=1, dim=-1, prepend=null, append=null)" => |a| diff(a);
    "nn.functional.pad(input, pad, mode=\"constant\", value=null)" => |a| pad(a);
    "nn.functional.pixel_shuffle(input, upscale_factor)" => |a| pixel_shuffle(a);
}

fn sizes(sizes: &[isize]) -> Vec<usize> {
    sizes.iter().map(|&n| usize::try_from(n).unwrap_or_else(|_| panic!("the size {n} is negative"))).collect()
}

/// Broadcast to sizes, of which -1 keeps the operand's own.
fn expand<'t>(x: Var<'t>, to: &[isize]) -> Var<'t> {
    let (shape, extra) = (x.shape(), to.len() - x.rank());
    let size = |(i, &n): (usize, &isize)| if n < 0 { shape[i - extra] } else { n as usize };
    x.broadcast_to(to.iter().enumerate().map(size).collect::<Shape>())
}

fn flatten<'t>(a: &Args<'t>) -> Var<'t> {
    let (x, shape) = (a.x(), a.x().shape());
    if shape.rank() == 0 {
        return x.flatten();
    }
    let (start, end) = (a.axis("start_dim", &shape), a.axis("end_dim", &shape));
    let middle = shape[start..=end].iter().product();
    x.reshape(&[&shape[..start], &[middle], &shape[end + 1..]].concat()[..])
}

fn unflatten<'t>(a: &Args<'t>) -> Var<'t> {
    let (x, shape) = (a.x(), a.x().shape());
    let at = a.axis("dim", &shape);
    let mut inner = a.ints("sizes");
    // The -1 is resolved along the axis alone: the whole shape may have no elements.
    let known: isize = inner.iter().filter(|&&n| n >= 0).product();
    inner.iter_mut().filter(|n| **n < 0).for_each(|n| *n = shape[at] as isize / known);
    x.reshape(&[&shape[..at], &sizes(&inner), &shape[at + 1..]].concat()[..])
}

/// Without the named axes of size 1; those of another size stay.
fn squeeze<'t>(a: &Args<'t>) -> Var<'t> {
    let shape = a.x().shape();
    let axes = a.axes("dim", &shape);
    let gone: Vec<usize> = axes.into_iter().filter(|&axis| shape[axis] == 1).collect();
    a.x().reshape(shape.without(&gone))
}

fn swap(x: Var<'_>, i: isize, j: isize) -> Var<'_> {
    if x.rank() == 0 { x } else { x.transpose(i, j) }
}

/// Axes `source` become axes `destination`; the others keep their order.
fn movedim<'t>(a: &Args<'t>) -> Var<'t> {
    let (x, shape) = (a.x(), a.x().shape());
    let (from, to) = (a.axes("source", &shape), a.axes("destination", &shape));
    let mut rest = (0..shape.rank()).filter(|axis| !from.contains(axis));
    let source = |i: usize| match to.iter().position(|&axis| axis == i) {
        Some(k) => from[k],
        None => rest.next().expect("as many axes as before"),
    };
    x.permute(&(0..shape.rank()).map(source).collect::<Vec<_>>()[..])
}

fn roll<'t>(a: &Args<'t>) -> Var<'t> {
    let x = a.x();
    let shifts = a.ints("shifts");
    let axes = if a.given("dims") { a.ints("dims") } else { Vec::new() };
    if axes.is_empty() {
        return x.flatten().roll(0, shifts[0]).reshape(x.shape());
    }
    shifts.iter().zip(axes).fold(x, |x, (&shift, axis)| x.roll(axis, shift))
}

fn rot90<'t>(a: &Args<'t>) -> Var<'t> {
    let (x, axes) = (a.x(), a.ints("dims"));
    match a.int("k").rem_euclid(4) {
        1 => x.flip(axes[1]).transpose(axes[0], axes[1]),
        2 => x.flip(&axes[..]),
        3 => x.flip(axes[0]).transpose(axes[0], axes[1]),
        _ => x,
    }
}

fn hstack<'t>(xs: &[Var<'t>]) -> Var<'t> {
    let xs: Vec<Var<'t>> = xs.iter().map(|x| if x.rank() == 0 { x.flatten() } else { *x }).collect();
    let axis = if xs[0].rank() == 1 { 0 } else { 1 };
    Var::concat(&xs, axis)
}

fn vstack<'t>(xs: &[Var<'t>]) -> Var<'t> {
    let row = |x: &Var<'t>| if x.rank() < 2 { x.reshape([1, -1]) } else { *x };
    Var::concat(&xs.iter().map(row).collect::<Vec<_>>(), 0)
}

fn split<'t>(a: &Args<'t>) -> Vec<Var<'t>> {
    let (x, parts) = (a.x(), sizes(&a.ints("split_size_or_sections")));
    if a.is_list("split_size_or_sections") {
        return x.split(a.int("dim"), &parts);
    }
    let n = x.shape()[a.axis("dim", &x.shape())];
    let starts = (0..n.max(1)).step_by(parts[0].max(1));
    x.split(a.int("dim"), &starts.map(|start| parts[0].min(n - start)).collect::<Vec<_>>())
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
    let times = a.ints("repeats");
    match times[..] {
        [times] => x.repeat_interleave(axis, times as usize),
        _ => {
            let repeat = |(i, &n): (usize, &isize)| std::iter::repeat_n(i as i64, n as usize);
            let index: Vec<i64> = times.iter().enumerate().flat_map(repeat).collect();
            x.index_select(axis, a.tape.input(&Tensor::from(index)))
        }
    }
}

/// Two axes moved to the end, in this order.
fn pair_last(x: Var<'_>, i: isize, j: isize) -> Var<'_> {
    let (i, j) = (axis(i, x.rank()), axis(j, x.rank()));
    let order: Vec<usize> = (0..x.rank()).filter(|&axis| axis != i && axis != j).chain([i, j]).collect();
    x.permute(&order[..])
}

/// The last two axes moved to be `i` and `j`.
fn last_pair(x: Var<'_>, i: isize, j: isize) -> Var<'_> {
    let rank = x.rank();
    let (i, j) = (axis(i, rank), axis(j, rank));
    let mut rest = 0..rank - 2;
    let source = |axis: usize| match axis {
        _ if axis == i => rank - 2,
        _ if axis == j => rank - 1,
        _ => rest.next().expect("as many axes as before"),
    };
    x.permute(&(0..rank).map(source).collect::<Vec<_>>()[..])
}

/// Windows along one axis, whose places become the last axis.
fn unfold<'t>(a: &Args<'t>) -> Var<'t> {
    let x = a.x();
    if x.rank() == 0 {
        return x.flatten();
    }
    let axis = a.axis("dimension", &x.shape()) as isize;
    let last = x.move_axis(axis, -1);
    let windows = last.windows(&[a.int("size") as usize], &[a.int("step") as usize], &[1]);
    windows.move_axis(-2, axis)
}

/// Joined, but for empty lists among tensors of other ranks, which the reference leaves out.
fn cat<'t>(all: &[Var<'t>], axis: isize) -> Var<'t> {
    let some: Vec<Var<'t>> = all.iter().copied().filter(|x| x.shape() != [0usize][..].into()).collect();
    Var::concat(if some.is_empty() { all } else { &some }, axis)
}

fn diff<'t>(a: &Args<'t>) -> Var<'t> {
    // No differences are of the input alone.
    if a.int("n") == 0 {
        return a.x();
    }
    let axis = a.int("dim");
    let parts: Vec<Var<'t>> = [a.maybe("prepend"), Some(a.x()), a.maybe("append")].into_iter().flatten().collect();
    let step = |x: Var<'t>, _| x.slice(axis, 1.., 1) - x.slice(axis, ..-1, 1);
    (0..a.int("n")).fold(Var::concat(&parts, axis), step)
}

/// Padding, given for the last axis first; negative amounts cut off.
fn pad<'t>(a: &Args<'t>) -> Var<'t> {
    let (x, amounts) = (a.x(), a.ints("pad"));
    let rank = x.rank();
    let edges = |axis: usize| match rank - 1 - axis {
        i if 2 * i < amounts.len() => (amounts[2 * i], amounts[2 * i + 1]),
        _ => (0, 0),
    };
    if a.says("mode", "constant") {
        let value = if a.given("value") { a.float("value") } else { 0.0 };
        let cut = |x: Var<'t>, axis: usize| {
            let (n, (lo, hi)) = (x.shape()[axis] as isize, edges(axis));
            if lo < 0 || hi < 0 { x.slice(axis as isize, -lo.min(0)..n + hi.min(0), 1) } else { x }
        };
        let added = |(lo, hi): (isize, isize)| (lo.max(0) as usize, hi.max(0) as usize);
        let pads: Vec<(usize, usize)> = (0..rank).map(edges).map(added).collect();
        return (0..rank).fold(x, cut).pad(&pads, value);
    }
    (0..rank).fold(x, |x, axis| {
        let (n, (lo, hi)) = (x.shape()[axis] as isize, edges(axis));
        let place = |i: isize| match a.text("mode") {
            "replicate" => i.clamp(0, n - 1),
            // What negative amounts cut off is not wrapped around.
            "circular" => {
                let (start, kept) = ((-lo).max(0), n + lo.min(0) + hi.min(0));
                start + (i - start).rem_euclid(kept)
            }
            _ => (n - 1 - (n - 1 - i.abs()).abs()).abs(),
        };
        let index: Vec<i64> = (-lo..n + hi).map(|i| place(i) as i64).collect();
        if (lo, hi) == (0, 0) { x } else { x.index_select(axis as isize, a.tape.input(&Tensor::from(index))) }
    })
}

fn pixel_shuffle<'t>(a: &Args<'t>) -> Var<'t> {
    let (x, shape, r) = (a.x(), a.x().shape(), a.int("upscale_factor") as usize);
    let lead = shape.rank() - 3;
    let (c, h, w) = (shape[lead] / (r * r), shape[lead + 1], shape[lead + 2]);
    let blocks = x.reshape(&[&shape[..lead], &[c, r, r, h, w]].concat()[..]);
    let order: Vec<usize> = (0..=lead).chain([3, 1, 4, 2].map(|axis| axis + lead)).collect();
    blocks.permute(&order[..]).reshape(&[&shape[..lead], &[c, h * r, w * r]].concat()[..])
}

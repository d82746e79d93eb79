//! What is composed of the operations, for variables that are not poisoned.

use wengert_autograd::Var;
use wengert_tensor::{Axes, AxisList, Error, Result};

use crate::Norm;
use crate::op::dft::Dft;
use crate::op::half::{Forward, Inverse};
use crate::op::{Direction, Scale, floats, pairs, record};

/// The axes that are meant, each once, in their order; of pairs not the last.
fn axes(op: &str, x: Var<'_>, axes: Axes, complex: bool) -> Result<AxisList> {
    let (shape, rank) = (x.shape(), x.rank());
    let mut found = axes.resolve_in_order(&shape).map_err(|error| error.within(op))?;
    if complex {
        pairs(op, &x.ty())?;
        // All axes of a tensor are all that are not the pairs.
        if found.iter().copied().eq(0..rank) {
            found.pop();
        }
        if found.contains(&(rank - 1)) {
            return Err(Error::index(format!("{op}: axis {} of {shape} holds the pairs", rank - 1)));
        }
    } else {
        floats(op, &x.ty())?;
    }
    axes.resolve(&shape).map_err(|error| error.within(op))?;
    Ok(found)
}

pub fn fft(x: Var<'_>, over: Axes, norm: Norm, direction: Direction) -> Result<Var<'_>> {
    let op = if direction == Direction::Forward { "fft" } else { "ifft" };
    let axes = axes(op, x, over, true)?;
    Ok(record(Dft { axes, direction, scale: Scale::new(norm, direction) }, x))
}

/// The last axis by the real transform, the others by the complex one.
pub fn rfft(x: Var<'_>, over: Axes, norm: Norm) -> Result<Var<'_>> {
    let mut axes = axes("rfft", x, over, false)?;
    let Some(axis) = axes.pop() else { return Err(none("rfft", x)) };
    let scale = Scale::new(norm, Direction::Forward);
    let y = record(Forward { axis, scale }, x);
    Ok(if axes.is_empty() { y } else { record(Dft { axes, direction: Direction::Forward, scale }, y) })
}

pub fn irfft(x: Var<'_>, over: Axes, n: usize, norm: Norm) -> Result<Var<'_>> {
    let mut axes = axes("irfft", x, over, true)?;
    let Some(axis) = axes.pop() else { return Err(none("irfft", x)) };
    let scale = Scale::new(norm, Direction::Inverse);
    let y = if axes.is_empty() { x } else { record(Dft { axes, direction: Direction::Inverse, scale }, x) };
    Ok(record(Inverse { axis, n, scale }, y))
}

fn none(op: &str, x: Var<'_>) -> Error {
    Error::index(format!("{op}: no axis of {} to transform", x.shape()))
}

/// Rolls every axis by half its size: rounded down, or up for the inverse.
pub fn shift<'t>(op: &str, mut x: Var<'t>, axes: Axes, round: usize) -> Result<Var<'t>> {
    let shape = x.shape();
    for axis in axes.resolve(&shape).map_err(|error| error.within(op))? {
        x = x.roll(axis as isize, (shape[axis] / 2 + round * (shape[axis] % 2)) as isize);
    }
    Ok(x)
}

/// Real and imaginary parts, as axes of size 1.
fn parts<'t>(op: &str, z: Var<'t>) -> Result<[Var<'t>; 2]> {
    pairs(op, &z.ty())?;
    Ok([z.narrow(-1, 0, 1), z.narrow(-1, 1, 1)])
}

pub fn complex(x: Var<'_>) -> Result<Var<'_>> {
    floats("complex", &x.ty())?;
    Ok(x.unsqueeze(-1).pad(&[(0, 0)].repeat(x.rank()).into_iter().chain([(0, 1)]).collect::<Vec<_>>(), 0.0))
}

pub fn product<'t>(x: Var<'t>, y: Var<'t>) -> Result<Var<'t>> {
    let ([a, b], [c, d]) = (parts("complex_mul", x)?, parts("complex_mul", y)?);
    Ok(Var::concat(&[a * c - b * d, a * d + b * c], -1))
}

pub fn conjugate(z: Var<'_>) -> Result<Var<'_>> {
    let [a, b] = parts("conjugate", z)?;
    Ok(Var::concat(&[a, -b], -1))
}

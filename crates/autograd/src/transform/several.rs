//! Derivatives of functions of several results, forwards and as blocks.
//!
//! A closure that returns an array is one of several results. The form of the results is not in the arguments, as it is for
//! [`vjp`](super::vjp), whose cotangents have it: so these are functions of their own, of arrays.

use std::panic::Location;

use wengert_tensor::Shape;

use super::args::{Args, Function};
use super::functional::{Line, by_columns, by_rows, found};
use super::lost::{lost, obstacle};
use super::pushforward;
use super::vmap::array;
use crate::tape::Var;

/// The values of a function of several results, and their directional derivatives along the tangent `dx`: forward mode.
///
/// ```
/// use wengert_autograd::jvp_several;
/// use wengert_tensor::Tensor;
///
/// let (x, dx) = (Tensor::from([1.0, 3.0]), Tensor::from([1.0, 0.5]));
/// let ([y, z], [dy, dz]) = jvp_several(|x| [x * x, x.sum()], &x, &dx)?;
/// assert_eq!((y, z), (Tensor::from([1.0, 9.0]), Tensor::from(4.0)));
/// assert_eq!((dy, dz), (Tensor::from([2.0, 3.0]), Tensor::from(1.5)));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
///
/// # Errors
/// Those of [`jvp`](super::jvp), also where one result alone does not depend on the arguments.
#[allow(clippy::type_complexity, reason = "a pair of answers, each in the caller's form")]
#[track_caller]
pub fn jvp_several<A: Args, const N: usize>(
    f: impl for<'t> Function<A::Vars<'t>, [A::Var<'t>; N]>,
    at: A,
    dx: A,
) -> A::Outcome<([A::Answer; N], [A::Answer; N])> {
    let line = Location::caller();
    at.call_array(
        dx.leaves(),
        f,
        &|f, x, dx| {
            let ys = f(x);
            let Some(&first) = ys.first() else { return ys };
            let dx: Vec<_> = dx.iter().copied().map(Some).collect();
            let dys = first.tape().originating(line, || pushforward(&ys, x, &dx));
            let dys =
                dys.into_iter().zip(&ys).map(|(dy, &y)| found(line, dy, || lost("jvp", &[y], x, "the arguments"), y));
            ys.iter().copied().chain(dys).collect()
        },
        |answers| Some((array(answers)?, array(answers)?)),
    )
}

/// The Jacobian of a function of several results: for each of them what [`jacobian`](super::jacobian) is of one.
///
/// For each argument one batched forward pass where it is smaller than the results together, else reverse ones. The block of
/// a result and an argument on which it does not depend is zero; an argument on which none depends is an error.
///
/// ```
/// use wengert_autograd::jacobian_several;
/// use wengert_tensor::Tensor;
///
/// let (x, w) = (Tensor::from([1.0, 2.0]), Tensor::from(3.0));
/// let [[yx, yw], [zx, zw]] = jacobian_several(|[x, w]| [x * w, x * x], [&x, &w])?;
/// assert_eq!((yx, yw), (Tensor::from([[3.0, 0.0], [0.0, 3.0]]), x.clone()));
/// assert_eq!((zx, zw), (Tensor::from([[2.0, 0.0], [0.0, 4.0]]), Tensor::from([0.0, 0.0])));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[track_caller]
pub fn jacobian_several<A: Args, const N: usize>(
    f: impl for<'t> Function<A::Vars<'t>, [A::Var<'t>; N]>,
    at: A,
) -> A::Outcome<[A::Each<A::Answer>; N]> {
    let line = Location::caller();
    at.call_array(
        Vec::new(),
        f,
        &|f, x, _| {
            let ys = f(x);
            let columns: Vec<Vec<Var<'_>>> = x.iter().enumerate().map(|(i, &x)| blocks(line, &ys, x, i)).collect();
            (0..ys.len()).flat_map(|k| columns.iter().map(move |column| column[k])).collect()
        },
        |answers| {
            let all: Vec<A::Answer> = answers.collect();
            let count = all.len().checked_div(N).unwrap_or(0);
            let mut all = all.into_iter().map(Some);
            let rows: Option<Vec<_>> = (0..N).map(|_| A::each(&mut all.by_ref().take(count), count)).collect();
            rows?.try_into().ok()
        },
    )
}

/// The Jacobians of `ys` by `x`, argument number `i`.
fn blocks<'t>(line: Line, ys: &[Var<'t>], x: Var<'t>, i: usize) -> Vec<Var<'t>> {
    let rows = ys.iter().fold(0usize, |sum, y| sum.saturating_add(y.shape().numel()));
    let there = x.tape().originating(line, || match rows <= x.shape().numel() {
        true => ys.iter().map(|&y| by_rows(y, x)).collect(),
        false => by_columns(ys, x),
    });
    let none = there.iter().all(Option::is_none);
    let block = |(block, &y): (Option<Var<'t>>, &Var<'t>)| match block {
        // Zero, unless a path is lost.
        None if !none && y.dtype().is_float() && obstacle(y, x).is_none() => {
            let shape: Shape = y.shape().iter().chain(x.shape().iter()).copied().collect();
            x.tape().originating(line, || y.scalar(0.0.into(), shape))
        }
        block => found(line, block, || lost("jacobian", &[y], &[x], &format!("argument {i}")), y),
    };
    there.into_iter().zip(ys).map(block).collect()
}

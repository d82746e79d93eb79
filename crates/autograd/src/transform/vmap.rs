//! `vmap`: a function of single examples, done for a batch of them.

use std::panic::Location;

use wengert_tensor::{Error, Result, Shape};

use super::args::{Args, Function};
use super::batched;
use crate::tape::Var;

/// A function done for every index of its arguments' leading axes at once; the result has that axis too.
///
/// ```
/// use wengert_autograd::{grad, vmap};
/// use wengert_tensor::Tensor;
///
/// // Per-example gradients: what no sum over examples can tell.
/// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
/// let g = vmap(|x| grad(|x| (x * x).sum(), x), &x)?;
/// assert_eq!(g, Tensor::from([[2.0, 4.0], [6.0, 8.0]]));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[track_caller]
pub fn vmap<A: Args>(f: impl for<'t> Function<A::Vars<'t>, A::Var<'t>>, at: A) -> A::Outcome<A::Answer> {
    let line = Location::caller();
    at.call(Vec::new(), f, &|f, x, _| recorded(line, &|x| vec![f(x)], x, &vec![Some(0); x.len()], &[0]), |answers| {
        answers.next()
    })
}

/// A function done for every index of one axis of its arguments at once: of each the axis that `axes` says, or
/// none of it where that is `None`. The result has the axis in place `out`.
///
/// Axes count from the end where they are negative, as everywhere; `axes` has the form of the arguments.
///
/// ```
/// use wengert_autograd::vmap_axes;
/// use wengert_tensor::Tensor;
///
/// // A matrix times each column of another.
/// let (a, b) = (Tensor::from([[1.0, 2.0], [3.0, 4.0]]), Tensor::from([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]));
/// let products = vmap_axes(|[a, b]| a.matmul(b), [&a, &b], [None, Some(1)], 1)?;
/// assert_eq!(products, a.matmul(&b)?);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
///
/// # Errors
/// Axes that there are not, or not of one size; no axis at all.
#[track_caller]
pub fn vmap_axes<A: Args>(
    f: impl for<'t> Function<A::Vars<'t>, A::Var<'t>>,
    at: A,
    axes: A::Each<Option<isize>>,
    out: isize,
) -> A::Outcome<A::Answer> {
    let (line, axes) = (Location::caller(), A::list(axes));
    at.call(Vec::new(), f, &|f, x, _| recorded(line, &|x| vec![f(x)], x, &axes, &[out]), |answers| answers.next())
}

/// [`vmap_axes`] of a function of several results, an array of them: each has the axis in its place of `out`.
///
/// ```
/// use wengert_autograd::vmap_several;
/// use wengert_tensor::Tensor;
///
/// let x = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
/// // Of each column its square and its sum; the squares are columns again.
/// let [squares, sums] = vmap_several(|x| [x * x, x.sum()], &x, Some(1), [1, 0])?;
/// assert_eq!(squares, Tensor::from([[1.0, 4.0, 9.0], [16.0, 25.0, 36.0]]));
/// assert_eq!(sums, Tensor::from([5.0, 7.0, 9.0]));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
///
/// # Errors
/// Axes that there are not, or not of one size; no axis at all.
#[track_caller]
pub fn vmap_several<A: Args, const N: usize>(
    f: impl for<'t> Function<A::Vars<'t>, [A::Var<'t>; N]>,
    at: A,
    axes: A::Each<Option<isize>>,
    out: [isize; N],
) -> A::Outcome<[A::Answer; N]> {
    let (line, axes) = (Location::caller(), A::list(axes));
    at.call_array(Vec::new(), f, &|f, x, _| recorded(line, f, x, &axes, &out), array)
}

/// The next `N` answers.
pub(super) fn array<T, const N: usize>(answers: &mut dyn Iterator<Item = T>) -> Option<[T; N]> {
    answers.take(N).collect::<Vec<T>>().try_into().ok()
}

/// The batch of `f`, recorded; mistakes are said to be made at `line`.
fn recorded<'t>(
    line: &'static Location<'static>,
    f: &dyn Fn(&[Var<'t>]) -> Vec<Var<'t>>,
    x: &[Var<'t>],
    axes: &[Option<isize>],
    out: &[isize],
) -> Vec<Var<'t>> {
    let Some(first) = x.first() else { return f(x) };
    if let Some(poisoned) = x.iter().find(|x| x.is_poisoned()) {
        return vec![*poisoned; out.len()];
    }
    let tape = first.tape();
    let (axes, n) = match mapped(x, axes) {
        Ok(found) => found,
        Err(error) => return vec![tape.fail(error.at(line)); out.len()],
    };
    // Unmapped arguments go in as they are: to the function they are like constants.
    let mut inner = x.to_vec();
    let (mut singles, mut arguments) = (Vec::new(), Vec::new());
    tape.originating(line, || {
        for ((x, inner), axis) in x.iter().zip(&mut inner).zip(axes) {
            let Some(axis) = axis else { continue };
            *inner = tape.placeholder(x.ty().with_shape(x.shape().without(&[axis])));
            singles.push(*inner);
            arguments.push(if axis == 0 { *x } else { x.move_axis(axis as isize, 0) });
        }
    });
    let ys = f(&inner);
    tape.originating(line, || {
        let all = batched(&ys, &singles, &arguments, n).into_iter().zip(out);
        all.map(|(y, &out)| if out == 0 { y } else { y.move_axis(0, out) }).collect()
    })
}

/// The axes that are meant, and their size.
fn mapped(x: &[Var<'_>], axes: &[Option<isize>]) -> Result<(Vec<Option<usize>>, usize)> {
    if axes.len() != x.len() {
        return Err(Error::value(format!("vmap: {} axes for {} arguments", axes.len(), x.len())));
    }
    let shapes: Vec<Shape> = x.iter().map(|x| x.shape()).collect();
    let axis = |(shape, axis): (&Shape, &Option<isize>)| axis.map(|axis| shape.axis(axis)).transpose();
    let found: Result<Vec<Option<usize>>> = shapes.iter().zip(axes).map(axis).collect();
    let found = found.map_err(|error| error.within("vmap"))?;
    let mut sizes = shapes.iter().zip(&found).filter_map(|(shape, axis)| Some(shape[(*axis)?]));
    match sizes.next() {
        Some(n) if sizes.all(|size| size == n) => Ok((found, n)),
        None => Err(Error::value("vmap: of no argument there is an axis to map over")),
        _ => {
            let argument = |(shape, axis): (&Shape, &Option<usize>)| match axis {
                Some(axis) => format!("axis {axis} of {shape}"),
                None => format!("none of {shape}"),
            };
            let all: Vec<String> = shapes.iter().zip(&found).map(argument).collect();
            Err(Error::shape(format!("vmap: {} are not of one size", all.join(", "))))
        }
    }
}

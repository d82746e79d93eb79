//! Derivatives of closures: what people ask for, in one call.
//!
//! Each takes a closure and where it is asked about ([`Args`]): at tensors the answer is a `Result` of
//! tensors, at variables it is variables of the same tape, so these functions nest in any order.
//! A result that does not depend on an argument is an error, not a zero.

#![expect(
    clippy::type_complexity,
    reason = "the answer's type spells out what is returned: a value and one part an argument"
)]

use std::panic::Location;

use wengert_tensor::{Error, Shape, Tensor};

use super::args::{Args, Function};
use super::lost::lost;
use super::{batched, gradients, pullback, pushforward};
use crate::tape::Var;

/// The gradient of a function that returns a single number.
///
/// ```
/// use wengert_autograd::grad;
/// use wengert_tensor::Tensor;
///
/// let (w, x) = (Tensor::from([1.0, 2.0]), Tensor::from([3.0, -1.0]));
/// assert_eq!(grad(|w| (w * w).sum(), &w)?, Tensor::from([2.0, 4.0]));
///
/// let [dw, dx] = grad(|[w, x]| (w * x).sum(), [&w, &x])?;
/// assert_eq!((dw, dx), (x.clone(), w));
///
/// // The second derivative: the inner `grad` is asked about at a variable.
/// let d2 = grad(|x| grad(|x| (x * x * x).sum(), x).sum(), &x)?;
/// assert_eq!(d2, Tensor::from([18.0, -6.0]));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[track_caller]
pub fn grad<A: Args>(f: impl for<'t> Function<A::Vars<'t>, A::Var<'t>>, at: A) -> A::Outcome<A::Each<A::Answer>> {
    let line = Location::caller();
    at.call(Vec::new(), f, &|f, x, _| gradients_at(line, f(x), x), |answers| {
        A::each(&mut answers.map(Some), usize::MAX)
    })
}

/// A function's value and its gradient.
///
/// ```
/// use wengert_autograd::value_and_grad;
/// use wengert_tensor::Tensor;
///
/// let (y, g) = value_and_grad(|x| x.exp().sum(), &Tensor::from([0.0]))?;
/// assert_eq!((y.item()?, g), (1.0, Tensor::from([1.0])));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[track_caller]
pub fn value_and_grad<A: Args>(
    f: impl for<'t> Function<A::Vars<'t>, A::Var<'t>>,
    at: A,
) -> A::Outcome<(A::Answer, A::Each<A::Answer>)> {
    let line = Location::caller();
    at.call(
        Vec::new(),
        f,
        &|f, x, _| {
            let y = f(x);
            [y].into_iter().chain(gradients_at(line, y, x)).collect()
        },
        |answers| Some((answers.next()?, A::each(&mut answers.map(Some), usize::MAX)?)),
    )
}

/// A function's value and its directional derivative along the tangent `dx`: forward mode.
///
/// [`jvp_several`](super::jvp_several) is for functions of several results.
///
/// ```
/// use wengert_autograd::jvp;
/// use wengert_tensor::Tensor;
///
/// let (y, dy) = jvp(|x| x * x, &Tensor::from([1.0, 3.0]), &Tensor::from([1.0, 0.5]))?;
/// assert_eq!((y, dy), (Tensor::from([1.0, 9.0]), Tensor::from([2.0, 3.0])));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[doc(alias = "pushforward")]
#[track_caller]
pub fn jvp<A: Args>(
    f: impl for<'t> Function<A::Vars<'t>, A::Var<'t>>,
    at: A,
    dx: A,
) -> A::Outcome<(A::Answer, A::Answer)> {
    let line = Location::caller();
    at.call(
        dx.leaves(),
        f,
        &|f, x, dx| {
            let y = f(x);
            let dx: Vec<_> = dx.iter().copied().map(Some).collect();
            let dy = y.tape().originating(line, || pushforward(&[y], x, &dx)[0]);
            vec![y, found(line, dy, || lost("jvp", &[y], x, "the arguments"), y)]
        },
        |answers| Some((answers.next()?, answers.next()?)),
    )
}

/// A function's value and its pullback of the cotangent `ybar`: reverse mode.
///
/// The function may return several results, in the form in which their cotangents are given.
///
/// ```
/// use wengert_autograd::vjp;
/// use wengert_tensor::Tensor;
///
/// let (x, ybar) = (Tensor::from([1.0, 3.0]), Tensor::from([1.0, 0.5]));
/// let (y, xbar) = vjp(|x| x * x, &x, &ybar)?;
/// assert_eq!((y, xbar), (Tensor::from([1.0, 9.0]), Tensor::from([2.0, 3.0])));
///
/// let ((y, z), xbar) = vjp(|x| (x * x, x.sum()), &x, (&ybar, &Tensor::from(10.0)))?;
/// assert_eq!((y, z), (Tensor::from([1.0, 9.0]), Tensor::from(4.0)));
/// assert_eq!(xbar, Tensor::from([12.0, 13.0]));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[doc(alias = "pullback")]
#[track_caller]
pub fn vjp<A: Args, B: Args<Kind = A::Kind, One = A::One>>(
    f: impl for<'t> Function<A::Vars<'t>, B::Vars<'t>>,
    at: A,
    ybar: B,
) -> A::Outcome<(B::Each<A::Answer>, A::Each<A::Answer>)> {
    let line = Location::caller();
    let ybars = ybar.leaves();
    let results = ybars.len();
    at.call_several::<_, B>(
        ybars,
        f,
        &|f, x, ybars| {
            let ys = f(x);
            let Some(&y) = ys.first().or(x.first()) else { return ys };
            let given: Vec<_> = ybars.iter().copied().map(Some).collect();
            let bars = y.tape().originating(line, || pullback(&ys, &given, x));
            let missing = |i: usize| lost("vjp", &ys, &x[i..=i], &format!("argument {i}"));
            let bars = bars.into_iter().enumerate().map(|(i, bar)| found(line, bar, || missing(i), y));
            ys.iter().copied().chain(bars).collect()
        },
        |answers| {
            let mut answers = answers.map(Some);
            let ys = B::each(&mut answers.by_ref().take(results), results)?;
            Some((ys, A::each(&mut answers, usize::MAX)?))
        },
    )
}

/// The product of the Hessian of a function that returns a single number with the tangent `v`:
/// forward over reverse mode, at a small multiple of the function's cost.
///
/// ```
/// use wengert_autograd::hvp;
/// use wengert_tensor::Tensor;
///
/// let (x, v) = (Tensor::from([1.0, 2.0]), Tensor::from([1.0, 0.0]));
/// assert_eq!(hvp(|x| (x * x * x).sum(), &x, &v)?, Tensor::from([6.0, 0.0]));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[track_caller]
pub fn hvp<A: Args>(f: impl for<'t> Function<A::Vars<'t>, A::Var<'t>>, at: A, v: A) -> A::Outcome<A::Each<A::Answer>> {
    let line = Location::caller();
    at.call(
        v.leaves(),
        f,
        &|f, x, v| {
            let y = f(x);
            let g = gradients_at(line, y, x);
            let v: Vec<_> = v.iter().copied().map(Some).collect();
            y.tape().originating(line, || {
                // A gradient that is constant has a Hessian of zero: nothing is lost there.
                let products = pushforward(&g, x, &v).into_iter().zip(&g);
                products.map(|(p, g)| p.unwrap_or_else(|| g.full_like(0.0))).collect()
            })
        },
        |answers| A::each(&mut answers.map(Some), usize::MAX),
    )
}

/// The Jacobian of a function: for each argument, a tensor of the result's axes followed by the argument's.
///
/// One batched program: forward mode where the argument is smaller than the result, else reverse.
/// [`jacobian_several`](super::jacobian_several) is for functions of several results.
///
/// ```
/// use wengert_autograd::jacobian;
/// use wengert_tensor::Tensor;
///
/// let j = jacobian(|x| x * x, &Tensor::from([1.0, 2.0]))?;
/// assert_eq!(j, Tensor::from([[2.0, 0.0], [0.0, 4.0]]));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[track_caller]
pub fn jacobian<A: Args>(f: impl for<'t> Function<A::Vars<'t>, A::Var<'t>>, at: A) -> A::Outcome<A::Each<A::Answer>> {
    let line = Location::caller();
    at.call(
        Vec::new(),
        f,
        &|f, x, _| {
            let y = f(x);
            let mut answers = Vec::new();
            for (i, &x) in x.iter().enumerate() {
                let reverse = y.shape().numel() <= x.shape().numel();
                let block = y.tape().originating(line, || match reverse {
                    true => by_rows(y, x),
                    false => by_columns(&[y], x).swap_remove(0),
                });
                answers.push(found(line, block, || lost("jacobian", &[y], &[x], &format!("argument {i}")), y));
            }
            answers
        },
        |answers| A::each(&mut answers.map(Some), usize::MAX),
    )
}

/// The Hessian of a function that returns a single number: for each pair of arguments, a tensor of
/// the first's axes followed by the second's. Forward over reverse mode, one batched program for each argument.
///
/// ```
/// use wengert_autograd::hessian;
/// use wengert_tensor::Tensor;
///
/// let h = hessian(|x| (x * x * x).sum(), &Tensor::from([1.0, 2.0]))?;
/// assert_eq!(h, Tensor::from([[6.0, 0.0], [0.0, 12.0]]));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[track_caller]
pub fn hessian<A: Args>(
    f: impl for<'t> Function<A::Vars<'t>, A::Var<'t>>,
    at: A,
) -> A::Outcome<A::Each<A::Each<A::Answer>>> {
    let line = Location::caller();
    at.call(
        Vec::new(),
        f,
        &|f, x, _| {
            let y = f(x);
            let g = gradients_at(line, y, x);
            // Column blocks d g / d x_j come together; answers are wanted row by row.
            let by = |&x: &_| by_columns(&g, x);
            let columns: Vec<_> = y.tape().originating(line, || x.iter().map(by).collect());
            let zero = |i: usize, j: usize| {
                let shape = g[i].shape().iter().chain(x[j].shape().iter()).copied().collect::<Shape>();
                g[i].scalar(0.0.into(), shape)
            };
            let block = |i: usize, j: usize| columns[j][i].unwrap_or_else(|| zero(i, j));
            let blocks = (0..x.len()).flat_map(|i| (0..x.len()).map(move |j| (i, j)));
            y.tape().originating(line, || blocks.map(|(i, j)| block(i, j)).collect())
        },
        |answers| {
            let mut answers: Vec<Option<A::Answer>> = answers.map(Some).collect();
            let count = answers.len().isqrt();
            let mut rows = Vec::new();
            for row in answers.chunks_mut(count.max(1)) {
                rows.push(A::each(&mut row.iter_mut().map(Option::take), count));
            }
            A::each(&mut rows.into_iter(), count)
        },
    )
}

pub(super) type Line = &'static Location<'static>;

fn gradients_at<'t>(line: Line, y: Var<'t>, x: &[Var<'t>]) -> Vec<Var<'t>> {
    y.tape().originating(line, || gradients(y, x))
}

/// A derivative of `y` that is there, or the error that it is not.
pub(super) fn found<'t>(
    line: Line,
    derivative: Option<Var<'t>>,
    missing: impl FnOnce() -> Error,
    y: Var<'t>,
) -> Var<'t> {
    derivative.unwrap_or_else(|| y.tape().originating(line, || y.tape().error(missing())))
}

/// The Jacobian of `y` by `x`, a row for each element of `y`: the pullback of every unit cotangent at once.
pub(super) fn by_rows<'t>(y: Var<'t>, x: Var<'t>) -> Option<Var<'t>> {
    let (rows, columns) = (y.shape(), x.shape());
    let ybar = y.tape().placeholder(y.ty());
    let xbar = pullback(&[y], &[Some(ybar)], &[x])[0]?;
    let all = batched(&[xbar], &[ybar], &[units(y)], rows.numel())[0];
    Some(all.reshape(rows.iter().chain(columns.iter()).copied().collect::<Shape>()))
}

/// The Jacobians of `ys` by `x`, a column for each element of `x`: the pushforward of every unit tangent at once.
pub(super) fn by_columns<'t>(ys: &[Var<'t>], x: Var<'t>) -> Vec<Option<Var<'t>>> {
    let columns = x.shape();
    let dx = x.tape().placeholder(x.ty());
    let dys = pushforward(ys, &[x], &[Some(dx)]);
    let there: Vec<Var<'t>> = dys.iter().copied().flatten().collect();
    let all = batched(&there, &[dx], &[units(x)], columns.numel());
    let mut all = all.into_iter();
    let block = |dy: Var<'t>, y: Var<'t>| {
        // [columns, rows..] to [rows.., columns..]
        let rows = y.shape();
        let order: Vec<usize> = (1..=rows.rank()).chain([0]).collect();
        dy.permute(&order[..]).reshape(rows.iter().chain(columns.iter()).copied().collect::<Shape>())
    };
    dys.iter().zip(ys).map(|(dy, &y)| dy.and_then(|_| all.next()).map(|dy| block(dy, y))).collect()
}

/// Every unit vector of the space of `x`, along a new leading axis.
fn units<'t>(x: Var<'t>) -> Var<'t> {
    let (n, tape) = (x.shape().numel(), x.tape());
    match Tensor::eye(n, x.dtype()) {
        Ok(eye) => tape.input(&eye).reshape(x.shape().with_axis(0, n)),
        Err(error) => tape.error(error.within("jacobian")),
    }
}

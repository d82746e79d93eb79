//! A function's derivative at a point, as a linear map to be applied many times.

use std::panic::Location;

use wengert_tensor::{Error, Result, Tensor};

use super::args::Results;
use super::lost::{integral, lost};
use super::recorded::Recorded;
use super::{Function, Span, Tensors, pullback, pushforward};
use crate::tape::{Tape, Var};
use crate::ty::Type;

/// A function's value at a point, and its derivative there as a linear map.
///
/// The nonlinear part is computed once; the map only does what depends on the tangent.
///
/// ```
/// use wengert_autograd::linearize;
/// use wengert_tensor::Tensor;
///
/// let (y, map) = linearize(|x| x * x, &Tensor::from([1.0, 3.0]))?;
/// assert_eq!(y, Tensor::from([1.0, 9.0]));
/// assert_eq!(map.apply(&Tensor::from([1.0, 0.5]))?, Tensor::from([2.0, 3.0]));
/// assert_eq!(map.transpose(&Tensor::from([1.0, 1.0]))?, [Tensor::from([2.0, 6.0])]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
///
/// # Errors
/// The mistakes that the function makes, an argument that is not a float, a result that does not
/// depend on the arguments.
#[track_caller]
pub fn linearize<'a, A: Tensors<'a>>(
    f: impl for<'t> Function<A::Vars<'t>, A::Var<'t>>,
    at: A,
) -> Result<(Tensor, LinearMap)> {
    let line = Location::caller();
    let outcome = at.flat(f, |f, x| linear(&|x| vec![f(x)], x));
    let (mut values, map) = outcome.map_err(|error| error.at(line))?;
    Ok((values.swap_remove(0), map))
}

/// [`linearize`] for a function of several results, an array of them.
///
/// ```
/// use wengert_autograd::linearize_several;
/// use wengert_tensor::Tensor;
///
/// let ([y, z], map) = linearize_several(|x| [x * x, x.sum()], &Tensor::from([1.0, 3.0]))?;
/// assert_eq!((y, z), (Tensor::from([1.0, 9.0]), Tensor::from(4.0)));
/// assert_eq!(map.apply_all(&Tensor::from([1.0, 0.5]))?, [Tensor::from([2.0, 3.0]), Tensor::from(1.5)]);
/// let bars = map.transpose_all([&Tensor::from([1.0, 1.0]), &Tensor::from(10.0)])?;
/// assert_eq!(bars, [Tensor::from([12.0, 16.0])]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
///
/// # Errors
/// Those of [`linearize`], also where one result alone does not depend on the arguments.
#[track_caller]
pub fn linearize_several<'a, A: Tensors<'a>, const N: usize>(
    f: impl for<'t> Function<A::Vars<'t>, [A::Var<'t>; N]>,
    at: A,
) -> Result<([Tensor; N], LinearMap)> {
    let line = Location::caller();
    let outcome = at.flat_array(f, linear);
    let (values, map) = outcome.map_err(|error| error.at(line))?;
    let n = values.len();
    let values = values.try_into().map_err(|_| Error::value(format!("linearize: {n} results for {N}")).at(line))?;
    Ok((values, map))
}

#[inline]
fn linear(f: Results<'_>, x: &[Tensor]) -> Result<(Vec<Tensor>, LinearMap)> {
    let tape = Tape::new();
    let vars: Vec<Var<'_>> = x.iter().map(|x| tape.input(x)).collect();
    if let Some(x) = vars.iter().find(|x| !x.dtype().is_float()) {
        return Err(integral("linearize", "with respect to", *x));
    }
    let ys = f(&vars);
    let dx: Vec<Var<'_>> = vars.iter().map(|x| tape.placeholder(x.ty())).collect();
    let tangents: Vec<_> = dx.iter().copied().map(Some).collect();
    let mut dys = Vec::with_capacity(ys.len());
    for (dy, y) in pushforward(&ys, &vars, &tangents).into_iter().zip(&ys) {
        match dy {
            Some(dy) if dy.is_poisoned() => {
                return dy.value().map(|_| unreachable!("a poisoned variable has no value"));
            }
            Some(dy) => dys.push(dy),
            None => return Err(lost("linearize", &[*y], &vars, "the arguments")),
        }
    }
    let span = Span::between(&dx, &dys);
    let linear = span.dependents(&dx);
    let (body, operands) = Recorded::cut(&tape, &dys, &dx, |id| span.place(id).is_some_and(|i| linear[i]));
    let asked: Vec<Var<'_>> = ys.iter().chain(&operands[dx.len()..]).copied().collect();
    let mut values = tape.finish(&asked)?;
    let residuals = values.split_off(ys.len());
    let arguments = dx.iter().map(|dx| dx.ty()).collect();
    let results = dys.iter().map(|dy| dy.ty()).collect();
    Ok((values, LinearMap { arguments, results, body, residuals }))
}

/// The derivative of a function at a point: see [`linearize`].
#[derive(Debug, Clone)]
pub struct LinearMap {
    arguments: Vec<Type>,
    results: Vec<Type>,
    /// The tangents of the results, from those of the arguments and the residuals.
    body: Recorded,
    residuals: Vec<Tensor>,
}

impl LinearMap {
    /// The tangent of the one result, from a tangent for each argument: J dx.
    ///
    /// # Errors
    /// Tangents that are not of the arguments' types, or not so many; a function of several results.
    #[inline]
    pub fn apply<'a>(&self, dx: impl Tensors<'a>) -> Result<Tensor> {
        match self.results.len() {
            1 => Ok(self.apply_all(dx)?.swap_remove(0)),
            n => Err(Error::value(format!("linear map: apply is of one result, not of {n}: there is apply_all"))),
        }
    }

    /// The tangent of each result, from a tangent for each argument: J dx.
    ///
    /// # Errors
    /// Tangents that are not of the arguments' types, or not so many.
    #[inline]
    pub fn apply_all<'a>(&self, dx: impl Tensors<'a>) -> Result<Vec<Tensor>> {
        let dx = expect("tangents", &dx.leaves(), "arguments", &self.arguments)?;
        let tape = Tape::new();
        let dx: Vec<Var<'_>> = dx.iter().map(|dx| tape.input(dx)).collect();
        tape.finish(&self.on(&tape, &dx))
    }

    /// The cotangent of each argument, from that of the one result: J' ybar.
    ///
    /// # Errors
    /// A cotangent that is not of the result's type; a function of several results.
    #[inline]
    pub fn transpose(&self, ybar: &Tensor) -> Result<Vec<Tensor>> {
        self.transpose_all(ybar)
    }

    /// The cotangent of each argument, from one for each result: J' ybar.
    ///
    /// # Errors
    /// Cotangents that are not of the results' types, or not so many.
    #[inline]
    pub fn transpose_all<'a>(&self, ybar: impl Tensors<'a>) -> Result<Vec<Tensor>> {
        let ybar = expect("cotangents", &ybar.leaves(), "results", &self.results)?;
        let tape = Tape::new();
        // A linear map's pullback does not depend on where it is taken: the tangents need no value.
        let dx: Vec<Var<'_>> = self.arguments.iter().map(|ty| tape.placeholder(ty.clone())).collect();
        let ybar: Vec<_> = ybar.iter().map(|ybar| Some(tape.input(ybar))).collect();
        let bars = pullback(&self.on(&tape, &dx), &ybar, &dx);
        let bars: Vec<Var<'_>> =
            bars.into_iter().zip(&dx).map(|(bar, dx)| bar.unwrap_or_else(|| dx.full_like(0.0))).collect();
        tape.finish(&bars)
    }

    #[inline]
    fn on<'t>(&self, tape: &'t Tape, dx: &[Var<'t>]) -> Vec<Var<'t>> {
        let residuals = self.residuals.iter().map(|residual| tape.input(residual));
        self.body.replay(tape, &dx.iter().copied().chain(residuals).collect::<Vec<_>>())
    }
}

/// Tensors that are of these types, and so many.
#[inline]
fn expect(what: &str, got: &[&Tensor], of: &str, types: &[Type]) -> Result<Vec<Tensor>> {
    if got.len() != types.len() {
        return Err(Error::value(format!("linear map: {} {what} for {} {of}", got.len(), types.len())));
    }
    for (tensor, ty) in got.iter().zip(types) {
        let got = Type::new(tensor.dtype(), tensor.shape());
        if got != *ty {
            return Err(Error::shape(format!("linear map: {what} of {got} for {of} of {ty}")));
        }
    }
    Ok(got.iter().map(|&tensor| tensor.clone()).collect())
}

//! A function's derivative at a point, as a linear map to be applied many times.

use std::panic::Location;

use wengert_tensor::{Error, Result, Tensor};

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
    let outcome = at.flat(f, |f, x| {
        let tape = Tape::new();
        let vars: Vec<Var<'_>> = x.iter().map(|x| tape.input(x)).collect();
        if let Some(x) = vars.iter().find(|x| !x.dtype().is_float()) {
            return Err(integral("linearize", "with respect to", *x));
        }
        let y = f(&vars);
        let dx: Vec<Var<'_>> = vars.iter().map(|x| tape.placeholder(x.ty())).collect();
        let tangents: Vec<_> = dx.iter().copied().map(Some).collect();
        let dy = match pushforward(&[y], &vars, &tangents)[0] {
            Some(dy) if dy.is_poisoned() => {
                return dy.value().map(|_| unreachable!("a poisoned variable has no value"));
            }
            Some(dy) => dy,
            None => return Err(lost("linearize", &[y], &vars, "the arguments")),
        };
        let span = Span::between(&dx, &[dy]);
        let linear = span.dependents(&dx);
        let (body, operands) = Recorded::cut(&tape, &[dy], &dx, |id| span.place(id).is_some_and(|i| linear[i]));
        let asked: Vec<Var<'_>> = [y].into_iter().chain(operands[dx.len()..].iter().copied()).collect();
        let mut values = tape.finish(&asked)?;
        let residuals = values.split_off(1);
        let arguments = dx.iter().map(|dx| dx.ty()).collect();
        Ok((values.swap_remove(0), LinearMap { arguments, result: dy.ty(), body, residuals }))
    });
    outcome.map_err(|error| error.at(line))
}

/// The derivative of a function at a point: see [`linearize`].
#[derive(Debug, Clone)]
pub struct LinearMap {
    arguments: Vec<Type>,
    result: Type,
    /// The tangent of the result, from those of the arguments and the residuals.
    body: Recorded,
    residuals: Vec<Tensor>,
}

impl LinearMap {
    /// The tangent of the result, from a tangent for each argument: J dx.
    ///
    /// # Errors
    /// Tangents that are not of the arguments' types, or not so many.
    #[inline]
    pub fn apply<'a>(&self, dx: impl Tensors<'a>) -> Result<Tensor> {
        let dx = dx.leaves();
        if dx.len() != self.arguments.len() {
            let (got, n) = (dx.len(), self.arguments.len());
            return Err(Error::value(format!("linear map: {got} tangents for {n} arguments")));
        }
        for (dx, x) in dx.iter().zip(&self.arguments) {
            expect("a tangent", dx, "an argument", x)?;
        }
        let tape = Tape::new();
        let dx: Vec<Var<'_>> = dx.into_iter().map(|dx| tape.input(dx)).collect();
        Ok(tape.finish(&[self.on(&tape, &dx)])?.swap_remove(0))
    }

    /// The cotangent of each argument, from that of the result: J' ybar.
    ///
    /// # Errors
    /// A cotangent that is not of the result's type.
    #[inline]
    pub fn transpose(&self, ybar: &Tensor) -> Result<Vec<Tensor>> {
        expect("a cotangent", ybar, "a result", &self.result)?;
        let tape = Tape::new();
        // A linear map's pullback does not depend on where it is taken: the tangents need no value.
        let dx: Vec<Var<'_>> = self.arguments.iter().map(|ty| tape.placeholder(ty.clone())).collect();
        let bars = pullback(&[self.on(&tape, &dx)], &[Some(tape.input(ybar))], &dx);
        let bars: Vec<Var<'_>> =
            bars.into_iter().zip(&dx).map(|(bar, dx)| bar.unwrap_or_else(|| dx.full_like(0.0))).collect();
        tape.finish(&bars)
    }

    #[inline]
    fn on<'t>(&self, tape: &'t Tape, dx: &[Var<'t>]) -> Var<'t> {
        let residuals = self.residuals.iter().map(|residual| tape.input(residual));
        self.body.replay(tape, &dx.iter().copied().chain(residuals).collect::<Vec<_>>())[0]
    }
}

#[inline]
fn expect(what: &str, got: &Tensor, of: &str, ty: &Type) -> Result<()> {
    let got = Type::new(got.dtype(), got.shape());
    match got == *ty {
        true => Ok(()),
        false => Err(Error::shape(format!("linear map: {what} of {got} for {of} of {ty}"))),
    }
}

//! [`LinearAlgebra`] for variables: what is recorded is said to come from the caller's line, and a mistake becomes a
//! poisoned variable.

use std::panic::Location;

use wengert_autograd::Var;
use wengert_autograd::op::compose as recorded;
use wengert_tensor::Result;

use crate::op::cholesky::Cholesky;
use crate::op::eigh::{Eigenvalues, eigh};
use crate::op::svd::{SingularValues, svd};
use crate::op::{matrices, qr, record, square, symmetric};
use crate::{LinearAlgebra, MatrixNorm, Triangle, compose};

/// [`recorded`], for one variable and one result.
fn one<'t>(at: &'static Location<'static>, x: Var<'t>, f: impl FnOnce(Var<'t>) -> Result<Var<'t>>) -> Var<'t> {
    let [y] = recorded(at, [x], |[x]| Ok([f(x)?]));
    y
}

/// [`recorded`], for two variables and one result.
fn two<'t>(
    at: &'static Location<'static>,
    xs: [Var<'t>; 2],
    f: impl FnOnce(Var<'t>, Var<'t>) -> Result<Var<'t>>,
) -> Var<'t> {
    let [y] = recorded(at, xs, |[x, y]| Ok([f(x, y)?]));
    y
}

impl<'t> LinearAlgebra for Var<'t> {
    type Out<T> = T;

    fn cholesky(&self) -> Self {
        one(Location::caller(), *self, |x| square("cholesky", &x.ty()).map(|_| record(Cholesky, &[symmetric(x)])))
    }

    fn solve(&self, b: &Self) -> Self {
        two(Location::caller(), [*self, *b], compose::solve)
    }

    fn solve_triangular(&self, b: &Self, part: Triangle) -> Self {
        two(Location::caller(), [*self, *b], |t, b| compose::triangular(t, part, b))
    }

    fn inverse(&self) -> Self {
        one(Location::caller(), *self, compose::inverse)
    }

    fn det(&self) -> Self {
        one(Location::caller(), *self, compose::det)
    }

    fn slogdet(&self) -> (Self, Self) {
        let [sign, ln] = recorded(Location::caller(), [*self], |[x]| compose::slogdet(x).map(Into::into));
        (sign, ln)
    }

    fn logdet(&self) -> Self {
        one(Location::caller(), *self, compose::logdet)
    }

    fn qr(&self) -> (Self, Self) {
        let [q, r] = recorded(Location::caller(), [*self], |[x]| qr::qr(x).map(Into::into));
        (q, r)
    }

    fn svd(&self) -> (Self, Self, Self) {
        let [u, s, vt] = recorded(Location::caller(), [*self], |[x]| matrices("svd", &x.ty()).map(|_| svd(x)));
        (u, s, vt)
    }

    fn singular_values(&self) -> Self {
        one(Location::caller(), *self, |x| Ok(record(SingularValues, &[x])))
    }

    fn eigh(&self) -> (Self, Self) {
        let decomposed = |[x]: [Var<'t>; 1]| square("eigh", &x.ty()).map(|_| eigh(symmetric(x)));
        let [values, vectors] = recorded(Location::caller(), [*self], decomposed);
        (values, vectors)
    }

    fn eigenvalues_symmetric(&self) -> Self {
        let values =
            |x: Var<'t>| square("eigenvalues_symmetric", &x.ty()).map(|_| record(Eigenvalues, &[symmetric(x)]));
        one(Location::caller(), *self, values)
    }

    fn lstsq(&self, b: &Self) -> Self {
        two(Location::caller(), [*self, *b], compose::lstsq)
    }

    fn pinv(&self) -> Self {
        one(Location::caller(), *self, compose::pinv)
    }

    fn matrix_power(&self, n: i32) -> Self {
        one(Location::caller(), *self, |x| compose::power(x, n))
    }

    fn matrix_norm(&self, norm: MatrixNorm) -> Self {
        one(Location::caller(), *self, |x| compose::norm(x, norm))
    }

    fn matrix_norm_axes(&self, norm: MatrixNorm, axes: [isize; 2]) -> Self {
        one(Location::caller(), *self, |x| match x.move_axes(axes, [-2, -1]) {
            x if x.is_poisoned() => Ok(x),
            x => compose::norm(x, norm),
        })
    }

    fn matrix_rank(&self) -> Self {
        one(Location::caller(), *self, compose::rank)
    }
}

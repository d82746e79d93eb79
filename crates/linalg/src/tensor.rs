//! [`LinearAlgebra`] for tensors: the same on a tape of its own.

use wengert_autograd::{Tape, Var};
use wengert_tensor::{Error, Result, Tensor};

use crate::{LinearAlgebra, MatrixNorm, Triangle};

/// The values of a function of variables.
///
/// An error names no line: the one it was recorded at is this crate's, not the caller's.
fn values<const N: usize, const M: usize>(
    xs: [&Tensor; N],
    f: impl for<'t> FnOnce([Var<'t>; N]) -> [Var<'t>; M],
) -> Result<[Tensor; M]> {
    let tape = Tape::new();
    let ys = tape.evaluate(&f(xs.map(|x| tape.input(x))));
    let ys = ys.map_err(|error| Error::new(error.kind(), error.sentence()))?;
    ys.try_into().map_err(|_| Error::tape("evaluate: another number of values than was asked for"))
}

/// [`values`], for one result.
fn value<const N: usize>(xs: [&Tensor; N], f: impl for<'t> FnOnce([Var<'t>; N]) -> Var<'t>) -> Result<Tensor> {
    let [y] = values(xs, |xs| [f(xs)])?;
    Ok(y)
}

impl LinearAlgebra for Tensor {
    type Out<T> = Result<T>;

    fn cholesky(&self) -> Result<Self> {
        value([self], |[x]| x.cholesky())
    }

    fn solve(&self, b: &Self) -> Result<Self> {
        value([self, b], |[x, b]| x.solve(&b))
    }

    fn solve_triangular(&self, b: &Self, part: Triangle) -> Result<Self> {
        value([self, b], |[x, b]| x.solve_triangular(&b, part))
    }

    fn inverse(&self) -> Result<Self> {
        value([self], |[x]| x.inverse())
    }

    fn det(&self) -> Result<Self> {
        value([self], |[x]| x.det())
    }

    fn slogdet(&self) -> Result<(Self, Self)> {
        values([self], |[x]| x.slogdet().into()).map(Into::into)
    }

    fn logdet(&self) -> Result<Self> {
        value([self], |[x]| x.logdet())
    }

    fn qr(&self) -> Result<(Self, Self)> {
        values([self], |[x]| x.qr().into()).map(Into::into)
    }

    fn svd(&self) -> Result<(Self, Self, Self)> {
        values([self], |[x]| x.svd().into()).map(Into::into)
    }

    fn singular_values(&self) -> Result<Self> {
        value([self], |[x]| x.singular_values())
    }

    fn eigh(&self) -> Result<(Self, Self)> {
        values([self], |[x]| x.eigh().into()).map(Into::into)
    }

    fn eigenvalues_symmetric(&self) -> Result<Self> {
        value([self], |[x]| x.eigenvalues_symmetric())
    }

    fn lstsq(&self, b: &Self) -> Result<Self> {
        value([self, b], |[x, b]| x.lstsq(&b))
    }

    fn pinv(&self) -> Result<Self> {
        value([self], |[x]| x.pinv())
    }

    fn matrix_power(&self, n: i32) -> Result<Self> {
        value([self], |[x]| x.matrix_power(n))
    }

    fn matrix_norm(&self, norm: MatrixNorm) -> Result<Self> {
        value([self], |[x]| x.matrix_norm(norm))
    }

    fn matrix_norm_axes(&self, norm: MatrixNorm, axes: [isize; 2]) -> Result<Self> {
        value([self], |[x]| x.matrix_norm_axes(norm, axes))
    }

    fn matrix_rank(&self) -> Result<Self> {
        value([self], |[x]| x.matrix_rank())
    }
}

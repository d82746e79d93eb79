//! [`Fourier`] for tensors: the same on a tape of its own.

use wengert_autograd::{Tape, Var};
use wengert_tensor::{Axes, Error, Result, Tensor};

use crate::{Fourier, Norm};

/// The value of a function of variables.
///
/// An error names no line: the one it was recorded at is this crate's, not the caller's.
fn value<const N: usize>(xs: [&Tensor; N], f: impl for<'t> FnOnce([Var<'t>; N]) -> Var<'t>) -> Result<Tensor> {
    let tape = Tape::new();
    f(xs.map(|x| tape.input(x))).value().map_err(|error| Error::new(error.kind(), error.sentence()))
}

impl Fourier for Tensor {
    type Out<T> = Result<T>;

    fn fft(&self, axes: impl Into<Axes>, norm: Norm) -> Result<Self> {
        value([self], |[x]| x.fft(axes, norm))
    }

    fn ifft(&self, axes: impl Into<Axes>, norm: Norm) -> Result<Self> {
        value([self], |[x]| x.ifft(axes, norm))
    }

    fn rfft(&self, axes: impl Into<Axes>, norm: Norm) -> Result<Self> {
        value([self], |[x]| x.rfft(axes, norm))
    }

    fn irfft(&self, axes: impl Into<Axes>, n: usize, norm: Norm) -> Result<Self> {
        value([self], |[x]| x.irfft(axes, n, norm))
    }

    fn fft_shift(&self, axes: impl Into<Axes>) -> Result<Self> {
        value([self], |[x]| x.fft_shift(axes))
    }

    fn ifft_shift(&self, axes: impl Into<Axes>) -> Result<Self> {
        value([self], |[x]| x.ifft_shift(axes))
    }

    fn complex(&self) -> Result<Self> {
        value([self], |[x]| x.complex())
    }

    fn complex_mul(&self, other: &Self) -> Result<Self> {
        value([self, other], |[x, y]| x.complex_mul(&y))
    }

    fn conjugate(&self) -> Result<Self> {
        value([self], |[z]| z.conjugate())
    }
}

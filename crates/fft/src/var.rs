//! [`Fourier`] for variables: what is recorded is said to come from the caller's line, and a mistake becomes a
//! poisoned variable.

use std::panic::Location;

use wengert_autograd::{Var, op};
use wengert_tensor::{Axes, Result};

use crate::op::Direction;
use crate::{Fourier, Norm, compose};

/// [`op::compose`] for one result.
fn recorded<'t, const N: usize>(
    at: &'static Location<'static>,
    xs: [Var<'t>; N],
    f: impl FnOnce([Var<'t>; N]) -> Result<Var<'t>>,
) -> Var<'t> {
    let [y] = op::compose(at, xs, |xs| Ok([f(xs)?]));
    y
}

impl<'t> Fourier for Var<'t> {
    type Out<T> = T;

    fn fft(&self, axes: impl Into<Axes>, norm: Norm) -> Self {
        recorded(Location::caller(), [*self], |[x]| compose::fft(x, axes.into(), norm, Direction::Forward))
    }

    fn ifft(&self, axes: impl Into<Axes>, norm: Norm) -> Self {
        recorded(Location::caller(), [*self], |[x]| compose::fft(x, axes.into(), norm, Direction::Inverse))
    }

    fn rfft(&self, axes: impl Into<Axes>, norm: Norm) -> Self {
        recorded(Location::caller(), [*self], |[x]| compose::rfft(x, axes.into(), norm))
    }

    fn irfft(&self, axes: impl Into<Axes>, n: usize, norm: Norm) -> Self {
        recorded(Location::caller(), [*self], |[x]| compose::irfft(x, axes.into(), n, norm))
    }

    fn fft_shift(&self, axes: impl Into<Axes>) -> Self {
        recorded(Location::caller(), [*self], |[x]| compose::shift("fft_shift", x, axes.into(), 0))
    }

    fn ifft_shift(&self, axes: impl Into<Axes>) -> Self {
        recorded(Location::caller(), [*self], |[x]| compose::shift("ifft_shift", x, axes.into(), 1))
    }

    fn complex(&self) -> Self {
        recorded(Location::caller(), [*self], |[x]| compose::complex(x))
    }

    fn complex_mul(&self, other: &Self) -> Self {
        recorded(Location::caller(), [*self, *other], |[x, y]| compose::product(x, y))
    }

    fn conjugate(&self) -> Self {
        recorded(Location::caller(), [*self], |[z]| compose::conjugate(z))
    }
}

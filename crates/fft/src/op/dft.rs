//! The transform of complex numbers.

use wengert_autograd::op::{Rule, operands};
use wengert_autograd::{Type, Var};
use wengert_tensor::{AxisList, Error, Result, View, ViewMut};

use super::{Direction, Scale, pairs, record};
use crate::lines::{self, with_real};

/// y = c F x over `axes`, F with elements exp(∓2πi jk / n);  dy = c F dx
///
/// Its adjoint is the conjugate transpose, c Fᴴ: the other direction with the same factor.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Dft {
    /// Without the last, which holds the pairs.
    pub axes: AxisList,
    pub direction: Direction,
    pub scale: Scale,
}

impl Rule for Dft {
    fn name(&self) -> &'static str {
        match self.direction {
            Direction::Forward => "fft",
            Direction::Inverse => "ifft",
        }
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [x] = operands(self.name(), x)?;
        let rank = pairs(self.name(), x)?;
        match self.axes.iter().find(|&&axis| axis >= rank) {
            Some(axis) => Err(Error::index(format!("{}: axis {axis} of {} holds the pairs", self.name(), x.shape))),
            None => Ok(x.clone()),
        }
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        let Self { axes, direction, scale } = self;
        with_real!(self.name(), x[0].dtype(), T => {
            lines::complex::<T>(self.name(), x[0], axes, *direction, *scale, out)
        })
    }

    fn jvp<'t>(&self, _: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        dx[0].map(|dx| record(self.clone(), dx))
    }

    fn vjp<'t>(&self, _: usize, _: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        Some(record(Self { direction: self.direction.reversed(), ..self.clone() }, ybar))
    }

    fn batch<'t>(&self, x: &[Var<'t>], _: &[bool], _: usize) -> Var<'t> {
        record(Self { axes: self.axes.iter().map(|axis| axis + 1).collect(), ..self.clone() }, x[0])
    }
}

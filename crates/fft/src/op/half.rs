//! The transform of real numbers, and back, along one axis: half of the complex one, for the other half is conjugate.

use wengert_autograd::op::{Rule, operands};
use wengert_autograd::{Type, Var};
use wengert_tensor::{Error, Result, Shape, Tensor, View, ViewMut};

use super::{Scale, floats, pairs, record};
use crate::lines::{self, with_real};

/// y = c (F x)ₖ for k ≤ n / 2, of real x along `axis`;  dy = c (F dx)ₖ
///
/// Its adjoint is Re c Σₖ ȳₖ exp(2πi jk / n) over the same k: what [`Inverse`] makes of ȳ with each frequency that has
/// a conjugate counted half, for there it counts both.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Forward {
    pub axis: usize,
    pub scale: Scale,
}

/// x = c Σₖ yₖ exp(2πi jk / n) over all n frequencies of a real signal, of which y has those with k ≤ n / 2 along
/// `axis`;  dx = the same of dy
///
/// Its adjoint is [`Forward`] with each frequency that has a conjugate counted twice.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Inverse {
    pub axis: usize,
    pub n: usize,
    pub scale: Scale,
}

impl Rule for Forward {
    fn name(&self) -> &'static str {
        "rfft"
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [x] = operands("rfft", x)?;
        floats("rfft", x)?;
        match x.shape.get(self.axis) {
            Some(&n) if n > 0 => {
                let half = x.shape.with_size(self.axis, n / 2 + 1);
                Ok(x.with_shape(half.with_axis(half.rank(), 2)))
            }
            _ => Err(Error::shape(format!("rfft: axis {} of {} has no elements", self.axis, x.shape))),
        }
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        with_real!("rfft", x[0].dtype(), T => lines::forward::<T>("rfft", x[0], self.axis, self.scale, out))
    }

    fn jvp<'t>(&self, _: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        dx[0].map(|dx| record(self.clone(), dx))
    }

    fn vjp<'t>(&self, _: usize, x: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        let (axis, n) = (self.axis, x[0].shape()[self.axis]);
        Some(record(Inverse { axis, n, scale: self.scale }, weighted(ybar, axis, n, 0.5)))
    }

    fn batch<'t>(&self, x: &[Var<'t>], _: &[bool], _: usize) -> Var<'t> {
        record(Self { axis: self.axis + 1, scale: self.scale }, x[0])
    }
}

impl Rule for Inverse {
    fn name(&self) -> &'static str {
        "irfft"
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [x] = operands("irfft", x)?;
        let rank = pairs("irfft", x)?;
        let (axis, n) = (self.axis, self.n);
        if axis >= rank {
            return Err(Error::index(format!("irfft: axis {axis} of {} holds the pairs", x.shape)));
        }
        if n == 0 || x.shape[axis] != n / 2 + 1 {
            let (shape, need) = (&x.shape, n / 2 + 1);
            return Err(Error::shape(format!(
                "irfft: {n} numbers have {need} frequencies, not those of axis {axis} of {shape}"
            )));
        }
        Ok(x.with_shape(x.shape.without(&[rank]).with_size(axis, n)))
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        with_real!("irfft", x[0].dtype(), T => lines::inverse::<T>("irfft", x[0], self.axis, self.n, self.scale, out))
    }

    fn jvp<'t>(&self, _: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        dx[0].map(|dx| record(self.clone(), dx))
    }

    fn vjp<'t>(&self, _: usize, _: &[Var<'t>], _: Var<'t>, xbar: Var<'t>) -> Option<Var<'t>> {
        let Self { axis, n, scale } = *self;
        Some(weighted(record(Forward { axis, scale }, xbar), axis, n, 2.0))
    }

    fn batch<'t>(&self, x: &[Var<'t>], _: &[bool], _: usize) -> Var<'t> {
        record(Self { axis: self.axis + 1, ..self.clone() }, x[0])
    }
}

/// Pairs with every frequency along `axis` that has a conjugate among n times `factor`.
fn weighted<'t>(x: Var<'t>, axis: usize, n: usize, factor: f64) -> Var<'t> {
    let (m, rank) = (n / 2 + 1, x.rank());
    let weight = |k: usize| if k == 0 || 2 * k == n { 1.0 } else { factor };
    let shape: Shape = (0..rank).map(|i| if i == axis { m } else { 1 }).collect();
    let weights = Tensor::from_vec((0..m).map(weight).collect::<Vec<f64>>(), shape);
    match weights.and_then(|weights| weights.cast(x.dtype())) {
        Ok(weights) => x * x.tape().input(&weights),
        Err(error) => x.tape().error(error),
    }
}

//! Matrix products.

use wengert_tensor::{Error, Result, Tensor, View, ViewMut, kernel};

use super::{Example, Rule, lift, operands, sum_tangents};
use crate::tape::Var;
use crate::ty::Type;

/// Z = X Y over the last two axes, for equal leading axes;  dZ = dX Y + X dY
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Matmul;

impl Rule for Matmul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [x, y] = operands("matmul", x)?;
        if x.dtype != y.dtype {
            return Err(Error::dtype(format!("matmul: dtypes {} and {} differ", x.dtype, y.dtype)));
        }
        Ok(x.with_shape(kernel::matmul::shape(&x.shape, &y.shape)?))
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        kernel::matmul::matmul(x[0], x[1], out)
    }

    fn jvp<'t>(&self, x: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        sum_tangents(dx, |i, dx| Some(if i == 0 { dx.matmul(x[1]) } else { x[0].matmul(dx) }))
    }

    fn vjp<'t>(&self, i: usize, x: &[Var<'t>], _: Var<'t>, zbar: Var<'t>) -> Option<Var<'t>> {
        Some(if i == 0 { zbar.matmul(x[1].t()) } else { x[0].t().matmul(zbar) })
    }

    fn batch<'t>(&self, x: &[Var<'t>], batched: &[bool], n: usize) -> Var<'t> {
        x[0].tape().record(Matmul, &lift(x, batched, n))
    }

    fn examples() -> Vec<Example> {
        let x = Tensor::from([[[1.0, 2.0], [0.5, -1.0], [3.0, 0.25]]]);
        let y = Tensor::from([[[0.5, 2.0, 1.0, -1.0], [1.5, 0.0, -2.0, 0.75]]]);
        vec![Example::new(Matmul, [x, y])]
    }
}

impl<'t> Var<'t> {
    /// The matrix product over the last two axes, [.., m, k] by [.., k, n] to [.., m, n]; leading
    /// axes broadcast by NumPy's rule.
    #[track_caller]
    pub fn matmul(self, other: Self) -> Self {
        let (a, b) = (self.shape(), other.shape());
        let lead = |s: &wengert_tensor::Shape| s[..s.rank().saturating_sub(2)].to_vec();
        let (la, lb) = (lead(&a), lead(&b));
        if la == lb || a.rank() < 2 || b.rank() < 2 {
            return self.tape().record(Matmul, &[self, other]);
        }
        match wengert_tensor::Shape::from(la).broadcast(&wengert_tensor::Shape::from(lb)) {
            Some(lead) => {
                let full = |s: &wengert_tensor::Shape| lead.iter().chain(&s[s.rank() - 2..]).copied().collect::<wengert_tensor::Shape>();
                self.tape().record(Matmul, &[self.broadcast_to(full(&a)), other.broadcast_to(full(&b))])
            }
            None => self.tape().error(Error::shape(format!("matmul: {a} x {b}: leading axes do not broadcast"))),
        }
    }
}

//! The Cholesky factor.

use faer::{MatRef, Side};
use wengert_autograd::op::{Rule, operands};
use wengert_autograd::{Type, Var};
use wengert_tensor::{Result, View, ViewMut};

use super::triangular::{solve, solve_right};
use super::{leading, square, symmetric};
use crate::Triangle::{Lower, Upper};
use crate::matrices::{Checked, Real, each, finite, with_real, write};

/// L Lᵀ = A, of which the lower triangle is read, for symmetric A and dA;
/// dL = L Φ(L⁻¹ dA L⁻ᵀ), where Φ is the lower triangle with half the diagonal
///
/// I. Murray, "Differentiation of the Cholesky decomposition" (2016).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cholesky;

impl Rule for Cholesky {
    fn name(&self) -> &'static str {
        "cholesky"
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [a] = operands("cholesky", x)?;
        square("cholesky", a)?;
        Ok(a.clone())
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        with_real!("cholesky", x[0].dtype(), T => each::<T, 1>("cholesky", [x[0]], out, &mut cholesky))
    }

    fn jvp<'t>(&self, _: &[Var<'t>], l: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        let inner = solve_right(solve(l, Lower, dx[0]?), l.t(), Upper);
        Some(l.matmul(lower_half(inner)))
    }

    fn vjp<'t>(&self, _: usize, _: &[Var<'t>], l: Var<'t>, lbar: Var<'t>) -> Option<Var<'t>> {
        let inner = lower_half(l.t().matmul(lbar));
        Some(symmetric(solve_right(solve(l.t(), Upper, inner), l, Lower)))
    }

    fn batch<'t>(&self, x: &[Var<'t>], batched: &[bool], n: usize) -> Var<'t> {
        leading(self, x, batched, n)
    }
}

/// Φ
fn lower_half(x: Var<'_>) -> Var<'_> {
    0.5 * (x.tril(0) + x.tril(-1))
}

fn cholesky<T: Real>([a]: [MatRef<'_, T>; 1], out: &mut [T]) -> Checked {
    finite(a)?;
    let factor = a.llt(Side::Lower).map_err(|_| "is not positive definite".to_string())?;
    write(factor.L(), out);
    Ok(())
}

//! The matrix of cofactors: the gradient of the determinant, also of singular matrices.

use faer::MatRef;
use wengert_autograd::op::{Rule, operands};
use wengert_autograd::{Type, Var};
use wengert_tensor::{Result, View, ViewMut};

use super::lu::{Lu, LuSolve};
use super::{eye, leading, record, square};
use crate::matrices::{Checked, Real, each, finite, with_real};

/// C = det(A) A⁻ᵀ, continued to singular A;  dC = ⟨A⁻ᵀ, dA⟩ C - C dAᵀ A⁻ᵀ
///
/// From A = U diag(s) Vᵀ, C = det(U) det(V) U diag(∏_{j≠i} sⱼ) Vᵀ: G. W. Stewart, "On the adjugate matrix" (1998).
/// The derivative is that at invertible matrices.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cofactors;

impl Rule for Cofactors {
    fn name(&self) -> &'static str {
        "cofactors"
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [a] = operands("cofactors", x)?;
        square("cofactors", a)?;
        Ok(a.clone())
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        with_real!("cofactors", x[0].dtype(), T => each::<T, 1>("cofactors", [x[0]], out, &mut cofactors))
    }

    fn jvp<'t>(&self, x: &[Var<'t>], y: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        let (w, da) = (inverse_transposed(x[0]), dx[0]?);
        Some(inner(w, da) * y - y.matmul(da.t()).matmul(w))
    }

    fn vjp<'t>(&self, _: usize, x: &[Var<'t>], y: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        let w = inverse_transposed(x[0]);
        Some(inner(ybar, y) * w - w.matmul(ybar.t()).matmul(y))
    }

    fn batch<'t>(&self, x: &[Var<'t>], batched: &[bool], n: usize) -> Var<'t> {
        leading(self, x, batched, n)
    }
}

fn cofactors<T: Real>([a]: [MatRef<'_, T>; 1], out: &mut [T]) -> Checked {
    finite(a)?;
    let svd = a.svd().map_err(|_| "has no singular values that an iteration finds".to_string())?;
    let (u, v, s) = (svd.U(), svd.V(), svd.S().column_vector());
    let n = a.nrows();
    let sign = u.determinant() * v.determinant();
    let sign = if sign < T::from_index(0) { -T::from_index(1) } else { T::from_index(1) };
    let others = |i: usize| (0..n).filter(|&j| j != i).fold(sign, |product, j| product * s[j]);
    let others: Vec<T> = (0..n).map(others).collect();
    for (i, row) in out.chunks_exact_mut(n).enumerate() {
        for (j, out) in row.iter_mut().enumerate() {
            *out = (0..n).fold(T::from_index(0), |sum, k| sum + u[(i, k)] * others[k] * v[(j, k)]);
        }
    }
    Ok(())
}

fn inverse_transposed(a: Var<'_>) -> Var<'_> {
    let one = eye(a, a.shape().last().copied().unwrap_or_default()).broadcast_to(a.shape());
    record(LuSolve { transposed: true }, &[a, one, record(Lu, &[a])])
}

/// The sum of products of elements, one for each matrix.
fn inner<'t>(a: Var<'t>, b: Var<'t>) -> Var<'t> {
    (a * b).sum_keep([-2, -1])
}

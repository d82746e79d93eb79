//! Eigenvalues and eigenvectors of symmetric matrices.

use faer::{MatRef, Side};
use wengert_autograd::op::{Rule, operands};
use wengert_autograd::{Type, Var};
use wengert_tensor::{Result, View, ViewMut};

use super::{inverse_gaps, leading, pack, record, square, symmetric, unpack, with_axes};
use crate::matrices::{Checked, Real, each, finite, signs, with_real};

const NO_END: &str = "has no eigenvalues that an iteration finds";

/// A V = V diag(λ) for symmetric A and dA, of which the lower triangle is read: λ, then V, packed.
///
/// With P = Vᵀ dA V and Fᵢⱼ = 1 / (λⱼ - λᵢ), 0 on the diagonal: dλ = diag P, dV = V (F ∘ P).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Eigh;

impl Rule for Eigh {
    fn name(&self) -> &'static str {
        "eigh"
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [a] = operands("eigh", x)?;
        let (lead, n) = square("eigh", a)?;
        Ok(a.with_shape(with_axes(&lead, &[n.saturating_mul(n.saturating_add(1))])))
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        with_real!("eigh", x[0].dtype(), T => each::<T, 1>("eigh", [x[0]], out, &mut decompose))
    }

    fn jvp<'t>(&self, x: &[Var<'t>], y: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        let [values, v] = parts(x[0], y);
        let p = v.t().matmul(dx[0]?).matmul(v);
        Some(pack([(p.diagonal(0), 1), (v.matmul(inverse_gaps(values) * p), 2)]))
    }

    fn vjp<'t>(&self, _: usize, x: &[Var<'t>], y: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        let ([values, v], [values_bar, vbar]) = (parts(x[0], y), parts(x[0], ybar));
        let inner = values_bar.diag_embed(0) + inverse_gaps(values) * v.t().matmul(vbar);
        Some(symmetric(v.matmul(inner).matmul(v.t())))
    }

    fn batch<'t>(&self, x: &[Var<'t>], batched: &[bool], n: usize) -> Var<'t> {
        leading(self, x, batched, n)
    }
}

/// λ alone, with derivatives also where eigenvalues are equal: dλ = diag P. The eigenvectors are computed where a
/// derivative needs them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Eigenvalues;

impl Rule for Eigenvalues {
    fn name(&self) -> &'static str {
        "eigenvalues_symmetric"
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [a] = operands(self.name(), x)?;
        let (lead, n) = square(self.name(), a)?;
        Ok(a.with_shape(with_axes(&lead, &[n])))
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        with_real!(self.name(), x[0].dtype(), T => each::<T, 1>(self.name(), [x[0]], out, &mut |[a], out| {
            finite(a)?;
            out.copy_from_slice(&a.self_adjoint_eigenvalues(Side::Lower).map_err(|_| NO_END.to_string())?);
            Ok(())
        }))
    }

    fn jvp<'t>(&self, x: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        let [_, v] = eigh(x[0]);
        Some((v * dx[0]?.matmul(v)).sum_axes(-2))
    }

    fn vjp<'t>(&self, _: usize, x: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        let [_, v] = eigh(x[0]);
        Some((v * ybar.unsqueeze(-2)).matmul(v.t()))
    }

    fn batch<'t>(&self, x: &[Var<'t>], batched: &[bool], n: usize) -> Var<'t> {
        leading(self, x, batched, n)
    }
}

fn parts<'t>(a: Var<'t>, packed: Var<'t>) -> [Var<'t>; 2] {
    let n = a.shape()[a.rank() - 1];
    unpack(packed, [&[n], &[n, n]])
}

fn decompose<T: Real>([a]: [MatRef<'_, T>; 1], out: &mut [T]) -> Checked {
    finite(a)?;
    let (n, eigen) = (a.nrows(), a.self_adjoint_eigen(Side::Lower).map_err(|_| NO_END.to_string())?);
    let (v, values, signs) = (eigen.U(), eigen.S().column_vector(), signs(eigen.U()));
    let (front, rest) = out.split_at_mut(n);
    (0..n).for_each(|i| front[i] = values[i]);
    for (i, row) in rest.chunks_exact_mut(n).enumerate() {
        (0..n).for_each(|j| row[j] = signs[j] * v[(i, j)]);
    }
    Ok(())
}

/// λ and V of symmetric matrices, at least of rank 2.
pub fn eigh(a: Var<'_>) -> [Var<'_>; 2] {
    parts(a, record(Eigh, &[a]))
}

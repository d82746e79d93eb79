//! Singular values and singular vectors.

use faer::MatRef;
use wengert_autograd::op::{Rule, operands};
use wengert_autograd::{Type, Var};
use wengert_tensor::{Result, View, ViewMut};

use super::{eye, leading, matrices, pack, record, unpack, with_axes};
use crate::matrices::{Checked, Real, each, finite, signs, with_real};

const NO_END: &str = "has no singular values that an iteration finds";

/// U diag(s) Vᵀ = A for A of [m, n], k = min(m, n): U of [m, k], s of [k], then Vᵀ of [k, n], packed.
///
/// With P = Uᵀ dA V, S = diag(s) and Fᵢⱼ = 1 / (sⱼ² - sᵢ²), 0 on the diagonal:
/// ds = diag P,
/// dU = U (F ∘ (P S + S Pᵀ)) + (1 - U Uᵀ) dA V S⁻¹,
/// dV = V (F ∘ (S P + Pᵀ S)) + (1 - V Vᵀ) dAᵀ U S⁻¹.
/// J. Townsend, "Differentiating the singular value decomposition" (2016).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Svd;

impl Rule for Svd {
    fn name(&self) -> &'static str {
        "svd"
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [a] = operands("svd", x)?;
        let (lead, m, n) = matrices("svd", a)?;
        Ok(a.with_shape(with_axes(&lead, &[m.saturating_add(n).saturating_add(1).saturating_mul(m.min(n))])))
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        with_real!("svd", x[0].dtype(), T => each::<T, 1>("svd", [x[0]], out, &mut decompose))
    }

    fn jvp<'t>(&self, x: &[Var<'t>], y: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        let ([u, s, vt], da) = (parts(x[0], y), dx[0]?);
        let (v, row, column, f) = (vt.t(), s.unsqueeze(-2), s.unsqueeze(-1), gaps(s));
        let p = u.t().matmul(da).matmul(v);
        let mut du = u.matmul(f * (p * row + column * p.t()));
        let mut dv = v.matmul(f * (column * p + p.t() * row));
        let (m, n, k) = sizes(x[0]);
        if m > k {
            du = du + outside(u, da.matmul(v) / row);
        }
        if n > k {
            dv = dv + outside(v, da.t().matmul(u) / row);
        }
        Some(pack([(du, 2), (p.diagonal(0), 1), (dv.t(), 2)]))
    }

    fn vjp<'t>(&self, _: usize, x: &[Var<'t>], y: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        let ([u, s, vt], [ubar, sbar, vtbar]) = (parts(x[0], y), parts(x[0], ybar));
        let (v, vbar, row, column, f) = (vt.t(), vtbar.t(), s.unsqueeze(-2), s.unsqueeze(-1), gaps(s));
        let (by_u, by_v) = (u.t().matmul(ubar), v.t().matmul(vbar));
        let inner = f * (by_u - by_u.t()) * row + column * (f * (by_v - by_v.t())) + sbar.diag_embed(0);
        let mut abar = u.matmul(inner).matmul(vt);
        let (m, n, k) = sizes(x[0]);
        if m > k {
            abar = abar + outside(u, ubar / row).matmul(vt);
        }
        if n > k {
            abar = abar + u.matmul(outside(v, vbar / row).t());
        }
        Some(abar)
    }

    fn batch<'t>(&self, x: &[Var<'t>], batched: &[bool], n: usize) -> Var<'t> {
        leading(self, x, batched, n)
    }
}

/// s alone, with derivatives also where singular values are equal: ds = diag P. The singular vectors are computed
/// where a derivative needs them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SingularValues;

impl Rule for SingularValues {
    fn name(&self) -> &'static str {
        "singular_values"
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [a] = operands(self.name(), x)?;
        let (lead, m, n) = matrices(self.name(), a)?;
        Ok(a.with_shape(with_axes(&lead, &[m.min(n)])))
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        with_real!(self.name(), x[0].dtype(), T => each::<T, 1>(self.name(), [x[0]], out, &mut |[a], out| {
            finite(a)?;
            out.copy_from_slice(&a.singular_values().map_err(|_| NO_END.to_string())?);
            Ok(())
        }))
    }

    fn jvp<'t>(&self, x: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        let [u, _, vt] = svd(x[0]);
        Some((u * dx[0]?.matmul(vt.t())).sum_axes(-2))
    }

    fn vjp<'t>(&self, _: usize, x: &[Var<'t>], _: Var<'t>, sbar: Var<'t>) -> Option<Var<'t>> {
        let [u, _, vt] = svd(x[0]);
        Some((u * sbar.unsqueeze(-2)).matmul(vt))
    }

    fn batch<'t>(&self, x: &[Var<'t>], batched: &[bool], n: usize) -> Var<'t> {
        leading(self, x, batched, n)
    }
}

/// (1 - Q Qᵀ) X for orthonormal columns Q.
fn outside<'t>(q: Var<'t>, x: Var<'t>) -> Var<'t> {
    x - q.matmul(q.t().matmul(x))
}

/// F, as 1 / ((sⱼ - sᵢ) (sⱼ + sᵢ)): squares would round away small differences.
fn gaps(s: Var<'_>) -> Var<'_> {
    let one = eye(s, s.shape().last().copied().unwrap_or_default());
    let (row, column) = (s.unsqueeze(-2), s.unsqueeze(-1));
    let product = (row - column) * (row + column);
    (product + one).recip() * (1.0 - one)
}

/// m, n and the lesser of both.
fn sizes(a: Var<'_>) -> (usize, usize, usize) {
    let shape = a.shape();
    let (m, n) = (shape[shape.rank() - 2], shape[shape.rank() - 1]);
    (m, n, m.min(n))
}

fn parts<'t>(a: Var<'t>, packed: Var<'t>) -> [Var<'t>; 3] {
    let (m, n, k) = sizes(a);
    unpack(packed, [&[m, k], &[k], &[k, n]])
}

fn decompose<T: Real>([a]: [MatRef<'_, T>; 1], out: &mut [T]) -> Checked {
    finite(a)?;
    let svd = a.thin_svd().map_err(|_| NO_END.to_string())?;
    let (u, s, v, signs) = (svd.U(), svd.S().column_vector(), svd.V(), signs(svd.U()));
    let k = s.nrows();
    let (front, rest) = out.split_at_mut(a.nrows() * k);
    for (i, row) in front.chunks_exact_mut(k).enumerate() {
        (0..k).for_each(|j| row[j] = signs[j] * u[(i, j)]);
    }
    let (middle, rest) = rest.split_at_mut(k);
    (0..k).for_each(|j| middle[j] = s[j]);
    for (j, row) in rest.chunks_exact_mut(a.ncols()).enumerate() {
        (0..a.ncols()).for_each(|i| row[i] = signs[j] * v[(i, j)]);
    }
    Ok(())
}

/// U, s and Vᵀ of matrices, at least of rank 2.
pub fn svd(a: Var<'_>) -> [Var<'_>; 3] {
    parts(a, record(Svd, &[a]))
}

//! What is composed of the operations, for variables that are not poisoned.
//!
//! Arguments that do not fit are errors here, with the name of the function that was called.

use wengert_autograd::Var;
use wengert_tensor::{DType, Error, Result, Shape};

use crate::op::lu::{Determinant, Lu, LuSolve};
use crate::op::svd::SingularValues;
use crate::op::triangular::solve as solve_triangular;
use crate::op::{eye, matrices, qr, record, square, with_axes};
use crate::{MatrixNorm, Triangle};

/// Variables of matrices with leading axes that are broadcast to each other.
fn aligned<'t, const N: usize>(op: &str, xs: [Var<'t>; N]) -> Result<[Var<'t>; N]> {
    let mut lead = Shape::from(());
    for x in xs {
        let (own, ..) = matrices(op, &x.ty())?;
        let all = lead.broadcast(&own);
        lead = all.ok_or_else(|| Error::shape(format!("{op}: leading axes {own} and {lead} do not fit")))?;
    }
    Ok(xs.map(|x| {
        let shape = x.shape();
        x.broadcast_to(with_axes(&lead, &shape[shape.rank() - 2..]))
    }))
}

/// Calls `f` with b as columns, and takes the axis away again that makes a vector a column.
fn columns<'t>(b: Var<'t>, f: impl FnOnce(Var<'t>) -> Result<Var<'t>>) -> Result<Var<'t>> {
    match b.rank() {
        1 => Ok(f(b.unsqueeze(-1))?.squeeze(-1)),
        _ => f(b),
    }
}

/// That A has a row for each row of B.
fn rows_fit(op: &str, a: Var<'_>, b: Var<'_>) -> Result<()> {
    let ((_, m, _), (_, rows, _)) = (matrices(op, &a.ty())?, matrices(op, &b.ty())?);
    match m == rows {
        true => Ok(()),
        false => Err(Error::shape(format!("{op}: {} and {}: {m} and {rows} rows", a.shape(), b.shape()))),
    }
}

pub fn solve<'t>(a: Var<'t>, b: Var<'t>) -> Result<Var<'t>> {
    square("solve", &a.ty())?;
    // The factor is made before leading axes are broadcast: once for all that share a matrix.
    let factor = record(Lu, &[a]);
    columns(b, |b| {
        rows_fit("solve", a, b)?;
        let [a, b, factor] = aligned("solve", [a, b, factor])?;
        Ok(record(LuSolve { transposed: false }, &[a, b, factor]))
    })
}

pub fn triangular<'t>(t: Var<'t>, part: Triangle, b: Var<'t>) -> Result<Var<'t>> {
    square("solve_triangular", &t.ty())?;
    columns(b, |b| {
        rows_fit("solve_triangular", t, b)?;
        let [t, b] = aligned("solve_triangular", [t, b])?;
        Ok(solve_triangular(t, part, b))
    })
}

pub fn inverse(a: Var<'_>) -> Result<Var<'_>> {
    let (_, n) = square("inverse", &a.ty())?;
    solve(a, eye(a, n))
}

pub fn det(a: Var<'_>) -> Result<Var<'_>> {
    square("det", &a.ty())?;
    Ok(record(Determinant::Value, &[a, record(Lu, &[a])]))
}

pub fn slogdet(a: Var<'_>) -> Result<(Var<'_>, Var<'_>)> {
    square("slogdet", &a.ty())?;
    let operands = [a, record(Lu, &[a])];
    Ok((record(Determinant::Sign, &operands), record(Determinant::LnAbs, &operands)))
}

pub fn logdet(a: Var<'_>) -> Result<Var<'_>> {
    let (sign, ln) = slogdet(a).map_err(|error| error.within("logdet"))?;
    Ok(sign.less(0.0).where_(f64::NAN, ln))
}

/// By the QR factorisation A = Q R: X = R⁻¹ Qᵀ B; with fewer rows than columns, by Aᵀ = Q R: X = Q R⁻ᵀ B.
///
/// Å. Björck, "Numerical methods for least squares problems" (1996), sections 1.3 and 2.4.
pub fn lstsq<'t>(a: Var<'t>, b: Var<'t>) -> Result<Var<'t>> {
    let (_, m, n) = matrices("lstsq", &a.ty())?;
    let (q, r) = qr::qr(if m < n { a.t() } else { a })?;
    columns(b, |b| {
        rows_fit("lstsq", a, b)?;
        let [q, r, b] = aligned("lstsq", [q, r, b])?;
        Ok(match m < n {
            true => q.matmul(solve_triangular(r.t(), Triangle::Lower, b)),
            false => solve_triangular(r, Triangle::Upper, q.t().matmul(b)),
        })
    })
}

pub fn pinv(a: Var<'_>) -> Result<Var<'_>> {
    let (_, m, _) = matrices("pinv", &a.ty())?;
    lstsq(a, eye(a, m))
}

/// By repeated squaring.
pub fn power(a: Var<'_>, n: i32) -> Result<Var<'_>> {
    let (_, size) = square("matrix_power", &a.ty())?;
    let mut square = if n < 0 { inverse(a)? } else { a };
    let (mut left, mut product) = (n.unsigned_abs(), None);
    while left > 0 {
        if left & 1 == 1 {
            product = Some(product.map_or(square, |product: Var<'_>| product.matmul(square)));
        }
        left >>= 1;
        if left > 0 {
            square = square.matmul(square);
        }
    }
    Ok(product.unwrap_or_else(|| eye(a, size).broadcast_to(a.shape())))
}

pub fn rank(a: Var<'_>) -> Result<Var<'_>> {
    let (_, m, n) = matrices("matrix_rank", &a.ty())?;
    let values = record(SingularValues, &[a]);
    if values.is_poisoned() || m.min(n) == 0 {
        return Ok(values.sum_axes(-1).cast(DType::I64));
    }
    let epsilon = if a.dtype() == DType::F32 { f64::from(f32::EPSILON) } else { f64::EPSILON };
    let least = epsilon * m.max(n) as f64 * values.max_keep(-1);
    Ok(values.greater(least).cast(DType::I64).sum_axes(-1))
}

pub fn norm(a: Var<'_>, norm: MatrixNorm) -> Result<Var<'_>> {
    matrices("matrix_norm", &a.ty())?;
    let singular = || record(SingularValues, &[a]);
    Ok(match norm {
        MatrixNorm::Frobenius => a.norm_axes(2.0, [-2, -1]),
        MatrixNorm::Nuclear => singular().sum_axes(-1),
        MatrixNorm::Spectral => singular().max_axes(-1),
        MatrixNorm::SmallestSingular => singular().min_axes(-1),
        MatrixNorm::LargestColumn => a.abs().sum_axes(-2).max_axes(-1),
        MatrixNorm::SmallestColumn => a.abs().sum_axes(-2).min_axes(-1),
        MatrixNorm::LargestRow => a.abs().sum_axes(-1).max_axes(-1),
        MatrixNorm::SmallestRow => a.abs().sum_axes(-1).min_axes(-1),
    })
}

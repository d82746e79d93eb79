//! The QR factorisation of matrices with no fewer rows than columns.

use faer::MatRef;
use wengert_autograd::op::{Rule, operands};
use wengert_autograd::{Type, Var};
use wengert_tensor::{Error, Result, View, ViewMut};

use super::triangular::solve_right;
use super::{leading, matrices, pack, record, unpack, with_axes};
use crate::Triangle::{Lower, Upper};
use crate::matrices::{Checked, Real, each, finite, with_real, write};

/// Q R = A for A of [m, n], m ≥ n: Q of [m, n], then R of [n, n], packed.
///
/// With C = Qᵀ dA R⁻¹ and the skew Ω that has C's part below the diagonal: dR = (C - Ω) R, dQ = dA R⁻¹ - Q (C - Ω).
/// S. F. Walter and L. Lehmann, "Algorithmic differentiation of linear algebra functions with application in optimum
/// experimental design" (2010).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Qr;

impl Rule for Qr {
    fn name(&self) -> &'static str {
        "qr"
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [a] = operands("qr", x)?;
        let (lead, m, n) = matrices("qr", a)?;
        if m < n {
            return Err(Error::shape(format!("qr: the matrices of {} have fewer rows than columns", a.shape)));
        }
        Ok(a.with_shape(with_axes(&lead, &[m.saturating_add(n).saturating_mul(n)])))
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        with_real!("qr", x[0].dtype(), T => each::<T, 1>("qr", [x[0]], out, &mut factorise))
    }

    fn jvp<'t>(&self, x: &[Var<'t>], y: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        let [q, r] = parts(x[0], y);
        let da = solve_right(dx[0]?, r, Upper);
        let c = q.t().matmul(da);
        let upper = c - skew(c);
        Some(pack([(da - q.matmul(upper), 2), (upper.matmul(r), 2)]))
    }

    fn vjp<'t>(&self, _: usize, x: &[Var<'t>], y: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        let ([q, r], [qbar, rbar]) = (parts(x[0], y), parts(x[0], ybar));
        let m = r.matmul(rbar.t()) - qbar.t().matmul(q);
        let mirrored = m.tril(0) + m.tril(-1).t();
        Some(solve_right(qbar + q.matmul(mirrored), r.t(), Lower))
    }

    fn batch<'t>(&self, x: &[Var<'t>], batched: &[bool], n: usize) -> Var<'t> {
        leading(self, x, batched, n)
    }
}

/// The part below the diagonal, minus its transpose.
fn skew(x: Var<'_>) -> Var<'_> {
    let below = x.tril(-1);
    below - below.t()
}

/// Q and R of packed results.
fn parts<'t>(a: Var<'t>, packed: Var<'t>) -> [Var<'t>; 2] {
    let shape = a.shape();
    let (m, n) = (shape[shape.rank() - 2], shape[shape.rank() - 1]);
    unpack(packed, [&[m, n], &[n, n]])
}

fn factorise<T: Real>([a]: [MatRef<'_, T>; 1], out: &mut [T]) -> Checked {
    finite(a)?;
    let qr = a.qr();
    let rest = write(qr.compute_thin_Q().as_ref(), out);
    write(qr.thin_R(), rest);
    Ok(())
}

/// Q and R of any matrices. Of A = [X, Y] with X square, Q and the first columns of R are those of X, and the others
/// are Qᵀ Y.
pub fn qr(a: Var<'_>) -> Result<(Var<'_>, Var<'_>)> {
    let (_, m, n) = matrices("qr", &a.ty())?;
    if m < n {
        let (x, y) = (a.narrow(-1, 0, m), a.narrow(-1, m, n - m));
        let [q, r] = parts(x, record(Qr, &[x]));
        return Ok((q, Var::concat(&[r, q.t().matmul(y)], -1)));
    }
    let [q, r] = parts(a, record(Qr, &[a]));
    Ok((q, r))
}

//! The operations: one file each, with its formula, its kernel and its derivatives.
//!
//! A factorisation of several results is one operation: its results lie one after another in one vector, so that one
//! computation serves all, and [`unpack`] cuts them out.
//!
//! The forms of the derivatives are those of M. B. Giles, "Collected matrix derivative results for forward and
//! reverse mode algorithmic differentiation" (2008), and M. Seeger et al., "Auto-differentiating linear algebra"
//! (2017), where a file names no other.

pub mod cholesky;
pub mod cofactors;
pub mod eigh;
pub mod lu;
pub mod qr;
pub mod svd;
pub mod triangular;

use wengert_autograd::op::{Custom, Rule, lift};
use wengert_autograd::{Type, Var};
use wengert_tensor::{Error, Result, Shape, Tensor};

/// Records an operation of this crate.
pub fn record<'t>(rule: impl Rule + Eq + std::hash::Hash + 'static, x: &[Var<'t>]) -> Var<'t> {
    x[0].tape().record(Custom::new(rule), x)
}

/// The batch rule of all of them: leading axes are a batch already.
pub fn leading<'t, R>(rule: &R, x: &[Var<'t>], batched: &[bool], n: usize) -> Var<'t>
where
    R: Rule + Clone + Eq + std::hash::Hash + 'static,
{
    record(rule.clone(), &lift(x, batched, n))
}

/// The leading axes and the sizes of the last two, of floats.
pub fn matrices(op: &str, x: &Type) -> Result<(Shape, usize, usize)> {
    if !x.dtype.is_float() {
        return Err(Error::dtype(format!("{op}: expected a float dtype, got {}", x.dtype)));
    }
    match &x.shape[..] {
        &[ref lead @ .., m, n] => Ok((lead.into(), m, n)),
        _ => Err(Error::shape(format!("{op}: {} are no matrices", x.shape))),
    }
}

/// The leading axes of square matrices, and their size.
pub fn square(op: &str, x: &Type) -> Result<(Shape, usize)> {
    match matrices(op, x)? {
        (lead, m, n) if m == n => Ok((lead, n)),
        _ => Err(Error::shape(format!("{op}: the matrices of {} are not square", x.shape))),
    }
}

/// The shape of a leading part with more axes after it.
pub fn with_axes(lead: &Shape, more: &[usize]) -> Shape {
    lead.iter().chain(more).copied().collect()
}

/// The results that lie one after another along the last axis, each with its own axes.
pub fn unpack<'t, const N: usize>(packed: Var<'t>, axes: [&[usize]; N]) -> [Var<'t>; N] {
    let shape = packed.shape();
    let lead: Shape = shape[..shape.rank().saturating_sub(1)].into();
    let mut start = 0;
    axes.map(|axes| {
        let len = axes.iter().product();
        let part = packed.narrow(-1, start, len);
        start += len;
        part.reshape(with_axes(&lead, axes))
    })
}

/// The inverse of [`unpack`]: each part with its number of axes.
pub fn pack<'t, const N: usize>(parts: [(Var<'t>, usize); N]) -> Var<'t> {
    let flat = parts.map(|(part, axes)| {
        let shape = part.shape();
        let (lead, own) = shape.split_at(shape.rank().saturating_sub(axes));
        part.reshape(with_axes(&lead.into(), &[own.iter().product()]))
    });
    Var::concat(&flat, -1)
}

/// (X + Xᵀ) / 2
pub fn symmetric(x: Var<'_>) -> Var<'_> {
    0.5 * (x + x.t())
}

/// The identity of size n in the dtype of `x`.
pub fn eye<'t>(x: Var<'t>, n: usize) -> Var<'t> {
    match Tensor::eye(n, x.dtype()) {
        Ok(eye) => x.tape().input(&eye),
        Err(error) => x.tape().error(error),
    }
}

/// 1 / (vⱼ - vᵢ) at row i and column j, 0 on the diagonal.
pub fn inverse_gaps(v: Var<'_>) -> Var<'_> {
    let shape = v.shape();
    let one = eye(v, shape.last().copied().unwrap_or_default());
    (v.unsqueeze(-2) - v.unsqueeze(-1) + one).recip() * (1.0 - one)
}

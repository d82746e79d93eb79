//! Triangular systems.

use faer::MatRef;
use wengert_autograd::op::{Rule, operands, sum_tangents};
use wengert_autograd::{Type, Var};
use wengert_tensor::{Error, Result, View, ViewMut};

use super::{leading, matrices, record, square};
use crate::Triangle;
use crate::matrices::{Checked, Real, each, with_real, write};

/// X = T⁻¹ B for the part T of a matrix;  dX = T⁻¹ (dB - dT X)
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SolveTriangular {
    /// Which part.
    pub part: Triangle,
}

impl SolveTriangular {
    /// The part of a matrix that the result depends on.
    fn masked<'t>(&self, t: Var<'t>) -> Var<'t> {
        match self.part {
            Triangle::Lower => t.tril(0),
            Triangle::Upper => t.triu(0),
            Triangle::UnitLower => t.tril(-1),
            Triangle::UnitUpper => t.triu(1),
        }
    }

    fn solve<T: Real>(&self, t: MatRef<'_, T>, b: MatRef<'_, T>, out: &mut [T]) -> Checked {
        let mut x = b.to_owned();
        let unit = matches!(self.part, Triangle::UnitLower | Triangle::UnitUpper);
        if !unit && (0..t.nrows()).any(|i| t[(i, i)] == T::from_index(0)) {
            return Err("has a zero on its diagonal".to_string());
        }
        match self.part {
            Triangle::Lower => t.solve_lower_triangular_in_place(&mut x),
            Triangle::Upper => t.solve_upper_triangular_in_place(&mut x),
            Triangle::UnitLower => t.solve_unit_lower_triangular_in_place(&mut x),
            Triangle::UnitUpper => t.solve_unit_upper_triangular_in_place(&mut x),
        }
        write(x.as_ref(), out);
        Ok(())
    }
}

impl Rule for SolveTriangular {
    fn name(&self) -> &'static str {
        "solve_triangular"
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [t, b] = operands("solve_triangular", x)?;
        let ((lead, n), (lead_b, m, _)) = (square("solve_triangular", t)?, matrices("solve_triangular", b)?);
        if t.dtype != b.dtype {
            return Err(Error::dtype(format!("solve_triangular: dtypes {} and {} differ", t.dtype, b.dtype)));
        }
        if (&lead, n) != (&lead_b, m) {
            return Err(Error::shape(format!("solve_triangular: {} and {} do not fit", t.shape, b.shape)));
        }
        Ok(b.clone())
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        with_real!("solve_triangular", x[0].dtype(), T => {
            each::<T, 2>("solve_triangular", [x[0], x[1]], out, &mut |[t, b], out| self.solve(t, b, out))
        })
    }

    fn jvp<'t>(&self, x: &[Var<'t>], y: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        let right = sum_tangents(dx, |i, dx| Some(if i == 0 { -self.masked(dx).matmul(y) } else { dx }));
        Some(record(self.clone(), &[x[0], right?]))
    }

    fn vjp<'t>(&self, i: usize, x: &[Var<'t>], y: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        let bbar = record(Self { part: self.part.transposed() }, &[x[0].t(), ybar]);
        Some(if i == 0 { self.masked(-bbar.matmul(y.t())) } else { bbar })
    }

    fn batch<'t>(&self, x: &[Var<'t>], batched: &[bool], n: usize) -> Var<'t> {
        leading(self, x, batched, n)
    }
}

/// T⁻¹ B
pub fn solve<'t>(t: Var<'t>, part: Triangle, b: Var<'t>) -> Var<'t> {
    record(SolveTriangular { part }, &[t, b])
}

/// B T⁻¹
pub fn solve_right<'t>(b: Var<'t>, t: Var<'t>, part: Triangle) -> Var<'t> {
    solve(t.t(), part.transposed(), b.t()).t()
}

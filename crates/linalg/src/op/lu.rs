//! P A = L U, and what it gives: solutions and determinants.
//!
//! The factor is an operand beside the matrix that it is of. Values are read from the factor; derivatives are those
//! with respect to the matrix, and are solved with the same factor. So one factorisation serves a value and all its
//! derivatives, and the factor itself needs none.

use faer::{Mat, MatRef};
use wengert_autograd::op::{Rule, operands, sum_tangents};
use wengert_autograd::{Type, Var};
use wengert_tensor::{Error, Result, View, ViewMut};

use super::{eye, leading, matrices, record, square, with_axes};
use crate::matrices::{Checked, Real, each, finite, with_real, write};

/// The factor of square matrices: L without its diagonal of ones and U in one, and a last column with the rows'
/// order P. It is only for the operations of this file, and has no derivative.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lu;

impl Rule for Lu {
    fn name(&self) -> &'static str {
        "lu"
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [a] = operands("lu", x)?;
        let (lead, n) = square("lu", a)?;
        Ok(a.with_shape(with_axes(&lead, &[n, n.saturating_add(1)])))
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        with_real!("lu", x[0].dtype(), T => each::<T, 1>("lu", [x[0]], out, &mut factorise))
    }

    fn jvp<'t>(&self, _: &[Var<'t>], _: Var<'t>, _: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        None
    }

    fn vjp<'t>(&self, _: usize, _: &[Var<'t>], _: Var<'t>, _: Var<'t>) -> Option<Var<'t>> {
        None
    }

    fn batch<'t>(&self, x: &[Var<'t>], batched: &[bool], n: usize) -> Var<'t> {
        leading(self, x, batched, n)
    }
}

fn factorise<T: Real>([a]: [MatRef<'_, T>; 1], out: &mut [T]) -> Checked {
    if finite(a).is_err() {
        // No pivot is largest among NaN; whatever is computed of the factor is to be NaN too.
        out.fill(T::NAN);
        return Ok(());
    }
    let (n, lu) = (a.nrows(), a.partial_piv_lu());
    let (l, u, order) = (lu.L(), lu.U(), lu.P().arrays().0);
    for (i, row) in out.chunks_exact_mut(n + 1).enumerate() {
        (0..n).for_each(|j| row[j] = if j < i { l[(i, j)] } else { u[(i, j)] });
        row[n] = T::from_index(order[i]);
    }
    Ok(())
}

/// X = A⁻¹ B, or A⁻ᵀ B, from A, B and the factor of A;  dX = A⁻¹ (dB - dA X)
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LuSolve {
    /// With Aᵀ in place of A.
    pub transposed: bool,
}

impl LuSolve {
    fn again<'t>(&self, transposed: bool, x: &[Var<'t>], b: Var<'t>) -> Var<'t> {
        record(Self { transposed: self.transposed != transposed }, &[x[0], b, x[2]])
    }
}

impl Rule for LuSolve {
    fn name(&self) -> &'static str {
        "solve"
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [a, b, _] = operands("solve", x)?;
        let ((lead, n), (lead_b, m, _)) = (square("solve", a)?, matrices("solve", b)?);
        if a.dtype != b.dtype {
            return Err(Error::dtype(format!("solve: dtypes {} and {} differ", a.dtype, b.dtype)));
        }
        if (&lead, n) != (&lead_b, m) {
            return Err(Error::shape(format!("solve: {} and {} do not fit", a.shape, b.shape)));
        }
        Ok(b.clone())
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        with_real!("solve", x[0].dtype(), T => {
            each::<T, 2>("solve", [x[1], x[2]], out, &mut |[b, f], out| self.solve(b, f, out))
        })
    }

    fn jvp<'t>(&self, x: &[Var<'t>], y: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        let right = sum_tangents(&dx[..2], |i, dx| match i {
            0 => Some(-(if self.transposed { dx.t() } else { dx }).matmul(y)),
            _ => Some(dx),
        });
        Some(self.again(false, x, right?))
    }

    fn vjp<'t>(&self, i: usize, x: &[Var<'t>], y: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        let bbar = self.again(true, x, ybar);
        match i {
            0 if self.transposed => Some(-y.matmul(bbar.t())),
            0 => Some(-bbar.matmul(y.t())),
            1 => Some(bbar),
            _ => None,
        }
    }

    fn batch<'t>(&self, x: &[Var<'t>], batched: &[bool], n: usize) -> Var<'t> {
        leading(self, x, batched, n)
    }
}

impl LuSolve {
    fn solve<T: Real>(&self, b: MatRef<'_, T>, f: MatRef<'_, T>, out: &mut [T]) -> Checked {
        let n = b.nrows();
        let lu = f.get(.., ..n);
        if (0..n).any(|i| lu[(i, i)] == T::from_index(0)) {
            return Err("is singular".to_string());
        }
        let order: Vec<usize> = (0..n).map(|i| f[(i, n)].to_index()).collect();
        let mut x = Mat::zeros(n, b.ncols());
        if self.transposed {
            let mut y = b.to_owned();
            lu.transpose().solve_lower_triangular_in_place(&mut y);
            lu.transpose().solve_unit_upper_triangular_in_place(&mut y);
            order.iter().enumerate().for_each(|(i, &row)| x.row_mut(row).copy_from(y.row(i)));
        } else {
            order.iter().enumerate().for_each(|(i, &row)| x.row_mut(i).copy_from(b.row(row)));
            lu.solve_unit_lower_triangular_in_place(&mut x);
            lu.solve_upper_triangular_in_place(&mut x);
        }
        write(x.as_ref(), out);
        Ok(())
    }
}

/// What of a determinant, from A and its factor.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Determinant {
    /// d = det A;  dd = ⟨C, dA⟩ with C the cofactors
    Value,
    /// s = sign(det A), which has no derivative
    Sign,
    /// l = ln |det A|;  dl = ⟨A⁻ᵀ, dA⟩
    LnAbs,
}

impl Determinant {
    /// The matrix G of the derivative ⟨G, dA⟩.
    fn gradient<'t>(&self, x: &[Var<'t>]) -> Option<Var<'t>> {
        let n = x[0].shape().last().copied()?;
        match self {
            Self::Value => Some(record(super::cofactors::Cofactors, &x[..1])),
            Self::Sign => None,
            Self::LnAbs => {
                let one = eye(x[0], n).broadcast_to(x[0].shape());
                Some(record(LuSolve { transposed: true }, &[x[0], one, x[1]]))
            }
        }
    }

    fn of<T: Real>(&self, f: MatRef<'_, T>, out: &mut [T]) -> Checked {
        let (n, one) = (f.nrows(), T::from_index(1));
        let order: Vec<usize> = (0..n).map(|i| f[(i, n)].to_index()).collect();
        let diagonal = || (0..n).map(|i| f[(i, i)]);
        let sign = |x: T| {
            if x < T::from_index(0) {
                -one
            } else if x > T::from_index(0) {
                one
            } else {
                x
            }
        };
        // What comes after a pivot of 0 is not a number.
        let singular = diagonal().any(|x| x == T::from_index(0));
        out[0] = match self {
            Self::LnAbs if singular => -T::INFINITY,
            _ if singular => T::from_index(0),
            Self::Value => diagonal().fold(parity(&order), |product, x| product * x),
            Self::Sign => diagonal().fold(parity(&order), |product, x| product * sign(x)),
            Self::LnAbs => diagonal().fold(T::from_index(0), |sum, x| sum + Real::ln(Real::abs(x))),
        };
        Ok(())
    }
}

/// 1 for an even number of exchanges, -1 for an odd one: a cycle of k is k - 1 exchanges.
fn parity<T: Real>(order: &[usize]) -> T {
    let mut seen = vec![false; order.len()];
    let mut odd = false;
    for start in 0..order.len() {
        let mut i = start;
        while let Some(&next) = order.get(i).filter(|_| !seen[i]) {
            seen[i] = true;
            odd ^= next != start;
            i = next;
        }
    }
    if odd { -T::from_index(1) } else { T::from_index(1) }
}

impl Rule for Determinant {
    fn name(&self) -> &'static str {
        match self {
            Self::Value => "det",
            Self::Sign => "sign of det",
            Self::LnAbs => "ln |det|",
        }
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [a, _] = operands("det", x)?;
        Ok(a.with_shape(square("det", a)?.0))
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        with_real!("det", x[0].dtype(), T => each::<T, 1>("det", [x[1]], out, &mut |[f], out| self.of(f, out)))
    }

    fn jvp<'t>(&self, x: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        Some((self.gradient(x)? * dx[0]?).sum_axes([-2, -1]))
    }

    fn vjp<'t>(&self, i: usize, x: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        if i > 0 {
            return None;
        }
        Some(ybar.unsqueeze(-1).unsqueeze(-1) * self.gradient(x)?)
    }

    fn batch<'t>(&self, x: &[Var<'t>], batched: &[bool], n: usize) -> Var<'t> {
        leading(self, x, batched, n)
    }
}

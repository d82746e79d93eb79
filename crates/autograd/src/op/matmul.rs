//! Matrix products.

use wengert_tensor::kernel::{self, Bound};
use wengert_tensor::{DType, Error, Layout, Result, Tensor, View, ViewMut};

use super::{Example, Rule, operands, sum_tangents};
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

    fn bind(&self, x: &[(DType, &Layout)], _: &Type) -> Option<Bound> {
        kernel::matmul::bind(x[0], x[1])
    }

    fn flops(&self, x: &[&Type], y: &Type) -> u64 {
        let inner = x.first().and_then(|x| x.shape.last().copied()).unwrap_or(0);
        (y.shape.numel() as u64).saturating_mul(inner as u64).saturating_mul(2)
    }

    fn jvp<'t>(&self, x: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        sum_tangents(dx, |i, dx| Some(if i == 0 { dx.matmul(x[1]) } else { x[0].matmul(dx) }))
    }

    fn vjp<'t>(&self, i: usize, x: &[Var<'t>], _: Var<'t>, zbar: Var<'t>) -> Option<Var<'t>> {
        Some(if i == 0 { zbar.matmul(x[1].t()) } else { x[0].t().matmul(zbar) })
    }

    fn batch<'t>(&self, x: &[Var<'t>], _: &[bool], _: usize) -> Var<'t> {
        // Leading axes broadcast; a batch over one matrix on the right is more rows on the left.
        x[0].matmul(x[1])
    }

    #[inline]
    fn examples() -> Vec<Example> {
        let x = Tensor::from([[1.0, 2.0], [0.5, -1.0], [3.0, 0.25]]);
        let y = Tensor::from([[0.5, 2.0, 1.0, -1.0], [1.5, 0.0, -2.0, 0.75]]);
        let many = Tensor::from([[[1.0, -0.5], [2.0, 0.25]], [[0.5, 1.5], [-1.0, 3.0]]]);
        let tall = Tensor::from([[[0.75], [-1.25]], [[2.0], [0.5]]]);
        vec![
            Example::new(Matmul, [x, y]),
            Example::new(Matmul, [many, tall]),
            Example::new(Matmul, [Tensor::from([[1.0, -2.0]]), Tensor::from([[0.5], [3.0]])]),
        ]
    }
}

impl<'t> Var<'t> {
    /// The matrix product over the last two axes: [.., m, k] and [.., k, n] give [.., m, n]. Leading axes
    /// broadcast; a vector is one row on the left and one column on the right, and the result has no
    /// axis for it.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// let v = tape.input(&Tensor::from([1.0, -1.0]));
    /// assert_eq!(x.matmul(v).value()?, Tensor::from([-1.0, -1.0]));
    /// assert_eq!(v.matmul(x.matmul(v)).item()?, 0.0);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias("mm", "bmm", "mv"))]
    #[track_caller]
    pub fn matmul(self, other: Self) -> Self {
        if let Some(poisoned) = [self, other].into_iter().find(|v| v.is_poisoned()) {
            return poisoned;
        }
        if self.rank() == 2 && other.rank() == 2 {
            return self.tape().record(Matmul, &[self, other]);
        }
        match kernel::matmul::operands(&self.shape(), &other.shape()) {
            Ok(to) => {
                let x = self.reshape(&to.x).broadcast_to(&to.x_full);
                let y = other.reshape(&to.y).broadcast_to(&to.y_full);
                self.tape().record(Matmul, &[x, y]).reshape(&to.out)
            }
            Err(error) => self.tape().error(error),
        }
    }
}

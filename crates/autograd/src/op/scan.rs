//! Running sums, and where running extremes are.

use wengert_tensor::{DType, Result, Tensor, View, ViewMut, kernel};

use super::along::{along, indices};
use super::elementwise::number;
use super::{Example, Rule, flops_of};
use crate::tape::Var;
use crate::ty::Type;

/// y = the sums of x up to and including each along `axis`;  dy = those of dx
///
/// Its adjoint sums from each to the end: the same, seen from the other end.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cumsum {
    /// Within the operand's rank.
    pub axis: usize,
}

impl Rule for Cumsum {
    fn name(&self) -> &'static str {
        "cumsum"
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        along("cumsum", &number("cumsum", x)?, self.axis).cloned()
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        kernel::scan::cumsum(x[0], self.axis, out)
    }

    fn flops(&self, x: &[&Type], _: &Type) -> u64 {
        flops_of(0, x)
    }

    fn jvp<'t>(&self, _: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        dx[0].map(|dx| dx.tape().record(self.clone(), &[dx]))
    }

    fn vjp<'t>(&self, _: usize, _: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        Some(ybar.tape().record(self.clone(), &[ybar.flip(self.axis)]).flip(self.axis))
    }

    fn batch<'t>(&self, x: &[Var<'t>], _: &[bool], _: usize) -> Var<'t> {
        x[0].tape().record(Cumsum { axis: self.axis + 1 }, x)
    }

    #[inline]
    fn examples() -> Vec<Example> {
        let x = Tensor::from([[1.0, 2.0, -0.5], [0.25, -3.0, 4.0]]);
        [0, 1].map(|axis| Example::new(Cumsum { axis }, [x.clone()])).into()
    }
}

impl<'t> Var<'t> {
    /// The sums of the elements up to and including each along `axis`.
    #[doc(alias("cumulative_sum", "add.accumulate"))]
    #[track_caller]
    pub fn cumsum(self, axis: isize) -> Self {
        match self.axis("cumsum", axis) {
            Ok(axis) => self.tape().record(Cumsum { axis }, &[self]),
            Err(poisoned) => poisoned,
        }
    }
}

indices! {
    /// The index along `axis`, as `i64`, of the largest so far: the last of equals, and from a NaN on the last NaN
    ArgCummax: scan::arg_cummax (running);
    /// The index along `axis`, as `i64`, of the smallest so far: the last of equals, and from a NaN on the last NaN
    ArgCummin: scan::arg_cummin (running);
}

fn running(op: &str, x: &[&Type], axis: usize) -> Result<Type> {
    along(op, &number(op, x)?, axis).map(|x| x.with_dtype(DType::I64))
}

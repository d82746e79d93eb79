//! The order that sorts an axis.

use wengert_tensor::{DType, Result, Tensor, View, ViewMut, kernel};

use super::along::along;
use super::{Example, Rule, operands};
use crate::tape::Var;
use crate::ty::Type;

/// The indices along `axis`, as `i64`, that sort it. Equals keep their order; NaN counts as largest.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Argsort {
    /// Within the operand's rank.
    pub axis: usize,
    /// From the largest to the smallest.
    pub descending: bool,
}

impl Rule for Argsort {
    fn name(&self) -> &'static str {
        "argsort"
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [x] = operands("argsort", x)?;
        along("argsort", x, self.axis).map(|x| x.with_dtype(DType::I64))
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        kernel::sort::argsort(x[0], self.axis, self.descending, out)
    }

    fn jvp<'t>(&self, _: &[Var<'t>], _: Var<'t>, _: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        None
    }

    fn vjp<'t>(&self, _: usize, _: &[Var<'t>], _: Var<'t>, _: Var<'t>) -> Option<Var<'t>> {
        None
    }

    fn batch<'t>(&self, x: &[Var<'t>], _: &[bool], _: usize) -> Var<'t> {
        x[0].tape().record(Argsort { axis: self.axis + 1, ..self.clone() }, x)
    }

    #[inline]
    fn examples() -> Vec<Example> {
        let x = Tensor::from([[1.0, 2.0, -0.5], [0.25, -3.0, 4.0]]);
        let cases = [(0, false), (1, false), (1, true)];
        cases.map(|(axis, descending)| Example::new(Argsort { axis, descending }, [x.clone()])).into()
    }
}

impl<'t> Var<'t> {
    /// The indices along `axis`, as `i64`, that sort its elements. Equals keep their order; NaN counts as largest.
    #[track_caller]
    pub fn argsort(self, axis: isize, descending: bool) -> Self {
        match self.axis("argsort", axis) {
            Ok(axis) => self.tape().record(Argsort { axis, descending }, &[self]),
            Err(poisoned) => poisoned,
        }
    }
}

//! A value that is not used before another is known.

use wengert_tensor::{Layout, Result, Tensor, View, ViewMut, kernel};

use super::{Example, Rule, lift, operands};
use crate::tape::Var;
use crate::ty::Type;

/// y = x, once a second operand is known.
///
/// What is computed from y is not the same equation as what is computed from x, so it is computed
/// again, and later: how [`checkpoint`](crate::checkpoint) keeps its promise.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct After;

impl Rule for After {
    fn name(&self) -> &'static str {
        "after"
    }

    fn takes_halves(&self) -> bool {
        true
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [x, _] = operands("after", x)?;
        Ok(x.clone())
    }

    fn alias(&self, x: &Layout) -> Option<Layout> {
        Some(x.clone())
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        kernel::copy::copy(x[0], out)
    }

    fn jvp<'t>(&self, _: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        dx[0]
    }

    fn vjp<'t>(&self, i: usize, _: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        (i == 0).then_some(ybar)
    }

    fn batch<'t>(&self, x: &[Var<'t>], batched: &[bool], n: usize) -> Var<'t> {
        let x = lift(x, batched, n);
        x[0].after(x[1])
    }

    #[inline]
    fn examples() -> Vec<Example> {
        vec![Example::new(After, [Tensor::from([1.5, -2.0]), Tensor::from([[3.0]])])]
    }
}

impl<'t> Var<'t> {
    /// This value, not used before `other` is known.
    #[doc(alias = "optimization_barrier")]
    #[track_caller]
    pub fn after(self, other: Var<'t>) -> Self {
        self.tape().record(After, &[self, other])
    }
}

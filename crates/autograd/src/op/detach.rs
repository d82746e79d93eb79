//! A value that derivatives do not pass.

use wengert_tensor::{Layout, Result, View, ViewMut, kernel};

use super::{Example, Rule, operands};
use crate::tape::Var;
use crate::ty::Type;

/// y = x, with dy = 0.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StopGradient;

impl Rule for StopGradient {
    fn name(&self) -> &'static str {
        "detach"
    }

    fn takes_halves(&self) -> bool {
        true
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [x] = operands("detach", x)?;
        Ok(x.clone())
    }

    fn alias(&self, x: &Layout) -> Option<Layout> {
        Some(x.clone())
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        kernel::copy::copy(x[0], out)
    }

    fn jvp<'t>(&self, _: &[Var<'t>], _: Var<'t>, _: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        None
    }

    fn vjp<'t>(&self, _: usize, _: &[Var<'t>], _: Var<'t>, _: Var<'t>) -> Option<Var<'t>> {
        None
    }

    fn batch<'t>(&self, x: &[Var<'t>], _: &[bool], _: usize) -> Var<'t> {
        x[0].detach()
    }

    // Its derivative is not the derivative of its value, which is the point of it: `tests/transformations.rs`.
    #[inline]
    fn examples() -> Vec<Example> {
        Vec::new()
    }
}

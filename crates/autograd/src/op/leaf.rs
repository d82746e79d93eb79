//! Equations without operands: values from outside, and constants.

use wengert_tensor::{Error, Result, Scalar, Shape, View, ViewMut, kernel};

use super::{Example, Rule};
use crate::tape::Var;
use crate::ty::Type;

/// A value from outside. Its type is that of the value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Input;

impl Rule for Input {
    fn name(&self) -> &'static str {
        "input"
    }

    fn infer(&self, _: &[&Type]) -> Result<Type> {
        Err(Error::tape("input: is recorded with its value, by `Tape::input`"))
    }

    fn eval(&self, _: &[View], _: ViewMut) -> Result<()> {
        Err(Error::tape("input: has no value"))
    }

    fn jvp<'t>(&self, _: &[Var<'t>], _: Var<'t>, _: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        None
    }

    fn vjp<'t>(&self, _: usize, _: &[Var<'t>], _: Var<'t>, _: Var<'t>) -> Option<Var<'t>> {
        None
    }

    fn batch<'t>(&self, x: &[Var<'t>], _: &[bool], _: usize) -> Var<'t> {
        x[0]
    }

    #[inline]
    fn examples() -> Vec<Example> {
        Vec::new()
    }
}

/// A constant: `value` at every index of `shape`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Full {
    /// The value.
    pub value: Scalar,
    /// The sizes of the axes.
    pub shape: Shape,
}

impl Rule for Full {
    fn name(&self) -> &'static str {
        "full"
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        super::operands::<0>("full", x)?;
        Ok(Type::new(self.value.dtype(), &self.shape))
    }

    fn eval(&self, _: &[View], out: ViewMut) -> Result<()> {
        kernel::copy::fill(self.value, out)
    }

    fn jvp<'t>(&self, _: &[Var<'t>], _: Var<'t>, _: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        None
    }

    fn vjp<'t>(&self, _: usize, _: &[Var<'t>], _: Var<'t>, _: Var<'t>) -> Option<Var<'t>> {
        None
    }

    fn batch<'t>(&self, x: &[Var<'t>], _: &[bool], _: usize) -> Var<'t> {
        x[0]
    }

    #[inline]
    fn examples() -> Vec<Example> {
        Vec::new()
    }
}

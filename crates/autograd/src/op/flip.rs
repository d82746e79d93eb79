//! Axes in reverse. Nothing is copied.

use wengert_tensor::{Axes, AxisList, Layout, Result, Tensor, View, ViewMut, kernel};

use super::sum::{reduced, shifted};
use super::{Example, Rule, operands};
use crate::tape::Var;
use crate::ty::Type;

/// y = x with `axes` in reverse;  dy = dx so.  It is its own inverse and its own adjoint.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Flip {
    /// Sorted, within the operand's rank.
    pub axes: AxisList,
}

impl Rule for Flip {
    fn name(&self) -> &'static str {
        "flip"
    }

    fn takes_halves(&self) -> bool {
        true
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [x] = operands("flip", x)?;
        reduced("flip", x, &self.axes)?;
        Ok(x.clone())
    }

    fn alias(&self, x: &Layout) -> Option<Layout> {
        Some(x.flip(&self.axes))
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        let layout = x[0].layout().flip(&self.axes);
        kernel::copy::copy(x[0].through(&layout)?, out)
    }

    fn jvp<'t>(&self, _: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        dx[0].map(|dx| dx.flip(&self.axes[..]))
    }

    fn vjp<'t>(&self, _: usize, _: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        Some(ybar.flip(&self.axes[..]))
    }

    fn batch<'t>(&self, x: &[Var<'t>], _: &[bool], _: usize) -> Var<'t> {
        x[0].flip(&shifted(&self.axes)[..])
    }

    #[inline]
    fn examples() -> Vec<Example> {
        let x = Tensor::from([[1.0, 2.0, -0.5], [0.25, -3.0, 4.0]]);
        let axes: [&[usize]; 3] = [&[0], &[1], &[0, 1]];
        axes.map(|axes| Example::new(Flip { axes: axes.into() }, [x.clone()])).into()
    }
}

impl<'t> Var<'t> {
    /// The given axes in reverse.
    #[track_caller]
    pub fn flip(self, axes: impl Into<Axes>) -> Self {
        match self.resolve("flip", axes) {
            Ok(axes) if axes.is_empty() => self,
            Ok(axes) => self.tape().record(Flip { axes }, &[self]),
            Err(poisoned) => poisoned,
        }
    }
}

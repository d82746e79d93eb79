//! The same elements in another shape.

use wengert_tensor::{Layout, Result, Shape, Sizes, Tensor, View, ViewMut, kernel};

use super::{Example, Rule, operands};
use crate::tape::Var;
use crate::ty::Type;

/// y = x in another shape, row-major;  dy = dx in that shape
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reshape {
    /// The sizes of the result.
    pub shape: Shape,
}

impl Rule for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn takes_halves(&self) -> bool {
        true
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [x] = operands("reshape", x)?;
        match x.shape.numel() == self.shape.numel() {
            true => Ok(x.with_shape(&self.shape)),
            false => Ok(x.with_shape(Sizes::from(&self.shape).resolve(&x.shape)?)),
        }
    }

    fn alias(&self, x: &Layout) -> Option<Layout> {
        x.reshape(&self.shape)
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        kernel::copy::copy(x[0], out)
    }

    fn jvp<'t>(&self, _: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        dx[0].map(|dx| dx.reshape(&self.shape))
    }

    fn vjp<'t>(&self, _: usize, x: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        Some(ybar.reshape(x[0].shape()))
    }

    fn batch<'t>(&self, x: &[Var<'t>], _: &[bool], n: usize) -> Var<'t> {
        x[0].reshape(self.shape.with_axis(0, n))
    }

    #[inline]
    fn examples() -> Vec<Example> {
        let x = Tensor::from([[1.0, 2.0, -0.5], [0.25, -3.0, 4.0]]);
        let shapes = [Shape::from([6]), Shape::from([3, 2]), Shape::from([2, 1, 3])];
        shapes.map(|shape| Example::new(Reshape { shape }, [x.clone()])).into()
    }
}

impl<'t> Var<'t> {
    /// The same elements, in row-major order, in another shape; one size may be -1.
    #[doc(alias = "view")]
    #[track_caller]
    pub fn reshape(self, sizes: impl Into<Sizes>) -> Self {
        if self.is_poisoned() {
            return self;
        }
        let from = self.shape();
        match sizes.into().resolve(&from) {
            Ok(shape) if shape == from => self,
            Ok(shape) => self.tape().record(Reshape { shape }, &[self]),
            Err(error) => self.tape().error(error),
        }
    }

    /// The same under a name of its own, by which derivatives can be asked for apart from this one.
    #[track_caller]
    pub(crate) fn renamed(self) -> Self {
        self.tape().record(Reshape { shape: self.shape() }, &[self])
    }

    /// All elements along one axis.
    #[doc(alias = "ravel")]
    #[track_caller]
    pub fn flatten(self) -> Self {
        self.reshape([-1])
    }

    /// One more axis, of size 1, before axis `axis` of the result.
    #[doc(alias = "expand_dims")]
    #[track_caller]
    pub fn unsqueeze(self, axis: isize) -> Self {
        match self.shape().unsqueeze(axis) {
            Ok(shape) => self.reshape(shape),
            Err(error) => self.tape().error(error),
        }
    }

    /// The axis, of size 1, taken away.
    #[track_caller]
    pub fn squeeze(self, axis: isize) -> Self {
        match self.shape().squeeze(axis) {
            Ok(shape) => self.reshape(shape),
            Err(error) => self.tape().error(error),
        }
    }
}

//! Stretching by NumPy's broadcasting rule.

use wengert_tensor::{AxisList, Error, Layout, Result, Shape, Tensor, View, ViewMut, kernel};

use super::{Example, Rule, operands};
use crate::tape::Var;
use crate::ty::Type;

/// y = x repeated along new leading axes and along axes of size 1;  dy = dx so
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Broadcast {
    /// The sizes of the result.
    pub shape: Shape,
}

impl Rule for Broadcast {
    fn name(&self) -> &'static str {
        "broadcast_to"
    }

    fn takes_halves(&self) -> bool {
        true
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [x] = operands("broadcast_to", x)?;
        Ok(x.with_shape(x.shape.stretch(&self.shape)?))
    }

    fn alias(&self, x: &Layout) -> Option<Layout> {
        x.broadcast(&self.shape)
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        match x[0].layout().broadcast(&self.shape) {
            Some(layout) => kernel::copy::copy(x[0].through(&layout)?, out),
            None => Err(Error::shape(format!("broadcast_to: {} does not stretch to {}", x[0].shape(), self.shape))),
        }
    }

    fn jvp<'t>(&self, _: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        dx[0].map(|dx| dx.broadcast_to(&self.shape))
    }

    fn vjp<'t>(&self, _: usize, x: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        let shape = x[0].shape();
        let extra = self.shape.rank() - shape.rank();
        let stretched = |axis: &usize| *axis < extra || shape[axis - extra] != self.shape[*axis];
        let axes: AxisList = (0..self.shape.rank()).filter(stretched).collect();
        Some(ybar.sum_axes(&axes[..]).reshape(shape))
    }

    fn batch<'t>(&self, x: &[Var<'t>], _: &[bool], n: usize) -> Var<'t> {
        // The operand's own axes stay aligned at the end: axes of size 1 go between them and the batch.
        let own = x[0].shape();
        let extra = self.shape.rank() + 1 - own.rank();
        let padded = [n].into_iter().chain(std::iter::repeat_n(1, extra)).chain(own[1..].iter().copied());
        x[0].reshape(padded.collect::<Shape>()).broadcast_to(self.shape.with_axis(0, n))
    }

    #[inline]
    fn examples() -> Vec<Example> {
        let x = Tensor::from([[1.0], [2.0]]);
        let shapes = [Shape::from([2, 3]), Shape::from([4, 2, 3]), Shape::from([2, 1])];
        shapes.map(|shape| Example::new(Broadcast { shape }, [x.clone()])).into()
    }
}

impl<'t> Var<'t> {
    /// Stretched to `shape` by NumPy's broadcasting rule, without a copy.
    #[doc(alias = "expand")]
    #[track_caller]
    pub fn broadcast_to(self, shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        if self.is_poisoned() || self.with_type(|ty| ty.shape == shape) {
            return self;
        }
        self.tape().record(Broadcast { shape }, &[self])
    }
}

//! Axes in another order.

use wengert_tensor::{Axes, AxisList, Error, Layout, Result, Tensor, View, ViewMut, kernel};

use super::sum::shifted;
use super::{Example, Rule, operands};
use crate::tape::Var;
use crate::ty::Type;

/// y = x with axis `order[i]` as axis i;  dy = dx so
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Permute {
    /// A permutation of the operand's axes.
    pub order: AxisList,
}

impl Rule for Permute {
    fn name(&self) -> &'static str {
        "permute"
    }

    fn takes_halves(&self) -> bool {
        true
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [x] = operands("permute", x)?;
        let rank = x.shape.rank();
        if self.order.len() != rank || (0..rank).any(|axis| !self.order.contains(&axis)) {
            let (order, shape) = (&self.order, &x.shape);
            return Err(Error::index(format!("permute: {order:?} is not an order of the axes of {shape}")));
        }
        Ok(x.with_shape(self.order.iter().map(|&axis| x.shape[axis]).collect::<wengert_tensor::Shape>()))
    }

    fn alias(&self, x: &Layout) -> Option<Layout> {
        Some(x.permute(&self.order))
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        let layout = x[0].layout().permute(&self.order);
        kernel::copy::copy(x[0].through(&layout)?, out)
    }

    fn jvp<'t>(&self, _: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        dx[0].map(|dx| dx.permute(&self.order[..]))
    }

    fn vjp<'t>(&self, _: usize, _: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        let mut inverse = self.order.clone();
        for (i, &axis) in self.order.iter().enumerate() {
            inverse[axis] = i;
        }
        Some(ybar.permute(&inverse[..]))
    }

    fn batch<'t>(&self, x: &[Var<'t>], _: &[bool], _: usize) -> Var<'t> {
        let mut order = shifted(&self.order);
        order.insert(0, 0);
        x[0].permute(&order[..])
    }

    #[inline]
    fn examples() -> Vec<Example> {
        let x = Tensor::from([[[1.0, 2.0, -0.5], [0.25, -3.0, 4.0]]]);
        let orders: [[usize; 3]; 3] = [[1, 2, 0], [2, 1, 0], [0, 1, 2]];
        orders.map(|order| Example::new(Permute { order: order.as_slice().into() }, [x.clone()])).into()
    }
}

impl<'t> Var<'t> {
    /// The axes in another order: axis `order[i]` becomes axis i.
    #[doc(alias = "transpose")]
    #[track_caller]
    pub fn permute(self, order: impl Into<Axes>) -> Self {
        if self.is_poisoned() {
            return self;
        }
        match order.into().permutation(&self.shape()) {
            Ok(order) if order.iter().copied().eq(0..self.rank()) => self,
            Ok(order) => self.tape().record(Permute { order }, &[self]),
            Err(error) => self.tape().error(error),
        }
    }

    /// Two axes exchanged.
    #[doc(alias = "swapaxes")]
    #[track_caller]
    pub fn transpose(self, a: isize, b: isize) -> Self {
        match self.shape().transposition(a, b) {
            Ok(order) => self.permute(&order[..]),
            Err(error) => self.tape().error(error),
        }
    }

    /// The last two axes exchanged: every matrix transposed. A vector or a single element stays as it is.
    #[doc(alias("mT", "matrix_transpose"))]
    #[track_caller]
    pub fn t(self) -> Self {
        match self.rank() {
            0 | 1 => self,
            2 => self.tape().record(Permute { order: AxisList::from_slice(&[1, 0]) }, &[self]),
            _ => self.transpose(-2, -1),
        }
    }
}

//! Elementwise choice.

use wengert_tensor::kernel::select::select;
use wengert_tensor::kernel::{Bound, each};
use wengert_tensor::{DType, Error, Layout, Result, Tensor, View, ViewMut};

use super::{Example, Operand, Rule, diagonal_jvp, lift, operands, same_types};
use crate::tape::Var;
use crate::ty::Type;

/// z = x where c, else y;  dz = dx where c, else dy
///
/// What is not chosen leaves no trace in z, even where it is NaN; but a cotangent of 0 goes its way,
/// and 0 times an infinite derivative is NaN: a function that is singular where it is not chosen must
/// be kept away from there by its operand.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Select;

impl Rule for Select {
    fn name(&self) -> &'static str {
        "where"
    }

    fn takes_halves(&self) -> bool {
        true
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [c, x, y] = operands("where", x)?;
        same_types("where", x, y)?;
        same_types("where: the condition", c, &x.with_dtype(DType::Bool))?;
        Ok(x.clone())
    }

    fn is_elementwise(&self) -> bool {
        true
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        each::map("where", x, out, &select)
    }

    fn bind(&self, x: &[(DType, &Layout)], _: &Type) -> Option<Bound> {
        each::bind(x, select)
    }

    fn jvp<'t>(&self, x: &[Var<'t>], y: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        match *dx {
            [_, Some(dx), Some(dy)] => Some(x[0].where_(dx, dy)),
            _ => diagonal_jvp(self, x, y, dx),
        }
    }

    fn vjp<'t>(&self, i: usize, x: &[Var<'t>], _: Var<'t>, zbar: Var<'t>) -> Option<Var<'t>> {
        match i {
            1 => Some(x[0].where_(zbar, 0.0)),
            2 => Some(x[0].where_(0.0, zbar)),
            _ => None,
        }
    }

    fn batch<'t>(&self, x: &[Var<'t>], batched: &[bool], n: usize) -> Var<'t> {
        x[0].tape().record(Select, &lift(x, batched, n))
    }

    #[inline]
    fn examples() -> Vec<Example> {
        let c = Tensor::from([true, false, true]);
        vec![Example::new(Select, [c, Tensor::from([1.0, 2.0, -0.5]), Tensor::from([0.25, -3.0, 4.0])])]
    }
}

impl<'t> Var<'t> {
    /// `x` where this condition, of dtype `bool`, is true, and `y` elsewhere. All three broadcast.
    ///
    /// Nothing of what is not chosen is seen in the value or the tangent. In reverse mode its cotangent is 0, and
    /// 0 times an infinite derivative is NaN: choose the operand too, as in
    /// `c.where_(c.where_(x, 1.0).ln(), 0.0)` for c = x > 0.
    ///
    /// ```
    /// use wengert_autograd::grad;
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::from([-1.0, 2.0]);
    /// let g = grad(|x| x.greater(0.0).where_(x * x, -x).sum(), &x)?;
    /// assert_eq!(g, Tensor::from([-1.0, 4.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias = "where")]
    #[doc(alias = "select")]
    #[track_caller]
    pub fn where_(self, x: impl Into<Operand<'t>>, y: impl Into<Operand<'t>>) -> Self {
        let (x, y) = match (x.into(), y.into()) {
            (Operand::Var(x), y) => (x, y.like(x)),
            (x, Operand::Var(y)) => (x.like(y), y),
            (Operand::Plain(x), Operand::Plain(y)) => (self.tape().full((), x), self.tape().full((), y)),
        };
        let (c, a, b) = (self.shape(), x.shape(), y.shape());
        if (c == a && a == b) || [self, x, y].iter().any(|v| v.is_poisoned()) {
            return self.tape().record(Select, &[self, x, y]);
        }
        match a.broadcast(&b).and_then(|shape| shape.broadcast(&c)) {
            Some(shape) => {
                let operands = [self.broadcast_to(&shape), x.broadcast_to(&shape), y.broadcast_to(&shape)];
                self.tape().record(Select, &operands)
            }
            None => self.tape().error(Error::shape(format!("where: shapes {c}, {a} and {b} do not broadcast"))),
        }
    }

    /// This variable with `value` where `mask`, of dtype `bool`, is true.
    #[doc(alias("putmask"))]
    #[track_caller]
    pub fn masked_fill(self, mask: Var<'t>, value: impl Into<Operand<'t>>) -> Self {
        mask.where_(value.into().like(self), self)
    }
}

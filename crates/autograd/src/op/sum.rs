//! Sums over axes.

use wengert_tensor::{Axes, AxisList, Error, Result, Tensor, View, ViewMut, kernel};

use super::elementwise::number;
use super::{Example, Rule, flops_of};
use crate::tape::Var;
use crate::ty::Type;

/// y = sum of x over `axes`, which are dropped;  dy = the same sum of dx
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sum {
    /// Sorted, within the operand's rank.
    pub axes: AxisList,
}

impl Rule for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        reduced("sum", &number("sum", x)?, &self.axes)
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        kernel::reduce::sum(x[0], &self.axes, out)
    }

    fn flops(&self, x: &[&Type], _: &Type) -> u64 {
        flops_of(0, x)
    }

    fn jvp<'t>(&self, _: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        dx[0].map(|dx| dx.tape().record(self.clone(), &[dx]))
    }

    fn vjp<'t>(&self, _: usize, x: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        Some(ybar.unreduce(&self.axes, x[0]))
    }

    fn batch<'t>(&self, x: &[Var<'t>], _: &[bool], _: usize) -> Var<'t> {
        x[0].tape().record(Sum { axes: shifted(&self.axes) }, x)
    }

    #[inline]
    fn examples() -> Vec<Example> {
        let x = Tensor::from([[1.0, 2.0, -0.5], [0.25, -3.0, 4.0]]);
        let axes: [&[usize]; 4] = [&[0], &[1], &[0, 1], &[]];
        axes.map(|axes| Example::new(Sum { axes: axes.into() }, [x.clone()])).into()
    }
}

/// The type of a reduction of `x` over `axes`.
pub(crate) fn reduced(op: &str, x: &Type, axes: &[usize]) -> Result<Type> {
    if axes.iter().any(|&axis| axis >= x.shape.rank()) || axes.windows(2).any(|w| w[0] >= w[1]) {
        return Err(Error::index(format!("{op}: axes {axes:?} of shape {}", x.shape)));
    }
    Ok(x.with_shape(x.shape.without(axes)))
}

/// The same axes of an operand with one more leading axis.
pub(crate) fn shifted(axes: &[usize]) -> AxisList {
    axes.iter().map(|axis| axis + 1).collect()
}

/// Defines the methods of [`Var`] that record a reduction: over all axes, over some that are dropped, and over
/// some that stay with size 1.
macro_rules! over_axes {
    ($Name:ident: $method:ident, $over:ident, $keep:ident, $what:literal $(, $alias:literal)?) => {
        impl<'t> $crate::Var<'t> {
            #[doc = concat!($what, ".")]
            $(#[doc(alias = $alias)])?
            #[track_caller]
            pub fn $method(self) -> Self {
                self.$over(..)
            }

            #[doc = concat!($what, ", over some axes, which are dropped.")]
            $(#[doc(alias = $alias)])?
            #[track_caller]
            pub fn $over(self, axes: impl Into<wengert_tensor::Axes>) -> Self {
                match self.resolve(stringify!($method), axes) {
                    Ok(axes) => self.tape().record($Name { axes }, &[self]),
                    Err(poisoned) => poisoned,
                }
            }

            #[doc = concat!($what, ", over some axes, which stay with size 1.")]
            #[track_caller]
            pub fn $keep(self, axes: impl Into<wengert_tensor::Axes>) -> Self {
                let axes = axes.into();
                self.$over(axes.clone()).keep(self, axes)
            }
        }
    };
}

pub(crate) use over_axes;

over_axes! { Sum: sum, sum_axes, sum_keep, "The sum of all elements" }

impl<'t> Var<'t> {
    /// The axes of this variable that are meant; a mistake is kept on the tape under the name `op`.
    #[track_caller]
    pub(crate) fn resolve(self, op: &str, axes: impl Into<Axes>) -> std::result::Result<AxisList, Self> {
        if self.is_poisoned() {
            return Err(self);
        }
        // Not `map_err`: a closure's caller would not be the user's line.
        match axes.into().resolve(&self.shape()) {
            Ok(axes) => Ok(axes),
            Err(error) => Err(self.tape().error(error.within(op))),
        }
    }

    /// This reduction of `x` over `axes`, with those axes back at size 1.
    #[track_caller]
    pub(crate) fn keep(self, x: Self, axes: impl Into<Axes>) -> Self {
        match x.resolve("keep", axes) {
            Ok(axes) => self.reshape(x.shape().ones_at(&axes)),
            Err(poisoned) => poisoned,
        }
    }

    /// This reduction of `x` over `axes`, repeated along them to the shape of `x`, without a copy.
    #[track_caller]
    pub(crate) fn unreduce(self, axes: &[usize], x: Self) -> Self {
        let shape = x.shape();
        self.reshape(shape.ones_at(axes)).broadcast_to(shape)
    }
}

//! The largest and the smallest along axes, and where they are.

use wengert_tensor::{AxisList, DType, Result, Tensor, View, ViewMut, kernel};

use super::along::indices;
use super::elementwise::number;
use super::sum::{reduced, shifted};
use super::{Example, Rule, flops_of};
use crate::tape::Var;
use crate::ty::Type;

macro_rules! extremes {
    ($($(#[$doc:meta])* $Name:ident, $method:ident, $over:ident, $keep:ident, $what:literal, $alias:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $Name {
            /// Sorted, within the operand's rank.
            pub axes: AxisList,
        }

        impl Rule for $Name {
            fn name(&self) -> &'static str {
                stringify!($method)
            }

            fn infer(&self, x: &[&Type]) -> Result<Type> {
                let x = number(self.name(), x)?;
                let ty = reduced(self.name(), &x, &self.axes)?;
                kernel::reduce::extreme_shape(self.name(), &x.shape, &self.axes)?;
                Ok(ty)
            }

            fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
                kernel::reduce::$method(x[0], &self.axes, out)
            }

            fn flops(&self, x: &[&Type], _: &Type) -> u64 {
                flops_of(0, x)
            }

            fn jvp<'t>(&self, x: &[Var<'t>], y: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
                Some((dx[0]? * shares(x[0], y, &self.axes)).sum_axes(&self.axes[..]))
            }

            fn vjp<'t>(&self, _: usize, x: &[Var<'t>], y: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
                Some(ybar.unreduce(&self.axes, x[0]) * shares(x[0], y, &self.axes))
            }

            fn batch<'t>(&self, x: &[Var<'t>], _: &[bool], _: usize) -> Var<'t> {
                x[0].tape().record($Name { axes: shifted(&self.axes) }, x)
            }

            #[inline]
            fn examples() -> Vec<Example> {
                let x = Tensor::from([[1.0, 2.0, -0.5], [0.25, -3.0, 4.0]]);
                let axes: [&[usize]; 4] = [&[0], &[1], &[0, 1], &[]];
                axes.map(|axes| Example::new($Name { axes: axes.into() }, [x.clone()])).into()
            }
        }

        $crate::op::sum::over_axes! { $Name: $method, $over, $keep, $what, $alias }
    )*};
}

extremes! {
    /// y = the largest of x over `axes`, which are dropped;  dy = the mean of dx where it is reached
    Max, max, max_axes, max_keep,
        "The largest of all elements, NaN where one is; equals share the derivative", "amax";
    /// y = the smallest of x over `axes`, which are dropped;  dy = the mean of dx where it is reached
    Min, min, min_axes, min_keep,
        "The smallest of all elements, NaN where one is; equals share the derivative", "amin";
}

/// The part of its extreme y that each x is: 1 / k for one of k equals, 0 for the others.
fn shares<'t>(x: Var<'t>, y: Var<'t>, axes: &[usize]) -> Var<'t> {
    let reached = x.equal(y.unreduce(axes, x)).cast(x.dtype());
    reached / reached.sum_axes(axes).unreduce(axes, x)
}

indices! {
    /// The index along `axis`, as `i64`, of the largest element: the first of equals, or the first NaN
    Argmax: argreduce::argmax (reached);
    /// The index along `axis`, as `i64`, of the smallest element: the first of equals, or the first NaN
    Argmin: argreduce::argmin (reached);
}

fn reached(op: &str, x: &[&Type], axis: usize) -> Result<Type> {
    Ok(Type::new(DType::I64, kernel::argreduce::shape(op, &number(op, x)?.shape, axis)?))
}

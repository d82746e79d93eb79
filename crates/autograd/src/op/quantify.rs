//! Whether any, or all, of the truth values along axes are true. No derivative.

use wengert_tensor::{AxisList, Result, Tensor, View, ViewMut, kernel};

use super::elementwise::truth;
use super::sum::{reduced, shifted};
use super::{Example, Rule, flops_of};
use crate::tape::Var;
use crate::ty::Type;

macro_rules! quantifiers {
    ($($(#[$doc:meta])* $Name:ident, $method:ident, $over:ident, $keep:ident, $what:literal;)*) => {$(
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
                reduced(self.name(), &truth(self.name(), x)?, &self.axes)
            }

            fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
                kernel::reduce::$method(x[0], &self.axes, out)
            }

            fn flops(&self, x: &[&Type], _: &Type) -> u64 {
                flops_of(0, x)
            }

            fn jvp<'t>(&self, _: &[Var<'t>], _: Var<'t>, _: &[Option<Var<'t>>]) -> Option<Var<'t>> {
                None
            }

            fn vjp<'t>(&self, _: usize, _: &[Var<'t>], _: Var<'t>, _: Var<'t>) -> Option<Var<'t>> {
                None
            }

            fn batch<'t>(&self, x: &[Var<'t>], _: &[bool], _: usize) -> Var<'t> {
                x[0].tape().record($Name { axes: shifted(&self.axes) }, x)
            }

            #[inline]
            fn examples() -> Vec<Example> {
                let x = Tensor::from([[true, false, true], [true, false, false]]);
                let axes: [&[usize]; 3] = [&[0], &[1], &[0, 1]];
                axes.map(|axes| Example::new($Name { axes: axes.into() }, [x.clone()])).into()
            }
        }

        $crate::op::sum::over_axes! { $Name: $method, $over, $keep, $what }
    )*};
}

quantifiers! {
    /// Whether any of x over `axes`, which are dropped, is true
    Any, any, any_axes, any_keep, "Whether any element is true";
    /// Whether all of x over `axes`, which are dropped, are true
    All, all, all_axes, all_keep, "Whether all elements are true";
}

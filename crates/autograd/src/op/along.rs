//! What operations along one axis share.

use wengert_tensor::{Error, Result};

use crate::tape::Var;
use crate::ty::Type;

/// Defines operations that find an index along an axis for each result, and so have no derivative: for
/// each line `Struct: module::method (types);` a struct, its [`Rule`](super::Rule) and a method of [`Var`].
/// `types` infers the type of the result from the operands and the axis.
macro_rules! indices {
    ($($(#[$doc:meta])* $Name:ident: $module:ident::$method:ident ($types:expr);)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $Name {
            /// Within the operand's rank.
            pub axis: usize,
        }

        impl $crate::op::Rule for $Name {
            fn name(&self) -> &'static str {
                stringify!($method)
            }

            fn infer(&self, x: &[&$crate::Type]) -> wengert_tensor::Result<$crate::Type> {
                $types(self.name(), x, self.axis)
            }

            fn eval(&self, x: &[wengert_tensor::View], out: wengert_tensor::ViewMut) -> wengert_tensor::Result<()> {
                wengert_tensor::kernel::$module::$method(x[0], self.axis, out)
            }

            fn flops(&self, x: &[&$crate::Type], _: &$crate::Type) -> u64 {
                $crate::op::flops_of(0, x)
            }

            fn jvp<'t>(
                &self,
                _: &[$crate::Var<'t>],
                _: $crate::Var<'t>,
                _: &[Option<$crate::Var<'t>>],
            ) -> Option<$crate::Var<'t>> {
                None
            }

            fn vjp<'t>(
                &self,
                _: usize,
                _: &[$crate::Var<'t>],
                _: $crate::Var<'t>,
                _: $crate::Var<'t>,
            ) -> Option<$crate::Var<'t>> {
                None
            }

            fn batch<'t>(&self, x: &[$crate::Var<'t>], _: &[bool], _: usize) -> $crate::Var<'t> {
                x[0].tape().record($Name { axis: self.axis + 1 }, x)
            }

            #[inline]
            fn examples() -> Vec<$crate::op::Example> {
                let x = wengert_tensor::Tensor::from([[1.0, 2.0, -0.5], [0.25, -3.0, 4.0]]);
                [0, 1].map(|axis| $crate::op::Example::new($Name { axis }, [x.clone()])).into()
            }
        }

        impl<'t> $crate::Var<'t> {
            $(#[$doc])*
            #[track_caller]
            pub fn $method(self, axis: isize) -> Self {
                match self.axis(stringify!($method), axis) {
                    Ok(axis) => self.tape().record($Name { axis }, &[self]),
                    Err(poisoned) => poisoned,
                }
            }
        }
    )*};
}

pub(crate) use indices;

/// The operand of something done along one of its axes.
pub(crate) fn along<'a>(op: &str, x: &'a Type, axis: usize) -> Result<&'a Type> {
    match axis < x.shape.rank() {
        true => Ok(x),
        false => Err(Error::index(format!("{op}: axis {axis} is out of range for shape {}", x.shape))),
    }
}

impl<'t> Var<'t> {
    /// The axis of this variable that is meant; a mistake is kept on the tape under the name `op`.
    #[track_caller]
    pub(crate) fn axis(self, op: &str, axis: isize) -> std::result::Result<usize, Self> {
        if self.is_poisoned() {
            return Err(self);
        }
        match self.shape().axis(axis) {
            Ok(axis) => Ok(axis),
            Err(error) => Err(self.tape().error(error.within(op))),
        }
    }
}

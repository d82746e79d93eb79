//! Elementwise operations without attributes: a macro that makes one of each line.
//!
//! The Jacobian of an elementwise function is diagonal, so one statement of its derivative is both
//! its jvp and its vjp; and one more axis changes nothing, so batching is doing the same.

use wengert_tensor::{DType, Error, Result};

use super::{operands, same_types};
use crate::ty::Type;

/// Defines elementwise operations: for each line a struct, its [`Rule`](super::Rule) and a method of
/// [`Var`](crate::Var).
///
/// ```text
/// unary:    Struct: method, |x, y, bar| bar * dy/dx, [examples of x];
/// binary:   Struct: method (types), |x, y, z, bar| bar * dz/dx, bar * dz/dy, [examples of (x, y)];
/// steps:    Struct: module::method (types), [examples of x];
/// relations: Struct: module::method (types), [examples of (x, y)];
/// ```
///
/// `types` infers the type of the result; that of a unary operation is one float unless said. The kernel is the
/// function `method` of the tensor crate's `kernel::unary` or `kernel::binary`, or of the `module` named.
/// Steps and relations are constant wherever they are continuous: they have no derivative.
macro_rules! elementwise {
    (@types) => { $crate::op::elementwise::float };
    (@types $types:expr) => { $types };

    (@rule $(#[$doc:meta])* $Name:ident, $method:ident, $types:expr, $kernel:expr,
        |$i:pat_param, $x:pat_param, $y:pat_param, $bar:pat_param| $partial:expr, $examples:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $Name;

        impl $crate::op::Rule for $Name {
            fn name(&self) -> &'static str {
                stringify!($method)
            }

            fn infer(&self, x: &[&$crate::Type]) -> wengert_tensor::Result<$crate::Type> {
                $types(stringify!($method), x)
            }

            fn is_elementwise(&self) -> bool {
                true
            }

            fn eval(&self, x: &[wengert_tensor::View], out: wengert_tensor::ViewMut) -> wengert_tensor::Result<()> {
                wengert_tensor::kernel::each::map(stringify!($method), x, out, &$kernel)
            }

            fn bind(
                &self,
                x: &[(wengert_tensor::DType, &wengert_tensor::Layout)],
                _: &$crate::Type,
            ) -> Option<wengert_tensor::kernel::Bound> {
                wengert_tensor::kernel::each::bind(x, $kernel)
            }

            fn jvp<'t>(
                &self,
                x: &[$crate::Var<'t>],
                y: $crate::Var<'t>,
                dx: &[Option<$crate::Var<'t>>],
            ) -> Option<$crate::Var<'t>> {
                $crate::op::diagonal_jvp(self, x, y, dx)
            }

            fn vjp<'t>(
                &self,
                $i: usize,
                $x: &[$crate::Var<'t>],
                $y: $crate::Var<'t>,
                $bar: $crate::Var<'t>,
            ) -> Option<$crate::Var<'t>> {
                $partial
            }

            fn batch<'t>(&self, x: &[$crate::Var<'t>], batched: &[bool], n: usize) -> $crate::Var<'t> {
                x[0].tape().record($Name, &$crate::op::lift(x, batched, n))
            }

            #[inline]
            fn examples() -> Vec<$crate::op::Example> {
                vec![$crate::op::Example::new($Name, $examples)]
            }
        }
    };

    (@unary $(#[$doc:meta])* $Name:ident, $method:ident) => {
        impl<'t> $crate::Var<'t> {
            $(#[$doc])*
            #[track_caller]
            pub fn $method(self) -> Self {
                self.tape().record($Name, &[self])
            }
        }
    };

    (@binary $(#[$doc:meta])* $Name:ident, $method:ident) => {
        impl<'t> $crate::Var<'t> {
            $(#[$doc])*
            ///
            /// The operands broadcast; a plain number takes this variable's dtype and shape.
            #[track_caller]
            pub fn $method(self, other: impl Into<$crate::op::Operand<'t>>) -> Self {
                self.broadcast_with($Name.into(), other.into().like(self))
            }
        }
    };

    (unary: $($(#[$doc:meta])* $Name:ident: $method:ident $(($types:expr))?,
        |$x:pat_param, $y:pat_param, $bar:pat_param| $partial:expr, [$($at:expr),*];)*) => {$(
        $crate::op::elementwise! { @rule $(#[$doc])* $Name, $method,
            $crate::op::elementwise!(@types $($types)?),
            wengert_tensor::kernel::unary::$method,
            |_, x, $y, $bar| {
                let $x = x[0];
                Some($partial)
            },
            [wengert_tensor::Tensor::from([$($at as f64),*])]
        }
        $crate::op::elementwise! { @unary $(#[$doc])* $Name, $method }
    )*};

    (binary: $($(#[$doc:meta])* $Name:ident: $method:ident ($types:expr),
        |$x:pat_param, $y:pat_param, $z:pat_param, $bar:pat_param| $by_x:expr, $by_y:expr,
        [$(($a:expr, $b:expr)),*];)*) => {$(
        $crate::op::elementwise! { @rule $(#[$doc])* $Name, $method,
            $types,
            wengert_tensor::kernel::binary::$method,
            |i, x, $z, $bar| {
                let ($x, $y) = (x[0], x[1]);
                Some(if i == 0 { $by_x } else { $by_y })
            },
            [wengert_tensor::Tensor::from([$($a as f64),*]), wengert_tensor::Tensor::from([$($b as f64),*])]
        }
        $crate::op::elementwise! { @binary $(#[$doc])* $Name, $method }
    )*};

    (steps: $($(#[$doc:meta])* $Name:ident: $module:ident::$method:ident ($types:expr), [$($at:expr),*];)*) => {$(
        $crate::op::elementwise! { @rule $(#[$doc])* $Name, $method,
            $types,
            wengert_tensor::kernel::$module::$method,
            |_, _, _, _| None,
            [wengert_tensor::Tensor::from([$($at),*])]
        }
        $crate::op::elementwise! { @unary $(#[$doc])* $Name, $method }
    )*};

    (relations: $($(#[$doc:meta])* $Name:ident: $module:ident::$method:ident ($types:expr),
        [$(($a:expr, $b:expr)),*];)*) => {$(
        $crate::op::elementwise! { @rule $(#[$doc])* $Name, $method,
            $types,
            wengert_tensor::kernel::$module::$method,
            |_, _, _, _| None,
            [wengert_tensor::Tensor::from([$($a),*]), wengert_tensor::Tensor::from([$($b),*])]
        }
        $crate::op::elementwise! { @binary $(#[$doc])* $Name, $method }
    )*};
}

pub(crate) use elementwise;

/// One operand, a float; the result is of its type.
pub(crate) fn float(op: &str, x: &[&Type]) -> Result<Type> {
    let [x] = operands(op, x)?;
    match x.dtype.is_float() {
        true => Ok(x.clone()),
        false => Err(Error::dtype(format!("{op}: takes a float dtype, got {x}"))),
    }
}

/// One operand, not `bool`; the result is of its type.
pub(crate) fn number(op: &str, x: &[&Type]) -> Result<Type> {
    let [x] = operands(op, x)?;
    match x.dtype {
        DType::Bool => Err(Error::dtype(format!("{op}: takes numbers, got {x}"))),
        _ => Ok(x.clone()),
    }
}

/// One operand, a truth value; so is the result.
pub(crate) fn truth(op: &str, x: &[&Type]) -> Result<Type> {
    let [x] = operands(op, x)?;
    match x.dtype {
        DType::Bool => Ok(x.clone()),
        _ => Err(Error::dtype(format!("{op}: takes dtype bool, got {x}"))),
    }
}

/// Two operands of one type, any; the result is of that type.
pub(crate) fn pair(op: &str, x: &[&Type]) -> Result<Type> {
    let [a, b] = operands(op, x)?;
    same_types(op, a, b)?;
    Ok(a.clone())
}

/// Two operands of one type, which is not `bool`.
pub(crate) fn pair_of_numbers(op: &str, x: &[&Type]) -> Result<Type> {
    let [a, b] = operands(op, x)?;
    same_types(op, a, b)?;
    number(op, &[a])
}

/// Two operands of one type, a float.
pub(crate) fn pair_of_floats(op: &str, x: &[&Type]) -> Result<Type> {
    let [a, b] = operands(op, x)?;
    same_types(op, a, b)?;
    float(op, &[a])
}

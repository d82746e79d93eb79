//! The operations: one table, and one file for each (a family of elementwise functions shares one).
//!
//! An operation's file holds everything about it: its formula, its struct with its attributes, its
//! [`Rule`], and the methods of [`Var`](crate::Var) that record it. To add one, write its file and add
//! its line to the table: what is missing is a compile error, and `tests/laws.rs` finds it by itself.
//!
//! No file here names a transformation: rules are written with `Var` operators alone.

mod along;
mod bind;
mod compose;
mod elementwise;
mod operand;
mod rule;

use std::borrow::Borrow;

pub use compose::compose;
pub(crate) use concat::nothing;
pub(crate) use elementwise::elementwise;
pub use operand::Operand;
pub use rule::{Custom, Example, Narrowed, Rule, lift, operands, same_types, sum_tangents};
pub(crate) use rule::{diagonal_jvp, flops_of};

/// What [`Op`] holds of an operation: its struct, or where that is large, a box of it. A tape's equations are small.
macro_rules! held {
    ($Name:ident) => { $Name };
    ($Name:ident boxed) => { Box<$Name> };
}

/// Makes [`Op`] of the table's lines, each `module: Operation, Operation;`, with `(boxed)` after a large one.
macro_rules! table {
    ($($module:ident: $($Name:ident $(($boxed:ident))?),+;)*) => {
        $(mod $module;)*

        $(pub use $module::{$($Name),+};)*

        /// An operation with its attributes.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Op {
            $($(
                #[doc = concat!("[`", stringify!($Name), "`]")]
                $Name(held!($Name $($boxed)?)),
            )+)*
            /// An operation of the user's own.
            Custom(Custom),
        }

        impl Op {
            /// The operation's rules.
            pub fn rule(&self) -> &dyn Rule {
                match self {
                    $($(Self::$Name(op) => Borrow::<$Name>::borrow(op),)+)*
                    Self::Custom(op) => op.rule(),
                }
            }

            /// The whole table: the name of every operation, with operands at which the laws can be checked.
            // Compiled where it is called, with all examples: by tests, and not in every first build.
            #[inline]
            pub fn table() -> Vec<(&'static str, Vec<Example>)> {
                vec![$($((stringify!($Name), $Name::examples()),)+)*]
            }

            /// The operation's struct, as Rust's `Debug` prints it.
            pub(crate) fn attributes(&self) -> String {
                match self {
                    $($(Self::$Name(op) => format!("{op:?}"),)+)*
                    Self::Custom(op) => format!("{:?}", op.rule()),
                }
            }
        }

        $($(
            impl From<$Name> for Op {
                fn from(op: $Name) -> Self {
                    Self::$Name(op.into())
                }
            }
        )+)*
    };
}

table! {
    leaf: Input, Full;
    uniform: Uniform;
    detach: StopGradient;
    after: After;
    arithmetic: Neg, Add, Sub, Mul, Div, Recip, Square, Rem, Fmod, FloorDiv;
    power: Pow, Powi, Sqrt, Rsqrt, Hypot;
    exponential: Exp, Exp2, ExpM1, Ln, Ln1p, Log2, Log10;
    trigonometry: Sin, Cos, Tan, Asin, Acos, Atan, Atan2;
    hyperbolic: Sinh, Cosh, Asinh, Acosh, Atanh;
    sigmoid: Tanh, Sigmoid, Softplus;
    special: Erf, Erfc, Erfinv, Lgamma, Polygamma;
    magnitude: Abs, Sign, Copysign, Maximum, Minimum;
    rounding: Floor, Ceil, Round, Trunc;
    compare: Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual, IsNan, IsInf, IsFinite;
    logic: LogicalAnd, LogicalOr, LogicalXor, LogicalNot;
    select: Select;
    cast: Cast;
    sum: Sum;
    extreme: Max, Min, Argmax, Argmin;
    quantify: Any, All;
    scan: Cumsum, ArgCummax, ArgCummin;
    sort: Argsort;
    matmul: Matmul;
    reshape: Reshape;
    permute: Permute;
    broadcast: Broadcast;
    slice: Slice;
    flip: Flip;
    pad: Pad (boxed);
    concat: Concat;
    gather: Gather, ScatterAdd;
    scatter: ArgScatter;
    index_select: IndexSelect, IndexAdd;
    window: Windows (boxed), Fold (boxed);
    conv: Convolution (boxed);
    pool: ArgMaxPool (boxed);
}

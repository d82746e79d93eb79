//! The operations: one table, and one file for each (a family of elementwise functions shares one).
//!
//! An operation's file holds everything about it: its formula, its struct with its attributes, its
//! [`Rule`], and the methods of [`Var`](crate::Var) that record it. To add one, write its file and add
//! its line to the table: what is missing is a compile error, and `tests/laws.rs` finds it by itself.
//!
//! No file here names a transformation: rules are written with `Var` operators alone.

mod rule;

pub use rule::{Custom, Example, Rule};
pub(crate) use rule::{elementwise, lift, operands, same_types, single_float, sum_tangents};

/// Makes [`Op`] of the table's lines, each `module: Operation, Operation;`.
macro_rules! table {
    ($($module:ident: $($Name:ident),+;)*) => {
        $(mod $module;)*

        $(pub use $module::{$($Name),+};)*

        /// An operation with its attributes.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Op {
            $($(
                #[doc = concat!("[`", stringify!($Name), "`]")]
                $Name($Name),
            )+)*
            /// An operation of the user's own.
            Custom(Custom),
        }

        impl Op {
            /// The operation's rules.
            pub fn rule(&self) -> &dyn Rule {
                match self {
                    $($(Self::$Name(op) => op,)+)*
                    Self::Custom(op) => op.rule(),
                }
            }

            /// The whole table: the name of every operation, with operands at which the laws can be checked.
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
                    Self::$Name(op)
                }
            }
        )+)*
    };
}

table! {
    leaf: Input, Full;
    detach: StopGradient;
    arithmetic: Neg, Add, Sub, Mul, Div;
    exponential: Exp, Ln, Sqrt;
    trigonometry: Sin, Cos;
    sigmoid: Tanh, Sigmoid;
    sum: Sum;
    matmul: Matmul;
    reshape: Reshape;
    permute: Permute;
    broadcast: Broadcast;
    slice: Slice;
    flip: Flip;
    pad: Pad;
    concat: Concat;
    gather: Gather, ScatterAdd;
    index_select: IndexSelect, IndexAdd;
    window: Windows, Fold;
}

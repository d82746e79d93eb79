//! Functions composed of the operations, methods of [`Var`](crate::Var): what needs no kernel of its own.
//!
//! None states a derivative: they have those of what they are made of, to every order. Where that
//! is delicate, such as a maximum that is subtracted for stability, or a root at 0, a comment says how
//! it is kept right.

//! The kernels: one function an operation, from [`View`](crate::View)s to a [`ViewMut`](crate::ViewMut).
//!
//! A kernel trusts nobody: operands of the wrong dtype or shape are an error. It allocates nothing
//! that outlives it, visits elements in an order fixed by shapes alone, and gives the same bits for
//! every layout of the same values. What a result's shape must be is said at each kernel.
//!
//! An elementwise kernel is simpler: from slices to a slice, all of one length. [`each::map`] runs it on
//! views.

pub mod argreduce;
pub mod binary;
pub mod blocks;
pub mod bound;
pub mod cast;
pub mod chain;
pub mod compare;
pub mod concat;
pub mod conv;
pub mod copy;
pub mod cursor;
pub mod each;
pub mod far;
pub mod gather;
mod gemm;
mod lane;
mod level;
pub mod logic;
mod loops;
pub mod math;
pub mod matmul;
mod moved;
mod number;
pub mod pad;
pub mod parallel;
pub mod parts;
pub mod pool;
pub mod random;
mod raw;
pub mod reduce;
pub mod scan;
pub mod select;
pub mod sort;
pub mod special;
mod team;
pub mod tiny;
pub mod unary;
pub mod window;

/// Runs `$body` with `$t` naming the element type of dtype `$dtype`.
macro_rules! with_element {
    ($dtype:expr, $t:ident => $body:expr) => {
        match $dtype {
            $crate::DType::F32 => {
                type $t = f32;
                $body
            }
            $crate::DType::F64 => {
                type $t = f64;
                $body
            }
            $crate::DType::I64 => {
                type $t = i64;
                $body
            }
            $crate::DType::Bool => {
                type $t = bool;
                $body
            }
            $crate::DType::BF16 => {
                type $t = $crate::Bf16;
                $body
            }
            $crate::DType::F16 => {
                type $t = $crate::F16;
                $body
            }
        }
    };
}

/// Runs `$body` with `$t` naming the bits of an element of dtype `$dtype`: see [`moved`].
macro_rules! with_moved {
    ($dtype:expr, $t:ident => $body:expr) => {
        match $dtype {
            $crate::DType::F32 => {
                type $t = u32;
                $body
            }
            $crate::DType::F64 | $crate::DType::I64 => {
                type $t = u64;
                $body
            }
            $crate::DType::Bool => {
                type $t = bool;
                $body
            }
            $crate::DType::BF16 | $crate::DType::F16 => {
                type $t = u16;
                $body
            }
        }
    };
}

/// Runs `$body` with `$t` naming the element type of dtype `$dtype`; half precision, which is not computed with, is an error.
macro_rules! with_computed {
    ($op:expr, $dtype:expr, $t:ident => $body:expr) => {
        match $dtype {
            $crate::DType::Bool => {
                type $t = bool;
                $body
            }
            dtype => $crate::kernel::with_number!($op, dtype, $t => $body),
        }
    };
}

/// Runs `$body` with `$t` naming the element type of dtype `$dtype`; `bool` is an error.
macro_rules! with_number {
    ($op:expr, $dtype:expr, $t:ident => $body:expr) => {
        match $dtype {
            $crate::DType::F32 => {
                type $t = f32;
                $body
            }
            $crate::DType::F64 => {
                type $t = f64;
                $body
            }
            $crate::DType::I64 => {
                type $t = i64;
                $body
            }
            other => return Err($crate::Error::dtype(format!("{}: expected numbers, got {other}", $op))),
        }
    };
}

/// Runs `$body` with `$t` naming the element type of dtype `$dtype`, `f32` or `f64`.
macro_rules! with_float {
    ($op:expr, $dtype:expr, $t:ident => $body:expr) => {
        match $dtype {
            $crate::DType::F32 => {
                type $t = f32;
                $body
            }
            $crate::DType::F64 => {
                type $t = f64;
                $body
            }
            other => return Err($crate::Error::dtype(format!("{}: expected a float dtype, got {other}", $op))),
        }
    };
}

pub use bound::Bound;
pub(crate) use {with_computed, with_element, with_float, with_moved, with_number};

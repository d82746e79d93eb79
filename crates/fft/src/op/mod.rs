//! The operations: one file each, with its formula, its kernel and its derivatives.

pub mod dft;
pub mod half;

use wengert_autograd::op::{Custom, Rule};
use wengert_autograd::{Type, Var};
use wengert_tensor::{Error, Result};

use crate::Norm;

/// The sign of the exponent: negative for the transform, positive for its inverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    Forward,
    Inverse,
}

impl Direction {
    pub fn reversed(self) -> Self {
        match self {
            Self::Forward => Self::Inverse,
            Self::Inverse => Self::Forward,
        }
    }
}

/// What a transform over n numbers is multiplied by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scale {
    One,
    /// 1 / n
    Inverse,
    /// 1 / √n
    Root,
}

impl Scale {
    pub fn new(norm: Norm, direction: Direction) -> Self {
        match (norm, direction) {
            (Norm::Ortho, _) => Self::Root,
            (Norm::Backward, Direction::Inverse) | (Norm::Forward, Direction::Forward) => Self::Inverse,
            _ => Self::One,
        }
    }

    /// The number, for axes of these sizes.
    pub fn factor(self, sizes: impl IntoIterator<Item = usize>) -> f64 {
        let n: f64 = sizes.into_iter().map(|n| n as f64).product();
        match self {
            Self::One => 1.0,
            Self::Inverse => n.recip(),
            Self::Root => n.sqrt().recip(),
        }
    }
}

/// Records an operation of this crate.
pub fn record<'t>(rule: impl Rule + Eq + std::hash::Hash + 'static, x: Var<'t>) -> Var<'t> {
    x.tape().record(Custom::new(rule), &[x])
}

/// That an operand is of floats.
pub fn floats(op: &str, x: &Type) -> Result<()> {
    match x.dtype.is_float() {
        true => Ok(()),
        false => Err(Error::dtype(format!("{op}: expected a float dtype, got {}", x.dtype))),
    }
}

/// That an operand is of pairs; the number of its axes without that of the pairs.
pub fn pairs(op: &str, x: &Type) -> Result<usize> {
    floats(op, x)?;
    match &x.shape[..] {
        [lead @ .., 2] => Ok(lead.len()),
        shape => Err(Error::shape(format!("{op}: {shape:?} are no complex numbers: the last axis is of size 2"))),
    }
}

//! One line of a tape.

use std::fmt;
use std::panic::Location;

use smallvec::SmallVec;

use crate::op::Op;
use crate::ty::Type;

/// The name of a variable: the position of the equation that defines it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VarId(u32);

impl VarId {
    /// The name of what a mistake did not define. No equation has it.
    pub(crate) const POISONED: Self = Self(u32::MAX);

    pub(crate) fn new(index: usize) -> Option<Self> {
        u32::try_from(index).ok().map(Self).filter(|id| *id != Self::POISONED)
    }

    /// The position on the tape.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for VarId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

/// An equation: the variable at this position is `op` of earlier variables.
#[derive(Debug, Clone)]
pub struct Eqn {
    /// The operation, with its attributes.
    pub op: Op,
    /// Its operands, each defined earlier.
    pub operands: SmallVec<[VarId; 4]>,
    /// The dtype and shape of the result.
    pub ty: Type,
    /// The line of the user's program that asked for it.
    pub at: &'static Location<'static>,
}

impl Eqn {
    /// Whether it is the same equation as `other`, from the same line.
    pub(crate) fn repeats(&self, other: &Self) -> bool {
        self.op == other.op && self.operands == other.operands && self.ty == other.ty && std::ptr::eq(self.at, other.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equations_are_small() {
        assert!(size_of::<Eqn>() <= 144, "{} bytes, {} of them the operation", size_of::<Eqn>(), size_of::<Op>());
    }
}

//! The well-formedness of a tape, as a function that can be run.

use wengert_tensor::{Error, Result};

use super::Tape;
use crate::op::Op;
use crate::ty::Type;

impl Tape {
    /// Checks every equation: operands come earlier, and the type is the one its operation infers.
    ///
    /// Recording keeps both true; this is how tests show that transformations do.
    ///
    /// # Errors
    /// A sentence about the first equation that is wrong.
    pub fn check(&self) -> Result<()> {
        self.with_eqns(|eqns| {
            for (i, eqn) in eqns.iter().enumerate() {
                let wrong = |what: String| Error::tape(format!("%{i} = {}: {what}", eqn.op.rule().name())).at(eqn.at);
                if let Some(late) = eqn.operands.iter().find(|x| x.index() >= i) {
                    return Err(wrong(format!("its operand {late} does not come earlier")));
                }
                if matches!(eqn.op, Op::Input(_)) {
                    continue;
                }
                let types: Vec<&Type> = eqn.operands.iter().map(|x| &eqns[x.index()].ty).collect();
                let inferred = eqn.op.rule().infer(&types)?;
                if inferred != eqn.ty {
                    return Err(wrong(format!("has type {} and should have {inferred}", eqn.ty)));
                }
            }
            Ok(())
        })
    }
}

//! A function as data: equations cut out of a tape, to be recorded again elsewhere.
//!
//! Always true: a line's operands are operands of the function or earlier lines. Two are equal where
//! their equations are, so what holds one has a structure and not only an identity.
//!
//! Functions here, and in what is made of them (`checkpoint`, `custom`, `linear_map`), are `#[inline]` so that only
//! programs that use them pay for compiling them.

use std::collections::HashMap;
use std::panic::Location;

use smallvec::SmallVec;

use crate::op::Op;
use crate::tape::{Tape, Var, VarId};

/// A function of a list of variables with one result.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Recorded {
    lines: Vec<Line>,
    result: Place,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Line {
    op: Op,
    operands: SmallVec<[Place; 2]>,
    at: &'static Location<'static>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    Operand(usize),
    Line(usize),
}

impl Recorded {
    /// The equations `inside` that `y`, which is not poisoned, needs, as a function of `given` and of what else they
    /// use from outside: those variables are returned, the given ones first. Inputs are always outside.
    #[inline]
    pub fn cut<'t>(y: Var<'t>, given: &[Var<'t>], inside: impl Fn(VarId) -> bool) -> (Self, Vec<Var<'t>>) {
        let tape = y.tape();
        let eqn = |id: VarId| tape.eqn(Var { tape, id }).filter(|eqn| !matches!(eqn.op, Op::Input(_)) && inside(id));
        let mut operands = given.to_vec();
        let mut places: HashMap<VarId, Place> =
            given.iter().enumerate().map(|(i, x)| (x.id(), Place::Operand(i))).collect();
        // Found from the result backwards; recorded from the earliest on.
        let mut needed = Vec::new();
        let mut seen = std::collections::HashSet::new();
        let mut stack = vec![y.id()];
        while let Some(id) = stack.pop() {
            if places.contains_key(&id) || !seen.insert(id) {
                continue;
            }
            if let Some(eqn) = eqn(id) {
                stack.extend(&eqn.operands);
            }
            needed.push(id);
        }
        needed.sort_unstable();
        let mut lines = Vec::new();
        for id in needed {
            let place = match eqn(id) {
                Some(eqn) => {
                    let operands = eqn.operands.iter().map(|x| places[x]).collect();
                    lines.push(Line { op: eqn.op, operands, at: eqn.at });
                    Place::Line(lines.len() - 1)
                }
                None => {
                    operands.push(Var { tape, id });
                    Place::Operand(operands.len() - 1)
                }
            };
            places.insert(id, place);
        }
        (Self { lines, result: places[&y.id()] }, operands)
    }

    /// Records the equations again, on the tape of `operands` and with these.
    #[inline]
    pub fn replay<'t>(&self, tape: &'t Tape, operands: &[Var<'t>]) -> Var<'t> {
        let mut results: Vec<Var<'t>> = Vec::with_capacity(self.lines.len());
        for line in &self.lines {
            let var = |place: &Place| match *place {
                Place::Operand(i) => operands[i],
                Place::Line(i) => results[i],
            };
            let x: SmallVec<[Var<'t>; 4]> = line.operands.iter().map(var).collect();
            results.push(tape.originating(line.at, || tape.record(line.op.clone(), &x)));
        }
        match self.result {
            Place::Operand(i) => operands[i],
            Place::Line(i) => results[i],
        }
    }
}

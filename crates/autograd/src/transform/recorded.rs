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
use crate::ty::Type;

/// A function of a list of variables with a list of results.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Recorded {
    lines: Vec<Line>,
    results: Vec<Place>,
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
    /// The equations `inside` that `ys`, none of which is poisoned, need, as a function of `given` and of what else
    /// they use from outside: those variables are returned, the given ones first. Inputs are always outside.
    #[inline]
    pub fn cut<'t>(
        tape: &'t Tape,
        ys: &[Var<'t>],
        given: &[Var<'t>],
        inside: impl Fn(VarId) -> bool,
    ) -> (Self, Vec<Var<'t>>) {
        let eqn = |id: VarId| tape.eqn(Var { tape, id }).filter(|eqn| !matches!(eqn.op, Op::Input(_)) && inside(id));
        let mut operands = given.to_vec();
        let mut places: HashMap<VarId, Place> =
            given.iter().enumerate().map(|(i, x)| (x.id(), Place::Operand(i))).collect();
        // Found from the results backwards; recorded from the earliest on.
        let mut needed = Vec::new();
        let mut seen = std::collections::HashSet::new();
        let mut stack: Vec<VarId> = ys.iter().map(|y| y.id()).collect();
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
        (Self { lines, results: ys.iter().map(|y| places[&y.id()]).collect() }, operands)
    }

    /// Records the equations again, on the tape of `operands` and with these.
    #[inline]
    pub fn replay<'t>(&self, tape: &'t Tape, operands: &[Var<'t>]) -> Vec<Var<'t>> {
        let mut lines: Vec<Var<'t>> = Vec::with_capacity(self.lines.len());
        let var = |lines: &[Var<'t>], place: &Place| match *place {
            Place::Operand(i) => operands[i],
            Place::Line(i) => lines[i],
        };
        for line in &self.lines {
            let x: SmallVec<[Var<'t>; 4]> = line.operands.iter().map(|x| var(&lines, x)).collect();
            lines.push(tape.originating(line.at, || tape.record(line.op.clone(), &x)));
        }
        self.results.iter().map(|result| var(&lines, result)).collect()
    }

    /// How many operations on numbers all equations are, for operands of these types.
    #[inline]
    pub fn flops(&self, operands: &[Type]) -> u64 {
        let (mut flops, mut lines) = (0u64, Vec::<Type>::with_capacity(self.lines.len()));
        for line in &self.lines {
            let ty = |x: &Place| match *x {
                Place::Operand(i) => operands.get(i),
                Place::Line(i) => lines.get(i),
            };
            let Some(x) = line.operands.iter().map(ty).collect::<Option<SmallVec<[&Type; 4]>>>() else { break };
            let Ok(y) = line.op.rule().infer(&x) else { break };
            flops = flops.saturating_add(line.op.rule().flops(&x, &y));
            drop(x);
            lines.push(y);
        }
        flops
    }

    /// Which results depend on the operands that are marked.
    #[inline]
    pub fn dependents(&self, operands: &[bool]) -> Vec<bool> {
        let mut lines: Vec<bool> = Vec::with_capacity(self.lines.len());
        let marked = |lines: &[bool], place: &Place| match *place {
            Place::Operand(i) => operands[i],
            Place::Line(i) => lines[i],
        };
        for line in &self.lines {
            lines.push(line.operands.iter().any(|x| marked(&lines, x)));
        }
        self.results.iter().map(|result| marked(&lines, result)).collect()
    }

    /// Which of so many operands the results that are marked depend on.
    #[inline]
    pub fn ancestors(&self, results: &[bool], operands: usize) -> Vec<bool> {
        let (mut operands, mut lines) = (vec![false; operands], vec![false; self.lines.len()]);
        let mut mark = |lines: &mut [bool], place: &Place| match *place {
            Place::Operand(i) => operands[i] = true,
            Place::Line(i) => lines[i] = true,
        };
        self.results.iter().zip(results).filter(|(_, marked)| **marked).for_each(|(place, _)| mark(&mut lines, place));
        for i in (0..self.lines.len()).rev() {
            if lines[i] {
                self.lines[i].operands.iter().for_each(|x| mark(&mut lines, x));
            }
        }
        operands
    }
}

//! What becomes of values beyond their units: which are written over others, and which get slots of their own.
//!
//! Always true: a value is written over another only by a pass over the elements of both, which is the last that reads the
//! other, and reads all of it in order; over a state, only where nothing can go wrong any more.

use wengert_tensor::DType;

use super::Given;
use super::fuse::{Base, Place, Unit};
use super::lifetime::Lifetimes;
use super::memory::{Plan, Renewal, bytes};
use crate::op::Op;

/// Values of fewer bytes than this are not written over others: a group would spend more on setting operands aside
/// than there is to gain.
const IN_PLACE: usize = 4096;

/// What becomes of a node's value beyond its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is read by later units, if by any.
    Passing,
    /// It is an answer or a state's next value, in a slot of its own.
    Leaving,
    /// It is a state's next value, written over the last.
    OverState(usize),
    /// It is written over an operand.
    Over(usize),
}

impl Plan<'_> {
    /// The fates of all nodes. Notes which outputs must be copied, and which states get their next values from slots of
    /// their own.
    pub fn fates(&mut self, lifetimes: &Lifetimes, units: &[Unit]) -> Vec<Fate> {
        let mut fates = vec![Fate::Passing; self.graph.nodes.len()];
        self.decide_answers(&mut fates);
        self.decide_states(lifetimes, units, &mut fates);
        self.write_over_operands(lifetimes, units, &mut fates);
        fates
    }

    /// Gives slots of their own to answers; those that are views of states are copied.
    fn decide_answers(&mut self, fates: &mut [Fate]) {
        for (j, &i) in self.graph.outputs[..self.answers()].iter().enumerate() {
            match self.places[i].base {
                Base::Node(base) => fates[base] = Fate::Leaving,
                Base::Input(k) if matches!(self.inputs[k], Given::State(_)) => self.copies.push((j, usize::MAX)),
                _ => {}
            }
        }
    }

    /// Decides how states get their next values: written over the last, where nobody reads that any more and nothing can
    /// go wrong any more; else in a slot that becomes the state's, to which what is a view of something is copied.
    fn decide_states(&mut self, lifetimes: &Lifetimes, units: &[Unit], fates: &mut [Fate]) {
        let sure = units.iter().rposition(|unit| self.may_fail(unit)).map_or(0, |u| u + 1);
        let answers = self.answers();
        for (state, input) in self.inputs_of_states().into_iter().enumerate() {
            let i = self.graph.outputs[answers + state];
            let place = &self.places[i];
            let renewal = Renewal { state, slot: usize::MAX };
            match place.base {
                Base::Input(k) if Some(k) == input && self.is_all(place) => {}
                Base::Node(base) if fates[base] == Fate::Passing && self.is_all(place) => {
                    let maker = lifetimes.maker[base];
                    let dies = |k: usize| {
                        let (read, last) = (Base::Input(k), lifetimes.last_use(&Base::Input(k)));
                        let unit = &units[maker];
                        last < maker || last == maker && unit.goes_along(base) && self.reads_all(unit, &read)
                    };
                    let over = self.slots[state].bytes >= IN_PLACE && maker >= sure && input.is_none_or(dies);
                    fates[base] = if over { Fate::OverState(state) } else { Fate::Leaving };
                    if !over {
                        self.renewals.push(renewal);
                    }
                }
                _ => {
                    self.copies.push((answers + state, usize::MAX));
                    self.renewals.push(renewal);
                }
            }
        }
    }

    /// Whether what a unit computes may be refused, or may panic: not so the built-in arithmetic of floats.
    fn may_fail(&self, unit: &Unit) -> bool {
        let may_fail = |&i: &usize| {
            let node = &self.graph.nodes[i];
            matches!(node.op, Op::Custom(_)) || node.operands.iter().any(|&x| self.ty(x).dtype == DType::I64)
        };
        unit.domain.is_none() && unit.tiny.is_none() || unit.nodes.iter().any(may_fail)
    }

    /// Whether a place is all of its base, in order.
    fn is_all(&self, place: &Place) -> bool {
        let all = match place.base {
            Base::Node(i) => self.ty(i).shape.numel(),
            // A state, or else it is not asked.
            Base::Input(k) => match self.inputs[k] {
                Given::State(state) => self.slots[state].len(),
                _ => return false,
            },
            Base::Constant(_) => return false,
        };
        place.is_whole() && place.layout.numel() == all
    }

    /// Whether all that a unit reads of a base is all of it, in order.
    fn reads_all(&self, unit: &Unit, base: &Base) -> bool {
        let read = unit.nodes.iter().flat_map(|&i| &self.graph.nodes[i].operands);
        read.map(|&x| &self.places[x]).all(|place| place.base != *base || self.is_all(place))
    }

    /// Where an operand dies in a pass over its elements, lets a result take its place.
    fn write_over_operands(&self, lifetimes: &Lifetimes, units: &[Unit], fates: &mut [Fate]) {
        let mut dying = Vec::new();
        for (u, unit) in units.iter().enumerate().filter(|(_, unit)| unit.domain.is_some()) {
            dying.clear();
            for &x in unit.nodes.iter().flat_map(|&i| &self.graph.nodes[i].operands) {
                let base = &self.places[x].base;
                let Base::Node(i) = *base else { continue };
                let dies = lifetimes.last_use(base) == u && lifetimes.maker[i] < u;
                if dies && bytes(self.ty(i)) >= IN_PLACE && !dying.contains(&i) && self.reads_all(unit, base) {
                    dying.push(i);
                }
            }
            for &i in unit.nodes.iter().filter(|&&i| lifetimes.kept[i] && unit.goes_along(i)) {
                let like = |&operand: &usize| {
                    let (a, b) = (self.ty(operand), self.ty(i));
                    a.dtype == b.dtype && a.shape.numel() == b.shape.numel()
                };
                let operand = dying.iter().position(like);
                if let (Fate::Passing, Some(k)) = (fates[i], operand) {
                    fates[i] = Fate::Over(dying.swap_remove(k));
                }
            }
        }
    }
}

//! What to keep and what to compute again: a stretch of equations cut into segments, under a budget of bytes.
//!
//! Segments are consecutive. What crosses a cut is kept; the rest of a segment is computed again for the backward pass,
//! one segment at a time. So there are kept bytes, and those of the largest segment: for a chain of n equal values cut
//! into √n segments, 2 √n of them (T. Chen et al., "Training deep nets with sublinear memory cost", 2016). Values
//! differ in size, and several may cross: so several lengths are tried, each cut is made where little crosses, and what
//! the budget leaves goes to the last segments, which the backward pass needs first: they are not computed again.
//!
//! Which values a backward pass reads is found out by recording one: its equations are never asked for.
//!
//! Functions here are `#[inline]` so that only programs that use them pay for compiling them.

use std::ops::Range;

use rustc_hash::FxHashMap;
use wengert_tensor::Layout;

use super::pullback;
use crate::op::Op;
use crate::tape::{Eqn, Tape, Var, VarId};

/// A stretch of equations, in order, of which the last is the result.
pub(super) struct Stretch {
    pub ids: Vec<VarId>,
    /// The place of each.
    pub places: FxHashMap<VarId, usize>,
}

/// What the values of a stretch need.
struct Sizes {
    /// The bytes of each value; 0 for a view of another, or one number repeated.
    bytes: Vec<usize>,
    /// Those of values that the backward pass reads.
    held: Vec<usize>,
    /// The last place that reads each value, itself or through a view; `usize::MAX` for the result.
    last: Vec<usize>,
}

/// How a stretch is cut.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plan {
    pub segments: Vec<Range<usize>>,
    /// From this segment on nothing is computed again.
    pub kept_from: usize,
}

impl Stretch {
    /// The equations from position `start` on that `y` needs, which is one of them.
    #[inline]
    pub fn of(tape: &Tape, start: usize, y: Var<'_>) -> Self {
        tape.with_eqns(|eqns| {
            let mut needed = vec![false; eqns.len().saturating_sub(start)];
            let mark = |needed: &mut [bool], id: VarId| {
                if id.index() >= start && !matches!(eqns[id.index()].op, Op::Input(_)) {
                    needed[id.index() - start] = true;
                }
            };
            mark(&mut needed, y.id());
            for i in (0..needed.len()).rev() {
                if needed[i] {
                    eqns[start + i].operands.iter().for_each(|&id| mark(&mut needed, id));
                }
            }
            let ids: Vec<VarId> =
                (0..needed.len()).filter(|&i| needed[i]).filter_map(|i| VarId::new(start + i)).collect();
            let places = ids.iter().enumerate().map(|(place, &id)| (id, place)).collect();
            Self { ids, places }
        })
    }

    /// The plan for a budget of bytes; `None` where everything can be kept.
    #[inline]
    pub fn plan(&self, y: Var<'_>, budget: usize) -> Option<Plan> {
        let read = self.read(y);
        y.tape().with_eqns(|eqns| self.sizes(eqns, read)).plan(budget)
    }

    /// Which values the pullback of `y`, the result, reads.
    #[inline]
    fn read(&self, y: Var<'_>) -> Vec<bool> {
        let tape = y.tape();
        let outside = tape.with_eqns(|eqns| {
            let operands = self.ids.iter().flat_map(|id| &eqns[id.index()].operands);
            let mut outside: Vec<VarId> = operands.copied().filter(|id| !self.places.contains_key(id)).collect();
            outside.sort_unstable();
            outside.dedup();
            outside.retain(|id| eqns[id.index()].ty.dtype.is_float());
            outside
        });
        let ybar = tape.placeholder(y.ty());
        pullback(&[y], &[Some(ybar)], &outside.into_iter().map(|id| Var { tape, id }).collect::<Vec<_>>());
        let mut read = vec![false; self.ids.len()];
        tape.with_eqns(|eqns| {
            let operands = eqns[ybar.id().index()..].iter().flat_map(|eqn| &eqn.operands);
            operands.filter_map(|id| self.places.get(id)).for_each(|&place| read[place] = true);
        });
        read
    }

    #[inline]
    fn sizes(&self, eqns: &[Eqn], mut read: Vec<bool>) -> Sizes {
        let n = self.ids.len();
        let (mut bytes, mut held, mut last) = (vec![0; n], vec![0; n], vec![0; n]);
        if let Some(result) = last.last_mut() {
            *result = usize::MAX;
        }
        for (place, id) in self.ids.iter().enumerate().rev() {
            let eqn = &eqns[id.index()];
            for x in eqn.operands.iter().filter_map(|x| self.places.get(x)) {
                last[*x] = last[*x].max(place);
            }
            let base = eqn.operands.first().filter(|base| {
                let layout = Layout::contiguous(eqns[base.index()].ty.shape.clone());
                eqn.op.rule().alias(&layout).is_some()
            });
            match base {
                // A view keeps what it is of.
                Some(base) => {
                    if let Some(&base) = self.places.get(base) {
                        last[base] = last[base].max(last[place]);
                        read[base] |= read[place];
                    }
                }
                None if matches!(eqn.op, Op::Full(_)) => {}
                None => {
                    bytes[place] = eqn.ty.shape.numel().saturating_mul(eqn.ty.dtype.size());
                    held[place] = if read[place] { bytes[place] } else { 0 };
                }
            }
        }
        Sizes { bytes, held, last }
    }
}

impl Sizes {
    /// The plan that computes least again within `budget` bytes, or else the one that needs least; `None` where
    /// everything can be kept.
    #[inline]
    fn plan(&self, budget: usize) -> Option<Plan> {
        let (n, total) = (self.held.len(), sum(&self.held));
        if total <= budget {
            return None;
        }
        let crossing = self.crossing();
        let (mut best, mut parts): (Option<(usize, usize, Plan)>, usize) = (None, 1);
        while parts <= n {
            let segments = self.cut(total / parts, &crossing);
            let sizes: Vec<usize> = segments.iter().map(|segment| sum(&self.held[segment.clone()])).collect();
            let kept = self.kept(&segments);
            let need = kept.saturating_add(sizes.iter().copied().max().unwrap_or(0));
            // What is left for the last segments, which are needed before any other is computed again.
            let (mut left, mut kept_from) = (budget.saturating_sub(kept), segments.len());
            while kept_from > 0 && sizes[kept_from - 1] <= left {
                kept_from -= 1;
                left -= sizes[kept_from];
            }
            let again = sum(&sizes[..kept_from]);
            // Within the budget the least work, else the least memory.
            let cost = if need <= budget { (0, again) } else { (need - budget, 0) };
            if best.as_ref().is_none_or(|(over, work, _)| cost < (*over, *work)) {
                best = Some((cost.0, cost.1, Plan { segments, kept_from }));
            }
            parts += parts.div_ceil(4);
        }
        best.map(|(_, _, plan)| plan)
    }

    /// The bytes that are needed on both sides of the cut before each place.
    #[inline]
    fn crossing(&self) -> Vec<usize> {
        let n = self.bytes.len();
        let mut ends = vec![0usize; n + 1];
        let (mut alive, mut crossing) = (0usize, Vec::with_capacity(n));
        for place in 0..n {
            alive -= ends[place];
            crossing.push(alive);
            alive += self.bytes[place];
            // Still there at its last reader's own cut.
            ends[self.last[place].min(n - 1) + 1] += self.bytes[place];
        }
        crossing
    }

    /// Segments of about `size` bytes: between half of it and the whole, each ends where least crosses.
    #[inline]
    fn cut(&self, size: usize, crossing: &[usize]) -> Vec<Range<usize>> {
        let n = self.held.len();
        let (mut segments, mut start) = (Vec::new(), 0);
        while start < n {
            let (mut sum, mut end) = (0usize, start);
            let mut cheapest: Option<usize> = None;
            while end < n && (end == start || sum + self.held[end] <= size) {
                sum += self.held[end];
                end += 1;
                if end < n && 2 * sum >= size && cheapest.is_none_or(|at| crossing[end] <= crossing[at]) {
                    cheapest = Some(end);
                }
            }
            if let (true, Some(at)) = (end < n, cheapest) {
                end = at;
            }
            segments.push(start..end);
            start = end;
        }
        segments
    }

    /// The bytes of what crosses a cut.
    #[inline]
    fn kept(&self, segments: &[Range<usize>]) -> usize {
        let crosses = |end: usize, place: usize| self.last[place] >= end && self.last[place] != usize::MAX;
        let of = |segment: &Range<usize>| -> usize {
            segment.clone().filter(|&place| crosses(segment.end, place)).map(|place| self.bytes[place]).sum()
        };
        segments.iter().map(of).sum()
    }
}

#[inline]
fn sum(bytes: &[usize]) -> usize {
    bytes.iter().fold(0, |sum, bytes| sum.saturating_add(*bytes))
}

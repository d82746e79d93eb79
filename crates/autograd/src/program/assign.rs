//! Which needs for memory can share a slot.
//!
//! Always true: no two needs of one slot are there at the same step, and a slot is as large as the largest of its needs.
//!
//! Larger needs are served first, each by a gap in a slot that is there already, because a slot that must be large
//! anyway costs nothing more (Y. Pisarchyk and J. Lee, "Efficient memory management for deep neural net inference",
//! 2020). The search is bounded, so that the work is almost linear in the number of needs.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Memory that is needed from one step to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Need {
    pub bytes: usize,
    pub first: usize,
    pub last: usize,
    /// Whether it starts a slot of its own, which others may use before it.
    pub own: bool,
}

/// Slots and who uses them.
#[derive(Debug)]
pub(super) struct Assignment {
    /// The bytes of every slot.
    pub slots: Vec<usize>,
    /// The slot of every need.
    pub slot_of: Vec<usize>,
}

/// How many gaps are tried for all needs together, about; and for one, at least and at most.
const TRIALS: usize = 1 << 20;
const TRIALS_OF_ONE: [usize; 2] = [8, 256];

/// By its first step, the last of each stretch of steps in which a slot is used.
#[derive(Default)]
struct Busy(BTreeMap<usize, usize>);

impl Busy {
    fn is_free(&self, need: &Need) -> bool {
        self.0.range(..=need.last).next_back().is_none_or(|(_, &last)| last < need.first)
    }
}

/// Finds slots for all needs.
pub(super) fn assign(needs: &[Need]) -> Assignment {
    let [least, most] = TRIALS_OF_ONE;
    let trials = (TRIALS / needs.len().max(1)).clamp(least, most);
    let mut order: Vec<usize> = (0..needs.len()).collect();
    order.sort_unstable_by_key(|&i| (Reverse(needs[i].bytes), Reverse(needs[i].own), needs[i].first, i));
    let mut found = Assignment { slots: Vec::new(), slot_of: vec![0; needs.len()] };
    let mut slots: Vec<Busy> = Vec::new();
    for same in order.chunk_by(|&i, &j| needs[i].bytes == needs[j].bytes) {
        let owned = same.iter().filter(|&&i| needs[i].own).count();
        let before = slots.len() + owned;
        // Slots that were made for needs of this size, by the step at which they are free again.
        let mut ends: BinaryHeap<Reverse<(usize, usize)>> = BinaryHeap::new();
        for &i in same {
            let need = &needs[i];
            let older = if need.own { 0..0 } else { before.saturating_sub(trials)..before };
            let gap = older.rev().find(|&s| slots[s].is_free(need));
            let ended = || match ends.peek() {
                Some(&Reverse((end, s))) if !need.own && end < need.first => Some(s),
                _ => None,
            };
            let slot = gap.or_else(ended).unwrap_or(slots.len());
            if slot == slots.len() {
                slots.push(Busy::default());
                found.slots.push(need.bytes);
            } else if gap.is_none() {
                ends.pop();
            }
            if slot >= before {
                ends.push(Reverse((need.last, slot)));
            }
            slots[slot].0.insert(need.first, need.last);
            found.slot_of[i] = slot;
        }
    }
    found
}

/// The most bytes that are needed at one step.
pub(super) fn peak(needs: &[Need]) -> usize {
    let mut changes: Vec<(usize, bool, usize)> = Vec::with_capacity(2 * needs.len());
    for need in needs {
        changes.push((need.first, false, need.bytes));
        changes.push((need.last, true, need.bytes));
    }
    // At one step, what begins is counted before what ends.
    changes.sort_unstable();
    let (mut now, mut most) = (0, 0);
    for (_, ends, bytes) in changes {
        if ends {
            now -= bytes;
        } else {
            now += bytes;
            most = most.max(now);
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_need() -> impl Strategy<Value = Need> {
        let bytes = prop_oneof![Just(64), Just(4096), 1usize..100_000];
        (bytes, 0usize..60, 0usize..20, prop::bool::weighted(0.1)).prop_map(|(bytes, first, length, own)| Need {
            bytes,
            first,
            last: if own { 80 } else { first + length },
            own,
        })
    }

    proptest! {
        #[test]
        fn nothing_is_overwritten_while_it_is_needed(needs in prop::collection::vec(any_need(), 0..150)) {
            let Assignment { slots, slot_of } = assign(&needs);
            for (i, a) in needs.iter().enumerate() {
                prop_assert!(slots[slot_of[i]] >= a.bytes);
                prop_assert!(!a.own || slots[slot_of[i]] == a.bytes);
                for (j, b) in needs.iter().enumerate().skip(i + 1).filter(|(j, _)| slot_of[*j] == slot_of[i]) {
                    prop_assert!(a.last < b.first || b.last < a.first, "{i} {a:?} and {j} {b:?}");
                    prop_assert!(!(a.own && b.own));
                }
            }
            prop_assert!(slots.iter().sum::<usize>() >= peak(&needs));
        }
    }

    #[test]
    fn needs_that_follow_each_other_share() {
        let need = |bytes, first| Need { bytes, first, last: first + 1, own: false };
        // Sizes that grow, each there with the next: two slots alternate.
        let needs: Vec<Need> = (0..100).map(|i| need(1000 + i, i)).collect();
        let found = assign(&needs);
        assert_eq!(found.slots.len(), 2);
        assert_eq!(found.slots.iter().sum::<usize>(), peak(&needs));
    }

    #[test]
    fn a_million_needs_take_a_moment() {
        let start = std::time::Instant::now();
        let n = 1_000_000;
        // As the residuals of a long chain: each is needed until its step is undone.
        let needs: Vec<Need> =
            (0..n).map(|i| Need { bytes: 64 + 64 * (i % 7), first: i, last: 2 * n - i, own: false }).collect();
        assert_eq!(assign(&needs).slots.len(), n);
        assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
    }
}

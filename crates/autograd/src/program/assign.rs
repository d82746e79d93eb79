//! Which needs for memory can share a slot.
//!
//! Always true: no two needs of one slot are there at the same step, and a slot is as large as the largest of its needs.
//!
//! Large needs are pieces of an [`Arena`]. Of the others larger ones are served first, each by a time when a slot that
//! is there already is not used, because a slot that must be large anyway costs nothing more. All searches are
//! bounded, so that the work is almost linear in the number of needs.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::ops::Range;

use super::arena::{Arena, Change};

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
    /// The bytes of every slot; 0 for those that have pieces of the arena at times.
    pub slots: Vec<usize>,
    /// The slot of every need.
    pub slot_of: Vec<usize>,
    /// Whether a need is a piece of the arena.
    pub in_arena: Vec<bool>,
    /// What is done to the arena before which step.
    pub changes: Vec<(usize, Change)>,
}

/// Needs of as many bytes are large: what is done to them takes longer than cutting a piece for them.
const LARGE: usize = 16 << 10;
/// No more needs than this are pieces of the arena: each is compared with all larger ones.
const PIECES: usize = 4096;

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

/// Finds slots for all needs, none of which is there at step `end`.
pub(super) fn assign(needs: &[Need], end: usize) -> Assignment {
    let mut order: Vec<usize> = (0..needs.len()).collect();
    order.sort_unstable_by_key(|&i| (Reverse(needs[i].bytes), Reverse(needs[i].own), needs[i].first, i));
    let mut slots = Slots {
        found: Assignment {
            slots: Vec::new(),
            slot_of: vec![0; needs.len()],
            in_arena: vec![false; needs.len()],
            changes: Vec::new(),
        },
        busy: Vec::new(),
    };
    let large = order.iter().position(|&i| needs[i].bytes < LARGE).unwrap_or(order.len()).min(PIECES);
    let (large, others) = order.split_at(large);
    let (mut arena, mut placed) = (Arena::default(), Vec::new());
    for &i in large {
        if needs[i].own {
            slots.open(i, &needs[i]);
        } else if let Some(slot) = slots.unused(&needs[i], 0..slots.busy.len(), TRIALS_OF_ONE[0]) {
            slots.put(i, &needs[i], slot);
        } else {
            arena.place(needs[i]);
            placed.push(i);
        }
    }
    slots.share(needs, others);
    slots.cut(&arena, &placed, end);
    slots.found
}

/// Slots that are being filled.
struct Slots {
    found: Assignment,
    busy: Vec<Busy>,
}

impl Slots {
    fn open(&mut self, i: usize, need: &Need) {
        self.busy.push(Busy::default());
        self.found.slots.push(need.bytes);
        self.put(i, need, self.busy.len() - 1);
    }

    fn put(&mut self, i: usize, need: &Need, slot: usize) {
        self.busy[slot].0.insert(need.first, need.last);
        self.found.slot_of[i] = slot;
    }

    /// One of the last slots of a range, which are large enough, that nobody uses meanwhile.
    fn unused(&self, need: &Need, among: Range<usize>, trials: usize) -> Option<usize> {
        let first = among.end.saturating_sub(trials).max(among.start);
        (first..among.end).rev().find(|&slot| self.busy[slot].is_free(need))
    }

    /// Serves needs, which come in order, by slots that they share.
    fn share(&mut self, needs: &[Need], order: &[usize]) {
        let [least, most] = TRIALS_OF_ONE;
        let trials = (TRIALS / needs.len().max(1)).clamp(least, most);
        for same in order.chunk_by(|&i, &j| needs[i].bytes == needs[j].bytes) {
            let before = self.busy.len() + same.iter().filter(|&&i| needs[i].own).count();
            // Slots that were opened for needs of this size, by the step at which they are free again.
            let mut ends: BinaryHeap<Reverse<(usize, usize)>> = BinaryHeap::new();
            for &i in same {
                let need = &needs[i];
                if need.own {
                    self.open(i, need);
                } else if let Some(slot) = self.unused(need, 0..before, trials) {
                    self.put(i, need, slot);
                } else if let Some(&Reverse((end, slot))) = ends.peek()
                    && end < need.first
                {
                    ends.pop();
                    ends.push(Reverse((need.last, slot)));
                    self.put(i, need, slot);
                } else {
                    self.open(i, need);
                    ends.push(Reverse((need.last, self.busy.len() - 1)));
                }
            }
        }
    }

    /// Gives pieces of the arena to the needs that were `placed` there.
    fn cut(&mut self, arena: &Arena, placed: &[usize], end: usize) {
        if placed.is_empty() {
            return;
        }
        let whole = self.found.slots.len();
        self.found.slots.push(arena.bytes);
        let (slot_of, changes) = arena.carve(whole, whole + 1, end);
        for (&i, slot) in placed.iter().zip(slot_of) {
            (self.found.slot_of[i], self.found.in_arena[i]) = (slot, true);
            let slots = self.found.slots.len().max(slot + 1);
            self.found.slots.resize(slots, 0);
        }
        for &(_, change) in &changes {
            if let Change::Cut { rest, .. } = change {
                let slots = self.found.slots.len().max(rest + 1);
                self.found.slots.resize(slots, 0);
            }
        }
        self.found.changes = changes;
    }
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
            let Assignment { slots, slot_of, in_arena, .. } = assign(&needs, 90);
            for (i, a) in needs.iter().enumerate() {
                prop_assert!(slots[slot_of[i]] >= a.bytes || in_arena[i]);
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
        let found = assign(&needs, 200);
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
        assert_eq!(assign(&needs, 2 * n + 1).slots.len(), n);
        assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
    }
}

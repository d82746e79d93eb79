//! Large needs for memory, side by side in one piece of it.
//!
//! Always true: needs that are there at the same step do not overlap, and at every step the arena is cut into pieces without
//! gaps, of which every need has one to itself.
//!
//! Larger needs are placed first, each in the smallest gap between those that are there at the same time (Y. Pisarchyk
//! and J. Lee, "Efficient memory management for deep neural net inference", 2020). A program that runs cuts the arena
//! and joins its pieces again as they are needed, which moves no element.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::assign::Need;

/// What becomes of the pieces of an arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// What is in a slot from byte `at` on goes to the slot `rest`.
    Cut { slot: usize, at: usize, rest: usize },
    /// What is in the slot `next` comes behind what is in `slot`, where it was before.
    Join { slot: usize, next: usize },
}

/// Needs with their places in an arena.
#[derive(Debug, Default)]
pub(super) struct Arena {
    pub bytes: usize,
    needs: Vec<Need>,
    /// The first byte of every need.
    places: Vec<usize>,
}

impl Arena {
    /// Finds a place for one more need, which is not larger than those before it.
    pub fn place(&mut self, need: Need) {
        let meets = |other: &Need| need.first <= other.last && other.first <= need.last;
        let mut taken: Vec<(usize, usize)> = Vec::new();
        for (other, &start) in self.needs.iter().zip(&self.places).filter(|(other, _)| meets(other)) {
            taken.push((start, start + other.bytes));
        }
        taken.sort_unstable();
        // The smallest gap that is large enough, or else behind all.
        let (mut end, mut best) = (0, None);
        for (start, stop) in taken {
            let gap = start.saturating_sub(end);
            if gap >= need.bytes && best.is_none_or(|(size, _)| gap < size) {
                best = Some((gap, end));
            }
            end = end.max(stop);
        }
        let place = best.map_or(end, |(_, place)| place);
        self.bytes = self.bytes.max(place + need.bytes);
        self.needs.push(need);
        self.places.push(place);
    }

    /// The slot of every need, in the order in which they were placed, and what is done to the pieces before which step; all
    /// are one again before step `end`. The arena is in slot `whole`; pieces get slots from `slots` on.
    pub fn carve(&self, whole: usize, slots: usize, end: usize) -> (Vec<usize>, Vec<(usize, Change)>) {
        let mut order: Vec<usize> = (0..self.needs.len()).collect();
        order.sort_unstable_by_key(|&i| (self.needs[i].first, self.places[i]));
        let mut carver = Carver { free: BTreeMap::new(), unused: Vec::new(), slots, changes: Vec::new() };
        carver.free.insert(0, (self.bytes, whole));
        let mut slot_of = vec![whole; self.needs.len()];
        let mut ends: BinaryHeap<Reverse<(usize, usize)>> = BinaryHeap::new();
        let free = |carver: &mut Carver, i: usize, slot: usize| {
            carver.free.insert(self.places[i], (self.needs[i].bytes, slot));
        };
        for i in order {
            let need = &self.needs[i];
            while let Some(&Reverse((last, ended))) = ends.peek().filter(|Reverse((last, _))| *last < need.first) {
                debug_assert!(last < need.first);
                free(&mut carver, ended, slot_of[ended]);
                ends.pop();
            }
            slot_of[i] = carver.take(need.first, self.places[i], need.bytes);
            ends.push(Reverse((need.last, i)));
        }
        for Reverse((_, ended)) in ends {
            free(&mut carver, ended, slot_of[ended]);
        }
        if self.bytes > 0 {
            carver.take(end, 0, self.bytes);
        }
        (slot_of, carver.changes)
    }
}

/// An arena that is cut.
struct Carver {
    /// Pieces that nobody uses: by their first byte, the number of bytes and the slot.
    free: BTreeMap<usize, (usize, usize)>,
    /// Slots that have no piece now.
    unused: Vec<usize>,
    slots: usize,
    changes: Vec<(usize, Change)>,
}

impl Carver {
    /// The slot of a piece made of free ones.
    fn take(&mut self, step: usize, place: usize, bytes: usize) -> usize {
        let Some((&start, &(mut size, mut slot))) = self.free.range(..=place).next_back() else {
            unreachable!("a place in an arena is free when it is needed")
        };
        self.free.remove(&start);
        if start < place {
            let rest = self.cut(step, slot, place - start);
            self.free.insert(start, (place - start, slot));
            (size, slot) = (size - (place - start), rest);
        }
        while size < bytes {
            let Some((more, next)) = self.free.remove(&(place + size)) else {
                unreachable!("a place in an arena is free when it is needed")
            };
            self.changes.push((step, Change::Join { slot, next }));
            self.unused.push(next);
            size += more;
        }
        if size > bytes {
            let rest = self.cut(step, slot, bytes);
            self.free.insert(place + bytes, (size - bytes, rest));
        }
        slot
    }

    fn cut(&mut self, step: usize, slot: usize, at: usize) -> usize {
        let rest = self.unused.pop().unwrap_or_else(|| {
            self.slots += 1;
            self.slots - 1
        });
        self.changes.push((step, Change::Cut { slot, at, rest }));
        rest
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::program::assign::peak;

    fn any_need() -> impl Strategy<Value = Need> {
        (1usize..100, 0usize..60, 0usize..20).prop_map(|(lines, first, length)| Need {
            bytes: 64 * lines,
            first,
            last: first + length,
            own: false,
        })
    }

    proptest! {
        #[test]
        fn every_need_has_a_piece_of_its_own(mut needs in prop::collection::vec(any_need(), 0..100)) {
            needs.sort_by_key(|need| Reverse(need.bytes));
            let mut arena = Arena::default();
            needs.iter().for_each(|&need| arena.place(need));
            prop_assert!(arena.bytes >= peak(&needs));
            let end = 100;
            let (slot_of, changes) = arena.carve(0, 1, end);
            // Done for real, with pieces of numbers in place of memory.
            let mut pieces: BTreeMap<usize, std::ops::Range<usize>> = BTreeMap::from([(0, 0..arena.bytes)]);
            let mut changes = changes.into_iter().peekable();
            for step in 0..=end {
                while let Some((_, change)) = changes.next_if(|(at, _)| *at == step) {
                    match change {
                        Change::Cut { slot, at, rest } => {
                            let piece = pieces.remove(&slot).unwrap();
                            let middle = piece.start + at;
                            prop_assert!(piece.start < middle && middle < piece.end);
                            pieces.insert(slot, piece.start..middle);
                            prop_assert!(pieces.insert(rest, middle..piece.end).is_none());
                        }
                        Change::Join { slot, next } => {
                            let (piece, next) = (pieces.remove(&slot).unwrap(), pieces.remove(&next).unwrap());
                            prop_assert_eq!(piece.end, next.start);
                            pieces.insert(slot, piece.start..next.end);
                        }
                    }
                }
                let there: Vec<usize> =
                    (0..needs.len()).filter(|&i| (needs[i].first..=needs[i].last).contains(&step)).collect();
                for (k, &i) in there.iter().enumerate() {
                    let place = arena.places[i];
                    prop_assert_eq!(&pieces[&slot_of[i]], &(place..place + needs[i].bytes));
                    prop_assert!(there[..k].iter().all(|&j| slot_of[j] != slot_of[i]));
                }
            }
            prop_assert_eq!(pieces, BTreeMap::from([(0, 0..arena.bytes)]));
        }
    }
}

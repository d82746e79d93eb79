//! What only a later group reads is made there.
//!
//! Fusing puts a node where its operands are made. What is made there for the backward pass, such as 1 - y² beside
//! y = tanh x, would be written, kept until then and read again. Where its operands are kept anyway, or take no more
//! memory than it, it moves to its reader, with what only it reads: less memory, and less to write. Nothing is computed
//! twice, and no bit changes.

use std::collections::VecDeque;

use smallvec::SmallVec;
use wengert_tensor::kernel::tiny::MOST;

use super::fuse::{Base, LIMIT, Place, Role, Unit};
use super::graph::Graph;
use super::memory::bytes;

/// Moves nodes of groups, in the order in which they run, to the groups that read them.
pub(super) fn sink(graph: &Graph, places: &[Place], units: &mut [Unit]) {
    // What is tiny runs together anyway.
    let is_group = |u: &usize| units[*u].domain.as_ref().is_some_and(|domain| domain.numel > MOST);
    let groups: Vec<usize> = (0..units.len()).filter(is_group).collect();
    if groups.is_empty() {
        return;
    }
    let n = graph.nodes.len();
    let mut sinker =
        Sinker { graph, places, unit_of: vec![usize::MAX; n], readers: vec![SmallVec::new(); n], last: vec![0; n] };
    for (u, unit) in units.iter().enumerate() {
        for &i in &unit.nodes {
            sinker.unit_of[i] = u;
            for b in sinker.bases(i) {
                sinker.readers[b].push(i);
                sinker.last[b] = sinker.last[b].max(u);
            }
        }
    }
    for &i in &graph.outputs {
        if let Base::Node(b) = places[i].base {
            sinker.last[b] = usize::MAX;
        }
    }
    for u in groups.into_iter().rev() {
        for &i in units[u].nodes.clone().iter().rev() {
            if let Some((w, moving)) = sinker.target(units, u, i) {
                sinker.shift(units, u, w, &moving);
            }
        }
    }
}

struct Sinker<'a> {
    graph: &'a Graph,
    places: &'a [Place],
    unit_of: Vec<usize>,
    /// The nodes that read each node, once for each operand.
    readers: Vec<SmallVec<[usize; 4]>>,
    /// The last unit that reads each node; the largest number for what is an answer.
    last: Vec<usize>,
}

impl Sinker<'_> {
    /// The nodes that a node reads.
    fn bases(&self, i: usize) -> SmallVec<[usize; 4]> {
        let base = |&x: &usize| match self.places[x].base {
            Base::Node(b) => Some(b),
            _ => None,
        };
        self.graph.nodes[i].operands.iter().filter_map(base).collect()
    }

    /// The unit that node `i` of unit `u` can move to, and the nodes that move.
    fn target(&self, units: &[Unit], u: usize, i: usize) -> Option<(usize, SmallVec<[usize; 8]>)> {
        let w = self.last[i];
        let there = units.get(w).filter(|_| w > u)?.domain.as_ref()?;
        let numel = self.graph.nodes[i].ty.shape.numel();
        // All of it: the first of its elements alone may be read as one for every row.
        let all = |place: &Place| place.is_whole() && place.layout.numel() == numel;
        let whole = |&j: &usize| {
            let reads = |&x: &usize| self.places[x].base != Base::Node(i) || all(&self.places[x]);
            self.unit_of[j] == w && self.graph.nodes[j].operands.iter().all(reads)
        };
        let fits = self.is_full(units, u, i) && there.numel == numel;
        if !fits || !self.readers[i].iter().all(whole) {
            return None;
        }
        let bytes = |i: usize| bytes(&self.graph.nodes[i].ty);
        let (mut moving, mut longer): (SmallVec<[usize; 8]>, SmallVec<[usize; 8]>) = (SmallVec::new(), SmallVec::new());
        moving.push(i);
        let mut next = 0;
        while let Some(&j) = moving.get(next) {
            for b in self.bases(j) {
                // What is there until then stays where it is; what nobody else reads comes along; the rest stays longer.
                if self.last[b] >= w || moving.contains(&b) || longer.contains(&b) {
                    continue;
                }
                let alone = self.readers[b].iter().all(|reader| moving.contains(reader));
                let place = |&&x: &&usize| self.places[x].base == Base::Node(b);
                if alone && self.is_full(units, u, b) {
                    moving.push(b);
                } else if self.graph.nodes[j].operands.iter().filter(place).all(|&x| self.places[x].is_whole()) {
                    longer.push(b);
                } else {
                    return None;
                }
            }
            next += 1;
        }
        // In its place, and for a shorter time.
        if longer.iter().map(|&b| bytes(b)).sum::<usize>() > bytes(i) {
            return None;
        }
        (there.roles.len() + moving.len() <= LIMIT && moving.len() < units[u].nodes.len()).then_some((w, moving))
    }

    /// Whether a node is one of unit `u` that is made element by element, of which others of the unit need nothing else.
    fn is_full(&self, units: &[Unit], u: usize, i: usize) -> bool {
        let unit = &units[u];
        let Some(domain) = unit.domain.as_ref().filter(|_| self.unit_of[i] == u) else { return false };
        let place = unit.nodes.iter().position(|&j| j == i);
        place.is_some_and(|k| domain.roles[k] == Role::Full) && self.graph.nodes[i].op.rule().is_elementwise()
    }

    /// Moves nodes from unit `u` to the beginning of unit `w`.
    fn shift(&mut self, units: &mut [Unit], u: usize, w: usize, moving: &[usize]) {
        let (from, to) = units.split_at_mut(w);
        let (from, to) = (&mut from[u], &mut to[0]);
        let (Some(left), Some(joined)) = (&mut from.domain, &mut to.domain) else { return };
        let mut first = VecDeque::with_capacity(moving.len());
        for k in
            (0..from.nodes.len()).rev().filter(|&k| moving.contains(&from.nodes[k])).collect::<SmallVec<[usize; 8]>>()
        {
            first.push_front(from.nodes.remove(k));
            left.roles.remove(k);
        }
        for &i in moving {
            self.unit_of[i] = w;
            for b in self.bases(i) {
                self.last[b] = self.last[b].max(w);
            }
        }
        joined.roles.insert_many(0, first.iter().map(|_| Role::Full));
        to.nodes.splice(0..0, first);
    }
}

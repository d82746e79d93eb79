//! Numbers of half precision are made `f32` where they are read, and kept as they are in between.
//!
//! On a tape equal conversions are one equation, whose value would be kept from its first reader to its last: in `f32`, from a
//! loss to its gradients. A conversion costs less than the memory, so readers far from each other have one each.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use wengert_tensor::DType;

use super::graph::{Graph, Node};
use crate::op::Op;

/// Readers that are so many nodes apart have a conversion of their own.
const NEAR: usize = 16;

impl Graph {
    /// Whether node `i` makes `f32` of half precision.
    pub(super) fn widens(&self, i: usize) -> bool {
        let node = &self.nodes[i];
        let half = |&x: &usize| self.nodes[x].ty.dtype.is_half();
        matches!(node.op, Op::Cast(_)) && node.ty.dtype == DType::F32 && node.operands.iter().all(half)
    }

    /// The same computation, with conversions to `f32` before their readers.
    pub(super) fn widened_late(self) -> Self {
        let widens: Vec<bool> = (0..self.nodes.len()).map(|i| self.widens(i)).collect();
        if !widens.contains(&true) {
            return self;
        }
        let mut nodes: Vec<Node> = Vec::with_capacity(self.nodes.len());
        let mut place = vec![0; self.nodes.len()];
        // Where the last reader of a conversion is.
        let mut read: FxHashMap<usize, usize> = FxHashMap::default();
        for (i, node) in self.nodes.iter().enumerate() {
            if widens[i] && !self.outputs.contains(&i) {
                continue;
            }
            for &x in node.operands.iter().filter(|&&x| widens[x]) {
                if read.get(&x).is_none_or(|&at| nodes.len() - at > NEAR) {
                    let from: SmallVec<[usize; 2]> = self.nodes[x].operands.iter().map(|&from| place[from]).collect();
                    nodes.push(Node { operands: from, ..self.nodes[x].clone() });
                    place[x] = nodes.len() - 1;
                }
                read.insert(x, nodes.len());
            }
            nodes.push(Node { operands: node.operands.iter().map(|&x| place[x]).collect(), ..node.clone() });
            place[i] = nodes.len() - 1;
            if widens[i] {
                read.insert(i, place[i]);
            }
        }
        let outputs = self.outputs.iter().map(|&i| place[i]).collect();
        Self { nodes, outputs }
    }
}

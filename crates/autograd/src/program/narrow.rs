//! Operations with several results make only those that are read.
//!
//! Such an operation, a loop or a branch, has one vector, of which its results are slices. A rule says what there is to
//! be had, as every cotangent and every row of every carry; what of it a request needs is known here.

use std::ops::Range;

use smallvec::SmallVec;
use wengert_tensor::SliceRange;

use super::graph::{Graph, Node};
use crate::op::{Narrowed, Op, Slice};
use crate::ty::Type;

impl Graph {
    /// The same answers, from operations that make no more than what is read of them. What that leaves without a reader
    /// stays, for others to drop.
    pub(super) fn narrowed(mut self) -> Self {
        if !self.nodes.iter().any(|node| matches!(node.op, Op::Custom(_))) {
            return self;
        }
        let mut readers: Vec<Vec<usize>> = vec![Vec::new(); self.nodes.len()];
        let mut needed = vec![false; self.nodes.len()];
        self.outputs.iter().for_each(|&i| needed[i] = true);
        // From the last on: when a node's turn comes, all that reads it has become what it is to be.
        for i in (0..self.nodes.len()).rev() {
            let is_output = self.outputs.contains(&i);
            if matches!(self.nodes[i].op, Op::Custom(_)) && needed[i] && !is_output {
                self.narrow(i, &readers[i]);
            }
            if needed[i] {
                for &x in &self.nodes[i].operands {
                    readers[x].push(i);
                    needed[x] = true;
                }
            }
        }
        self
    }

    /// Makes of node `i`, which has these readers, what they read and no more.
    fn narrow(&mut self, i: usize, readers: &[usize]) {
        let read: Option<Vec<Range<usize>>> = readers.iter().map(|&k| place(&self.nodes[k])).collect();
        let Some(read) = read else { return };
        let Some(Narrowed { op, operands, starts }) = self.nodes[i].op.rule().narrowed(&read) else { return };
        let operands: SmallVec<[usize; 2]> = operands.iter().map(|&k| self.nodes[i].operands[k]).collect();
        let types: Vec<&Type> = operands.iter().map(|&x| &self.nodes[x].ty).collect();
        let Ok(ty) = op.rule().infer(&types) else { return };
        (self.nodes[i].op, self.nodes[i].operands, self.nodes[i].ty) = (op, operands, ty);
        for ((&k, read), start) in readers.iter().zip(read).zip(starts) {
            let range = SliceRange { start, stop: start + read.len(), step: 1 };
            self.nodes[k].op = Slice { axis: 0, range }.into();
        }
    }
}

/// The places of a vector that a node reads, where it is a slice of it without steps.
fn place(node: &Node) -> Option<Range<usize>> {
    match &node.op {
        Op::Slice(Slice { axis: 0, range: SliceRange { start, stop, step: 1 } }) => Some(*start..*stop.max(start)),
        _ => None,
    }
}

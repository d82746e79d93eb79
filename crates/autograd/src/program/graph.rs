//! The part of a tape that a request needs, as a list of its own, with equal equations made one.

use std::panic::Location;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use wengert_tensor::kernel::tiny::MOST;

use crate::op::{Broadcast, Input, Mul, Op};
use crate::tape::{Inner, VarId};
use crate::ty::Type;

/// A node of a [`Graph`]: an equation whose operands are earlier nodes.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub op: Op,
    pub operands: SmallVec<[usize; 2]>,
    pub ty: Type,
    pub at: &'static Location<'static>,
}

/// Equations in order, with what is asked of them. Its k-th node that is an input is input k of the program.
#[derive(Debug)]
pub(crate) struct Graph {
    pub nodes: Vec<Node>,
    /// The node of every answer.
    pub outputs: Vec<usize>,
}

impl Graph {
    /// The equations that a tape's last request reached, simplified; what has a value is an input.
    pub fn new(tape: &Inner, outputs: &[VarId]) -> Self {
        let node = |nodes: &[usize], id: &VarId| nodes[tape.places[id.index()] as usize];
        // The node of the equation at each place.
        let mut node_at: Vec<usize> = Vec::with_capacity(tape.order.len());
        let mut known: FxHashMap<(Op, SmallVec<[usize; 2]>), usize> = FxHashMap::default();
        let mut nodes: Vec<Node> = Vec::with_capacity(tape.order.len());
        for &i in &tape.order {
            let eqn = &tape.eqns[i];
            let input = tape.values[i].is_some();
            let (op, operands): (Op, SmallVec<[usize; 2]>) = match input {
                true => (Input.into(), SmallVec::new()),
                false => (eqn.op.clone(), eqn.operands.iter().map(|x| node(&node_at, x)).collect()),
            };
            let key = (op.clone(), operands.clone());
            let this = match known.get(&key) {
                Some(&node) if !input => node,
                _ => {
                    let mut new = Node { op, operands, ty: eqn.ty.clone(), at: eqn.at };
                    spread_outer(&mut nodes, &mut new);
                    nodes.push(new);
                    let node = nodes.len() - 1;
                    if !input {
                        known.insert(key, node);
                    }
                    node
                }
            };
            node_at.push(this);
        }
        Self { nodes, outputs: outputs.iter().map(|id| node(&node_at, id)).collect() }.narrowed().simplified()
    }
}

/// Makes a product of columns and rows, whose sums have one term, an elementwise product: it runs together with what reads
/// it, so that the matrix need not be written and read again. Not where it is [tiny](super::tiny).
fn spread_outer(nodes: &mut Vec<Node>, node: &mut Node) {
    let (Op::Matmul(_), &[_, y]) = (&node.op, &node.operands[..]) else { return };
    let shape = &node.ty.shape;
    if nodes[y].ty.shape[shape.rank() - 2] != 1 || shape.numel() <= MOST {
        return;
    }
    for x in &mut node.operands {
        if nodes[*x].ty.shape != *shape {
            let (op, operands) = (Broadcast { shape: shape.clone() }.into(), [*x].into_iter().collect());
            nodes.push(Node { op, operands, ty: node.ty.clone(), at: node.at });
            *x = nodes.len() - 1;
        }
    }
    node.op = Mul.into();
}

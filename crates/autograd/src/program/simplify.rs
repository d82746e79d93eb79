//! Rewrites of a graph that change no bit of any answer.
//!
//! - Elementwise operations on constants are done once, when the program is made.
//! - What leaves its operand as it is, such as multiplying by 1, is the operand.
//! - Where a sign is changed only to be added or changed again, it is not changed: x + (-y) is x - y.
//! - Elementwise operations on operands whose axes are all put in one other order come before that: they meet the elements
//!   as they lie.
//!
//! What no answer needs any more is dropped. What [`widen`](super::widen) says comes last.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use wengert_tensor::{Layout, Result, Scalar, Shape, Tensor, View};

use super::graph::{Graph, Node};
use crate::op::{Add, Div, Full, Mul, Op, Sub};
use crate::ty::Type;

impl Graph {
    /// The same computation, without what need not be done.
    pub(super) fn simplified(self) -> Self {
        self.folded().permuted_late().needed().widened_late()
    }

    /// The same computation, of constants and of what changes nothing done.
    fn folded(mut self) -> Self {
        // The value of nodes that are one number repeated, and the node that has the value of each.
        let mut values: Vec<Option<Scalar>> = Vec::with_capacity(self.nodes.len());
        let mut same: Vec<usize> = Vec::with_capacity(self.nodes.len());
        let mut known: FxHashMap<(Scalar, Shape), usize> = FxHashMap::default();
        for i in 0..self.nodes.len() {
            self.nodes[i].operands.iter_mut().for_each(|x| *x = same[*x]);
            settle_signs(&mut self.nodes, i);
            let value = constant(&self.nodes, i, &values);
            match value {
                Some(value) if !matches!(self.nodes[i].op, Op::Full(_)) => {
                    let node = &mut self.nodes[i];
                    node.op = Full { value, shape: node.ty.shape.clone() }.into();
                    node.operands.clear();
                }
                _ => {}
            }
            values.push(value);
            same.push(match (value, unchanged(&self.nodes, i, &values)) {
                (Some(value), _) => *known.entry((value, self.nodes[i].ty.shape.clone())).or_insert(i),
                (None, Some(x)) => x,
                (None, None) => i,
            });
        }
        self.outputs.iter_mut().for_each(|i| *i = same[*i]);
        self
    }

    /// The same computation, where permutations of axes wait for the elementwise operations on what they permute.
    fn permuted_late(self) -> Self {
        let mut nodes: Vec<Node> = Vec::with_capacity(self.nodes.len());
        let mut place = Vec::with_capacity(self.nodes.len());
        for mut node in self.nodes {
            node.operands.iter_mut().for_each(|x| *x = place[*x]);
            if let Some((inner, permute)) = before_permutation(&nodes, &node) {
                nodes.push(inner);
                let operands = [nodes.len() - 1].into_iter().collect();
                node = Node { op: permute, operands, ..node };
            }
            nodes.push(node);
            place.push(nodes.len() - 1);
        }
        Self { nodes, outputs: self.outputs.iter().map(|&i| place[i]).collect() }
    }

    /// The graph without nodes that no answer needs. Inputs stay, because they are counted.
    fn needed(self) -> Self {
        let mut needed = vec![false; self.nodes.len()];
        self.outputs.iter().for_each(|&i| needed[i] = true);
        for (i, node) in self.nodes.iter().enumerate().rev() {
            if needed[i] {
                node.operands.iter().for_each(|&x| needed[x] = true);
            }
        }
        let mut place = vec![0; self.nodes.len()];
        let mut nodes = Vec::with_capacity(self.nodes.len());
        for (i, mut node) in self.nodes.into_iter().enumerate() {
            if needed[i] || matches!(node.op, Op::Input(_)) {
                place[i] = nodes.len();
                node.operands.iter_mut().for_each(|x| *x = place[*x]);
                nodes.push(node);
            }
        }
        Self { nodes, outputs: self.outputs.iter().map(|&i| place[i]).collect() }
    }
}

/// An elementwise node on what its operands are permutations of, and the permutation that they share.
fn before_permutation(nodes: &[Node], node: &Node) -> Option<(Node, Op)> {
    let [first, _, ..] = node.operands[..] else { return None };
    let (Op::Permute(permute), true) = (&nodes[first].op, node.op.rule().is_elementwise()) else { return None };
    let base = |&x: &usize| match &nodes[x].op {
        Op::Permute(other) if other.order == permute.order => Some(nodes[x].operands[0]),
        _ => None,
    };
    let operands: SmallVec<[usize; 2]> = node.operands.iter().map(base).collect::<Option<_>>()?;
    let types: SmallVec<[&Type; 4]> = operands.iter().map(|&x| &nodes[x].ty).collect();
    let ty = node.op.rule().infer(&types).ok()?;
    Some((Node { op: node.op.clone(), operands, ty, at: node.at }, nodes[first].op.clone()))
}

/// The number that all elements of a node are.
fn constant(nodes: &[Node], i: usize, values: &[Option<Scalar>]) -> Option<Scalar> {
    let node = &nodes[i];
    if let Op::Full(full) = &node.op {
        return Some(full.value);
    }
    let x: SmallVec<[Scalar; 4]> = node.operands.iter().map(|&x| values[x]).collect::<Option<_>>()?;
    let (&first, rule) = (x.first()?, node.op.rule());
    if rule.is_elementwise() {
        // What the operation refuses is refused when the program runs.
        return value(node, &x).ok();
    }
    // Another view of a constant is the same constant.
    let shape = &nodes[node.operands[0]].ty.shape;
    rule.alias(&Layout::contiguous(().into()).broadcast(shape)?).map(|_| first)
}

/// The value of an elementwise operation at numbers.
fn value(node: &Node, x: &[Scalar]) -> Result<Scalar> {
    let x: Vec<Tensor> = x.iter().map(|&x| Tensor::full((), x)).collect::<Result<_>>()?;
    let y = Tensor::build(node.ty.dtype, (), |out| {
        let views: SmallVec<[View; 4]> = x.iter().map(Tensor::view).collect();
        node.op.rule().eval(&views, out)
    })?;
    y.scalar()
}

/// The operand that a node is the same as, bit for bit.
fn unchanged(nodes: &[Node], i: usize, values: &[Option<Scalar>]) -> Option<usize> {
    let node = &nodes[i];
    if let (Op::Neg(_), &[x]) = (&node.op, &node.operands[..]) {
        return negated(nodes, x);
    }
    let [x, y] = node.operands[..] else { return None };
    let is = |x: usize, number: f64| values[x].is_some_and(|value| value == Scalar::from(number).cast(value.dtype()));
    match node.op {
        Op::Mul(_) if is(y, 1.0) => Some(x),
        Op::Mul(_) if is(x, 1.0) => Some(y),
        Op::Div(_) if is(y, 1.0) => Some(x),
        // Not x + 0: -0 + 0 is 0.
        Op::Sub(_) if is(y, 0.0) => Some(x),
        _ => None,
    }
}

/// What a node is the negative of, if it is that.
fn negated(nodes: &[Node], i: usize) -> Option<usize> {
    match (&nodes[i].op, &nodes[i].operands[..]) {
        (Op::Neg(_), &[x]) => Some(x),
        _ => None,
    }
}

/// Makes sums and products of negatives of what was negated: each has the same bits.
fn settle_signs(nodes: &mut [Node], i: usize) {
    let [x, y] = nodes[i].operands[..] else { return };
    let (op, operands): (Op, _) = match (&nodes[i].op, negated(nodes, x), negated(nodes, y)) {
        (Op::Add(_), _, Some(y)) => (Sub.into(), [x, y]),
        (Op::Add(_), Some(x), None) => (Sub.into(), [y, x]),
        (Op::Sub(_), _, Some(y)) => (Add.into(), [x, y]),
        (Op::Mul(_), Some(x), Some(y)) => (Mul.into(), [x, y]),
        (Op::Div(_), Some(x), Some(y)) => (Div.into(), [x, y]),
        _ => return,
    };
    (nodes[i].op, nodes[i].operands) = (op, operands.into_iter().collect());
}

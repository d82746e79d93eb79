//! Rewrites of a graph that change no bit of any answer, but for the sign of NaN and what else its bits say.
//!
//! - Elementwise operations on constants are done once, when the program is made.
//! - What leaves its operand as it is, such as multiplying by 1, is the operand.
//! - Where a sign is changed only to be added or changed again, it is not changed: x + (-y) is x - y. That products change
//!   theirs afterwards, (-x) y to -(x y), lets more of them meet.
//! - What these make equal is one: sums and products also where their operands change places.
//! - x + x is 2 x, which can be done in one pass with what makes x.
//! - Elementwise operations on operands whose axes are all put in one other order come before that: they meet the elements
//!   as they lie.
//! - A product of matrices with a few columns takes them where they lie, instead of one whose rows are all of theirs copied.
//!
//! What no answer needs any more is dropped. What [`widen`](super::widen) says comes last.

use std::mem::replace;

use rustc_hash::FxHashMap;
use smallvec::{SmallVec, smallvec};
use wengert_tensor::kernel::tiny::MOST;
use wengert_tensor::{Layout, Result, Scalar, Shape, Tensor, View};

use super::graph::{Graph, Node};
use crate::op::{Add, Broadcast, Div, Full, Mul, Neg, Op, Pad, Reshape, Sub};
use crate::ty::Type;

/// A product with no more columns than this takes no longer than a copy of its other operand.
const FEW: usize = 8;

impl Graph {
    /// The same computation, without what need not be done.
    pub(super) fn simplified(self) -> Self {
        let mut doubles = FxHashMap::default();
        let signed = self.rewritten(negate_late).folded();
        let all = signed.rewritten(|nodes, _, node| double(nodes, node, &mut doubles));
        all.rewritten(permute_late).rewritten(multiply_in_place).needed().widened_late()
    }

    /// The same computation, of constants and of what changes nothing done.
    fn folded(mut self) -> Self {
        // The value of nodes that are one number repeated, and the node that has the value of each.
        let mut values: Vec<Option<Scalar>> = Vec::with_capacity(self.nodes.len());
        let mut same: Vec<usize> = Vec::with_capacity(self.nodes.len());
        let mut known: FxHashMap<(Scalar, Shape), usize> = FxHashMap::default();
        let mut equal: FxHashMap<(Op, SmallVec<[usize; 2]>), usize> = FxHashMap::default();
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
                (None, None) if self.nodes[i].operands.is_empty() => i,
                (None, None) => *equal.entry(in_any_order(&self.nodes[i])).or_insert(i),
            });
        }
        self.outputs.iter_mut().for_each(|i| *i = same[*i]);
        self
    }

    /// The same computation, each of whose nodes `rule` may write in another way, by nodes that it puts before it. It is told
    /// how many nodes and answers read each of those that are there.
    fn rewritten(self, mut rule: impl FnMut(&mut Vec<Node>, &[u32], &mut Node)) -> Self {
        let mut readers = vec![0_u32; self.nodes.len()];
        for node in &self.nodes {
            let distinct = node.operands.iter().enumerate().filter(|(k, x)| !node.operands[..*k].contains(x));
            distinct.for_each(|(_, &x)| readers[x] += 1);
        }
        self.outputs.iter().for_each(|&i| readers[i] += 1);
        let mut nodes: Vec<Node> = Vec::with_capacity(self.nodes.len());
        let (mut place, mut read) = (Vec::with_capacity(self.nodes.len()), Vec::with_capacity(self.nodes.len()));
        for (mut node, readers) in self.nodes.into_iter().zip(readers) {
            node.operands.iter_mut().for_each(|x| *x = place[*x]);
            rule(&mut nodes, &read, &mut node);
            nodes.push(node);
            // What a rule adds is read by what follows it.
            read.resize(nodes.len() - 1, 1);
            read.push(readers);
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

/// A node read by one that comes before it.
fn before(nodes: &mut Vec<Node>, op: impl Into<Op>, operands: SmallVec<[usize; 2]>, like: &Node) -> usize {
    nodes.push(Node { op: op.into(), operands, ..like.clone() });
    nodes.len() - 1
}

/// Makes a product of a negative, which nobody else reads, the negative of a product: (-x) y is -(x y), and so is x / (-y); and
/// the sum of a negative with itself, (-x) + (-x), and what is padded.
fn negate_late(nodes: &mut Vec<Node>, readers: &[u32], node: &mut Node) {
    let inner = |x: usize| negated(nodes, x).filter(|_| readers[x] == 1);
    let (op, operands): (Op, SmallVec<[usize; 2]>) = match (&node.op, &node.operands[..]) {
        (Op::Mul(_) | Op::Div(_), &[x, y]) => match (inner(x), inner(y)) {
            // Of two there is nothing left to negate.
            (None, None) | (Some(_), Some(_)) => return,
            (a, b) => (node.op.clone(), smallvec![a.unwrap_or(x), b.unwrap_or(y)]),
        },
        (Op::Add(_), &[x, y]) if x == y => match inner(x) {
            Some(a) => (node.op.clone(), smallvec![a, a]),
            None => return,
        },
        // Not where there is much more to negate then.
        (Op::Pad(pad), &[x]) if node.ty.shape.numel() / 2 <= nodes[x].ty.shape.numel() => match inner(x) {
            Some(a) => {
                let value = Scalar::from(-pad.value.to_f64()).cast(node.ty.dtype);
                (Pad { value, pads: pad.pads.clone() }.into(), smallvec![a])
            }
            None => return,
        },
        _ => return,
    };
    if node.ty.dtype.is_float() {
        let product = before(nodes, op, operands, node);
        (node.op, node.operands) = (Neg.into(), smallvec![product]);
    }
}

/// Makes x + x the product with 2, of the same bits. Not where it is [tiny](super::tiny), and costs the same.
fn double(nodes: &mut Vec<Node>, node: &mut Node, doubles: &mut FxHashMap<Type, usize>) {
    let (Op::Add(_), &[x, y]) = (&node.op, &node.operands[..]) else { return };
    if x != y || !node.ty.dtype.is_float() || node.ty.shape.numel() <= MOST {
        return;
    }
    let (shape, value) = (node.ty.shape.clone(), Scalar::from(2.0).cast(node.ty.dtype));
    let two =
        *doubles.entry(node.ty.clone()).or_insert_with(|| before(nodes, Full { value, shape }, SmallVec::new(), node));
    (node.op, node.operands) = (Mul.into(), smallvec![x, two]);
}

/// Makes an elementwise node on permutations in one order the permutation of a node on what they permute.
fn permute_late(nodes: &mut Vec<Node>, _: &[u32], node: &mut Node) {
    let [first, _, ..] = node.operands[..] else { return };
    let (Op::Permute(permute), true) = (&nodes[first].op, node.op.rule().is_elementwise()) else { return };
    let base = |&x: &usize| match &nodes[x].op {
        Op::Permute(other) if other.order == permute.order => Some(nodes[x].operands[0]),
        _ => None,
    };
    let Some(operands) = node.operands.iter().map(base).collect::<Option<SmallVec<[usize; 2]>>>() else { return };
    let ty = {
        let types: SmallVec<[&Type; 4]> = operands.iter().map(|&x| &nodes[x].ty).collect();
        node.op.rule().infer(&types)
    };
    let (Ok(ty), permute) = (ty, nodes[first].op.clone()) else { return };
    nodes.push(Node { op: replace(&mut node.op, permute), operands, ty, at: node.at });
    node.operands = smallvec![nodes.len() - 1];
}

/// Makes the product of a matrix that is a batch of others, copied because they are transposed, with a few columns a
/// batch of products. Each sum has its terms and their order, which sizes say: so each must have several rows, as all have together.
fn multiply_in_place(nodes: &mut Vec<Node>, readers: &[u32], node: &mut Node) {
    let (Op::Matmul(_), &[x, y]) = (&node.op, &node.operands[..]) else { return };
    let (Op::Reshape(_), &[batch], &[_, k], &[_, n]) =
        (&nodes[x].op, &nodes[x].operands[..], &nodes[x].ty.shape[..], &nodes[y].ty.shape[..])
    else {
        return;
    };
    let (from, &[ref lead @ .., m, inner]) = (&nodes[batch], &nodes[batch].ty.shape[..]) else { return };
    if inner != k || m < 2 || n > FEW || readers[x] != 1 || lead.is_empty() || from.ty.shape.numel() == 0 {
        return;
    }
    let Op::Permute(permute) = &from.op else { return };
    let laid = Layout::contiguous(nodes[from.operands[0]].ty.shape.clone()).permute(&permute.order);
    if laid.reshape(&nodes[x].ty.shape).is_some() {
        return;
    }
    let with = |sizes: [usize; 2]| lead.iter().copied().chain(sizes).collect::<Shape>();
    let (columns, products) = (with([k, n]), with([m, n]));
    let rows = Reshape { shape: node.ty.shape.clone() };
    let like = |shape: &Shape| Node { ty: Type::new(node.ty.dtype, shape), ..node.clone() };
    let y = before(nodes, Broadcast { shape: columns.clone() }, smallvec![y], &like(&columns));
    let product = before(nodes, node.op.clone(), smallvec![batch, y], &like(&products));
    (node.op, node.operands) = (rows.into(), smallvec![product]);
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

/// What a node is, apart from the order of operands that does not matter.
fn in_any_order(node: &Node) -> (Op, SmallVec<[usize; 2]>) {
    let mut operands = node.operands.clone();
    if matches!(node.op, Op::Add(_) | Op::Mul(_)) {
        operands.sort_unstable();
    }
    (node.op.clone(), operands)
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

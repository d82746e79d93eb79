//! Units of values of a few elements: all their nodes in one call, as code for a machine ([`kernel::tiny`]).
//!
//! On such values a group or an operation alone takes far longer to set up than to compute. So units all of whose values
//! are tiny, that follow each other, are one: what they read is loaded into a slab, the code runs on it, and what others
//! read is stored. Whether a node is tiny depends on its operation and on types alone.
//!
//! Always true: everything is loaded before anything is stored, so a result may lie where an operand was.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use wengert_tensor::kernel::cursor::Walker;
use wengert_tensor::kernel::reduce::{Fold, is_trailing};
use wengert_tensor::kernel::tiny::{Function, MOST, Machine, Matrix, product_room, room};
use wengert_tensor::{DType, Data, DataMut, Error, Layout, Result};

use super::Source;
use super::cost::Note;
use super::fuse::{Base, Place, Unit, reduction};
use super::graph::Graph;
use super::memory::{Memory, Plan};
use crate::op::Op;
use crate::ty::Type;

/// A unit has no more nodes than this: places in its slab are told by 32 bits.
const NODES: usize = 1 << 24;

/// Nodes that run together on a machine.
#[derive(Debug)]
pub(super) struct Tiny {
    machine: Machine,
    /// The slot of the slab.
    slab: usize,
    loads: Vec<Load>,
    stores: Vec<Store>,
    names: Vec<&'static str>,
    note: Note,
}

/// Elements from outside, to a place in the slab.
#[derive(Debug)]
struct Load {
    source: Source,
    /// How to find them, where they are not the first.
    walker: Option<Walker>,
    at: usize,
    n: usize,
}

/// Elements that others read.
#[derive(Debug)]
struct Store {
    at: usize,
    n: usize,
    slot: usize,
}

/// How a node is written as code.
enum Way {
    /// A function, of the operands in this order.
    Each(Function, &'static [usize]),
    Call,
    Fold(Fold),
    Product,
    /// The elements in another order, or as they are.
    Copy,
}

/// How node `i` is written for a machine of a dtype, if that is possible.
fn way(graph: &Graph, i: usize, dtype: DType) -> Option<Way> {
    let node = &graph.nodes[i];
    let fits = |ty: &Type, bools: bool| {
        (1..=MOST).contains(&ty.shape.numel()) && (ty.dtype == dtype || bools && ty.dtype == DType::Bool)
    };
    let all = |bools: bool| fits(&node.ty, bools) && node.operands.iter().all(|&x| fits(&graph.nodes[x].ty, bools));
    if let Some((fold, _)) = reduction(&node.op) {
        return (matches!(fold, Fold::Sum | Fold::Max | Fold::Min) && all(false)).then_some(Way::Fold(fold));
    }
    let pair = [&[0, 1], &[1, 0]];
    use Function as F;
    let (f, order): (Function, &'static [usize]) = match &node.op {
        Op::Matmul(_) => return (node.ty.shape.rank() == 2 && all(false)).then_some(Way::Product),
        Op::Reshape(_) => return all(true).then_some(Way::Copy),
        // A truth value is a number already.
        Op::Cast(_) => return (all(true) && node.ty.dtype == dtype).then_some(Way::Copy),
        Op::Select(_) => (F::Select, &[0, 1, 2]),
        Op::LogicalAnd(_) => (F::Mul, pair[0]),
        Op::LogicalOr(_) => (F::Maximum, pair[0]),
        Op::LogicalXor(_) => (F::NotEqual, pair[0]),
        Op::Equal(_) => (F::Equal, pair[0]),
        Op::NotEqual(_) => (F::NotEqual, pair[0]),
        Op::Less(_) => (F::Less, pair[0]),
        Op::LessEqual(_) => (F::LessEqual, pair[0]),
        Op::Greater(_) => (F::Less, pair[1]),
        Op::GreaterEqual(_) => (F::LessEqual, pair[1]),
        Op::Add(_) => (F::Add, pair[0]),
        Op::Sub(_) => (F::Sub, pair[0]),
        Op::Mul(_) => (F::Mul, pair[0]),
        Op::Div(_) => (F::Div, pair[0]),
        Op::Maximum(_) => (F::Maximum, pair[0]),
        Op::Minimum(_) => (F::Minimum, pair[0]),
        Op::Neg(_) => (F::Neg, &[0]),
        Op::Abs(_) => (F::Abs, &[0]),
        Op::Sign(_) => (F::Sign, &[0]),
        Op::Square(_) => (F::Square, &[0]),
        Op::Recip(_) => (F::Recip, &[0]),
        Op::Sqrt(_) => (F::Sqrt, &[0]),
        Op::Rsqrt(_) => (F::Rsqrt, &[0]),
        Op::Exp(_) => (F::Exp, &[0]),
        Op::Exp2(_) => (F::Exp2, &[0]),
        Op::ExpM1(_) => (F::ExpM1, &[0]),
        Op::Ln(_) => (F::Ln, &[0]),
        Op::Ln1p(_) => (F::Ln1p, &[0]),
        Op::Log2(_) => (F::Log2, &[0]),
        Op::Log10(_) => (F::Log10, &[0]),
        Op::Sin(_) => (F::Sin, &[0]),
        Op::Cos(_) => (F::Cos, &[0]),
        Op::Tanh(_) => (F::Tanh, &[0]),
        Op::Sigmoid(_) => (F::Sigmoid, &[0]),
        Op::Softplus(_) => (F::Softplus, &[0]),
        Op::Erf(_) => (F::Erf, &[0]),
        Op::Erfc(_) => (F::Erfc, &[0]),
        Op::Custom(_) => return None,
        op => return (op.rule().is_elementwise() && node.operands.len() <= 3 && all(false)).then_some(Way::Call),
    };
    all(true).then_some(Way::Each(f, order))
}

/// The dtype of the machine that can run a unit, if one can.
fn machine(graph: &Graph, unit: &Unit) -> Option<DType> {
    let of = |i: usize| Some(graph.nodes[i].ty.dtype).filter(|dtype| matches!(dtype, DType::F32 | DType::F64));
    let dtype = unit.nodes.iter().find_map(|&i| {
        let operands = graph.nodes[i].operands.iter().copied();
        std::iter::once(i).chain(operands).find_map(of)
    })?;
    unit.nodes.iter().all(|&i| way(graph, i, dtype).is_some()).then_some(dtype)
}

/// Makes one unit of tiny ones that follow each other.
pub(super) fn merged(graph: &Graph, units: Vec<Unit>) -> Vec<Unit> {
    let mut merged: Vec<Unit> = Vec::with_capacity(units.len());
    for mut unit in units {
        unit.tiny = machine(graph, &unit);
        match merged.last_mut() {
            Some(last) if unit.tiny.is_some() && last.tiny == unit.tiny && last.nodes.len() < NODES => {
                last.nodes.append(&mut unit.nodes);
            }
            _ => merged.push(unit),
        }
        if let Some(last) = merged.last_mut().filter(|last| last.tiny.is_some()) {
            last.domain = None;
        }
    }
    merged
}

/// Nodes in an order in which long formulas of single numbers come as soon as they can: what does not wait for them goes on
/// beside them. In the reverse of a chain, the derivatives would all be computed after the chain.
fn early(graph: &Graph, places: &[Place], nodes: &[usize], dtype: DType) -> Vec<usize> {
    // The formulas of a node, by their place among the nodes.
    let mut of: FxHashMap<usize, SmallVec<[usize; 2]>> = nodes.iter().map(|&i| (i, SmallVec::new())).collect();
    let mut later = Vec::with_capacity(nodes.len());
    for &i in nodes {
        let node = &graph.nodes[i];
        let is_long = matches!(way(graph, i, dtype), Some(Way::Each(f, _)) if f.is_formula());
        let base = node.operands.first().map(|&x| &places[x].base);
        match base {
            Some(Base::Node(x)) if is_long && node.ty.shape.numel() == 1 && of.contains_key(x) => {
                of.entry(*x).or_default().push(i);
            }
            _ => later.push(i),
        }
    }
    let (mut ordered, mut stack) = (Vec::with_capacity(nodes.len()), Vec::new());
    for i in later {
        stack.push(i);
        while let Some(i) = stack.pop() {
            ordered.push(i);
            stack.extend(of.get(&i).into_iter().flatten().rev());
        }
    }
    ordered
}

/// A value in the slab.
#[derive(Debug, Default)]
struct Value {
    at: usize,
    room: usize,
    /// Whether it is one number again and again, or seen by layouts as its base is.
    constant: bool,
    /// Views of it, with their elements one after another: where, and in how much room.
    views: Vec<(Layout, usize, usize)>,
    /// The last node of the unit that reads it.
    last: usize,
}

struct Builder<'a, 'p> {
    plan: &'a mut Plan<'p>,
    machine: Machine,
    values: FxHashMap<Base, Value>,
    /// Rooms that are free again, by their size.
    free: FxHashMap<usize, Vec<usize>>,
    end: usize,
    loads: Vec<Load>,
}

impl Tiny {
    /// The code of a unit that runs on a machine of a dtype.
    pub fn new(plan: &mut Plan, unit: &Unit, dtype: DType) -> Self {
        let (machine, values, free) = (Machine::default(), FxHashMap::default(), FxHashMap::default());
        let nodes = early(plan.graph, plan.places, &unit.nodes, dtype);
        let mut builder = Builder { plan, machine, values, free, end: 0, loads: Vec::new() };
        builder.load(&nodes);
        nodes.iter().enumerate().for_each(|(k, &i)| builder.node(k, i, dtype));
        let Builder { plan, machine, values, loads, .. } = builder;
        let store = |&i: &usize| {
            let (slot, value) = (plan.slot_of[i]?, values.get(&Base::Node(i))?);
            Some(Store { at: value.at, n: plan.ty(i).shape.numel(), slot })
        };
        let stores = unit.nodes.iter().filter_map(store).collect();
        let names = unit.nodes.iter().take(NAMES + 1).map(|&i| plan.graph.nodes[i].op.rule().name()).collect();
        let note = Note::new(plan, &unit.nodes);
        let slab = plan.scratch(dtype, machine.reach());
        Self { machine, slab, loads, stores, names, note }
    }

    /// Runs it.
    ///
    /// # Errors
    /// What a kernel refused.
    pub fn run(&self, memory: &mut Memory) -> Result<()> {
        memory.writing(self.slab, |memory, slab| {
            for load in &self.loads {
                load.run(memory.data(load.source), slab.data_mut())?;
            }
            self.machine.run(slab.data_mut())
        })?;
        for store in &self.stores {
            memory.writing(store.slot, |memory, out| {
                copy(store.n, (memory.data(Source::Slot(self.slab)), store.at), (out.data_mut(), 0))
            })?;
        }
        Ok(())
    }

    /// What there is to know of it.
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// The names of its operations, of the first of them where there are many, in brackets.
    pub fn names(&self) -> String {
        let more = if self.names.len() > NAMES { " ..." } else { "" };
        format!("[{}{more}]", self.names[..self.names.len().min(NAMES)].join(" "))
    }
}

/// Names that are shown of a unit.
const NAMES: usize = 64;

impl Load {
    fn run(&self, data: Data, slab: DataMut) -> Result<()> {
        match &self.walker {
            None => copy(self.n, (data, 0), (slab, self.at)),
            Some(walker) if data.dtype() == slab.dtype() => {
                walker.read_from(0, data, slab.range(self.at..self.at + self.n))
            }
            Some(walker) => {
                let mut truths = [false; MOST];
                walker.read_from(0, data, DataMut::Bool(&mut truths[..self.n]))?;
                copy(self.n, (Data::Bool(&truths), 0), (slab, self.at))
            }
        }
    }
}

/// Copies so many elements, from a place to a place; truth values are numbers in the slab.
#[inline]
fn copy(n: usize, (from, start): (Data, usize), (to, at): (DataMut, usize)) -> Result<()> {
    macro_rules! each {
        ($from:ident, $to:ident, |$x:ident| $y:expr) => {
            $to[at..at + n].iter_mut().zip(&$from[start..start + n]).for_each(|(to, &$x)| *to = $y)
        };
    }
    match (from, to) {
        (Data::F32(from), DataMut::F32(to)) => each!(from, to, |x| x),
        (Data::F64(from), DataMut::F64(to)) => each!(from, to, |x| x),
        (Data::Bool(from), DataMut::F32(to)) => each!(from, to, |x| f32::from(u8::from(x))),
        (Data::Bool(from), DataMut::F64(to)) => each!(from, to, |x| f64::from(u8::from(x))),
        (Data::F32(from), DataMut::Bool(to)) => each!(from, to, |x| x != 0.0),
        (Data::F64(from), DataMut::Bool(to)) => each!(from, to, |x| x != 0.0),
        (from, to) => return Err(Error::dtype(format!("tiny: {} to {}", from.dtype(), to.dtype()))),
    }
    Ok(())
}

impl Builder<'_, '_> {
    /// Finds out what is read for how long, and loads what others made.
    fn load(&mut self, nodes: &[usize]) {
        let (graph, places) = (self.plan.graph, self.plan.places);
        // How far into its base each view reaches that comes from outside.
        let mut spans: Vec<(Base, usize)> = Vec::new();
        let mut span_of: FxHashMap<Base, usize> = FxHashMap::default();
        self.values.reserve(nodes.len());
        for &i in nodes {
            self.values.insert(Base::Node(i), Value::default());
        }
        for (k, &i) in nodes.iter().enumerate() {
            for &x in &graph.nodes[i].operands {
                let (key, layout) = (places[x].base, &places[x].layout);
                match self.values.get_mut(&key) {
                    Some(value) if matches!(key, Base::Node(_)) => value.last = value.last.max(k),
                    _ => {
                        let span = if matches!(key, Base::Constant(_)) { layout.numel() } else { layout.span() };
                        let known = *span_of.entry(key).or_insert_with(|| {
                            spans.push((key, 0));
                            spans.len() - 1
                        });
                        spans[known].1 = spans[known].1.max(span);
                    }
                }
            }
            if self.plan.slot_of[i].is_some()
                && let Some(value) = self.values.get_mut(&Base::Node(i))
            {
                value.last = usize::MAX;
            }
        }
        for (key, span) in spans {
            let source = match key {
                Base::Constant(i) => self.plan.constant(i, span),
                _ => self.plan.source(&key),
            };
            let mut value = Value { last: usize::MAX, constant: matches!(key, Base::Constant(_)), ..Value::default() };
            // Of what is large, the views are loaded.
            if span <= MOST {
                (value.at, value.room) = (self.take(room(span)), room(span));
                self.loads.push(Load { source, walker: None, at: value.at, n: span });
            }
            self.values.insert(key, value);
        }
    }

    /// A place with so much room.
    fn take(&mut self, room: usize) -> usize {
        match self.free.get_mut(&room).and_then(Vec::pop) {
            Some(at) => at,
            None => self.fresh(room),
        }
    }

    /// A place that nothing had before.
    fn fresh(&mut self, room: usize) -> usize {
        // Blocks lie in whole cache lines.
        let at = if room > 1 { self.end.next_multiple_of(16) } else { self.end };
        self.end = at + room;
        at
    }

    fn give(&mut self, at: usize, room: usize) {
        self.free.entry(room).or_default().push(at);
    }

    /// Writes the code of the unit's node `k`, which is `i` of the graph.
    fn node(&mut self, k: usize, i: usize, dtype: DType) {
        let (graph, places) = (self.plan.graph, self.plan.places);
        let node = &graph.nodes[i];
        let n = node.ty.shape.numel();
        let mut needed = room(n);
        let out = match way(graph, i, dtype) {
            Some(Way::Each(f, order)) => {
                let x: SmallVec<[usize; 3]> = order.iter().map(|&j| self.dense(node.operands[j])).collect();
                let out = self.take(needed);
                self.machine.each(f, n, &x, out);
                out
            }
            Some(Way::Fold(fold)) => {
                let out = self.take(needed);
                self.fold(fold, i, out);
                out
            }
            Some(Way::Product) => {
                let [x, y] = [node.operands[0], node.operands[1]];
                let ([m, columns], inner) = ([node.ty.shape[0], node.ty.shape[1]], graph.nodes[y].ty.shape[0]);
                let matrix = |(at, layout): (usize, Layout)| Matrix {
                    start: at + layout.offset(),
                    strides: [layout.strides()[0], layout.strides()[1]],
                };
                let x = matrix(self.found(x));
                let seen = matrix(self.found(y));
                let y = match columns == 1 || seen.strides[1] == 1 {
                    true => seen,
                    false => Matrix { start: self.dense(y), strides: [columns as isize, 1] },
                };
                needed = product_room(m, columns);
                let out = self.take(needed);
                self.machine.product([m, inner, columns], x, y, out);
                out
            }
            Some(Way::Call) => {
                let x: SmallVec<[usize; 3]> = node.operands.iter().map(|&x| self.dense(x)).collect();
                let slice = Layout::contiguous([n].into());
                let dtypes: SmallVec<[_; 3]> = x.iter().map(|_| (dtype, &slice)).collect();
                let kernel = node.op.bind(&dtypes, &Type::new(dtype, slice.shape()));
                let out = self.take(needed);
                self.machine.call(kernel, n, &x, out);
                out
            }
            Some(Way::Copy) | None => {
                let (at, layout) = self.found(node.operands[0]);
                let out = self.take(needed);
                self.machine.gather(indices(&layout).iter().map(|p| at + p), out);
                out
            }
        };
        if let Some(value) = self.values.get_mut(&Base::Node(i)) {
            (value.at, value.room) = (out, needed);
        }
        for &x in &node.operands {
            let key = places[x].base;
            let Some(value) = self.values.get_mut(&key) else { continue };
            if value.last == k && value.room > 0 {
                let (at, room) = (value.at, std::mem::take(&mut value.room));
                let views = std::mem::take(&mut value.views);
                self.give(at, room);
                views.into_iter().for_each(|(_, at, room)| self.give(at, room));
            }
        }
    }

    /// Writes the code of a reduction, whose terms are gathered where they do not lie evenly.
    fn fold(&mut self, fold: Fold, i: usize, out: usize) {
        let node = &self.plan.graph.nodes[i];
        let (Some((_, axes)), x) = (reduction(&node.op), node.operands[0]) else { return };
        let shape = &self.plan.graph.nodes[x].ty.shape;
        let (at, layout) = self.found(x);
        let kept = (0..shape.rank()).filter(|axis| !axes.contains(axis));
        let order: SmallVec<[usize; 4]> = kept.chain(axes.iter().copied()).collect();
        let from = indices(&layout.permute(&order));
        let (results, terms) = (node.ty.shape.numel(), from.len() / node.ty.shape.numel());
        let step = |k: usize| from.get(k).map_or(Some(0), |place| place.checked_sub(from[0]));
        let (trailing, sizes) = (is_trailing(shape, axes), [results, terms]);
        if let (Some(far), Some(near)) = (step(terms), if terms > 1 { step(1) } else { Some(0) })
            && from.iter().enumerate().all(|(k, &place)| place == from[0] + k / terms * far + k % terms * near)
        {
            return self.machine.fold(fold, trailing, sizes, at + from[0], [far, near], out);
        }
        let gathered = self.take(room(from.len()));
        self.machine.gather(from.iter().map(|place| at + place), gathered);
        self.machine.fold(fold, trailing, sizes, gathered, [terms, 1], out);
        self.give(gathered, room(from.len()));
    }

    /// Where the base of node `x` is in the slab, and the layout by which that is the node.
    fn found(&mut self, x: usize) -> (usize, Layout) {
        let Place { base, layout } = &self.plan.places[x];
        let Some(value) = self.values.get(base) else { return (0, layout.clone()) };
        match value {
            value if value.constant => (value.at, Layout::contiguous(layout.shape().clone())),
            value if value.room > 0 => (value.at, layout.clone()),
            // It is large.
            _ => (self.dense(x), Layout::contiguous(layout.shape().clone())),
        }
    }

    /// Where the elements of node `x` are one after another.
    fn dense(&mut self, x: usize) -> usize {
        let Place { base, layout } = &self.plan.places[x];
        let (key, n) = (*base, layout.numel());
        let Some(value) = self.values.get(&key) else { return 0 };
        if value.constant {
            return value.at;
        }
        if value.room > 0 && (n == 1 || layout.is_contiguous()) {
            return value.at + layout.offset();
        }
        if let Some((_, at, _)) = value.views.iter().find(|(known, ..)| known == layout) {
            return *at;
        }
        let (base_at, loaded) = (value.at, value.room > 0);
        // What is loaded is there from the beginning, so it must not share its room.
        let at = if loaded { self.take(room(n)) } else { self.fresh(room(n)) };
        if !loaded {
            let source = self.plan.source(base);
            self.loads.push(Load { source, walker: Some(Walker::new(layout)), at, n });
        } else if layout.shape().iter().zip(layout.strides()).all(|(&size, &stride)| size == 1 || stride == 0) {
            self.machine.splat(n, base_at + layout.offset(), at);
        } else {
            self.machine.gather(indices(layout).iter().map(|p| base_at + p), at);
        }
        if let Some(value) = self.values.get_mut(&key) {
            value.views.push((layout.clone(), at, room(n)));
        }
        at
    }
}

/// The places of a layout's elements, in order.
fn indices(layout: &Layout) -> SmallVec<[usize; MOST]> {
    let shape = layout.shape();
    let mut index: SmallVec<[usize; 4]> = SmallVec::from_elem(0, shape.rank());
    let next = |_| {
        let place = layout.place(&index);
        for (i, &size) in index.iter_mut().zip(shape.iter()).rev() {
            *i += 1;
            if *i < size {
                break;
            }
            *i = 0;
        }
        place
    };
    (0..layout.numel()).map(next).collect()
}

//! From a graph to a program: which memory every value lives in, and when it is free again.
//!
//! Values that are needed after their unit live in slots; a slot is handed to the next value of its dtype
//! when its own is dead. Values that only their group needs live in tiles. Answers have slots of their own, which leave
//! the program as tensors.

use smallvec::SmallVec;
use wengert_tensor::kernel::cursor::Walker;
use wengert_tensor::{DType, Layout, Result, Storage, Tensor};

use super::fuse::{Base, Place, Unit, units};
use super::graph::{Graph, Node};
use super::{Answer, Group, Load, Operand, Program, Single, Source, Step, TileOp};
use crate::op::Op;

/// Elements that a group works on at a time: a dozen such tiles of `f64` fit the L1 cache.
const TILE: usize = 512;

impl Program {
    /// The program of a graph.
    ///
    /// # Errors
    /// Where its memory cannot be allocated.
    pub(super) fn new(graph: &Graph) -> Result<Self> {
        let (places, units) = units(graph);
        let mut memory = Memory::new(graph, &places, &units);
        let mut steps = Vec::with_capacity(units.len());
        for (u, unit) in units.iter().enumerate() {
            memory.begin(u, unit);
            let step = match unit.elementwise {
                true => Step::Group(memory.group(unit)),
                false => Step::Single(memory.single(unit.nodes[0])),
            };
            memory.end(u, unit);
            steps.push(step);
        }
        let answers = graph.outputs.iter().map(|&i| {
            let Place { base, layout } = &places[i];
            Answer { source: memory.source(base), layout: layout.clone() }
        });
        let answers = answers.collect();
        let constants = memory.constants.iter().map(|&i| match &graph.nodes[i].op {
            Op::Full(full) => Tensor::full((), full.value),
            _ => Tensor::full((), 0.0),
        });
        Ok(Self {
            constants: constants.collect::<Result<_>>()?,
            slots: memory.slots.iter().map(|slot| slot.allocate()).collect::<Result<_>>()?,
            specs: memory.slots,
            steps,
            answers,
        })
    }
}

/// What a slot holds.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub dtype: DType,
    pub len: usize,
    /// Whether its storage leaves the program with an answer, and is made anew for every run.
    pub answer: bool,
}

impl Slot {
    pub fn allocate(&self) -> Result<Storage> {
        match self.answer {
            true => Ok(Storage::default()),
            false => Storage::zeros(self.dtype, self.len),
        }
    }
}

struct Memory<'a> {
    graph: &'a Graph,
    places: &'a [Place],
    slots: Vec<Slot>,
    /// Slots that no value needs now.
    free: Vec<usize>,
    /// The slot of a node, once it has one.
    slot_of: Vec<Option<usize>>,
    /// The last unit that reads a node; `usize::MAX` for what leaves the program.
    last_use: Vec<usize>,
    /// Whether a node is needed outside of its unit.
    kept: Vec<bool>,
    /// Nodes that are constants: constant k of the program.
    constants: Vec<usize>,
}

impl<'a> Memory<'a> {
    fn new(graph: &'a Graph, places: &'a [Place], units: &[Unit]) -> Self {
        let n = graph.nodes.len();
        let (mut last_use, mut kept, mut maker) = (vec![0; n], vec![false; n], vec![usize::MAX; n]);
        for (u, unit) in units.iter().enumerate() {
            unit.nodes.iter().for_each(|&i| maker[i] = u);
            for &x in unit.nodes.iter().flat_map(|&i| &graph.nodes[i].operands) {
                if let Base::Node(base) = places[x].base {
                    last_use[base] = u;
                    kept[base] |= maker[base] != u;
                }
            }
        }
        for &i in &graph.outputs {
            if let Base::Node(base) = places[i].base {
                (last_use[base], kept[base]) = (usize::MAX, true);
            }
        }
        let slot_of = vec![None; n];
        Self { graph, places, slots: Vec::new(), free: Vec::new(), slot_of, last_use, kept, constants: Vec::new() }
    }

    /// Gives slots to what a unit makes for others.
    fn begin(&mut self, _: usize, unit: &Unit) {
        for &i in &unit.nodes {
            if self.kept[i] || !unit.elementwise {
                let ty = &self.graph.nodes[i].ty;
                let answer = self.last_use[i] == usize::MAX;
                self.slot_of[i] = Some(self.take(ty.dtype, ty.shape.numel(), answer));
            }
        }
    }

    /// Takes back the slots of what no later unit reads.
    fn end(&mut self, u: usize, unit: &Unit) {
        let read = unit.nodes.iter().flat_map(|&i| &self.graph.nodes[i].operands);
        let bases = read.filter_map(|&x| match self.places[x].base {
            Base::Node(base) => Some(base),
            _ => None,
        });
        let mut dead: Vec<usize> = bases.filter(|&base| self.last_use[base] == u).collect();
        // A value that nobody reads, as a duplicate of what was asked for, dies at once.
        dead.extend(unit.nodes.iter().filter(|&&i| self.last_use[i] < u));
        dead.sort_unstable();
        dead.dedup();
        self.free.extend(dead.into_iter().filter_map(|base| self.slot_of[base]));
    }

    /// A slot for `len` elements: the free one that fits best, grown where it is too small.
    fn take(&mut self, dtype: DType, len: usize, answer: bool) -> usize {
        if !answer {
            let candidates = self.free.iter().enumerate().filter(|(_, slot)| self.slots[**slot].dtype == dtype);
            let waste = |slot: &usize| self.slots[*slot].len.abs_diff(len);
            if let Some((k, _)) = candidates.min_by_key(|(_, slot)| waste(slot)) {
                let slot = self.free.swap_remove(k);
                self.slots[slot].len = self.slots[slot].len.max(len);
                return slot;
            }
        }
        self.slots.push(Slot { dtype, len, answer });
        self.slots.len() - 1
    }

    fn source(&mut self, base: &Base) -> Source {
        match *base {
            Base::Input(k) => Source::Input(k),
            Base::Constant(i) => {
                let known = self.constants.iter().position(|&c| c == i);
                Source::Constant(known.unwrap_or_else(|| {
                    self.constants.push(i);
                    self.constants.len() - 1
                }))
            }
            // A value without a slot is read only within its group, never by its source.
            Base::Node(i) => Source::Slot(self.slot_of[i].unwrap_or(usize::MAX)),
        }
    }

    fn single(&mut self, i: usize) -> Single {
        let node: &Node = &self.graph.nodes[i];
        let operand = |x: &usize| {
            let Place { base, layout } = self.places[*x].clone();
            (self.source(&base), layout)
        };
        let operands = node.operands.iter().map(operand).collect();
        let out = self.slot_of[i].unwrap_or(usize::MAX);
        Single { op: node.op.clone(), operands, out, shape: node.ty.shape.clone(), at: node.at }
    }

    fn group(&mut self, unit: &Unit) -> Group {
        let numel = self.graph.nodes[unit.nodes[0]].ty.shape.numel();
        let tile = TILE.min(numel);
        let mut group = Group {
            numel,
            full: Layout::contiguous([tile].into()),
            rest: Layout::contiguous([numel % tile].into()),
            loads: Vec::new(),
            ops: Vec::new(),
        };
        // Tiles of this group: dtype and the position in the unit from which on each is free.
        let mut tiles: Vec<(usize, usize)> = Vec::new();
        let mut loaded: Vec<(Source, Layout, Operand)> = Vec::new();
        let mut inside: Vec<(usize, Operand)> = Vec::new();
        let last_inside = |i: usize| {
            let reads = |&j: &usize| self.graph.nodes[j].operands.iter().any(|&x| self.places[x].base == Base::Node(i));
            unit.nodes.iter().rposition(reads).unwrap_or(0)
        };
        let ends: Vec<usize> = unit.nodes.iter().map(|&i| last_inside(i)).collect();
        for (k, &i) in unit.nodes.iter().enumerate() {
            let node = &self.graph.nodes[i];
            let mut operands: SmallVec<[Operand; 3]> = SmallVec::new();
            for &x in &node.operands {
                let Place { base, layout } = self.places[x].clone();
                if let Some((_, operand)) = inside.iter().find(|(j, _)| base == Base::Node(*j)) {
                    operands.push(*operand);
                    continue;
                }
                let source = self.source(&base);
                if layout.is_contiguous() && !matches!(source, Source::Constant(_)) {
                    operands.push(Operand { source, offset: layout.offset(), moves: true });
                } else if let Some((.., operand)) = loaded.iter().find(|(s, l, _)| *s == source && *l == layout) {
                    operands.push(*operand);
                } else {
                    // Loaded tiles stay for the whole group.
                    let slot = self.tile(&mut tiles, self.graph.nodes[x].ty.dtype, 0, usize::MAX);
                    let operand = Operand { source: Source::Slot(slot), offset: 0, moves: false };
                    let once = layout.strides().iter().all(|&stride| stride == 0);
                    group.loads.push(Load { source, walker: Walker::new(&layout), tile: slot, once });
                    loaded.push((source, layout, operand));
                    operands.push(operand);
                }
            }
            let out = match self.slot_of[i] {
                Some(slot) => Operand { source: Source::Slot(slot), offset: 0, moves: true },
                None => {
                    let slot = self.tile(&mut tiles, node.ty.dtype, k, ends[k]);
                    Operand { source: Source::Slot(slot), offset: 0, moves: false }
                }
            };
            inside.push((i, out));
            group.ops.push(TileOp { op: node.op.clone(), operands, out, at: node.at });
        }
        self.free.extend(tiles.iter().map(|(slot, _)| *slot));
        group
    }

    /// A tile for position `now` of a unit, needed until position `until`.
    fn tile(&mut self, tiles: &mut Vec<(usize, usize)>, dtype: DType, now: usize, until: usize) -> usize {
        let free = tiles.iter_mut().find(|(slot, end)| self.slots[*slot].dtype == dtype && *end < now);
        if let Some((slot, end)) = free {
            *end = until;
            return *slot;
        }
        let slot = self.take_tile(dtype);
        tiles.push((slot, until));
        slot
    }

    /// A slot of a tile's size exactly: large slots are not spent on tiles.
    fn take_tile(&mut self, dtype: DType) -> usize {
        let fits = |slot: &usize| self.slots[*slot].dtype == dtype && self.slots[*slot].len == TILE;
        match self.free.iter().position(fits) {
            Some(k) => self.free.swap_remove(k),
            None => {
                self.slots.push(Slot { dtype, len: TILE, answer: false });
                self.slots.len() - 1
            }
        }
    }
}

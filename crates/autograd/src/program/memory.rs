//! The memory of a program: which slot every value lives in, and when it is free again.
//!
//! Values that are needed after their unit live in slots; a slot is handed to the next value of its dtype
//! when its own is dead. Values that only their group needs live in tiles. Answers have slots of their own, which leave
//! the program as tensors.

use std::mem::take;

use wengert_tensor::{DType, Data, Result, Storage, Tensor};

use super::Source;
use super::fuse::{Base, Place, Unit};
use super::graph::Graph;

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

/// Decides where values live, unit by unit.
pub(super) struct Plan<'a> {
    pub graph: &'a Graph,
    pub places: &'a [Place],
    pub slots: Vec<Slot>,
    /// Slots that no value needs now.
    pub free: Vec<usize>,
    /// The slot of a node, once it has one.
    pub slot_of: Vec<Option<usize>>,
    /// The last unit that reads a node; `usize::MAX` for what leaves the program.
    last_use: Vec<usize>,
    /// Whether a node is needed outside of its unit.
    kept: Vec<bool>,
    /// Nodes that are constants: constant k of the program.
    pub constants: Vec<usize>,
    /// The slots of tiles.
    scratch: Vec<usize>,
}

impl<'a> Plan<'a> {
    /// Nothing placed yet.
    pub fn new(graph: &'a Graph, places: &'a [Place], units: &[Unit]) -> Self {
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
        Self {
            graph,
            places,
            slots: Vec::new(),
            free: Vec::new(),
            slot_of,
            last_use,
            kept,
            constants: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Gives slots to what a unit makes for others.
    pub fn begin(&mut self, _: usize, unit: &Unit) {
        for &i in &unit.nodes {
            if self.kept[i] || unit.domain.is_none() {
                let ty = &self.graph.nodes[i].ty;
                let answer = self.last_use[i] == usize::MAX;
                self.slot_of[i] = Some(self.take(ty.dtype, ty.shape.numel(), answer));
            }
        }
    }

    /// Takes back the slots of what no later unit reads.
    pub fn end(&mut self, u: usize, unit: &Unit) {
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

    pub fn source(&mut self, base: &Base) -> Source {
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

    /// The slot of all groups' tiles of a dtype, with room for `len` elements: they run one after another.
    pub fn scratch(&mut self, dtype: DType, len: usize) -> usize {
        let known = self.scratch.iter().copied().find(|&slot| self.slots[slot].dtype == dtype);
        let slot = known.unwrap_or_else(|| {
            self.slots.push(Slot { dtype, len: 0, answer: false });
            self.scratch.push(self.slots.len() - 1);
            self.slots.len() - 1
        });
        self.slots[slot].len = self.slots[slot].len.max(len);
        slot
    }
}

/// The memory of a program that runs.
pub(super) struct Memory<'a> {
    pub inputs: &'a [&'a Tensor],
    pub constants: &'a [Tensor],
    pub slots: &'a mut [Storage],
}

impl Memory<'_> {
    pub fn data(&self, source: Source) -> Data<'_> {
        match source {
            Source::Input(k) => self.inputs[k].data(),
            Source::Constant(k) => self.constants[k].data(),
            Source::Slot(k) => self.slots[k].data(),
        }
    }

    /// Runs `write` on the storage of a slot, taken out meanwhile.
    pub fn writing(&mut self, slot: usize, write: impl FnOnce(&Self, &mut Storage) -> Result<()>) -> Result<()> {
        let mut out = take(&mut self.slots[slot]);
        let outcome = write(self, &mut out);
        self.slots[slot] = out;
        outcome
    }
}

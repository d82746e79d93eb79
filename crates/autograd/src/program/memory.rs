//! The memory of a program: which slot every value lives in, and when.
//!
//! Values that are needed outside of their unit live in slots, which they share where they are not there at the same
//! time ([`assign`](super::assign)), unless they are written over others ([`fate`](super::fate)). Values that only
//! their group needs live in tiles. The storage of answers comes from outside and leaves with them; states have slots
//! that nothing else uses.

use std::mem::take;

use rustc_hash::FxHashMap;
use wengert_tensor::{DType, Data, Error, Result, Storage, Tensor};

use super::arena::Change;
use super::assign::{Need, assign, peak};
use super::fate::Fate;
use super::fuse::{Base, Place, Unit};
use super::graph::Graph;
use super::lifetime::Lifetimes;
use super::{Footprint, Given, Source};
use crate::ty::Type;

/// Memory is shared in whole cache lines.
const LINE: usize = 64;

/// What a slot holds.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    /// The dtype that its storage has when a run begins.
    pub dtype: DType,
    pub bytes: usize,
    pub kind: Kind,
}

/// Whose the storage of a slot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The program's.
    Own,
    /// An answer's, with which it leaves.
    Answer,
    /// A state's, with which it comes and leaves.
    State,
}

impl Slot {
    /// How many elements it has room for.
    pub fn len(&self) -> usize {
        self.bytes / self.dtype.size()
    }

    /// What is there, if it is large enough, or else new storage.
    pub fn storage(&self, there: Storage) -> Result<Storage> {
        match there.dtype() == self.dtype && there.bytes() >= self.bytes && self.bytes > 0 {
            true => Ok(there),
            false => Storage::scratch(self.dtype, self.len()),
        }
    }
}

/// What is done to slots between units.
#[derive(Debug)]
pub(super) enum Reshape {
    Arena(Change),
    /// A slot that values of several dtypes share becomes one of `dtype`.
    Retype {
        slot: usize,
        dtype: DType,
        len: usize,
    },
}

impl Reshape {
    pub fn run(&self, memory: &mut Memory) -> Result<()> {
        let slots = &mut *memory.slots;
        let done = match *self {
            Self::Retype { slot, dtype, len } => slots[slot].retype(dtype, len),
            Self::Arena(Change::Cut { slot, at, rest }) => {
                let cut = slots[slot].cut(at);
                cut.map(|cut| slots[rest] = cut).is_some()
            }
            Self::Arena(Change::Join { slot, next }) => {
                let next = take(&mut slots[next]);
                slots[slot].join(next)
            }
        };
        match done {
            true => Ok(()),
            false => Err(Error::memory("run: the program's memory is not as it was planned")),
        }
    }
}

/// The output that is a state's next value, where it is not written over the last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Renewal {
    pub state: usize,
    pub slot: usize,
}

/// Where the values of a graph live.
pub(super) struct Plan<'a> {
    pub graph: &'a Graph,
    pub places: &'a [Place],
    pub inputs: &'a [Given],
    states: usize,
    /// States have the first.
    pub slots: Vec<Slot>,
    /// The slots of tiles.
    scratch: Vec<usize>,
    /// The slot of a node, if it has one.
    pub slot_of: Vec<Option<usize>>,
    /// Nodes that are constants, and how often their number is needed side by side: constant k of the program.
    pub constants: Vec<(usize, usize)>,
    constant_of: FxHashMap<usize, usize>,
    /// What is done to slots before which unit, in order; the copies come before the last unit but one.
    pub reshapes: Vec<(usize, Reshape)>,
    pub renewals: Vec<Renewal>,
    /// Outputs that are copied to slots of their own after all units: the position of the output, and the slot.
    pub copies: Vec<(usize, usize)>,
    pub footprint: Footprint,
}

impl<'a> Plan<'a> {
    /// A slot for every value that needs one. The last outputs of the graph are the next values of states, which are of
    /// the given types.
    pub fn new(graph: &'a Graph, places: &'a [Place], units: &[Unit], inputs: &'a [Given], states: &[Type]) -> Self {
        let state = |ty: &Type| Slot { dtype: ty.dtype, bytes: bytes(ty), kind: Kind::State };
        let mut plan = Self {
            graph,
            places,
            inputs,
            states: states.len(),
            slots: states.iter().map(state).collect(),
            scratch: Vec::new(),
            slot_of: vec![None; graph.nodes.len()],
            constants: Vec::new(),
            constant_of: FxHashMap::default(),
            reshapes: Vec::new(),
            renewals: Vec::new(),
            copies: Vec::new(),
            footprint: Footprint::default(),
        };
        let lifetimes = Lifetimes::new(graph, places, units, inputs.len());
        let fates = plan.fates(&lifetimes, units);
        plan.assign(&lifetimes, units, &fates);
        plan
    }

    pub fn ty(&self, node: usize) -> &Type {
        &self.graph.nodes[node].ty
    }

    /// How many outputs are answers.
    pub fn answers(&self) -> usize {
        self.graph.outputs.len() - self.states
    }

    /// The input that each state is, if it is one.
    pub fn inputs_of_states(&self) -> Vec<Option<usize>> {
        let mut inputs = vec![None; self.states];
        for (k, given) in self.inputs.iter().enumerate() {
            if let Given::State(state) = *given {
                inputs[state] = Some(k);
            }
        }
        inputs
    }

    /// Finds slots for all values that are needed outside of their unit.
    fn assign(&mut self, lifetimes: &Lifetimes, units: &[Unit], fates: &[Fate]) {
        let (mut needs, end) = (Needs::default(), units.len());
        // The need that a node's value is part of.
        let mut need_of: Vec<Option<usize>> = vec![None; self.graph.nodes.len()];
        for (u, unit) in units.iter().enumerate() {
            for &i in unit.nodes.iter().filter(|&&i| lifetimes.kept[i] || unit.domain.is_none() && unit.tiny.is_none())
            {
                let last = lifetimes.last_use(&Base::Node(i)).max(u);
                need_of[i] = match fates[i] {
                    Fate::Leaving => Some(needs.add(self.ty(i), u, end, true)),
                    Fate::Passing => Some(needs.add(self.ty(i), u, last, false)),
                    Fate::Over(operand) => {
                        let need = need_of[operand];
                        need.into_iter().for_each(|need| needs.needs[need].last = last);
                        need
                    }
                    Fate::OverState(state) => {
                        self.slot_of[i] = Some(state);
                        None
                    }
                };
            }
        }
        let copies = take(&mut self.copies);
        let copies: Vec<(usize, usize)> =
            copies.into_iter().map(|(j, _)| (j, needs.add(self.ty(self.graph.outputs[j]), end, end, true))).collect();

        let (states, found) = (self.slots.len(), assign(&needs.needs, end + 1));
        let slot_of = |need: usize| states + found.slot_of[need];
        self.slots.extend(found.slots.iter().map(|&bytes| Slot { dtype: DType::F32, bytes, kind: Kind::Own }));
        let mut mixed: Vec<bool> = vec![false; self.slots.len()];
        let mut seen = mixed.clone();
        for (k, need) in needs.needs.iter().enumerate().filter(|(k, _)| !found.in_arena[*k]) {
            let (slot, dtype) = (slot_of(k), needs.dtypes[k]);
            mixed[slot] |= seen[slot] && self.slots[slot].dtype != dtype;
            // The owner comes last, and has the last word.
            if need.own || self.slots[slot].kind == Kind::Own {
                self.slots[slot].dtype = dtype;
            }
            if need.own {
                self.slots[slot].kind = Kind::Answer;
            }
            seen[slot] = true;
        }
        let moved = |change: Change| match change {
            Change::Cut { slot, at, rest } => Change::Cut { slot: states + slot, at, rest: states + rest },
            Change::Join { slot, next } => Change::Join { slot: states + slot, next: states + next },
        };
        self.reshapes = found.changes.iter().map(|&(unit, change)| (unit, Reshape::Arena(moved(change)))).collect();
        for (k, need) in needs.needs.iter().enumerate() {
            let (slot, dtype) = (slot_of(k), needs.dtypes[k]);
            let bytes = if found.in_arena[k] { need.bytes } else { self.slots[slot].bytes };
            if found.in_arena[k] || mixed[slot] {
                self.reshapes.push((need.first, Reshape::Retype { slot, dtype, len: bytes / dtype.size() }));
            }
        }
        // Pieces are made before they are retyped.
        self.reshapes.sort_by_key(|(unit, _)| *unit);
        for (slot, need) in self.slot_of.iter_mut().zip(&need_of) {
            *slot = need.map(slot_of).or(*slot);
        }
        self.copies = copies.into_iter().map(|(j, need)| (j, slot_of(need))).collect();
        self.settle_renewals();
        self.footprint = Footprint { planned: found.slots.iter().sum(), live: peak(&needs.needs) };
    }

    /// Looks up the slots of renewals. They are the program's own.
    fn settle_renewals(&mut self) {
        let (answers, mut renewals) = (self.answers(), take(&mut self.renewals));
        for renewal in &mut renewals {
            let output = answers + renewal.state;
            let copied = self.copies.iter().find(|(j, _)| *j == output).map(|(_, slot)| *slot);
            let made = match self.places[self.graph.outputs[output]].base {
                Base::Node(i) => self.slot_of[i],
                _ => None,
            };
            if let Some(slot) = copied.or(made) {
                renewal.slot = slot;
                self.slots[slot].kind = Kind::Own;
            }
        }
        self.renewals = renewals;
    }

    pub fn source(&mut self, base: &Base) -> Source {
        match *base {
            Base::Input(k) => match self.inputs[k] {
                Given::State(state) => Source::Slot(state),
                _ => Source::Input(k),
            },
            Base::Constant(i) => self.constant(i, 1),
            // A value without a slot is read only within its group, never by its source.
            Base::Node(i) => Source::Slot(self.slot_of[i].unwrap_or(usize::MAX)),
        }
    }

    /// A constant, as so many times its number at least.
    pub fn constant(&mut self, i: usize, len: usize) -> Source {
        let next = self.constants.len();
        let k = *self.constant_of.entry(i).or_insert(next);
        if k == next {
            self.constants.push((i, len));
        }
        self.constants[k].1 = self.constants[k].1.max(len);
        Source::Constant(k)
    }

    /// The slot of all groups' tiles of a dtype, with room for `len` elements: they run one after another.
    pub fn scratch(&mut self, dtype: DType, len: usize) -> usize {
        let known = self.scratch.iter().copied().find(|&slot| self.slots[slot].dtype == dtype);
        let slot = known.unwrap_or_else(|| {
            self.slots.push(Slot { dtype, bytes: 0, kind: Kind::Own });
            self.scratch.push(self.slots.len() - 1);
            self.slots.len() - 1
        });
        let bytes = &mut self.slots[slot].bytes;
        let more = (len * dtype.size()).saturating_sub(*bytes);
        *bytes += more;
        self.footprint.planned += more;
        slot
    }
}

pub(super) fn bytes(ty: &Type) -> usize {
    ty.shape.numel() * ty.dtype.size()
}

/// Needs for memory, and the dtypes of what it is needed for.
#[derive(Default)]
struct Needs {
    needs: Vec<Need>,
    dtypes: Vec<DType>,
}

impl Needs {
    fn add(&mut self, ty: &Type, first: usize, last: usize, own: bool) -> usize {
        // What comes from outside is as large as it must be and no larger.
        let bytes = if own { bytes(ty) } else { bytes(ty).next_multiple_of(LINE) };
        self.needs.push(Need { bytes, first, last, own });
        self.dtypes.push(ty.dtype);
        self.needs.len() - 1
    }
}

/// The memory of a program that runs.
pub(super) struct Memory<'a> {
    pub given: &'a [Given],
    pub arguments: &'a [&'a Tensor],
    pub constants: &'a [Tensor],
    pub slots: &'a mut [Storage],
}

/// The memory of a program that runs, but for the slot that is written.
#[derive(Clone, Copy)]
pub(super) struct Others<'a> {
    given: &'a [Given],
    arguments: &'a [&'a Tensor],
    constants: &'a [Tensor],
    before: &'a [Storage],
    after: &'a [Storage],
}

impl Memory<'_> {
    /// The elements of a source, from its first on.
    pub fn data(&self, source: Source) -> Data<'_> {
        let Self { given, arguments, constants, .. } = *self;
        Others { given, arguments, constants, before: self.slots, after: &[] }.data(source)
    }

    /// Runs `write` on the storage of a slot, with all other memory to read.
    pub fn writing<R>(&mut self, slot: usize, write: impl FnOnce(Others, &mut Storage) -> R) -> R {
        let (before, rest) = self.slots.split_at_mut(slot);
        let (out, after) = rest.split_at_mut(1);
        let Self { given, arguments, constants, .. } = *self;
        write(Others { given, arguments, constants, before, after }, &mut out[0])
    }
}

impl<'a> Others<'a> {
    /// The elements of a source, from its first on.
    pub fn data(&self, source: Source) -> Data<'a> {
        match source {
            Source::Input(k) => match &self.given[k] {
                Given::Argument(i) => elements(self.arguments[*i]),
                Given::Value(value) => value.data(),
                Given::State(state) => self.data(Source::Slot(*state)),
            },
            Source::Constant(k) => self.constants[k].data(),
            Source::Slot(k) => match self.before.get(k) {
                Some(storage) => storage.data(),
                None => self.after[k - self.before.len() - 1].data(),
            },
        }
    }
}

/// The elements of a tensor that is contiguous, in order.
fn elements(x: &Tensor) -> Data<'_> {
    let start = x.layout().offset();
    x.data().range(start..start + x.numel())
}

//! Programs that were made before, found by the structure of what is asked.
//!
//! The structure is the list of needed equations: operations with their attributes, operands, types,
//! and which are asked for. The values of inputs are not part of it. A thread keeps its own programs, of
//! which the least recently used go first.

use std::cell::RefCell;
use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;
use smallvec::SmallVec;
use wengert_tensor::{Result, Tensor};

use super::Program;
use super::graph::Graph;
use super::interpret::no_value;
use crate::op::Op;
use crate::tape::{Inner, VarId};
use crate::ty::Type;

/// No more programs than this are kept by a thread,
const PROGRAMS: usize = 64;
/// and no more bytes of their memory, unless a single one needs them.
const BYTES: usize = 1 << 30;

struct Entry {
    hash: u64,
    /// The operation, `None` for what has a value, with places of operands in this list.
    eqns: Vec<(Option<Op>, SmallVec<[u32; 2]>, Type)>,
    outputs: SmallVec<[u32; 8]>,
    program: Program,
}

thread_local! {
    /// The most recently used last.
    static CACHE: RefCell<Vec<Entry>> = const { RefCell::new(Vec::new()) };
}

/// The values of `ids` by a program; nothing else of the tape gets a value.
///
/// # Errors
/// What a kernel refused, with the line of the equation; an equation that depends on a placeholder.
pub(crate) fn run(inner: &mut Inner, ids: &[VarId]) -> Result<Vec<Tensor>> {
    let order = inner.reached(ids);
    let placeholder = |&&i: &&usize| matches!(inner.eqns[i].op, Op::Input(_)) && inner.values[i].is_none();
    if let Some(&i) = order.iter().find(placeholder) {
        return Err(no_value(&inner.eqns[i]));
    }
    let inputs: Vec<Tensor> =
        order.iter().filter_map(|&i| inner.values[i].as_ref()).map(from_start).collect::<Result<_>>()?;
    let inputs: Vec<&Tensor> = inputs.iter().collect();
    let structure = Structure { inner, order: &order, ids };
    let hash = structure.hash();
    // The entry is taken out while it runs: an operation of the user's may itself evaluate something.
    let known = CACHE.with_borrow_mut(|cache| {
        let found = cache.iter().rposition(|entry| entry.hash == hash && structure.is_of(entry))?;
        Some(cache.remove(found))
    });
    let mut entry = match known {
        Some(entry) => entry,
        None => structure.compile(hash)?,
    };
    let answers = entry.program.run(&inputs);
    CACHE.with_borrow_mut(|cache| {
        cache.push(entry);
        while cache.len() > PROGRAMS
            || cache.len() > 1 && cache.iter().map(|e| e.program.bytes()).sum::<usize>() > BYTES
        {
            cache.remove(0);
        }
    });
    answers
}

/// The tensor with its elements one after another from the start of its storage.
fn from_start(x: &Tensor) -> Result<Tensor> {
    match x.layout().offset() == 0 && x.layout().is_contiguous() {
        true => Ok(x.clone()),
        false => Tensor::build(x.dtype(), x.shape(), |out| wengert_tensor::kernel::copy::copy(x.view(), out)),
    }
}

/// A request, to be compared with those before.
struct Structure<'a> {
    inner: &'a Inner,
    /// The needed equations, in tape order; those with values are inputs.
    order: &'a [usize],
    ids: &'a [VarId],
}

impl Structure<'_> {
    /// The place of a variable in the order.
    fn place(&self, id: VarId) -> u32 {
        self.inner.places[id.index()]
    }

    fn is_input(&self, i: usize) -> bool {
        self.inner.values[i].is_some()
    }

    fn hash(&self) -> u64 {
        let mut state = FxHasher::default();
        for &i in self.order {
            let eqn = &self.inner.eqns[i];
            eqn.ty.shape.hash(&mut state);
            if !self.is_input(i) {
                std::mem::discriminant(&eqn.op).hash(&mut state);
                eqn.operands.iter().for_each(|&x| state.write_u32(self.place(x)));
            }
        }
        self.ids.iter().for_each(|&id| state.write_u32(self.place(id)));
        state.finish()
    }

    /// Whether an entry's structure is this one.
    fn is_of(&self, entry: &Entry) -> bool {
        let same = |(&i, (op, operands, ty)): (&usize, &(Option<Op>, SmallVec<[u32; 2]>, Type))| {
            let eqn = &self.inner.eqns[i];
            eqn.ty == *ty
                && match op {
                    None => self.is_input(i),
                    Some(op) => {
                        !self.is_input(i)
                            && *op == eqn.op
                            && eqn.operands.iter().map(|&x| self.place(x)).eq(operands.iter().copied())
                    }
                }
        };
        self.order.len() == entry.eqns.len()
            && self.order.iter().zip(&entry.eqns).all(same)
            && self.ids.iter().map(|&id| self.place(id)).eq(entry.outputs.iter().copied())
    }

    fn compile(&self, hash: u64) -> Result<Entry> {
        let graph = Graph::new(self.inner, self.order, self.ids);
        let eqns = self.order.iter().map(|&i| {
            let eqn = &self.inner.eqns[i];
            match self.is_input(i) {
                true => (None, SmallVec::new(), eqn.ty.clone()),
                false => (Some(eqn.op.clone()), eqn.operands.iter().map(|&x| self.place(x)).collect(), eqn.ty.clone()),
            }
        });
        let outputs = self.ids.iter().map(|&id| self.place(id)).collect();
        Ok(Entry { hash, eqns: eqns.collect(), outputs, program: Program::new(&graph)? })
    }
}

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
    lines: Vec<Line>,
    outputs: SmallVec<[u32; 8]>,
    program: Program,
}

/// An equation of a structure.
struct Line {
    /// `None` for what has a value.
    op: Option<Op>,
    /// Places among the lines.
    operands: SmallVec<[u32; 2]>,
    ty: Type,
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
    inner.reach(ids);
    let inner = &*inner;
    no_placeholder(inner)?;
    let inputs: Vec<Tensor> =
        inner.order.iter().filter_map(|&i| inner.values[i].as_ref()).map(from_start).collect::<Result<_>>()?;
    let inputs: Vec<&Tensor> = inputs.iter().collect();
    let structure = Structure { inner, ids };
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

/// Refuses a request that needs the argument of a function being transformed.
pub(super) fn no_placeholder(inner: &Inner) -> Result<()> {
    let placeholder = |&&i: &&usize| matches!(inner.eqns[i].op, Op::Input(_)) && inner.values[i].is_none();
    match inner.order.iter().find(placeholder) {
        Some(&i) => Err(no_value(&inner.eqns[i])),
        None => Ok(()),
    }
}

/// The tensor with its elements one after another from the start of its storage.
pub(super) fn from_start(x: &Tensor) -> Result<Tensor> {
    match x.layout().offset() == 0 && x.layout().is_contiguous() {
        true => Ok(x.clone()),
        false => Tensor::build(x.dtype(), x.shape(), |out| wengert_tensor::kernel::copy::copy(x.view(), out)),
    }
}

/// A request, to be compared with those before.
struct Structure<'a> {
    /// The tape, with the equations that are needed in order; those with values are inputs.
    inner: &'a Inner,
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
        for &i in &self.inner.order {
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
        let same = |(&i, line): (&usize, &Line)| {
            let eqn = &self.inner.eqns[i];
            eqn.ty == line.ty
                && match &line.op {
                    None => self.is_input(i),
                    Some(op) => {
                        !self.is_input(i)
                            && *op == eqn.op
                            && eqn.operands.iter().map(|&x| self.place(x)).eq(line.operands.iter().copied())
                    }
                }
        };
        self.inner.order.len() == entry.lines.len()
            && self.inner.order.iter().zip(&entry.lines).all(same)
            && self.ids.iter().map(|&id| self.place(id)).eq(entry.outputs.iter().copied())
    }

    fn compile(&self, hash: u64) -> Result<Entry> {
        let graph = Graph::new(self.inner, self.ids);
        let line = |&i: &usize| {
            let (eqn, input) = (&self.inner.eqns[i], self.is_input(i));
            let operands = eqn.operands.iter().map(|&x| self.place(x)).take(if input { 0 } else { usize::MAX });
            Line { op: (!input).then(|| eqn.op.clone()), operands: operands.collect(), ty: eqn.ty.clone() }
        };
        let lines = self.inner.order.iter().map(line).collect();
        let outputs = self.ids.iter().map(|&id| self.place(id)).collect();
        Ok(Entry { hash, lines, outputs, program: Program::new(&graph)? })
    }
}

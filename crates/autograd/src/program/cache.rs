//! Programs that were made before, found by the structure of what is asked.
//!
//! The structure is the list of needed equations: operations with their attributes, operands, types,
//! and which are asked for. The values of inputs are not part of it. A thread keeps its own programs, of
//! which the least recently used go first.

use std::cell::RefCell;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

use rustc_hash::FxHasher;
use smallvec::SmallVec;
use wengert_tensor::{Result, Tensor};

use super::Program;
use super::graph::Graph;
use super::interpret::no_value;
use crate::op::Op;
use crate::tape::{Inner, Request, VarId, pool};
use crate::ty::Type;

/// No more programs than this are kept by a thread,
const PROGRAMS: usize = 64;
/// and no more bytes of their memory, unless a single one needs them.
const BYTES: usize = 1 << 30;

struct Entry {
    hash: u64,
    /// No other entry, of any thread, has the same.
    number: u64,
    /// What the program held on to after its last run.
    bytes: usize,
    structure: Box<Structure>,
    program: Box<Program>,
}

/// What an entry's program computes.
struct Structure {
    lines: Vec<Line>,
    outputs: SmallVec<[u32; 8]>,
}

/// An equation of a structure.
struct Line {
    /// `None` for what has a value.
    op: Option<Op>,
    /// Places among the lines.
    operands: SmallVec<[u32; 4]>,
    ty: Type,
}

struct Cache {
    /// The most recently used last.
    entries: Vec<Entry>,
    hits: u64,
    misses: u64,
}

thread_local! {
    static CACHE: RefCell<Cache> = const { RefCell::new(Cache { entries: Vec::new(), hits: 0, misses: 0 }) };
}

/// What a thread keeps of the requests that were made of its tapes: see [`program_cache`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProgramCache {
    /// How many programs there are.
    pub programs: usize,
    /// The bytes of memory that they hold on to.
    pub bytes: usize,
    /// How many requests were answered by a program that was there,
    pub hits: u64,
    /// and for how many one had to be made.
    pub misses: u64,
}

/// The programs that this thread keeps, and how often they were of use.
///
/// A loop that records the same equations in every round makes one program in the first. Misses that go on mean that
/// something changes which is part of the structure: a shape, a number that is written into an equation rather
/// than given as an input, the number of rounds of a loop.
///
/// ```
/// use wengert_autograd::{clear_program_cache, grad, program_cache};
/// use wengert_tensor::Tensor;
///
/// clear_program_cache();
/// for i in 0..10 {
///     grad(|x| (x * x).sum(), &Tensor::from([i as f64, 1.0]))?;
/// }
/// let cache = program_cache();
/// assert_eq!((cache.programs, cache.hits, cache.misses), (1, 9, 1));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
pub fn program_cache() -> ProgramCache {
    CACHE.with_borrow(|cache| ProgramCache {
        programs: cache.entries.len(),
        bytes: cache.bytes(),
        hits: cache.hits,
        misses: cache.misses,
    })
}

/// Gives back the memory of this thread's programs and of tapes that it dropped, and counts from zero again.
pub fn clear_program_cache() {
    let entries = CACHE.with_borrow_mut(|cache| {
        (cache.hits, cache.misses) = (0, 0);
        std::mem::take(&mut cache.entries)
    });
    // Outside: a rule of the user's may do anything when it is dropped.
    drop(entries);
    pool::clear();
}

impl Cache {
    fn bytes(&self) -> usize {
        self.entries.iter().map(|entry| entry.bytes).sum()
    }

    /// Takes an entry out while it runs: an operation of the user's may itself evaluate something.
    fn take(&mut self, is: impl Fn(&Entry) -> bool) -> Option<Entry> {
        let found = self.entries.iter().rposition(is)?;
        self.hits += 1;
        Some(self.entries.remove(found))
    }

    /// The entries that had to go, to be dropped where nothing is borrowed.
    fn put(&mut self, entry: Entry) -> Vec<Entry> {
        self.entries.push(entry);
        let mut gone = Vec::new();
        while self.entries.len() > PROGRAMS || self.entries.len() > 1 && self.bytes() > BYTES {
            gone.push(self.entries.remove(0));
        }
        gone
    }
}

/// The values of `ids` by a program; nothing else of the tape gets a value.
///
/// # Errors
/// What a kernel refused, with the line of the equation; an equation that depends on a placeholder.
pub(crate) fn run(inner: &mut Inner, ids: &[VarId]) -> Result<Vec<Tensor>> {
    let mut answers = Vec::new();
    run_into(inner, ids, &mut answers)?;
    Ok(answers)
}

/// As [`run`], in place of earlier answers, whose memory is used again where there are as many.
///
/// # Errors
/// As [`run`].
pub(crate) fn run_into(inner: &mut Inner, ids: &[VarId], answers: &mut Vec<Tensor>) -> Result<()> {
    match repeated(inner, ids, answers) {
        Some(outcome) => outcome,
        None => looked_up(inner, ids, answers),
    }
}

/// The values, where the tape repeats one of which the same was asked.
fn repeated(inner: &Inner, ids: &[VarId], answers: &mut Vec<Tensor>) -> Option<Result<()>> {
    let request = inner.eqns.request(ids).filter(|_| !inner.evaluated)?;
    // Without a value it is a placeholder.
    let values = request.inputs.iter().map(|&i| inner.values[i as usize].as_ref());
    let inputs: SmallVec<[&Tensor; 16]> = values.collect::<Option<_>>()?;
    if !inputs.iter().all(|x| is_from_start(x)) {
        return None;
    }
    let entry = CACHE.with_borrow_mut(|cache| cache.take(|entry| entry.number == request.program))?;
    Some(entry.run(&inputs, answers))
}

/// The values, by a program that is found by the structure of what is asked, or made.
fn looked_up(inner: &mut Inner, ids: &[VarId], answers: &mut Vec<Tensor>) -> Result<()> {
    inner.sweep(ids);
    no_placeholder(inner)?;
    let asked = Asked { inner, ids };
    let hash = asked.hash();
    let known = CACHE.with_borrow_mut(|cache| cache.take(|entry| entry.hash == hash && asked.is_of(&entry.structure)));
    let entry = match known {
        Some(entry) => entry,
        None => {
            CACHE.with_borrow_mut(|cache| cache.misses += 1);
            asked.compile(hash)?
        }
    };
    let inputs: Vec<usize> = inner.order.iter().copied().filter(|&i| inner.values[i].is_some()).collect();
    if !inner.evaluated {
        let inputs = inputs.iter().map(|&i| i as u32).collect();
        inner.eqns.note_request(Request { ids: ids.into(), inputs, program: entry.number });
    }
    let inputs: Result<Vec<Tensor>> = inputs.iter().filter_map(|&i| inner.values[i].as_ref()).map(from_start).collect();
    match inputs {
        Ok(inputs) => entry.run(&inputs.iter().collect::<Vec<_>>(), answers),
        Err(error) => {
            drop(entry.back());
            Err(error)
        }
    }
}

impl Entry {
    /// Runs the program and goes back to the cache.
    fn run(mut self, inputs: &[&Tensor], answers: &mut Vec<Tensor>) -> Result<()> {
        let outcome = match answers.len() == self.structure.outputs.len() {
            true => self.program.run_into(inputs, answers),
            false => self.program.run(inputs).map(|made| *answers = made),
        };
        self.bytes = self.program.bytes();
        drop(self.back());
        outcome
    }

    fn back(self) -> Vec<Self> {
        CACHE.with_borrow_mut(|cache| cache.put(self))
    }
}

/// Refuses a request that needs the argument of a function being transformed.
pub(super) fn no_placeholder(inner: &Inner) -> Result<()> {
    let placeholder = |&&i: &&usize| matches!(inner.eqns[i].op, Op::Input(_)) && inner.values[i].is_none();
    match inner.order.iter().find(placeholder) {
        Some(&i) => Err(no_value(&inner.eqns[i])),
        None => Ok(()),
    }
}

/// Whether the elements are one after another from the start of their storage.
fn is_from_start(x: &Tensor) -> bool {
    x.layout().offset() == 0 && x.layout().is_contiguous()
}

/// The tensor with its elements one after another from the start of its storage.
pub(super) fn from_start(x: &Tensor) -> Result<Tensor> {
    match is_from_start(x) {
        true => Ok(x.clone()),
        false => Tensor::build(x.dtype(), x.shape(), |out| wengert_tensor::kernel::copy::copy(x.view(), out)),
    }
}

/// A request, to be compared with those before.
struct Asked<'a> {
    /// The tape, with the equations that are needed in order; those with values are inputs.
    inner: &'a Inner,
    ids: &'a [VarId],
}

impl Asked<'_> {
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
            eqn.ty.shape.iter().for_each(|&size| state.write_usize(size));
            if !self.is_input(i) {
                std::mem::discriminant(&eqn.op).hash(&mut state);
                eqn.operands.iter().for_each(|&x| state.write_u32(self.place(x)));
            }
        }
        self.ids.iter().for_each(|&id| state.write_u32(self.place(id)));
        state.finish()
    }

    /// Whether a structure is this one.
    fn is_of(&self, structure: &Structure) -> bool {
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
        self.inner.order.len() == structure.lines.len()
            && self.inner.order.iter().zip(&structure.lines).all(same)
            && self.ids.iter().map(|&id| self.place(id)).eq(structure.outputs.iter().copied())
    }

    fn compile(&self, hash: u64) -> Result<Entry> {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        let program = Box::new(Program::new(&Graph::new(self.inner, self.ids))?);
        let line = |&i: &usize| {
            let (eqn, input) = (&self.inner.eqns[i], self.is_input(i));
            let operands = eqn.operands.iter().map(|&x| self.place(x)).take(if input { 0 } else { usize::MAX });
            Line { op: (!input).then(|| eqn.op.clone()), operands: operands.collect(), ty: eqn.ty.clone() }
        };
        let lines = self.inner.order.iter().map(line).collect();
        let outputs = self.ids.iter().map(|&id| self.place(id)).collect();
        let structure = Box::new(Structure { lines, outputs });
        let (number, bytes) = (NUMBERS.fetch_add(1, Ordering::Relaxed), program.bytes());
        Ok(Entry { hash, number, bytes, structure, program })
    }
}

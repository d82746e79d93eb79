//! Running what a tape says.
//!
//! - [`interpret`]: one equation after another, every value kept: for a tape that somebody asks again and again.
//! - [`Program`]: for a request that is the tape's last. Equal equations are made one ([`graph`]), loops make what is
//!   read of them ([`narrow`]), constants are folded ([`simplify`]), elementwise equations and reductions are fused into passes over memory ([`fuse`],
//!   [`group`]), what is tiny becomes code for a machine ([`tiny`]), values share memory by their lifetimes ([`memory`], [`arena`]), and the result is
//!   replayed ([`run`](Program::run)) for every tape of the same structure ([`cache`]).
//!
//! - [`Compiled`]: a program in the user's hands; [`compile`] makes them of functions; a [`Profile`] shows where the time
//!   of one goes.
//!
//! All give the same bits: a program runs the same kernels on the same elements.

mod arena;
mod assign;
pub(crate) mod cache;
mod compiled;
mod cost;
mod fate;
mod function;
mod fuse;
mod graph;
mod group;
pub(crate) mod interpret;
mod lifetime;
mod memory;
mod narrow;
mod plan;
mod profile;
mod rows;
mod run;
mod simplify;
mod sink;
mod tiny;
mod widen;

pub use cache::{ProgramCache, clear_program_cache, program_cache};
pub use compiled::{Compiled, Footprint};
pub use cost::Cost;
pub use function::{CompiledFunction, compile};
pub use profile::{Profile, ProfiledStep};

use std::panic::Location;

use smallvec::SmallVec;
use wengert_tensor::kernel::Bound;
use wengert_tensor::{Layout, Storage, Tensor};

use crate::op::Op;
use crate::ty::Type;

/// A planned computation, with the memory it runs in.
#[derive(Debug)]
pub(crate) struct Program {
    given: Vec<Given>,
    constants: Vec<Tensor>,
    specs: Vec<memory::Slot>,
    /// The memory of values and tiles.
    slots: Vec<Storage>,
    /// Whether every slot has the storage it should have between runs: not where a run ended in a panic or an error.
    whole: bool,
    steps: Vec<Step>,
    answers: Vec<Answer>,
    /// Slots whose storage becomes a state's after a run.
    renewals: Vec<memory::Renewal>,
    footprint: Footprint,
    /// A tensor without elements.
    nothing: Tensor,
}

/// What an input of a program is.
#[derive(Debug)]
enum Given {
    /// An argument of every run.
    Argument(usize),
    /// What it was when the program was made; its elements lie in order from the start of its storage.
    Value(Tensor),
    /// What the program itself keeps: the same slot.
    State(usize),
}

/// What elements are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Input(usize),
    Constant(usize),
    Slot(usize),
}

#[derive(Debug)]
enum Step {
    Single(Box<Single>),
    Group(Box<group::Group>),
    Tiny(Box<tiny::Tiny>),
    Reshape(memory::Reshape),
    Copy(Copy),
}

/// One operation on whole operands.
#[derive(Debug)]
struct Single {
    op: Op,
    kernel: Bound,
    operands: SmallVec<[Source; 2]>,
    out: usize,
    ty: Type,
    at: &'static Location<'static>,
    note: cost::Note,
}

/// Puts elements in order in a slot of their own.
#[derive(Debug)]
struct Copy {
    source: Source,
    layout: Layout,
    out: usize,
    note: cost::Note,
}

/// A result that leaves the program.
#[derive(Debug)]
struct Answer {
    source: Source,
    layout: Layout,
    /// The answer that takes the storage along: itself, or the first of the same slot.
    owner: usize,
}

//! Running what a tape says.
//!
//! - [`interpret`]: one equation after another, every value kept: for a tape that somebody asks again and again.
//! - [`Program`]: for a request that is the tape's last. Equal equations are made one ([`graph`]), loops make what is read of them ([`narrow`]), elementwise ones are
//!   fused into passes over tiles ([`fuse`]), values share memory by their lifetimes ([`memory`]), and the result is
//!   replayed ([`run`](Program::run)) for every tape of the same structure ([`cache`]).
//!
//! - [`Compiled`]: a program in the user's hands.
//!
//! All give the same bits: a program runs the same kernels on the same elements.

pub(crate) mod cache;
mod compiled;
mod fuse;
mod graph;
mod group;
pub(crate) mod interpret;
mod memory;
mod narrow;
mod plan;
mod run;

pub use compiled::Compiled;

use std::panic::Location;

use smallvec::SmallVec;
use wengert_tensor::{Layout, Shape, Storage, Tensor};

use crate::op::Op;

/// A planned computation, with the memory it runs in.
#[derive(Debug)]
pub(crate) struct Program {
    constants: Vec<Tensor>,
    specs: Vec<memory::Slot>,
    /// The memory of values and tiles. An operation's result is taken out while it is written.
    slots: Vec<Storage>,
    steps: Vec<Step>,
    answers: Vec<Answer>,
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
    Single(Single),
    Group(group::Group),
}

/// One operation on whole operands.
#[derive(Debug)]
struct Single {
    op: Op,
    operands: SmallVec<[(Source, Layout); 2]>,
    out: usize,
    shape: Shape,
    at: &'static Location<'static>,
}

/// A result that leaves the program.
#[derive(Debug)]
struct Answer {
    source: Source,
    layout: Layout,
}

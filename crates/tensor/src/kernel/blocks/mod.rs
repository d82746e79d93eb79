//! Steps over rows, a block of rows at a time: what a fused group runs.
//!
//! A block goes through all steps, in the L1 cache where its rows are not long, before the next is touched. So a step is
//! short, a microsecond or less, and what it costs before it begins matters. Hence places are numbers, found from the
//! number of a row by a multiplication, and whether all are within their memory is asked once for all blocks
//! ([`places`]); after that a step is its kernel and a few pointers.
//!
//! Always true: all that is written is in *locals*, which are borrowed for writing, and no step reads what it
//! writes but element by element in place.

#![allow(unsafe_code, reason = "places that were checked for all blocks at once")]

mod places;

use std::ops::Range;
use std::panic::Location;

use smallvec::SmallVec;

use self::places::{At, Places};
pub use self::places::{From, Operand, Term};
use crate::error::{Error, Result};
use crate::kernel::bound::Bound;
use crate::kernel::chain::{Chain, Spot};
use crate::kernel::copy;
use crate::kernel::cursor::Walker;
use crate::kernel::far::{self, Ahead, Writer};
use crate::kernel::reduce::Fold;
use crate::kernel::reduce::stream::{self, Stream};
use crate::view::{Data, DataMut};

/// Steps on rows of `cols` elements, `block` rows at a time.
#[derive(Debug)]
pub struct Blocks {
    block: usize,
    cols: usize,
    first: Vec<Step>,
    steps: Vec<Step>,
    ahead: Vec<Operand>,
    /// How many steps pass over whole blocks.
    passes: usize,
}

/// What is done with a block.
#[derive(Debug)]
pub struct Step {
    /// What is done.
    pub work: Work,
    /// Where the result goes: of a local.
    pub out: Operand,
    /// Whether it passes over a block, and not over an element for every row.
    pub passes: bool,
    /// The line that errors name.
    pub at: &'static Location<'static>,
}

/// Kinds of steps.
#[derive(Debug)]
pub enum Work {
    /// An elementwise operation.
    Map(Bound, SmallVec<[Operand; 3]>),
    /// One or two operations of arithmetic.
    Chain(Chain, SmallVec<[Term; 3]>),
    /// Gathers what does not lie in the order of rows, from a source.
    Gather(usize, Walker),
    /// Copies what a result would overwrite.
    Copy(Operand),
    /// Copies a large result from its tile, past the caches.
    Leave(Operand),
    /// Repeats each row's element over the columns.
    Spread(Operand),
    /// Reduces each row.
    Rows(Fold, Operand),
    /// Takes in rows to be reduced to one, so many for each of a block's, with the local of the leaves' results.
    Stream(Stream, usize, Operand, usize),
}

impl Step {
    /// Calls `each` with what the step reads of sources and locals as rows.
    pub fn each_operand(&self, mut each: impl FnMut(&Operand)) {
        match &self.work {
            Work::Map(_, x) => x.iter().for_each(each),
            Work::Chain(_, x) => x.iter().for_each(|term| each(&term.x)),
            Work::Gather(..) => {}
            Work::Copy(x) | Work::Leave(x) | Work::Spread(x) | Work::Rows(_, x) | Work::Stream(_, _, x, _) => each(x),
        }
    }

    /// As [`each_operand`](Self::each_operand), to change them.
    pub fn each_operand_mut(&mut self, each: impl FnMut(&mut Operand)) {
        match &mut self.work {
            Work::Map(_, x) => x.iter_mut().for_each(each),
            Work::Chain(_, x) => x.iter_mut().map(|term| &mut term.x).for_each(each),
            Work::Gather(..) => {}
            Work::Copy(x) | Work::Leave(x) | Work::Spread(x) | Work::Rows(_, x) | Work::Stream(_, _, x, _) => {
                [x].into_iter().for_each(each)
            }
        }
    }
}

impl Blocks {
    /// Steps, of which `first` run once before the first block: what they make is the same for all. `ahead` is worth asking
    /// for before its block comes.
    pub fn new(block: usize, cols: usize, first: Vec<Step>, steps: Vec<Step>, ahead: Vec<Operand>) -> Self {
        let passes = steps.iter().filter(|step| step.passes).count();
        Self { block: block.max(1), cols, first, steps, ahead, passes }
    }

    /// Runs all steps on some rows: those of sources are counted from 0 on, those of locals from the first of `rows` on.
    ///
    /// # Errors
    /// Where a place is not within its memory, and what a kernel refused, with the line of its step.
    pub fn run(&self, shared: &[Data], locals: &mut [DataMut], rows: Range<usize>) -> Result<()> {
        let places = Places::new(shared, locals);
        for step in self.first.iter().chain(&self.steps) {
            places.check(step, self.block, &rows).map_err(|e| e.at(step.at))?;
        }
        far::writing(|writer| self.blocks(&places, rows, writer))
    }

    fn blocks(&self, places: &Places, rows: Range<usize>, writer: &Writer) -> Result<()> {
        let at = |row: usize| At { row, own: row - rows.start, rows: self.block.min(rows.end - row), all: rows.len() };
        let mut block = at(rows.start);
        self.first.iter().try_for_each(|step| self.step(step, places, &block, writer))?;
        let mut ahead: SmallVec<[Ahead; 8]> = SmallVec::new();
        while block.rows > 0 {
            let next = at(block.row + block.rows);
            ahead.clear();
            ahead.extend(self.ahead.iter().map(|x| {
                let (start, bytes) = places.bytes(x, &next);
                Ahead::new(start, bytes, self.passes)
            }));
            for step in &self.steps {
                // A bit with every pass over the block: memory brings only so much at once.
                if step.passes {
                    ahead.iter_mut().for_each(Ahead::bring);
                }
                self.step(step, places, &block, writer)?;
            }
            block = next;
        }
        Ok(())
    }

    /// Runs a step, whose places were checked, on a block of the rows that they were checked for.
    #[inline(always)]
    fn step(&self, step: &Step, places: &Places, at: &At, writer: &Writer) -> Result<()> {
        // SAFETY: the places were checked: they are within their memory, and what is written is nobody's operand.
        let outcome = unsafe {
            match &step.work {
                Work::Chain(chain, x) => {
                    let (to, dtype) = places.start(&step.out, at);
                    let spot = |x: &Term| Spot { start: places.start(&x.x, at).0, row: x.row, along: x.along };
                    let sizes = [at.rows, step.out.width];
                    match &x[..] {
                        [x, y] => chain.pass(dtype, sizes, [spot(x), spot(y)], to),
                        [x, y, z] => chain.pass(dtype, sizes, [spot(x), spot(y), spot(z)], to),
                        _ => {}
                    }
                    return Ok(());
                }
                Work::Map(kernel, x) => {
                    let out = places.data_mut(&step.out, at);
                    let data = |x| places.data(x, at);
                    match &x[..] {
                        [x] => kernel.call(&[data(x)], out),
                        [x, y] => kernel.call(&[data(x), data(y)], out),
                        x => kernel.call(&x.iter().map(data).collect::<SmallVec<[Data; 4]>>(), out),
                    }
                }
                Work::Rows(fold, x) => {
                    stream::rows(*fold, self.cols, places.data(x, at), places.data_mut(&step.out, at))
                }
                Work::Stream(stream, scale, x, totals) => {
                    let (rows, before) = (at.all * scale, at.own * scale);
                    let state = places.local(step.out.from, stream.state());
                    let totals = places.local(From::Local(*totals), stream.totals(rows));
                    stream.take(rows, before, places.data(x, at), state, totals)
                }
                Work::Leave(x) => writer.copy(places.data(x, at), places.data_mut(&step.out, at)),
                Work::Copy(x) => copy::slice(places.data(x, at), places.data_mut(&step.out, at)),
                Work::Spread(x) => copy::spread(places.data(x, at), places.data_mut(&step.out, at), self.cols),
                Work::Gather(source, walker) => {
                    let out = places.data_mut(&step.out, at);
                    walker.read_from(step.out.width * at.row, places.source(*source), out)
                }
            }
        };
        outcome.map_err(|e: Error| e.at(step.at))
    }
}

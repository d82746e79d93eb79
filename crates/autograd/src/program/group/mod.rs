//! A group: operations that pass over memory once, a block of rows at a time.
//!
//! A block goes through all operations of the group, in the L1 cache where its rows are not long, before the next is
//! touched. What only the group reads never leaves its tile. Reductions of trailing axes are done on the block's rows;
//! what is reduced over rows is kept by leaves ([`Stream`]) and finished after the last block.
//!
//! Results and tiles are taken out of the program's memory while the group runs: its *locals*. All that it writes is
//! there, so a part of the rows can be run apart from the others with its own part of every local.

mod build;
mod chain;

use std::fmt;
use std::mem::take;
use std::ops::Range;
use std::panic::Location;

use smallvec::SmallVec;
use wengert_tensor::kernel::Bound;
use wengert_tensor::kernel::chain::Chain;
use wengert_tensor::kernel::copy;
use wengert_tensor::kernel::cursor::Walker;
use wengert_tensor::kernel::far::{self, Writer, prefetch};
use wengert_tensor::kernel::parts::{self, Share, Slices};
use wengert_tensor::kernel::reduce::Fold;
use wengert_tensor::kernel::reduce::stream::{self, Stream};
use wengert_tensor::{Data, DataMut, Error, Result, Storage};

use super::Source;
use super::cost::Note;
use super::memory::Memory;

/// Operations on `rows` rows of `cols` columns, `block` rows at a time.
#[derive(Debug)]
pub(super) struct Group {
    rows: usize,
    cols: usize,
    block: usize,
    /// The slots that are taken out: of results, then of tiles, each for the locals that it holds.
    slots: Vec<(usize, usize)>,
    locals: Vec<Local>,
    /// What is read and not written.
    sources: Vec<Source>,
    /// The rows of a part, which depend on the group alone, and the number of parts.
    part: usize,
    parts: usize,
    /// How many parts have tiles to be run with at the same time.
    lanes: usize,
    /// What is the same for every block.
    first: Vec<Step>,
    /// What every block goes through.
    steps: Vec<Step>,
    ends: Vec<End>,
    /// What is read and written in the order of rows: worth asking for before its block comes.
    ahead: Vec<Operand>,
    /// How many steps pass over whole blocks.
    passes: usize,
    /// What its operations are called, in order.
    names: Vec<&'static str>,
    note: Note,
}

/// Memory that the group writes.
#[derive(Debug, Clone, Copy)]
struct Local {
    /// The number of elements,
    len: usize,
    /// and those that a part of the rows has.
    share: Share,
}

/// A reduction over rows, to be finished.
#[derive(Debug)]
struct End {
    stream: Stream,
    rows: usize,
    totals: usize,
    out: usize,
}

#[derive(Debug)]
struct Step {
    work: Work,
    out: Operand,
    /// Whether it passes over a block, and not over an element for every row.
    passes: bool,
    at: &'static Location<'static>,
}

#[derive(Debug)]
enum Work {
    /// An elementwise operation.
    Map(Bound, SmallVec<[Operand; 3]>),
    /// One or two operations of arithmetic.
    Chain(Chain, SmallVec<[Term; 3]>),
    /// Gathers what does not lie in the group's order.
    Gather(usize, Walker),
    /// Copies what a result would overwrite.
    Copy(Operand),
    /// Copies a large result from its tile.
    Leave(Operand),
    /// Repeats each row's element over the columns.
    Spread(Operand),
    /// Reduces each row.
    Rows(Fold, Operand),
    /// Takes in rows to be reduced to one, so many for each of the group's, with the local of the leaves' results.
    Stream(Stream, usize, Operand, usize),
}

/// Elements of a source: of a row `width`, from `offset` and `step` for every row before on. Tiles hold the present
/// block alone: their steps are 0.
#[derive(Debug, Clone, Copy)]
struct Operand {
    from: From,
    offset: usize,
    step: usize,
    width: usize,
}

/// An operand of arithmetic, which may have fewer elements than the result.
#[derive(Debug, Clone, Copy)]
struct Term {
    x: Operand,
    /// How far apart rows start within a block.
    row: usize,
    /// Whether a row has an element for each of the result, or one for all.
    along: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    /// One of the group's sources.
    Shared(usize),
    Local(usize),
}

/// Rows of the group, from one number to another.
#[derive(Debug, Clone, Copy)]
struct Rows {
    start: usize,
    end: usize,
}

impl Group {
    /// Runs the group on all its rows.
    ///
    /// # Errors
    /// What a kernel refused, with the line of its equation.
    pub fn run(&self, memory: &mut Memory) -> Result<()> {
        let mut taken: SmallVec<[Storage; 16]> =
            self.slots.iter().map(|(slot, _)| take(&mut memory.slots[*slot])).collect();
        let mut locals = Slices::new();
        for (storage, (_, count)) in taken.iter_mut().zip(&self.slots) {
            let mut rest = storage.data_mut();
            for local in &self.locals[locals.len()..][..*count] {
                let (now, later) = rest.split_at_mut(local.len);
                locals.push(now);
                rest = later;
            }
        }
        let shared: SmallVec<[Data; 16]> = self.sources.iter().map(|source| memory.data(*source)).collect();
        let outcome = self.parts(&shared, &mut locals);
        let outcome = outcome.and_then(|()| self.ends.iter().try_for_each(|end| end.finish(&mut locals)));
        drop((shared, locals));
        for (storage, (slot, _)) in taken.into_iter().zip(&self.slots) {
            memory.slots[*slot] = storage;
        }
        outcome
    }

    /// What there is to know of it.
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// The names of its operations, in brackets.
    pub fn names(&self) -> String {
        format!("[{}]", self.names.join(" "))
    }

    /// Runs all parts, at the same time where threads are free.
    fn parts(&self, shared: &[Data], locals: &mut [DataMut]) -> Result<()> {
        if self.parts <= 1 {
            return self.part(shared, Rows { start: 0, end: self.rows }, locals);
        }
        let shares = self.locals.iter().map(|local| local.share);
        parts::parts(locals, shares, [self.parts, self.lanes], &|k, locals| {
            let start = k * self.part;
            self.part(shared, Rows { start, end: (start + self.part).min(self.rows) }, locals)
        })
    }

    /// Runs a part of the rows.
    fn part(&self, shared: &[Data], rows: Rows, locals: &mut [DataMut]) -> Result<()> {
        far::writing(|writer| self.blocks(shared, rows, locals, writer))
    }

    fn blocks(&self, shared: &[Data], rows: Rows, locals: &mut [DataMut], writer: &Writer) -> Result<()> {
        let mut block = Rows { start: rows.start, end: (rows.start + self.block).min(rows.end) };
        self.first.iter().try_for_each(|step| self.step(step, shared, rows, block, locals, writer))?;
        while block.start < block.end {
            let next = Rows { start: block.end, end: (block.end + self.block).min(rows.end) };
            let own = Rows { start: next.start - rows.start, end: next.end - rows.start };
            let mut passes = 0;
            for step in &self.steps {
                // A bit with every pass over the block: memory brings only so much at once.
                if step.passes {
                    for x in &self.ahead {
                        prefetch(x.of(shared, next, locals, own), passes, self.passes);
                    }
                    passes += 1;
                }
                self.step(step, shared, rows, block, locals, writer)?;
            }
            block = next;
        }
        Ok(())
    }

    /// Runs a step on a block of a part's rows.
    fn step(
        &self,
        step: &Step,
        shared: &[Data],
        part: Rows,
        block: Rows,
        locals: &mut [DataMut],
        writer: &Writer,
    ) -> Result<()> {
        let From::Local(local) = step.out.from else { return Ok(()) };
        let mut taken = take(&mut locals[local]);
        let own = Rows { start: block.start - part.start, end: block.end - part.start };
        let outcome = match &step.work {
            Work::Map(kernel, x) => {
                let out = taken.reborrow().range(step.out.range(own));
                let view = |x: &Operand| x.of(shared, block, locals, own);
                match &x[..] {
                    [x] => kernel.call(&[view(x)], out),
                    [x, y] => kernel.call(&[view(x), view(y)], out),
                    x => kernel.call(&x.iter().map(view).collect::<SmallVec<[Data; 4]>>(), out),
                }
            }
            Work::Chain(chain, x) => {
                let out = taken.reborrow().range(step.out.range(own));
                let term = |x: &Term| x.of(&step.out, shared, block, locals, own);
                let sizes = [block.end - block.start, step.out.width];
                match &x[..] {
                    [x, y] => chain.run(sizes, &[term(x), term(y)], out),
                    [x, y, z] => chain.run(sizes, &[term(x), term(y), term(z)], out),
                    _ => Ok(()),
                }
            }
            Work::Stream(stream, scale, x, totals) => {
                let mut totals_taken = take(&mut locals[*totals]);
                let state = taken.reborrow().range(0..stream.state());
                let rows = (part.end - part.start) * scale;
                let leaves = totals_taken.reborrow().range(0..stream.totals(rows));
                let outcome = stream.take(rows, own.start * scale, x.of(shared, block, locals, own), state, leaves);
                locals[*totals] = totals_taken;
                outcome
            }
            Work::Gather(source, walker) => {
                let out = taken.reborrow().range(step.out.range(own));
                walker.read_from(step.out.width * block.start, shared[*source], out)
            }
            Work::Copy(x) | Work::Leave(x) | Work::Spread(x) | Work::Rows(_, x) => {
                let out = taken.reborrow().range(step.out.range(own));
                let x = x.of(shared, block, locals, own);
                match &step.work {
                    Work::Rows(fold, _) => stream::rows(*fold, self.cols, x, out),
                    Work::Spread(_) => copy::spread(x, out, self.cols),
                    Work::Leave(_) => writer.copy(x, out),
                    _ => copy::slice(x, out),
                }
            }
        };
        locals[local] = taken;
        outcome.map_err(|e: Error| e.at(step.at))
    }
}

impl Operand {
    /// The elements of a block: rows `block` of the group, and `own` of the part, whose locals they are.
    #[inline]
    fn of<'a>(&self, shared: &[Data<'a>], block: Rows, locals: &'a [DataMut], own: Rows) -> Data<'a> {
        match self.from {
            From::Shared(source) => shared[source].range(self.range(block)),
            From::Local(local) => locals[local].data().range(self.range(own)),
        }
    }

    /// Where the elements of a block are.
    #[inline]
    fn range(&self, block: Rows) -> Range<usize> {
        let start = self.offset + block.start * self.step;
        start..start + (block.end - block.start) * self.width
    }
}

impl End {
    fn finish(&self, locals: &mut [DataMut]) -> Result<()> {
        let mut out = take(&mut locals[self.out]);
        let totals = locals[self.totals].reborrow().range(0..self.stream.totals(self.rows));
        let outcome = self.stream.finish(self.rows, totals, out.reborrow().range(0..self.stream.width));
        locals[self.out] = out;
        outcome
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} over {}", self.names(), self.rows * self.cols)?;
        if self.cols > 1 {
            write!(f, " = {} x {}", self.rows, self.cols)?;
        }
        Ok(())
    }
}

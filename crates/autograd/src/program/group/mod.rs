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

use smallvec::SmallVec;
use wengert_tensor::kernel::blocks::Blocks;
use wengert_tensor::kernel::parts::{self, Share, Slices};
use wengert_tensor::kernel::reduce::stream::Stream;
use wengert_tensor::{Data, DataMut, Result, Storage};

use super::Source;
use super::cost::Note;
use super::memory::Memory;

/// Operations on `rows` rows of `cols` columns.
#[derive(Debug)]
pub(super) struct Group {
    rows: usize,
    cols: usize,
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
    /// What every block goes through.
    blocks: Blocks,
    ends: Vec<End>,
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
            return self.blocks.run(shared, locals, 0..self.rows);
        }
        let shares = self.locals.iter().map(|local| local.share);
        parts::parts(locals, shares, [self.parts, self.lanes], &|k, locals| {
            let start = k * self.part;
            self.blocks.run(shared, locals, start..(start + self.part).min(self.rows))
        })
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

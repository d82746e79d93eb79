//! Places: elements of sources and locals, found from the number of a row, and checked once for all rows.

use std::marker::PhantomData;
use std::ops::Range;

use smallvec::SmallVec;

use super::{Step, Work};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::kernel::raw::Raw;
use crate::view::{Data, DataMut};

/// Elements of a source: of a row `width`, from `offset` and `step` for every row before on. Tiles hold the present
/// block alone: their steps are 0. Rows within a block follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operand {
    /// Whose elements.
    pub from: From,
    /// Where row 0 starts.
    pub offset: usize,
    /// How much further each row.
    pub step: usize,
    /// The elements of a row.
    pub width: usize,
}

/// An operand of arithmetic, which may have fewer elements than the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// Where a block starts.
    pub x: Operand,
    /// How far apart rows start within a block.
    pub row: usize,
    /// Whether a row has an element for each of the result, or one for all.
    pub along: bool,
}

/// Memory that steps know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// A source, which is only read.
    Shared(usize),
    /// A local.
    Local(usize),
}

impl Term {
    /// An operand with an element for each of the result.
    pub fn full(x: Operand) -> Self {
        Self { x, row: x.width, along: true }
    }
}

/// A block: its first row as sources count, and as locals do, how many rows it has, and how many there are in all.
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    pub row: usize,
    pub own: usize,
    pub rows: usize,
    pub all: usize,
}

#[derive(Debug, Clone, Copy)]
struct Memory {
    raw: Raw,
    /// The bytes of an element.
    size: usize,
}

/// All memory that steps know, borrowed as long as this is there: sources to read, locals to write.
pub(super) struct Places<'a> {
    shared: SmallVec<[Memory; 16]>,
    locals: SmallVec<[Memory; 32]>,
    borrowed: PhantomData<&'a mut [u8]>,
}

impl Memory {
    fn new(raw: Raw) -> Self {
        Self { raw, size: raw.dtype.size() }
    }
}

impl<'a> Places<'a> {
    pub fn new(shared: &'a [Data], locals: &'a mut [DataMut]) -> Self {
        Self {
            shared: shared.iter().map(|x| Memory::new(Raw::read(*x))).collect(),
            locals: locals.iter_mut().map(|x| Memory::new(Raw::write(x))).collect(),
            borrowed: PhantomData,
        }
    }

    fn memory(&self, from: From) -> Option<&Memory> {
        match from {
            From::Shared(i) => self.shared.get(i),
            From::Local(i) => self.locals.get(i),
        }
    }

    /// Whether a step's places are within their memory for all blocks of some rows, and what it writes is apart from what it
    /// reads.
    ///
    /// # Errors
    /// Where not.
    pub fn check(&self, step: &Step, block: usize, rows: &Range<usize>) -> Result<()> {
        // Places are the furthest in the last block or in the last whole one.
        let last = rows.len().saturating_sub(1) / block * block;
        let last = [last.saturating_sub(block), last].map(|own| (own, block.min(rows.len() - own)));
        let within = |x: &Operand, row: usize, width: usize| {
            let (Some(memory), first) =
                (self.memory(x.from), if let From::Shared(_) = x.from { rows.start } else { 0 })
            else {
                return false;
            };
            last.iter().all(|&(own, count)| {
                let start = x.offset.saturating_add((first + own).saturating_mul(x.step));
                let more = count.saturating_sub(1).saturating_mul(row).saturating_add(width);
                count == 0 || start.saturating_add(more) <= memory.raw.len
            })
        };
        let whole = |x: &Operand| within(x, x.width, x.width);
        let mut fits = matches!(step.out.from, From::Local(_)) && !rows.is_empty();
        match &step.work {
            Work::Chain(chain, terms) => {
                let out = &step.out;
                let dtype = |from| self.memory(from).map(|memory| memory.raw.dtype);
                fits &= whole(out)
                    && terms.len() == chain.operands()
                    && matches!(dtype(out.from), Some(DType::F32 | DType::F64))
                    && terms.iter().all(|term| {
                        let own = Term { x: *out, row: out.width, along: true };
                        within(&term.x, term.row, if term.along { out.width } else { 1 })
                            && dtype(term.x.from) == dtype(out.from)
                            && (term.x.from != out.from || *term == own)
                    });
            }
            work => {
                step.each_operand(|x| fits &= whole(x) && x.from != step.out.from);
                match work {
                    Work::Stream(stream, scale, x, totals) => {
                        let totals = From::Local(*totals);
                        let has = |from, n| self.memory(from).is_some_and(|memory| memory.raw.len >= n);
                        fits &= has(step.out.from, stream.state())
                            && has(totals, stream.totals(rows.len().saturating_mul(*scale)))
                            && totals != step.out.from
                            && totals != x.from;
                    }
                    Work::Gather(source, _) => fits &= whole(&step.out) && *source < self.shared.len(),
                    _ => fits &= whole(&step.out),
                }
            }
        }
        fits.then_some(()).ok_or_else(|| misfit(step, rows))
    }

    /// The first element of a block, and its dtype.
    ///
    /// # Safety
    /// The place was checked for the block.
    #[inline(always)]
    pub unsafe fn start(&self, x: &Operand, at: &At) -> (*mut u8, DType) {
        let (memory, row) = match x.from {
            // SAFETY: what was checked is there.
            From::Shared(i) => (unsafe { self.shared.get_unchecked(i) }, at.row),
            // SAFETY: likewise.
            From::Local(i) => (unsafe { self.locals.get_unchecked(i) }, at.own),
        };
        (memory.raw.start.wrapping_add((x.offset + row * x.step) * memory.size), memory.raw.dtype)
    }

    /// The elements of a block.
    ///
    /// # Safety
    /// As [`start`](Self::start), and nobody writes them meanwhile.
    #[inline(always)]
    pub unsafe fn data(&self, x: &Operand, at: &At) -> Data<'_> {
        // SAFETY: as the caller says.
        unsafe {
            let ((start, dtype), len) = (self.start(x, at), at.rows * x.width);
            Raw { start, len, dtype }.data()
        }
    }

    /// The elements of a block, to write.
    ///
    /// # Safety
    /// As [`start`](Self::start), of a local, which nobody else reads or writes meanwhile.
    #[inline(always)]
    pub unsafe fn data_mut(&self, x: &Operand, at: &At) -> DataMut<'_> {
        // SAFETY: as the caller says.
        unsafe {
            let ((start, dtype), len) = (self.start(x, at), at.rows * x.width);
            Raw { start, len, dtype }.data_mut()
        }
    }

    /// The first elements of a local, to write.
    ///
    /// # Safety
    /// As [`data_mut`](Self::data_mut), and there are so many.
    pub unsafe fn local(&self, from: From, len: usize) -> DataMut<'_> {
        let x = Operand { from, offset: 0, step: 0, width: len };
        // SAFETY: as the caller says.
        unsafe { self.data_mut(&x, &At { row: 0, own: 0, rows: 1, all: 1 }) }
    }

    /// A source.
    ///
    /// # Safety
    /// There is one of this number.
    pub unsafe fn source(&self, i: usize) -> Data<'_> {
        // SAFETY: as the caller says.
        unsafe { self.shared.get_unchecked(i).raw.data() }
    }

    /// Where a block starts, which need not be there, and its bytes.
    pub fn bytes(&self, x: &Operand, at: &At) -> (*const u8, usize) {
        let Some(memory) = self.memory(x.from) else { return (std::ptr::null(), 0) };
        let row = if let From::Shared(_) = x.from { at.row } else { at.own };
        let place = x.offset.wrapping_add(row.wrapping_mul(x.step)).wrapping_mul(memory.size);
        (memory.raw.start.wrapping_add(place).cast_const(), (at.rows * x.width).saturating_mul(memory.size))
    }
}

#[cold]
fn misfit(step: &Step, rows: &Range<usize>) -> Error {
    Error::shape(format!("group: rows {rows:?} of {:?} do not fit the memory of {:?}", step.work, step.out))
}

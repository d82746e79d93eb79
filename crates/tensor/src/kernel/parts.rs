//! Work in parts, each with its own parts of several slices.
//!
//! A part has of every slice what its [`Share`] says: elements that belong to the part, or room that belongs to the *lane*
//! which runs it. A lane runs one part after another, so what it works in stays in its processor's caches, and one thread needs
//! the room of one lane, however many parts there are.

#![allow(unsafe_code, reason = "several threads write to disjoint parts of the same slices")]

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use smallvec::SmallVec;

use super::parallel::{self, First};
use super::raw::Raw;
use crate::error::Result;
use crate::view::DataMut;

/// How many elements of a slice a part has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// So many that no other part has, in the order of parts. The last ones may have fewer, or none.
    Part(usize),
    /// So many that no other lane has.
    Lane(usize),
}

/// Slices, or parts of them.
pub type Slices<'a> = SmallVec<[DataMut<'a>; 32]>;

/// Calls `f` with every number below `parts` and with that part's shares of `slices`, one for each of `shares`, on at most
/// `lanes` threads.
///
/// # Errors
/// The first error in the order of the parts; others may have run by then.
pub fn parts(
    slices: &mut [DataMut],
    shares: impl Iterator<Item = Share>,
    [parts, lanes]: [usize; 2],
    f: &(dyn Fn(usize, &mut [DataMut]) -> Result<()> + Sync),
) -> Result<()> {
    let slices: SmallVec<[Slice; 32]> =
        slices.iter_mut().zip(shares).map(|(data, share)| Slice::of(data, share)).collect();
    let (next, first) = (AtomicUsize::new(0), First::default());
    parallel::each(lanes.min(parallel::threads()).max(1), &|lane| {
        let mut own = Slices::new();
        loop {
            let part = next.fetch_add(1, Ordering::Relaxed);
            if part >= parts {
                return Ok(());
            }
            own.clear();
            // SAFETY: every part is taken once, and every lane is there once, and runs its parts one after another; `own`
            // holds those of one part at a time. The slices are borrowed until all lanes have ended.
            own.extend(slices.iter().map(|slice| unsafe { slice.cut(part, lane) }));
            if let Err(error) = f(part, &mut own) {
                first.put(part, error);
                return Ok(());
            }
        }
    })?;
    first.outcome()
}

/// A slice of which threads borrow disjoint ranges.
struct Slice<'a> {
    raw: Raw,
    share: Share,
    borrowed: PhantomData<&'a mut ()>,
}

// SAFETY: numbers may be written by any thread, and each writes to ranges of its own.
unsafe impl Sync for Slice<'_> {}

impl<'a> Slice<'a> {
    fn of(data: &'a mut DataMut, share: Share) -> Self {
        Self { raw: Raw::write(data), share, borrowed: PhantomData }
    }

    /// Where what a part has of it lies when a lane runs that.
    fn range(&self, part: usize, lane: usize) -> Range<usize> {
        let (i, len) = match self.share {
            Share::Part(len) => (part, len),
            Share::Lane(len) => (lane, len),
        };
        let place = |i: usize| i.saturating_mul(len).min(self.raw.len);
        place(i)..place(i + 1)
    }

    /// What a part has of it.
    ///
    /// # Safety
    /// Nothing else reads or writes its elements of this part, or of this lane.
    unsafe fn cut(&self, part: usize, lane: usize) -> DataMut<'a> {
        let Range { start, end } = self.range(part, lane);
        let first = self.raw.start.wrapping_add(start * self.raw.dtype.size());
        // SAFETY: the elements are within the slice; the rest is promised. Ranges of different parts, and of different
        // lanes, have no element in common.
        unsafe { Raw { start: first, len: end - start, ..self.raw }.data_mut() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn every_part_has_its_own() {
        for (count, lanes) in [(0, 1), (1, 1), (5, 2), (9, 32)] {
            let (mut numbers, mut room, mut none) = (vec![0i64; 23], vec![0f32; 2 * lanes], vec![true; 3]);
            let mut slices = [DataMut::I64(&mut numbers), DataMut::F32(&mut room), DataMut::Bool(&mut none)];
            let shares = [Share::Part(3), Share::Lane(2), Share::Part(0)];
            let run = |part: usize, own: &mut [DataMut]| {
                let [DataMut::I64(numbers), DataMut::F32(room), DataMut::Bool(none)] = own else { panic!("{own:?}") };
                assert_eq!((numbers.len(), room.len(), none.len()), (23usize.saturating_sub(3 * part).min(3), 2, 0));
                room.fill(part as f32);
                numbers.fill(part as i64 + 1);
                assert_eq!(**room, [part as f32; 2]);
                Ok(())
            };
            parts(&mut slices, shares.into_iter(), [count, lanes], &run).unwrap();
            let expected = (0..23).map(|i| if i / 3 < count as i64 { i / 3 + 1 } else { 0 });
            assert!(numbers.into_iter().eq(expected));
            assert!(none.into_iter().all(|x| x));
        }
        let bad = |part: usize, _: &mut [DataMut]| if part > 4 { Err(Error::value(format!("{part}"))) } else { Ok(()) };
        assert_eq!(parts(&mut [], [].into_iter(), [9, 3], &bad).unwrap_err().to_string(), "5");
    }
}

//! How convolutions are cut into pieces of work, and the result that several of them write.

#![allow(unsafe_code, reason = "several units of work write to disjoint parts of one result")]

use std::marker::PhantomData;
use std::ops::Range;

use super::tile::Float;
use super::transpose::{Place, transpose_to};
use crate::error::Result;
use crate::kernel::parallel;

/// Four axes, the outermost first, cut evenly into pieces.
#[derive(Clone, Copy)]
pub(super) struct Cuts {
    pub sizes: [usize; 4],
    pieces: [usize; 4],
}

impl Cuts {
    pub fn new(sizes: [usize; 4], longest: [usize; 4]) -> Self {
        Self { sizes, pieces: std::array::from_fn(|i| sizes[i].div_ceil(longest[i].max(1))) }
    }

    /// Pieces of no more than `most`, as long as possible along the innermost axes.
    pub fn greedy(sizes: [usize; 4], most: usize) -> Self {
        let (mut left, mut longest) = (most, [1; 4]);
        for i in (0..4).rev() {
            longest[i] = sizes[i].min(left).max(1);
            left /= longest[i];
        }
        Self::new(sizes, longest)
    }

    pub fn count(&self) -> usize {
        self.pieces.iter().product()
    }

    /// The longest piece along each axis.
    pub fn longest(&self) -> [usize; 4] {
        std::array::from_fn(|i| self.sizes[i].div_ceil(self.pieces[i].max(1)))
    }

    pub fn piece(&self, mut k: usize) -> [Range<usize>; 4] {
        let mut piece = [const { 0..0 }; 4];
        for i in (0..4).rev() {
            let (size, pieces) = (self.sizes[i], self.pieces[i]);
            let at = k % pieces;
            k /= pieces;
            piece[i] = size * at / pieces..size * (at + 1) / pieces;
        }
        piece
    }
}

/// Multiplications that are worth another thread: about 30 microseconds of them.
const WORTH: usize = 1 << 22;

/// Calls `f` with every number below `units`, on several threads where there are so many `products` to make.
pub(super) fn each_unit(units: usize, products: usize, f: &(dyn Fn(usize) -> Result<()> + Sync)) -> Result<()> {
    if products < WORTH { (0..units).try_for_each(f) } else { parallel::each(units, f) }
}

/// A result of which several units write disjoint parts.
pub(super) struct Target<'a, T>(*mut T, usize, PhantomData<&'a mut [T]>);

// SAFETY: units write disjoint parts.
unsafe impl<T: Send> Sync for Target<'_, T> {}

impl<'a, T> Target<'a, T> {
    pub fn new(out: &'a mut [T]) -> Self {
        Self(out.as_mut_ptr(), out.len(), PhantomData)
    }

    /// Writes rows of numbers as columns of the result that no other unit writes.
    pub fn write_transposed(&self, from: (&[T], Place), [rows, columns]: [usize; 2], to: Place)
    where
        T: Float,
    {
        assert!(to.end(columns, rows) <= self.1);
        // SAFETY: within the result, by the assertion; each unit has its own channels and positions.
        unsafe { transpose_to(from, [rows, columns], (self.0, to)) }
    }
}

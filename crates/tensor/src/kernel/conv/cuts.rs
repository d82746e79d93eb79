//! How convolutions are cut into pieces of work, and the result that several of them write.

#![allow(unsafe_code, reason = "several units of work write to disjoint parts of one result")]

use std::marker::PhantomData;
use std::ops::Range;

use super::Problem;
use super::tile::Float;
use super::transpose::{Place, transpose_to};
use crate::error::Result;
use crate::kernel::parallel;
use crate::kernel::window::Axis;

/// Elements of x that are copied at a time: within a core's second-level cache.
pub(super) const BOX: usize = 1 << 17;

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

    /// Pieces of what is summed over, (channel, place in the window), so that at most `at_once` positions read no
    /// more than a box; and the elements of the largest box.
    pub fn of_terms<T>(problem: &Problem<T>, at_once: [usize; 4]) -> (Self, usize) {
        let (axes, inputs) = (&problem.axes, problem.inputs);
        let [a, b, c] = axes.map(|axis| axis.window);
        let mut window = [a, b, c];
        let volume = |window: [usize; 3]| {
            let extents = (0..3).map(|i| extent(&axes[i], at_once[i + 1], window[i]));
            extents.fold(at_once[0], usize::saturating_mul)
        };
        while let Some(i) = (0..3).find(|&i| window[i] > 1).filter(|_| volume(window) > BOX) {
            window[i] = window[i].div_ceil(2);
        }
        let channels = (BOX / volume(window)).clamp(1, inputs);
        let cuts = Self::new([inputs, a, b, c], [channels, window[0], window[1], window[2]]);
        let [channels, a, b, c] = cuts.longest();
        (cuts, volume([a, b, c]).saturating_mul(channels))
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

/// The distances between neighbours along four axes of these sizes, in row-major order.
pub(super) fn steps(sizes: [usize; 4]) -> [usize; 4] {
    [sizes[1] * sizes[2] * sizes[3], sizes[2] * sizes[3], sizes[3], 1]
}

/// Counts through four ranges in row-major order.
pub(super) struct Odometer {
    ranges: [Range<usize>; 4],
    at: [usize; 4],
}

impl Odometer {
    pub fn new(ranges: [Range<usize>; 4]) -> Self {
        Self { at: std::array::from_fn(|i| ranges[i].start), ranges }
    }

    /// Where one is, and goes on.
    pub fn next(&mut self) -> [usize; 4] {
        let at = self.at;
        for i in (0..4).rev() {
            self.at[i] += 1;
            if self.at[i] < self.ranges[i].end {
                break;
            }
            self.at[i] = self.ranges[i].start;
        }
        at
    }
}

/// How long an axis is that so many positions of so much of a window read.
pub(super) fn extent(axis: &Axis, positions: usize, window: usize) -> usize {
    let reach = |n: usize, step: isize| (n - 1).saturating_mul(step as usize);
    reach(positions, axis.stride).saturating_add(reach(window, axis.dilation)).saturating_add(1)
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

    /// Writes neighbours in the result that no other unit writes.
    pub fn write(&self, start: usize, from: &[T])
    where
        T: Copy,
    {
        assert!(start + from.len() <= self.1);
        // SAFETY: within the result, by the assertion; each unit has its own channels and positions.
        unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), self.0.add(start), from.len()) }
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

//! The product in blocks that stay in the caches.
//!
//! The sums are cut into blocks of [`DEPTH`] terms: within one, an element is a chain of multiply-adds
//! from 0 on, and the blocks are added one after another. How rows and columns are cut, what is packed
//! and how many threads there are changes no bit of that, so these are chosen by speed alone.

#![allow(unsafe_code, reason = "cuts matrices into tiles given by pointers")]

use std::ops::Range;

use super::tile::{Float, Kernel, Tile};
use super::{Matrix, scratch};
use crate::error::Result;
use crate::kernel::parallel;

/// Terms of a sum that are added in one go: a panel of y with so many rows, two registers wide, fills
/// much of the first-level cache.
pub(super) const DEPTH: usize = 256;

/// Columns for which y is packed at a time.
const WIDTH: usize = 512;

/// Rows of x that are gone through for each panel of y: with `DEPTH` columns they fit in the second-level cache.
const HEIGHT: usize = 192;

/// Multiply-adds of a piece that another thread may take: a few microseconds of them.
const GRAIN: usize = 1 << 18;

/// Pieces for each thread.
const PIECES: usize = 4;

/// Rows of y that are packed at a time.
const ROWS: usize = 16;

/// Bytes of y that are in the second-level cache when they are read again.
const SECOND: usize = 1 << 20;

/// Bytes of a result that is in a near cache when it is written.
const NEAR: usize = 1 << 18;

/// The rows of a result: the first element, and the distance between rows.
pub(super) struct Rows<T> {
    pub first: *mut T,
    pub step: usize,
}

impl<T> Clone for Rows<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Rows<T> {}

impl<T> Rows<T> {
    /// The rest from a row and a column on.
    fn from(&self, i: usize, j: usize) -> Self {
        Self { first: self.first.wrapping_add(i * self.step + j), ..*self }
    }
}

// SAFETY: whoever gets one alone writes the elements, through whatever reference.
unsafe impl<T: Send> Sync for Rows<T> {}

/// What a product is of and where it goes: `out = x y`, or `out += x y` where `add`.
#[derive(Clone, Copy)]
pub(super) struct Product<'a, 'b, T> {
    pub x: &'b Matrix<'a, T>,
    pub y: &'b Matrix<'a, T>,
    pub out: Rows<T>,
    pub add: bool,
}

/// Computes a product on as many threads as it is worth.
///
/// # Safety
/// The processor has the kernel's instructions, the inner sizes are equal and not 0, and `out` is good
/// for a row of y for each row of x, to which nothing else has access.
#[inline]
pub(super) unsafe fn product<T: Float>(kernel: &Kernel<T>, job: &Product<T>) -> Result<()> {
    let ([m, k], n) = (job.x.sizes, job.y.sizes[1]);
    if k <= DEPTH && n <= 2 * kernel.lanes && job.y.strides[1] == 1 {
        // Nothing to cut and nothing to pack: as little as possible is done for tiny products.
        let (x, y) = ((job.x.first(), job.x.strides), (job.y.first(), job.y.strides[0]));
        // SAFETY: as the caller promises.
        unsafe { tiles(kernel, tile(x, y, job.out, [k, n], [job.add; 2]), m) };
        return Ok(());
    }
    let work = m.saturating_mul(n).saturating_mul(k);
    if work < 2 * GRAIN || parallel::threads() == 1 {
        // SAFETY: as the caller promises.
        return unsafe { piece(kernel, job) };
    }
    // SAFETY: as the caller promises.
    unsafe { shared(kernel, job, parallel::threads().min(work / GRAIN)) }
}

/// As [`product`], on several threads.
unsafe fn shared<T: Float>(kernel: &Kernel<T>, job: &Product<T>, threads: usize) -> Result<()> {
    let ([m, _], n) = (job.x.sizes, job.y.sizes[1]);
    let cuts = Cuts::new([m, n], [kernel.tiles.len(), 2 * kernel.lanes], threads);
    parallel::each(cuts.count(), &|i| {
        let [rows, columns] = cuts.piece(i);
        let (x, y) = (job.x.rows(rows.clone()), job.y.columns(columns.clone()));
        let out = job.out.from(rows.start, columns.start);
        // SAFETY: as the caller promises; no two pieces have an element of the result in common.
        unsafe { piece(kernel, &Product { x: &x, y: &y, out, ..*job }) }
    })
}

/// How a result is cut for threads: evenly, in whole tiles, along rows and columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cuts {
    sizes: [usize; 2],
    tile: [usize; 2],
    pieces: [usize; 2],
}

impl Cuts {
    /// So that all threads end soonest; a few pieces for each, for one may come late or be slow.
    pub fn new(sizes: [usize; 2], tile: [usize; 2], threads: usize) -> Self {
        // What it takes beside a multiply-add to read an element of x from afar, which each cut of columns does, and to
        // pack one of y, which each cut of rows does.
        let [read, pack] = [4, 16];
        let tiles: [usize; 2] = std::array::from_fn(|axis| sizes[axis].div_ceil(tile[axis]));
        let wanted = PIECES * threads;
        let time = |rows: usize| {
            let pieces = [rows, wanted.div_ceil(rows).min(tiles[1])];
            let [m, n] = [0, 1].map(|axis| tiles[axis].div_ceil(pieces[axis]) * tile[axis]);
            let rounds = (pieces[0] * pieces[1]).div_ceil(threads);
            (rounds * (m * n + read * m + pack * n), pieces)
        };

        let (_, pieces) = (1..=wanted.min(tiles[0])).map(time).min().unwrap_or((0, [1; 2]));
        Self { sizes, tile, pieces }
    }

    pub fn count(&self) -> usize {
        self.pieces[0] * self.pieces[1]
    }

    pub fn piece(&self, i: usize) -> [Range<usize>; 2] {
        let at = [i / self.pieces[1], i % self.pieces[1]];
        std::array::from_fn(|axis| {
            let (size, tile, pieces) = (self.sizes[axis], self.tile[axis], self.pieces[axis]);
            let place = |piece: usize| (size.div_ceil(tile) * piece / pieces * tile).min(size);
            place(at[axis])..place(at[axis] + 1)
        })
    }
}

/// As [`product`], on this thread.
#[inline(always)]
unsafe fn piece<T: Float>(kernel: &Kernel<T>, job: &Product<T>) -> Result<()> {
    let (x, y) = (job.x, job.y);
    let ([m, k], n) = (x.sizes, y.sizes[1]);
    // Its rows must be contiguous; and they had better lie together where they are read often, and are too many for the
    // first-level cache. What is in the second is as well read where it is, a few times.
    let often = if k * n * size_of::<T>() > SECOND { 32 } else { 96 };
    let pack_y = y.strides[1] != 1 || (m >= often && k * n > 1 << 13);
    let room = if pack_y { k.min(DEPTH) * n.min(WIDTH) } else { 0 };
    scratch::with(room, |scratch: *mut T| {
        // SAFETY: as the caller promises, and there is room for a block of y.
        unsafe { blocks(kernel, job, pack_y.then_some(scratch)) }
    })
}

/// Block by block; `packed` has room for the largest block of y, if that is to be packed.
unsafe fn blocks<T: Float>(kernel: &Kernel<T>, job: &Product<T>, packed: Option<*mut T>) {
    let (x, y) = (job.x, job.y);
    let ([m, k], n) = (x.sizes, y.sizes[1]);
    let panel = 2 * kernel.lanes;
    let far = m * n * size_of::<T>() > NEAR;
    for p in (0..k).step_by(DEPTH) {
        let depth = (k - p).min(DEPTH);
        let add = job.add || p > 0;
        for j in (0..n).step_by(WIDTH) {
            let width = (n - j).min(WIDTH);
            // SAFETY: the caller promises the instructions and the result; all places are within the
            // sizes of `x` and `y`, and packed panels within the room for a block.
            unsafe {
                if let Some(to) = packed {
                    // A few rows of all panels at a time: so they are read from few places, and far on from each.
                    let some = if y.strides[1] == 1 { ROWS } else { depth };
                    for first in (0..depth).step_by(some) {
                        let rows = (depth - first).min(some);
                        for at in (0..width).step_by(panel) {
                            let columns = (width - at).min(panel);
                            let to = to.add(at * depth + first * columns);
                            (kernel.pack)(y.pointer(p + first, j + at), y.strides, [rows, columns], to);
                        }
                    }
                }
                for i in (0..m).step_by(HEIGHT) {
                    let height = (m - i).min(HEIGHT);
                    for at in (0..width).step_by(panel) {
                        let columns = (width - at).min(panel);
                        let b = match packed {
                            Some(packed) => (packed.cast_const().add(at * depth), columns as isize),
                            None => (y.pointer(p, j + at), y.strides[0]),
                        };
                        let (a, out) = ((x.pointer(i, p), x.strides), job.out.from(i, j + at));
                        tiles(kernel, tile(a, b, out, [depth, columns], [add, add || far]), height);
                    }
                }
            }
        }
    }
}

/// The first of the tiles that lie one below the other.
#[inline(always)]
fn tile<T: Float>(
    (a, [a_row, a_step]): (*const T, [isize; 2]),
    (b, b_step): (*const T, isize),
    out: Rows<T>,
    [k, columns]: [usize; 2],
    [add, fetch]: [bool; 2],
) -> Tile<T> {
    Tile { k, a, a_row, a_step, b, b_step, c: out.first, c_row: out.step, columns, add, fetch }
}

/// Tiles one below the other, of about equal heights, from one on.
#[inline(always)]
unsafe fn tiles<T: Float>(kernel: &Kernel<T>, mut tile: Tile<T>, height: usize) {
    let registers = usize::from(tile.columns > kernel.lanes);
    let (mut left, mut count) = (height, height.div_ceil(kernel.tiles.len()));
    while left > 0 {
        let rows = left.div_ceil(count);
        // SAFETY: as the caller promises; the tile has no more rows than are left, nor than there are functions.
        unsafe { kernel.tiles[rows - 1][registers](&tile) };
        tile.a = tile.a.wrapping_offset(rows as isize * tile.a_row);
        tile.c = tile.c.wrapping_add(rows * tile.c_row);
        (left, count) = (left - rows, count - 1);
    }
}

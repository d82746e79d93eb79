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

/// Multiply-adds of a piece that another thread may take.
const GRAIN: usize = 1 << 22;

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
        let y = (job.y.first(), job.y.strides[0]);
        // SAFETY: as the caller promises.
        unsafe { tiles(kernel, tile(job, [0, 0, 0], k, y, n), m) };
        return Ok(());
    }
    let work = m.saturating_mul(n).saturating_mul(k);
    // SAFETY: as the caller promises.
    unsafe { if work < 2 * GRAIN || parallel::threads() == 1 { piece(kernel, job) } else { halves(kernel, job) } }
}

/// As [`product`], cut in two where there is more than one tile.
unsafe fn halves<T: Float>(kernel: &Kernel<T>, job: &Product<T>) -> Result<()> {
    let &Product { x, y, out, add } = job;
    let (m, n) = (x.sizes[0], y.sizes[1]);
    let by_rows = m >= n;
    let (size, tile) = if by_rows { (m, kernel.tiles.len()) } else { (n, 2 * kernel.lanes) };
    let half = size.div_ceil(2).next_multiple_of(tile);
    if half >= size {
        // SAFETY: as the caller promises.
        return unsafe { piece(kernel, job) };
    }
    let part = |range: Range<usize>| {
        let (x, y, out) = match by_rows {
            true => (x.rows(range.clone()), *y, out.from(range.start, 0)),
            false => (*x, y.columns(range.clone()), out.from(0, range.start)),
        };
        // SAFETY: as the caller promises; the two parts of the result have no element in common.
        unsafe { product(kernel, &Product { x: &x, y: &y, out, add }) }
    };
    let (low, high) = parallel::join(|| part(0..half), || part(half..size));
    low.and(high)
}

/// As [`product`], on this thread.
#[inline(always)]
unsafe fn piece<T: Float>(kernel: &Kernel<T>, job: &Product<T>) -> Result<()> {
    let (x, y) = (job.x, job.y);
    let ([m, k], n) = (x.sizes, y.sizes[1]);
    // Its rows must be contiguous; and where they are read often, and are too many for the first-level cache, they had
    // better lie together.
    let pack_y = y.strides[1] != 1 || (m >= 32 && k * n > 1 << 13);
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
    for p in (0..k).step_by(DEPTH) {
        let depth = (k - p).min(DEPTH);
        for j in (0..n).step_by(WIDTH) {
            let width = (n - j).min(WIDTH);
            // SAFETY: the caller promises the instructions and the result; all places are within the
            // sizes of `x` and `y`, and packed panels within the room for a block.
            unsafe {
                if let Some(to) = packed {
                    for at in (0..width).step_by(panel) {
                        let columns = (width - at).min(panel);
                        (kernel.pack)(y.pointer(p, j + at), y.strides, [depth, columns], to.add(at * depth));
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
                        let tile = tile(job, [i, p, j + at], depth, b, columns);
                        tiles(kernel, tile, height);
                    }
                }
            }
        }
    }
}

/// The tile whose first element is that of row i and column j of the result, with its sum from term p on; `b` is where
/// these rows and columns of y lie.
#[inline(always)]
fn tile<T: Float>(
    job: &Product<T>,
    [i, p, j]: [usize; 3],
    k: usize,
    (b, b_step): (*const T, isize),
    columns: usize,
) -> Tile<T> {
    let &Product { x, out, add, .. } = job;
    let (a, [a_row, a_step]) = (x.pointer(i, p), x.strides);
    Tile { k, a, a_row, a_step, b, b_step, c: out.from(i, j).first, c_row: out.step, columns, add: add || p > 0 }
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

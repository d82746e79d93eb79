//! Convolution with square windows of 3 or 5 by fewer products (Winograd 1980; Lavin & Gray 2016).
//!
//! Polynomials are multiplied by their values at points. With the six points 0, ±a, ±b and infinity, A_n the
//! 6 by n matrix of powers of the points, D the diagonal of interpolation's divisors and B as below,
//!
//! y = A_m' [ Σ over channels of (D A_r w A_r' D) ∘ (B' x B) ] A_m
//!
//! for tiles of m by m results, r + m = 7, of windows of r by r: 36 products instead of m² r², so 4 times fewer
//! for r = 3 and 2.8 times for r = 5. The sums are 36 products of matrices. What is derived from it with respect
//! to w, which has the form of a convolution with r by r positions, is the same read from the other side:
//!
//! wbar = A_r' D [ Σ over tiles of (A_m ybar A_m') ∘ (B' x B) ] D A_r
//!
//! Only f32 is computed so, and the choice depends on shapes alone. With the points ±5/8, ±3/2 the error's
//! standard deviation is about twice that of sums of products in order, and the largest error, relative to
//! the results' standard deviation, stays below 2e-5 (as `tests/conv.rs` holds it to). An infinity or NaN in x
//! may make NaN of all results of the tiles that read it, not only those whose windows hold it.

use std::ops::Range;

use super::Problem;
use super::cuts::{Cuts, Target, each_unit};
use super::images::{Images, Line};
use super::points::{Grid, POINTS, PRODUCTS, Transforms};
use super::tile::{Float, Terms};
use super::transpose::Place;
use crate::error::Result;
use crate::kernel::parallel;

/// Elements of transformed tiles at a time: about a core's second-level cache.
const TILES: usize = 1 << 18;

/// Elements of partial sums, of which there are several where they are not longer than this.
const PARTIAL: usize = 1 << 21;

/// A problem whose windows, or whose positions, are r by r.
pub(super) struct Winograd<'p, 'a> {
    problem: &'p Problem<'a, f32>,
    /// r and m.
    window: usize,
    tile: usize,
    /// Whether positions are r by r, and tiles are of the kernel.
    of_kernel: bool,
    /// (sample, or channel where tiles are of the kernel; 1; rows; columns) of tiles
    tiles: Cuts,
    /// Vectors of output channels of a product, and their pieces.
    vectors: usize,
    pieces: usize,
}

impl<'p, 'a> Winograd<'p, 'a> {
    /// This way, where it is much faster.
    pub fn of(problem: &'p Problem<'a, f32>) -> Option<Self> {
        let Problem { axes: [a, b, c], samples, inputs, outputs, .. } = *problem;
        let plane = a.size == 1 && a.window == 1 && a.positions == 1 && a.lo == 0;
        let dense = [b, c].iter().all(|axis| axis.stride == 1 && axis.dilation == 1);
        let square = |n: usize| n == 3 || n == 5;
        let of_kernel = b.window > POINTS || c.window > POINTS;
        let (window, other) = match of_kernel {
            false => ([b.window, c.window], [b.positions, c.positions]),
            true => ([b.positions, c.positions], [b.window, c.window]),
        };
        if !plane || !dense || window[0] != window[1] || !square(window[0]) {
            return None;
        }
        let (window, tile) = (window[0], POINTS + 1 - window[0]);
        // What is not summed over: channels, of which vectors are made.
        let (repeats, channels) = if of_kernel { (inputs, [samples, outputs]) } else { (samples, [inputs, outputs]) };
        let grid = other.map(|n| n.div_ceil(tile));
        let tiles = repeats.saturating_mul(grid[0]).saturating_mul(grid[1]);
        let (direct, these) = (repeats * other[0] * other[1] * window * window, tiles.saturating_mul(PRODUCTS));
        let many = channels.iter().all(|&n| n >= 16) && channels[0].saturating_mul(channels[1]) <= 1 << 18;
        if !many || tiles < 64 || direct / 2 < these {
            return None;
        }
        let lanes = f32::tiles().lanes;
        let needed = outputs.div_ceil(lanes);
        let pieces = needed.div_ceil(f32::tiles().widest());
        let at_once = (TILES / (PRODUCTS * (channels[0] + channels[1]))).max(12);
        Some(Self {
            problem,
            window,
            tile,
            of_kernel,
            tiles: Cuts::greedy([repeats, 1, grid[0], grid[1]], at_once),
            vectors: needed.div_ceil(pieces),
            pieces,
        })
    }

    /// Fills `out`, which has as many elements as the problem.
    ///
    /// # Errors
    /// Where there is not enough memory.
    pub fn run(&self, out: &mut [f32]) -> Result<()> {
        let target = Target::new(out);
        (0..self.problem.groups).try_for_each(|group| match self.of_kernel {
            false => self.forward(group, &target),
            true => self.kernel_gradient(group, &target),
        })
    }

    /// The most tiles at a time, and the lengths of the strips of x and of results that they are cut from.
    fn most(&self) -> [usize; 3] {
        let [_, _, tall, wide] = self.tiles.longest();
        let read = |n: usize| (n - 1) * self.tile + POINTS;
        [self.tiles.longest().iter().product(), read(tall) * read(wide), tall * wide * self.tile * self.tile]
    }

    /// The images of a group that x is, with the axis that tiles are not summed over as channels.
    fn x(&self, group: usize, image: usize, channel: usize, channels: usize) -> Images<'_> {
        let Problem { x, inputs, axes: [_, b, c], .. } = *self.problem;
        let strides = x.layout.strides();
        Images {
            data: x.data,
            start: x.layout.offset() as isize + (group * inputs) as isize * strides[1],
            image: strides[image],
            channel: strides[channel],
            channels,
            axes: [b, c].map(|axis| Line { size: axis.size, lo: axis.lo, step: axis.step }),
        }
    }

    /// y of one group.
    fn forward(&self, group: usize, target: &Target<f32>) -> Result<()> {
        let Problem { inputs, outputs, .. } = *self.problem;
        let (width, r) = (self.vectors * f32::tiles().lanes, self.window);
        // The kernel's values at the points, [36, piece, input, lane].
        let (all, apart) = (width * self.pieces, inputs * width * self.pieces);
        let [most, read, written] = self.most();
        let padded = most.next_multiple_of(f32::tiles().places(self.vectors));
        let lined = inputs.next_multiple_of(f32::tiles().lanes);
        let needed = [PRODUCTS * most * lined, PRODUCTS * padded * width, read * lined, written * width];
        f32::scratch(PRODUCTS * apart + r * r * all, 0, &mut |numbers, _| {
            let (u, window) = numbers.split_at_mut(PRODUCTS * apart);
            window.fill(0.0);
            for i in 0..inputs {
                self.pack_window(group * outputs, i, window, all);
                for piece in 0..self.pieces {
                    let window = (&window[piece * width..], Grid { row: r * all, column: all });
                    let u = (&mut u[(piece * inputs + i) * width..], Grid::products(apart));
                    Transforms::best().spread(r, window, u, self.vectors, true);
                }
            }
            let u = &*u;
            each_unit(self.tiles.count(), self.problem.products(), &|piece| {
                f32::scratch(needed.iter().sum(), padded + 2 * inputs, &mut |numbers, tables| {
                    let (v, numbers) = numbers.split_at_mut(needed[0]);
                    let (sums, numbers) = numbers.split_at_mut(needed[1]);
                    let (strip, results) = numbers.split_at_mut(needed[2]);
                    self.forward_tiles(group, &self.tiles.piece(piece), u, [v, sums, strip, results], tables, target);
                    Ok(())
                })
            })
        })
    }

    /// y at some tiles.
    fn forward_tiles(
        &self,
        group: usize,
        tiles: &[Range<usize>; 4],
        u: &[f32],
        [v, sums, strip, results]: [&mut [f32]; 4],
        tables: &mut [usize],
        target: &Target<f32>,
    ) {
        let Problem { inputs, outputs, groups, axes, .. } = *self.problem;
        let (width, lanes, m) = (self.vectors * f32::tiles().lanes, f32::tiles().lanes, self.tile);
        let lined = inputs.next_multiple_of(lanes);
        let count = tiles.iter().map(|range| range.len()).product::<usize>();
        let padded = count.next_multiple_of(f32::tiles().places(self.vectors));

        // The differences of x, [36, tile, input].
        let apart = count * lined;
        self.x(group, 0, 1, inputs).tiles(tiles, [m, POINTS], strip, lined, &mut |tile, x, from| {
            let v = (&mut v[tile * lined..], Grid::products(apart));
            Transforms::best().differences((x, from), v, lined / lanes);
        });

        let (bases, tables) = tables.split_at_mut(padded);
        let (vector_offsets, offsets) = tables[..2 * inputs].split_at_mut(inputs);
        bases.iter_mut().enumerate().for_each(|(j, base)| *base = j.min(count - 1) * lined);
        vector_offsets.iter_mut().enumerate().for_each(|(q, at)| *at = q * width);
        offsets.iter_mut().enumerate().for_each(|(q, at)| *at = q);
        let [_, _, tall, wide] = [0, 1, 2, 3].map(|i| tiles[i].len());
        let [height, length] = [axes[1].positions, axes[2].positions];
        let line = wide * m * width;
        for channels in 0..self.pieces {
            for k in 0..PRODUCTS {
                let u = &u[(k * self.pieces + channels) * inputs * width..][..inputs * width];
                let terms = Terms { p: (u, vector_offsets), b: (&v[k * apart..][..apart], offsets) };
                let sums = &mut sums[k * padded * width..][..padded * width];
                f32::tiles().run(self.vectors, terms, bases, sums, true);
            }
            let first = channels * width;
            let rows = group * outputs + first..group * outputs + outputs.min(first + width);
            for (at, n) in tiles[0].clone().enumerate() {
                for (i, j) in (0..tall).flat_map(|i| (0..wide).map(move |j| (i, j))) {
                    let tile = (at * tall + i) * wide + j;
                    let sums = (&sums[tile * width..], Grid::products(padded * width));
                    let results = &mut results[i * m * line + j * m * width..];
                    let to = Grid { row: line, column: width };
                    Transforms::best().gather(m, sums, (results, to), self.vectors, false);
                }
                let left = tiles[3].start * m;
                let columns = length.min(tiles[3].end * m) - left;
                for (i, y) in (tiles[2].start * m..height.min(tiles[2].end * m)).enumerate() {
                    let start = ((n * groups * outputs + rows.start) * height + y) * length + left;
                    let results = (&*results, Place { start: i * line, row: width });
                    target.write_transposed(results, [columns, rows.len()], Place { start, row: height * length });
                }
            }
        }
    }

    /// The windows of the kernel's rows from `row` on at channel `i`: [place, row].
    fn pack_window(&self, row: usize, i: usize, out: &mut [f32], width: usize) {
        let (w, r, [row_step, channel, _, b, c]) = (self.problem.w, self.window, self.problem.kernel_strides());
        let start = w.layout.offset() as isize + row as isize * row_step + i as isize * channel;
        for (k, out) in out.chunks_exact_mut(width).take(r * r).enumerate() {
            let start = start + (k / r) as isize * b + (k % r) as isize * c;
            let out = out.iter_mut().take(self.problem.outputs).enumerate();
            out.for_each(|(o, out)| *out = w.data[(start + o as isize * row_step) as usize]);
        }
    }

    /// What is derived from y with respect to the kernel, of one group.
    fn kernel_gradient(&self, group: usize, target: &Target<f32>) -> Result<()> {
        let Problem { outputs, groups, axes, samples, w, .. } = *self.problem;
        let (width, lanes, [r, m]) = (self.vectors * f32::tiles().lanes, f32::tiles().lanes, [self.window, self.tile]);
        let all = width * self.pieces;
        let padded = samples.next_multiple_of(f32::tiles().places(self.vectors));
        let lined = padded.next_multiple_of(lanes);
        let [most, read, written] = self.most();
        let strip = (read * lined).max(written * all);
        let needed = [PRODUCTS * padded * all, PRODUCTS * most * lined, PRODUCTS * most * all, strip, r * r * width];
        let [row, channel, _, b, c] = self.problem.kernel_strides();
        let x = self.x(group, 1, 0, samples);
        let y = Images {
            data: w.data,
            start: w.layout.offset() as isize + (group * outputs) as isize * row,
            image: channel,
            channel: row,
            channels: outputs,
            axes: [(axes[1], b), (axes[2], c)].map(|(axis, step)| Line { size: axis.window as isize, lo: 0, step }),
        };
        // Partial sums, each of some of the tiles, added in order: for as many threads.
        let parts = (PARTIAL / needed[0]).clamp(1, 4).min(self.tiles.count());
        let part = |k: usize| self.tiles.count() * k / parts..self.tiles.count() * (k + 1) / parts;
        f32::scratch(needed[0] * parts + needed[4], 0, &mut |numbers, _| {
            let (sums, results) = numbers.split_at_mut(needed[0] * parts);
            let one = |at: usize, sums: &mut [f32]| {
                f32::scratch(needed[1] + needed[2] + needed[3], padded + 2 * most, &mut |numbers, tables| {
                    let (v, numbers) = numbers.split_at_mut(needed[1]);
                    let (u, strip) = numbers.split_at_mut(needed[2]);
                    let (bases, tables) = tables.split_at_mut(padded);
                    let (vector_offsets, offsets) = tables.split_at_mut(most);
                    bases.iter_mut().enumerate().for_each(|(j, base)| *base = j);
                    vector_offsets.iter_mut().enumerate().for_each(|(q, at)| *at = q * all);
                    offsets.iter_mut().enumerate().for_each(|(q, at)| *at = q * lined);
                    let pieces = part(at / needed[0]);
                    for piece in pieces.clone() {
                        let tiles = self.tiles.piece(piece);
                        let count = tiles.iter().map(|range| range.len()).product::<usize>();
                        x.tiles(&tiles, [m, POINTS], strip, lined, &mut |tile, x, from| {
                            let v = (&mut v[tile * lined..], Grid::products(count * lined));
                            Transforms::best().differences((x, from), v, lined / lanes);
                        });
                        y.tiles(&tiles, [m, m], strip, all, &mut |tile, y, from| {
                            let u = (&mut u[tile * all..], Grid::products(count * all));
                            Transforms::best().spread(m, (y, from), u, all / lanes, false);
                        });
                        for k in 0..PRODUCTS {
                            for channels in 0..self.pieces {
                                let u = &u[k * count * all + channels * width..][..(count - 1) * all + width];
                                let v = &v[k * count * lined..][..count * lined];
                                let terms = Terms { p: (u, &vector_offsets[..count]), b: (v, &offsets[..count]) };
                                let sums = &mut sums[(channels * PRODUCTS + k) * padded * width..][..padded * width];
                                f32::tiles().run(self.vectors, terms, bases, sums, piece == pieces.start);
                            }
                        }
                    }
                    Ok(())
                })
            };
            parallel::chunks(sums, needed[0], &one)?;
            let (sums, others) = sums.split_at_mut(needed[0]);
            for other in others.chunks_exact(needed[0]) {
                sums.iter_mut().zip(other).for_each(|(sum, other)| *sum += other);
            }
            for channels in 0..self.pieces {
                let first = channels * width;
                let rows = group * outputs + first..group * outputs + outputs.min(first + width);
                for i in 0..samples {
                    let sums = &sums[channels * PRODUCTS * padded * width + i * width..];
                    let sums = (sums, Grid::products(padded * width));
                    let to = Grid { row: r * width, column: width };
                    Transforms::best().gather(r, sums, (results, to), self.vectors, true);
                    let start = (i * groups * outputs + rows.start) * r * r;
                    let results = (&*results, Place { start: 0, row: width });
                    target.write_transposed(results, [r * r, rows.len()], Place { start, row: r * r });
                }
            }
            Ok(())
        })
    }
}

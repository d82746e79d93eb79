//! Convolution without a matrix of windows, for any strides, dilations and groups.
//!
//! ```text
//! out[j, o] = sum over q of w[o, q] x[base[j] + offset[q]],  j = (sample, position), q = (channel, place in the window)
//! ```
//!
//! Output channels are the lanes of vectors, and the [tile](super::tile) of each thread's work reads x through
//! the two tables. x is copied with its padding a box at a time, a box being what some j and some q read; the
//! kernel is packed a panel at a time; results are gathered with channels innermost and written out transposed.
//! Neither j nor q is assumed to be the longer: the derivative with respect to the kernel, a convolution
//! with huge windows at few positions, is the same loop with other cuts.

use std::ops::Range;

use super::Problem;
use super::cuts::{BOX, Cuts, Odometer, Target, each_unit, extent, steps};
use super::tile::{Float, Terms};
use super::transpose::{Place, transpose};
use crate::error::Result;
use crate::kernel::window::Axis;
use crate::view::Strided;

/// Elements of results that are made at a time.
const RESULTS: usize = 1 << 16;

/// Pieces of work that are enough.
const FEW: usize = 8;

/// Places that repay packing the kernel.
const WORTH_PACKING: usize = 96;

/// Terms that are added up before they join the sum of those before: as many as keep a panel in the first-level
/// cache. Sums of sums are also more exact than long chains.
const TERMS: usize = 128;

/// How a problem is cut.
pub(super) struct Direct<'p, 'a, T> {
    problem: &'p Problem<'a, T>,
    /// Vectors of output channels of a tile, at most.
    vectors: usize,
    /// Pieces of the output channels.
    channels: usize,
    /// (sample, position)
    places: Cuts,
    /// (channel, place in the window)
    terms: Cuts,
    /// The elements of the largest box.
    largest: usize,
}

impl<'p, 'a, T: Float> Direct<'p, 'a, T> {
    /// The cuts, unless another way is better.
    pub fn of(problem: &'p Problem<'a, T>) -> Option<Self> {
        let tiles = T::tiles();
        let Problem { axes, samples, outputs, .. } = *problem;
        let single = |axis: &Axis| axis.window == 1 && axis.stride == 1 && axis.positions as isize == axis.size;
        if axes.iter().all(single) && samples < axes[2].positions {
            return None;
        }
        let needed = outputs.div_ceil(tiles.lanes);
        let channels = needed.div_ceil(tiles.widest());
        let vectors = needed.div_ceil(channels);

        let sizes = [samples, axes[0].positions, axes[1].positions, axes[2].positions];
        // A few pieces at least, for as many threads, but none so short that packing the kernel for it costs much.
        let total = sizes.iter().fold(1, |n: usize, &size| n.saturating_mul(size));
        let few = total.div_ceil(FEW.div_ceil(channels.saturating_mul(problem.groups))).max(WORTH_PACKING);
        let places = Cuts::greedy(sizes, few.min(RESULTS / (vectors * tiles.lanes)));
        let at_once = places.longest();

        let (terms, largest) = Cuts::of_terms(problem, at_once);
        // Where strides or dilations leave most of a box unread, only what is read is worth a copy.
        let read = at_once.iter().chain(&terms.longest()).product::<usize>();
        (largest <= 4 * BOX && largest / 8 <= read).then_some(Self {
            problem,
            vectors,
            channels,
            places,
            terms,
            largest,
        })
    }

    /// Fills `out`, which has as many elements as the problem.
    pub fn run(&self, out: &mut [T]) -> Result<()> {
        let target = Target::new(out);
        let units = self.problem.groups * self.channels * self.places.count();
        let size = self.vectors * T::tiles().lanes;
        let most = self.places.longest().iter().product::<usize>() + T::tiles().places(1).max(16);
        let numbers = self.largest + TERMS * size + most * size;
        each_unit(units, self.problem.products(), &|unit| {
            T::scratch(numbers, most + 3 * TERMS, &mut |numbers, places| {
                self.unit(unit, &target, numbers, places, size);
                Ok(())
            })
        })
    }

    /// Some output channels of a group at some positions of some samples.
    fn unit(&self, unit: usize, target: &Target<T>, numbers: &mut [T], tables: &mut [usize], size: usize) {
        let tiles = T::tiles();
        let Problem { axes, inputs, outputs, groups, .. } = *self.problem;
        let (places, unit) = (self.places.piece(unit % self.places.count()), unit / self.places.count());
        let (group, unit) = (unit / self.channels, unit % self.channels);
        let first = unit * size;
        let rows = group * outputs + first..group * outputs + outputs.min(first + size);
        let vectors = rows.len().div_ceil(tiles.lanes);
        let size = vectors * tiles.lanes;

        let (image, numbers) = numbers.split_at_mut(self.largest);
        let (panel, results) = numbers.split_at_mut(TERMS * size);
        let (offsets, tables) = tables.split_at_mut(TERMS);
        let (vector_offsets, tables) = tables.split_at_mut(TERMS);
        let (kernel_offsets, bases) = tables.split_at_mut(TERMS);
        vector_offsets.iter_mut().enumerate().for_each(|(q, at)| *at = q * size);
        let count = places.iter().map(|range| range.len()).product::<usize>();
        let padded = count.next_multiple_of(tiles.places(vectors));

        for k in 0..self.terms.count() {
            let terms = self.terms.piece(k);
            let mut sizes = [terms[0].len(), 0, 0, 0];
            for i in 0..3 {
                sizes[i + 1] = extent(&axes[i], places[i + 1].len(), terms[i + 1].len());
            }
            let step = steps(sizes);
            let sample = step[0] * sizes[0];
            let image = &mut image[..sample * places[0].len()];
            self.fill(group * inputs, &places, &terms, sizes, image);

            let mut odometer = Odometer::new(places.clone());
            for base in &mut bases[..count] {
                let at = odometer.next();
                let moved = (0..3).map(|i| (at[i + 1] - places[i + 1].start) * axes[i].stride as usize * step[i + 1]);
                *base = (at[0] - places[0].start) * sample + moved.sum::<usize>();
            }
            let last = bases[count - 1];
            bases[count..padded].fill(last);

            let mut odometer = Odometer::new(terms.clone());
            let mut left = terms.iter().map(|range| range.len()).product::<usize>();
            let mut begun = k > 0;
            while left > 0 {
                let n = left.min(TERMS);
                left -= n;
                let strides = self.problem.kernel_strides();
                for (offset, kernel_offset) in offsets[..n].iter_mut().zip(&mut *kernel_offsets) {
                    let at = odometer.next();
                    let moved =
                        (0..3).map(|i| (at[i + 1] - terms[i + 1].start) * axes[i].dilation as usize * step[i + 1]);
                    *offset = (at[0] - terms[0].start) * step[0] + moved.sum::<usize>();
                    *kernel_offset = (0..4).fold(0isize, |sum, i| sum + at[i] as isize * strides[i + 1]) as usize;
                }
                self.pack(rows.clone(), &kernel_offsets[..n], panel, size);
                let terms = Terms { p: (panel, &vector_offsets[..n]), b: (image, &offsets[..n]) };
                tiles.run(vectors, terms, &bases[..padded], results, !begun);
                begun = true;
            }
        }

        let all = groups * outputs;
        let [_, a, b, c] = self.places.sizes;
        // Positions that are neighbours in the result: of a row, or of all rows where these are whole.
        let (runs, run) = match places[3].len() == c {
            true => (places[2].start..places[2].start + 1, places[2].len() * c),
            false => (places[2].clone(), places[3].len()),
        };
        let mut done = 0;
        for n in places[0].clone() {
            for pa in places[1].clone() {
                for pb in runs.clone() {
                    let start = (((n * all + rows.start) * a + pa) * b + pb) * c + places[3].start;
                    let results = (&*results, Place { start: done * size, row: size });
                    target.write_transposed(results, [run, rows.len()], Place { start, row: a * b * c });
                    done += run;
                }
            }
        }
    }

    /// Copies what the windows at `places` read at `terms`, with zeros for padding: [samples, channels, ..].
    fn fill(
        &self,
        channel: usize,
        places: &[Range<usize>; 4],
        terms: &[Range<usize>; 4],
        sizes: [usize; 4],
        out: &mut [T],
    ) {
        let Problem { x, axes, .. } = *self.problem;
        let strides = x.layout.strides();
        let first: [isize; 3] =
            std::array::from_fn(|i| axes[i].first(terms[i + 1].start) + places[i + 1].start as isize * axes[i].stride);
        let [a, b, c] = axes;
        // Within the row: so many zeros, then elements.
        let len = sizes[3] as isize;
        let from = (-first[2]).clamp(0, len);
        let to = (c.size - first[2]).clamp(from, len);
        let mut rows = out.chunks_exact_mut(sizes[3]);
        for n in places[0].clone() {
            for i in terms[0].clone() {
                let origin = x.layout.offset() as isize + n as isize * strides[0] + (channel + i) as isize * strides[1];
                for ia in first[0]..first[0] + sizes[1] as isize {
                    for (ib, row) in (first[1]..first[1] + sizes[2] as isize).zip(&mut rows) {
                        if !(0..a.size).contains(&ia) || !(0..b.size).contains(&ib) || from == to {
                            row.fill(T::default());
                            continue;
                        }
                        let start = origin + ia * a.step + ib * b.step + (first[2] + from) * c.step;
                        row[..from as usize].fill(T::default());
                        row[to as usize..].fill(T::default());
                        copy(x, start, c.step, &mut row[from as usize..to as usize]);
                    }
                }
            }
        }
    }

    /// The kernel's rows `rows` at terms that are at `offsets`, term by term, as vectors of `size` numbers; what
    /// is beyond the last row is zeros.
    fn pack(&self, rows: Range<usize>, offsets: &[usize], panel: &mut [T], size: usize) {
        let w = self.problem.w;
        let stride = w.layout.strides()[0];
        let panel = &mut panel[..offsets.len() * size];
        if rows.len() < size {
            panel.fill(T::default());
        }
        let start = (w.layout.offset() as isize).wrapping_add(rows.start as isize * stride) as usize;
        let mut q = 0;
        while q < offsets.len() {
            // Neighbours in the kernel are many together, as a matrix.
            let next = |i: usize| q + i < offsets.len() && offsets[q + i] == offsets[q].wrapping_add(i);
            let run = (1..).find(|&i| !next(i)).unwrap_or(1);
            let first = start.wrapping_add(offsets[q]);
            if run > 1 && stride >= 0 {
                let from = (w.data, Place { start: first, row: stride as usize });
                transpose(from, [rows.len(), run], (panel, Place { start: q * size, row: size }));
            } else {
                for (i, panel) in panel[q * size..].chunks_exact_mut(size).take(run).enumerate() {
                    let places = (0..rows.len() as isize).map(|o| (first + i).wrapping_add_signed(o * stride));
                    panel.iter_mut().zip(places).for_each(|(panel, at)| *panel = w.data[at]);
                }
            }
            q += run;
        }
    }
}

fn copy<T: Float>(x: Strided<T>, start: isize, step: isize, out: &mut [T]) {
    if step == 1 {
        let start = start as usize;
        return out.copy_from_slice(&x.data[start..start + out.len()]);
    }
    for (i, out) in (0..).zip(out) {
        *out = x.data[(start + i * step) as usize];
    }
}

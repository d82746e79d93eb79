//! Convolution to few channels: positions are the lanes of vectors.
//!
//! ```text
//! out[o, f] = sum over q of w[o, q] x[offset[q] + f],  q = (channel, place in the window)
//! ```
//!
//! Rows of positions follow each other at one distance, so f runs through several of them, and through what is
//! between, which is thrown away. Strides are undone when x is copied: elements of one remainder are neighbours.

use super::Problem;
use super::cuts::{BOX, Cuts, Odometer, Target, each_unit, extent};
use super::tile::{Float, Terms};
use crate::error::Result;
use crate::kernel::window::Axis;
use std::ops::Range;

/// Positions at a time.
const POSITIONS: usize = 1 << 12;

/// Terms that are added up before they join the sum of those before.
const TERMS: usize = 256;

/// How a problem is cut.
pub(super) struct Planes<'p, 'a, T> {
    problem: &'p Problem<'a, T>,
    /// (sample, position), one sample at a time.
    places: Cuts,
    /// (channel, place in the window)
    terms: Cuts,
    /// The elements of the largest box.
    largest: usize,
}

/// Where the elements of a box are: of each channel and index of the first axis, parts by the remainders of the
/// other indices by strides, each a plane.
struct Parts {
    /// Elements along the three axes.
    extents: [usize; 3],
    strides: [usize; 2],
    /// Rows and columns of a part.
    part: [usize; 2],
}

impl Parts {
    fn new(axes: &[Axis; 3], places: &[Range<usize>; 4], terms: &[Range<usize>; 4]) -> Self {
        let extents = [0, 1, 2].map(|i| extent(&axes[i], places[i + 1].len(), terms[i + 1].len()));
        let strides = [1, 2].map(|i| axes[i].stride as usize);
        Self { extents, strides, part: [0, 1].map(|i| extents[i + 1].div_ceil(strides[i])) }
    }

    /// The elements of one index of the first axis.
    fn slab(&self) -> usize {
        self.strides[0] * self.strides[1] * self.part[0] * self.part[1]
    }

    fn place(&self, channel: usize, [a, b, c]: [usize; 3]) -> usize {
        let [sb, sc] = self.strides;
        let part = (b % sb) * sc + c % sc;
        ((channel * self.extents[0] + a) * self.slab()) + (part * self.part[0] + b / sb) * self.part[1] + c / sc
    }
}

impl<'p, 'a, T: Float> Planes<'p, 'a, T> {
    /// The cuts, where there are few output channels and enough positions in a row.
    pub fn of(problem: &'p Problem<'a, T>) -> Option<Self> {
        let Problem { axes, samples, outputs, .. } = *problem;
        let lanes = T::tiles().lanes;
        if outputs > lanes || axes[2].positions * 2 < lanes {
            return None;
        }
        let sizes = [samples, axes[0].positions, axes[1].positions, axes[2].positions];
        let mut longest = Cuts::greedy(sizes, POSITIONS).longest();
        longest[0] = 1;
        let places = Cuts::new(sizes, longest);
        let (terms, _) = Cuts::of_terms(problem, places.longest());
        let (at_once, of_window) = (places.longest(), terms.longest());
        let parts = Parts::new(&axes, &at_once.map(|n| 0..n), &of_window.map(|n| 0..n));
        let largest = parts.slab().checked_mul(parts.extents[0])?.checked_mul(of_window[0])?;
        let read = at_once.iter().chain(&of_window).product::<usize>();
        (largest <= 4 * BOX && largest / 8 <= read).then_some(Self { problem, places, terms, largest })
    }

    /// Fills `out`, which has as many elements as the problem.
    ///
    /// # Errors
    /// Where there is not enough memory.
    pub fn run(&self, out: &mut [T]) -> Result<()> {
        let target = Target::new(out);
        let units = self.problem.groups * self.places.count();
        let (tile, width) = self.tile();
        let rows = self.problem.outputs.next_multiple_of(tile);
        let longest = self.places.longest();
        let axes = &self.problem.axes;
        let line = extent(&axes[2], longest[3], self.terms.longest()[3]) / axes[2].stride as usize + 1;
        let results = longest[1] * (longest[2] * line).next_multiple_of(width) * rows;
        let sizes = [self.largest + 2 * width + line, TERMS * rows, results];
        each_unit(units, self.problem.products(), &|unit| {
            T::scratch(sizes.iter().sum(), 2 * TERMS + rows, &mut |numbers, tables| {
                let (image, numbers) = numbers.split_at_mut(sizes[0]);
                let (kernel, results) = numbers.split_at_mut(sizes[1]);
                self.unit(unit, &target, [image, kernel, results], tables);
                Ok(())
            })
        })
    }

    /// Output channels and positions of a tile.
    fn tile(&self) -> (usize, usize) {
        let places = self.problem.outputs.min(4);
        (places, T::tiles().vectors(places) * T::tiles().lanes)
    }

    /// One group at some positions of one sample.
    fn unit(&self, unit: usize, target: &Target<T>, [image, kernel, results]: [&mut [T]; 3], tables: &mut [usize]) {
        let Problem { axes, inputs, outputs, groups, w, .. } = *self.problem;
        let (places, group) = (self.places.piece(unit % self.places.count()), unit / self.places.count());
        let (tile, width) = self.tile();
        let rows = outputs.next_multiple_of(tile);
        let (offsets, tables) = tables.split_at_mut(TERMS);
        let (kernel_offsets, bases) = tables.split_at_mut(TERMS);
        let [slabs, tall, wide] = [1, 2, 3].map(|i| places[i].len());
        // Results of a slab of positions: [piece of `width`, output channel, position].
        let mut layout = (0, 0);

        for k in 0..self.terms.count() {
            let terms = self.terms.piece(k);
            let parts = Parts::new(&axes, &places, &terms);
            self.fill(group * inputs, &places, &terms, &parts, image);
            let line = parts.part[1];
            let flat = (tall - 1) * line + wide;
            let slab = flat.next_multiple_of(width) * rows;
            layout = (line, slab);
            let mut odometer = Odometer::new(terms.clone());
            let mut left = terms.iter().map(|range| range.len()).product::<usize>();
            let mut begun = k > 0;
            while left > 0 {
                let n = left.min(TERMS);
                left -= n;
                let strides = self.problem.kernel_strides();
                for (q, offset) in offsets[..n].iter_mut().enumerate() {
                    let at = odometer.next();
                    let moved = [0, 1, 2].map(|i| (at[i + 1] - terms[i + 1].start) * axes[i].dilation as usize);
                    *offset = parts.place(at[0] - terms[0].start, moved);
                    let from = (0..4).fold(w.layout.offset() as isize, |sum, i| sum + at[i] as isize * strides[i + 1]);
                    for o in 0..rows {
                        let row = (group * outputs + o) as isize * strides[0];
                        kernel[o * n + q] = if o < outputs { w.data[(from + row) as usize] } else { T::default() };
                    }
                }
                kernel_offsets.iter_mut().enumerate().for_each(|(q, at)| *at = q);
                bases.iter_mut().enumerate().for_each(|(o, base)| *base = o * n);
                for a in 0..slabs {
                    let image = &image[a * axes[0].stride as usize * parts.slab()..];
                    for (i, results) in results[a * slab..][..slab].chunks_exact_mut(width * rows).enumerate() {
                        let terms =
                            Terms { p: (&image[i * width..], &offsets[..n]), b: (kernel, &kernel_offsets[..n]) };
                        T::tiles().run_narrow(tile, terms, bases, results, !begun);
                    }
                }
                begun = true;
            }
        }

        let (line, slab) = layout;
        for (i, (a, b)) in places[1].clone().flat_map(|a| places[2].clone().map(move |b| (a, b))).enumerate() {
            let (results, first) = (&results[i / tall * slab..], i % tall * line);
            for o in 0..outputs {
                let row = ((places[0].start * groups + group) * outputs + o) * axes[0].positions + a;
                let start = (row * axes[1].positions + b) * axes[2].positions + places[3].start;
                let mut done = 0;
                while done < wide {
                    let (piece, at) = ((first + done) / width, (first + done) % width);
                    let run = (width - at).min(wide - done);
                    target.write(start + done, &results[(piece * rows + o) * width + at..][..run]);
                    done += run;
                }
            }
        }
    }

    /// Copies what the windows at `places` read at `terms`, with zeros for padding, part by part.
    fn fill(
        &self,
        channel: usize,
        places: &[Range<usize>; 4],
        terms: &[Range<usize>; 4],
        parts: &Parts,
        out: &mut [T],
    ) {
        let Problem { x, axes, .. } = *self.problem;
        let (strides, [a, b, c]) = (x.layout.strides(), axes);
        let first: [isize; 3] =
            std::array::from_fn(|i| axes[i].first(terms[i + 1].start) + places[i + 1].start as isize * axes[i].stride);
        let ([sb, sc], [height, width]) = (parts.strides, parts.part);
        let mut out = out.chunks_exact_mut(width);
        for i in terms[0].clone() {
            let origin = x.layout.offset() as isize
                + places[0].start as isize * strides[0]
                + (channel + i) as isize * strides[1];
            for ia in first[0]..first[0] + parts.extents[0] as isize {
                for (pb, pc) in (0..sb).flat_map(|pb| (0..sc).map(move |pc| (pb, pc))) {
                    // Columns of x that this part has: so many zeros, then every sc-th from `start`.
                    let start = first[2] + pc as isize;
                    let step = sc as isize;
                    let count = |end: isize| ((end - start).max(0) as usize).div_ceil(sc).min(width);
                    let (from, to) = (count(0), count(c.size));
                    for (ib, row) in (0..height).map(|row| first[1] + (row * sb + pb) as isize).zip(&mut out) {
                        if !(0..a.size).contains(&ia) || !(0..b.size).contains(&ib) || from >= to {
                            row.fill(T::default());
                            continue;
                        }
                        row[..from].fill(T::default());
                        row[to..].fill(T::default());
                        let ic = start + from as isize * step;
                        let at = origin + ia * a.step + ib * b.step + ic * c.step;
                        let row = &mut row[from..to];
                        match step * c.step {
                            1 => row.copy_from_slice(&x.data[at as usize..at as usize + row.len()]),
                            step => (0..).zip(row).for_each(|(i, out)| *out = x.data[(at + i * step) as usize]),
                        }
                    }
                }
            }
        }
    }
}

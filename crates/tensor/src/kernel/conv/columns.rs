//! Convolution as a matrix product: windows are written side by side as the columns of a matrix, and a
//! product with the kernel's matrix does the rest.
//!
//! out[n, o, p] = sum over k of w[o, k] columns[k, (n, p)],  k = (channel, place in the window).
//!
//! The columns are made piece by piece in a scratch of bounded size, cut along k too where windows
//! are huge, and over several samples at once where there are few positions. All cuts follow from
//! shapes alone. Windows of one element, side by side, are multiplied in place.

use std::ops::Range;

use super::Conv;
use crate::dtype::Element;
use crate::error::Result;
use crate::kernel::each::map1;
use crate::kernel::gemm::{Entry, Matrix, Path};
use crate::kernel::window::{Axis, SPATIAL};
use crate::layout::Layout;
use crate::shape::Shape;
use crate::storage::Aligned;
use crate::view::Strided;

/// Elements of scratch for columns: about a core's second-level cache.
const SCRATCH: usize = 1 << 17;

/// Columns of a product for which packing the kernel's matrix is well repaid.
const WIDE: usize = 256;

pub(super) fn convolve<T: Entry>(
    x: Strided<T>,
    w: Strided<T>,
    conv: &Conv,
    shape: &Shape,
    out: &mut [T],
) -> Result<()> {
    out.fill(T::default());
    let (samples, channels) = (shape[0], w.layout.shape()[1]);
    let (all_rows, k) = (shape[1], w.layout.shape()[1..].iter().product::<usize>());
    let (places, rows) = (shape[2..].iter().product::<usize>(), all_rows / conv.groups);
    if out.is_empty() || k == 0 {
        return Ok(());
    }
    let source = Source::new(x, w.layout.shape(), conv, shape);

    let kernel_copy: Aligned<T>;
    let (kernel, start, strides) = match w.layout.reshape(&Shape::from([all_rows, k])) {
        Some(flat) => (w.data, flat.offset(), [flat.strides()[0], flat.strides()[1]]),
        None => {
            kernel_copy = elements(w)?;
            (&kernel_copy[..], 0, [k as isize, 1])
        }
    };
    let kernel = Matrix::new(kernel, start, [all_rows, k], strides)?;

    // A piece of the columns is `depth` rows of some places of one sample, or of all places of several.
    let width = (SCRATCH / k).max(WIDE);
    let at_once = if places < WIDE / 2 { (width / places).clamp(1, samples) } else { 1 };
    let per_piece = if at_once > 1 { places } else { width.min(places) };
    let depth = (SCRATCH / (at_once * per_piece)).clamp(1, k);
    let in_place = source.whole_samples(conv).filter(|_| at_once == 1);
    let mut scratch = Aligned::<T>::zeros(if in_place.is_some() { 0 } else { depth * at_once * per_piece })?;
    let mut product = Aligned::<T>::zeros(if at_once > 1 { rows * at_once * places } else { 0 })?;

    for first in (0..samples).step_by(at_once) {
        let batch = first..samples.min(first + at_once);
        for group in 0..conv.groups {
            let kernel = kernel.rows(group * rows..(group + 1) * rows);
            let row = |sample: usize, row: usize| ((sample * conv.groups + group) * rows + row) * places;
            for from in (0..places).step_by(per_piece) {
                let piece = from..places.min(from + per_piece);
                let wide = batch.len() * piece.len();
                let (out, ld) = match batch.len() {
                    1 => (&mut out[row(first, 0) + piece.start..row(first, rows)], places),
                    _ => {
                        product.fill(T::default());
                        (&mut product[..], wide)
                    }
                };
                for from in (0..k).step_by(depth) {
                    let ks = from..k.min(from + depth);
                    let columns = match &in_place {
                        Some(layout) => {
                            source.sample(layout, first, group * channels)?.rows(ks.clone()).columns(piece.clone())
                        }
                        None => {
                            let scratch = &mut scratch[..ks.len() * wide];
                            source.write_columns(group * channels, ks.clone(), batch.clone(), piece.clone(), scratch);
                            Matrix::new(scratch, 0, [ks.len(), wide], [wide as isize, 1])?
                        }
                    };
                    Path::of(rows, ks.len(), wide).add_product(kernel.columns(ks), columns, out, ld)?;
                }
            }
            if batch.len() > 1 {
                for (r, products) in product.chunks_exact(batch.len() * places).take(rows).enumerate() {
                    for (sample, products) in batch.clone().zip(products.chunks_exact(places)) {
                        out[row(sample, r)..row(sample, r + 1)].copy_from_slice(products);
                    }
                }
            }
        }
    }
    Ok(())
}

fn elements<T: Element>(x: Strided<T>) -> Result<Aligned<T>> {
    let mut out = Aligned::zeros(x.layout.numel())?;
    map1("conv", x, &mut out, &|x, out| out.copy_from_slice(x))?;
    Ok(out)
}

/// Where the elements of the windows are.
struct Source<'a, T> {
    x: Strided<'a, T>,
    axes: [Axis; SPATIAL],
}

impl<'a, T: Element> Source<'a, T> {
    fn new(x: Strided<'a, T>, w: &Shape, conv: &Conv, out: &Shape) -> Self {
        let mut axes = [Axis::ONE; SPATIAL];
        let spatial = conv.strides.len();
        for (i, axis) in axes[SPATIAL - spatial..].iter_mut().enumerate() {
            let (window, positions) = (w[i + 2], out[i + 2]);
            *axis = Axis {
                size: x.layout.shape()[i + 2] as isize,
                window,
                stride: Axis::step_over(conv.strides[i], positions),
                dilation: Axis::step_over(conv.dilations[i], window),
                lo: conv.padding[i].0,
                positions,
                step: x.layout.strides()[i + 2],
            };
        }
        Self { x, axes }
    }

    /// A layout [N, C, places] of `x` where every window is one element and every element has one.
    fn whole_samples(&self, conv: &Conv) -> Option<Layout> {
        let single = |axis: &Axis| axis.window == 1 && axis.stride == 1 && axis.positions as isize == axis.size;
        if !self.axes.iter().all(single) || conv.padding.iter().any(|&(lo, hi)| (lo, hi) != (0, 0)) {
            return None;
        }
        let shape = self.x.layout.shape();
        self.x.layout.reshape(&Shape::from([shape[0], shape[1], shape[2..].iter().product()]))
    }

    /// One sample's channels from `channel` on, as the matrix [channels, places].
    fn sample(&self, whole: &Layout, sample: usize, channel: usize) -> Result<Matrix<'a, T>> {
        let (shape, strides) = (whole.shape(), whole.strides());
        let start = whole.place(&[sample, channel, 0]);
        Matrix::new(self.x.data, start, [shape[1] - channel, shape[2]], [strides[1], strides[2]])
    }

    /// Writes the rows `ks` of the columns for some places of some samples; `channel` is the first of
    /// the group. With more than one sample, all places are meant.
    fn write_columns(
        &self,
        channel: usize,
        ks: Range<usize>,
        samples: Range<usize>,
        places: Range<usize>,
        out: &mut [T],
    ) {
        let (layout, [a, b, c]) = (self.x.layout, self.axes);
        let (sample_step, channel_step) = (layout.strides()[0], layout.strides()[1]);
        for (k, out) in ks.zip(out.chunks_exact_mut(samples.len() * places.len())) {
            let (k, wc) = (k / c.window, k % c.window);
            let (k, wb) = (k / b.window, k % b.window);
            let (k, wa) = (k / a.window, k % a.window);
            let (in_a, in_b, in_c) = (a.inside(wa), b.inside(wb), c.inside(wc));
            // Padding has places too, of no element and maybe out of every range: these may wrap.
            let start = [(a, wa), (b, wb), (c, wc)].map(|(axis, w)| axis.first(w).wrapping_mul(axis.step));
            let origin = start
                .into_iter()
                .fold(layout.offset() as isize + (channel + k) as isize * channel_step, isize::wrapping_add);
            for (sample, mut out) in samples.clone().zip(out.chunks_exact_mut(places.len())) {
                let origin = origin.wrapping_add(sample as isize * sample_step);
                let mut place = places.start;
                // Run by run along the last axis.
                while !out.is_empty() {
                    let (outer, start) = (place / c.positions, place % c.positions);
                    let len = out.len().min(c.positions - start);
                    let (run, rest) = out.split_at_mut(len);
                    let (pa, pb) = (outer / b.positions, outer % b.positions);
                    let hit = in_a.contains(&pa) && in_b.contains(&pb);
                    let from = if hit { in_c.start.clamp(start, start + len) } else { start };
                    let to = if hit { in_c.end.clamp(from, start + len) } else { start };
                    run[..from - start].fill(T::default());
                    run[to - start..].fill(T::default());
                    if from < to {
                        let steps = [(a, pa), (b, pb), (c, from)].map(|(axis, p)| p as isize * axis.stride * axis.step);
                        let origin = steps.into_iter().fold(origin, isize::wrapping_add);
                        copy_run(self.x.data, origin, c.stride * c.step, &mut run[from - start..to - start]);
                    }
                    place += len;
                    out = rest;
                }
            }
        }
    }
}

fn copy_run<T: Element>(x: &[T], start: isize, step: isize, out: &mut [T]) {
    if step == 1 {
        return out.copy_from_slice(&x[start as usize..start as usize + out.len()]);
    }
    for (i, out) in (0..).zip(out) {
        *out = x[(start + i * step) as usize];
    }
}

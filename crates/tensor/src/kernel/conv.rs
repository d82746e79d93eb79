//! Convolution (cross-correlation, as in machine learning) over one to three axes.
//!
//! Windows are written side by side as the columns of a matrix, and a product with the kernel's
//! matrix does the rest:
//!
//! out[n, o, p] = sum over k of w[o, k] columns[k, (n, p)],  k = (channel, place in the window).
//!
//! The columns are made piece by piece in a scratch of bounded size, cut along k too where windows
//! are huge, and over several samples at once where there are few positions; so the derivative
//! with respect to the kernel, itself a convolution with huge windows, runs as well as any other.
//! All cuts follow from shapes alone. Windows of one element, side by side, are multiplied in place.

use std::ops::Range;

use crate::dtype::Element;
use crate::error::{Error, Result};
use crate::kernel::each::map1;
use crate::kernel::gemm::{Entry, Matrix, Path};
use crate::kernel::window::{Axis, SPATIAL};
use crate::kernel::with_float;
use crate::layout::{Layout, window_positions};
use crate::shape::Shape;
use crate::storage::Buffer;
use crate::view::{Strided, View, ViewMut};

/// How a kernel moves over the spatial axes: one number each for every one of these.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Conv {
    /// Distance between neighbouring windows.
    pub strides: Vec<usize>,
    /// Zeros before and after the axis; negative where elements are cut off instead.
    pub padding: Vec<(isize, isize)>,
    /// Distance between neighbouring elements of a window.
    pub dilations: Vec<usize>,
    /// Blocks of channels that are convolved each for itself.
    pub groups: usize,
}

impl Conv {
    /// Over `axes` spatial axes: stride and dilation 1, no padding, one group.
    ///
    /// ```
    /// use wengert_tensor::Conv;
    /// let same = Conv::new(2).padding(1).stride(2);
    /// assert_eq!(same.padding, [(1, 1), (1, 1)]);
    /// ```
    pub fn new(axes: usize) -> Self {
        Self { strides: vec![1; axes], padding: vec![(0, 0); axes], dilations: vec![1; axes], groups: 1 }
    }

    /// This with one stride for all axes.
    pub fn stride(mut self, stride: usize) -> Self {
        self.strides.fill(stride);
        self
    }

    /// This with as many zeros on both sides of all axes.
    pub fn padding(mut self, zeros: isize) -> Self {
        self.padding.fill((zeros, zeros));
        self
    }

    /// This with one dilation for all axes.
    pub fn dilation(mut self, dilation: usize) -> Self {
        self.dilations.fill(dilation);
        self
    }

    /// This with so many groups.
    pub fn groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self
    }
}

/// The shape of `x` [N, G I, axes..] convolved with `w` [G O, I, window..]: [N, G O, positions..].
///
/// # Errors
/// Where ranks, channels or groups do not fit, a window is longer than its padded axis, or a number is 0.
pub fn shape(x: &Shape, w: &Shape, conv: &Conv) -> Result<Shape> {
    let wrong = |why: String| Error::shape(format!("conv: {x} with kernel {w}: {why}"));
    let axes = conv.strides.len();
    if conv.padding.len() != axes || conv.dilations.len() != axes {
        return Err(wrong(format!(
            "strides {:?}, padding {:?} and dilations {:?} are for different numbers of axes",
            conv.strides, conv.padding, conv.dilations
        )));
    }
    if !(1..=SPATIAL).contains(&axes) || x.rank() != axes + 2 || w.rank() != axes + 2 {
        return Err(wrong(format!(
            "over {axes} axes both must have rank {}, and these may be 1 to {SPATIAL}",
            axes + 2
        )));
    }
    let groups = conv.groups;
    if groups == 0 || !w[0].is_multiple_of(groups) {
        return Err(wrong(format!("{groups} groups do not divide {} output channels", w[0])));
    }
    if w[1].checked_mul(groups) != Some(x[1]) {
        return Err(wrong(format!("{groups} groups of {} channels are not the {} there are", w[1], x[1])));
    }
    let mut out = Shape::from([x[0], w[0]]);
    for a in 0..axes {
        let (lo, hi) = conv.padding[a];
        let padded = x[a + 2] as i128 + lo as i128 + hi as i128;
        let far = [padded, lo as i128, hi as i128].into_iter().any(|n| n.abs() > FARTHEST as i128);
        if far {
            return Err(Error::memory(format!("conv: axis {} of {x} with padding {lo} and {hi} is too long", a + 2)));
        }
        let positions = window_positions(padded.max(0) as usize, w[a + 2], conv.strides[a], conv.dilations[a]);
        let positions = positions.map_err(|e| e.within(format_args!("conv: {x} with kernel {w}: axis {}", a + 2)))?;
        out = out.with_axis(a + 2, positions);
    }
    Ok(out)
}

/// `x` convolved with `w`, floats of one dtype; shapes are as [`shape`] says.
///
/// # Errors
/// Where dtypes or shapes do not fit.
pub fn conv(x: View, w: View, conv: &Conv, out: ViewMut) -> Result<()> {
    let expected = shape(x.shape(), w.shape(), conv)?;
    if *out.shape() != expected {
        return Err(Error::shape(format!("conv: a result of {} for one of {expected}", out.shape())));
    }
    if x.dtype() != w.dtype() {
        return Err(Error::dtype(format!("conv: dtypes {} and {} differ", x.dtype(), w.dtype())));
    }
    w.shape().numel_checked()?;
    with_float!("conv", x.dtype(), T => {
        let (x, w) = (x.typed::<T>("conv")?, w.typed::<T>("conv")?);
        convolve(x, w, conv, &expected, out.typed::<T>("conv")?)
    })
}

/// Lengths of axes and padding that leave room for sums of a few.
const FARTHEST: isize = isize::MAX / 8;

/// Elements of scratch for columns: about a core's second-level cache.
const SCRATCH: usize = 1 << 17;

/// Columns of a product for which packing the kernel's matrix is well repaid.
const WIDE: usize = 256;

fn convolve<T: Entry>(x: Strided<T>, w: Strided<T>, conv: &Conv, shape: &Shape, out: &mut [T]) -> Result<()> {
    out.fill(T::default());
    let (samples, channels) = (shape[0], w.layout.shape()[1]);
    let (all_rows, k) = (shape[1], w.layout.shape()[1..].iter().product::<usize>());
    let (places, rows) = (shape[2..].iter().product::<usize>(), all_rows / conv.groups);
    if out.is_empty() || k == 0 {
        return Ok(());
    }
    let source = Source::new(x, w.layout.shape(), conv, shape);

    let kernel_copy: Buffer<T>;
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
    let mut scratch = Buffer::<T>::zeros(if in_place.is_some() { 0 } else { depth * at_once * per_piece })?;
    let mut product = Buffer::<T>::zeros(if at_once > 1 { rows * at_once * places } else { 0 })?;

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

fn elements<T: Element>(x: Strided<T>) -> Result<Buffer<T>> {
    let mut out = Buffer::zeros(x.layout.numel())?;
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

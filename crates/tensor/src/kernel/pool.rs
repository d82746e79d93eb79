//! Pooling over the last one to three axes: where the maximum of every window is, and how many
//! elements a window has.
//!
//! A maximum is taken by index, so that its values and its derivatives are a gather. An average is
//! the sum of padded windows divided by [`counts`].

#![allow(unsafe_code, reason = "calls functions compiled for an instruction set that was detected")]

use std::hint::select_unpredictable;

use crate::error::{Error, Result};
use crate::kernel::each::rows;
use crate::kernel::math::Level;
use crate::kernel::number::Number;
use crate::kernel::pad::Pad;
use crate::kernel::window::{Axis, SPATIAL};
use crate::kernel::{with_float, with_number};
use crate::shape::Shape;
use crate::view::{View, ViewMut};

/// How windows move over the last axes: one number each for every one of these.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pool {
    /// Elements of a window.
    pub sizes: Vec<usize>,
    /// Distance between neighbouring windows.
    pub strides: Vec<usize>,
    /// Padding before and after the axis: never a maximum, zeros in an average.
    pub padding: Vec<(usize, usize)>,
    /// Distance between neighbouring elements of a window.
    pub dilations: Vec<usize>,
    /// Whether a last window may reach beyond the padded axis, if it starts before the padding after it.
    pub ceil: bool,
}

impl Pool {
    /// Windows of `sizes`, side by side.
    ///
    /// ```
    /// use wengert_tensor::Pool;
    /// let overlapping = Pool::new(&[3, 3]).stride(2).padding(1);
    /// assert_eq!(overlapping.strides, [2, 2]);
    /// ```
    pub fn new(sizes: &[usize]) -> Self {
        let axes = sizes.len();
        let (sizes, strides) = (sizes.to_vec(), sizes.to_vec());
        Self { sizes, strides, padding: vec![(0, 0); axes], dilations: vec![1; axes], ceil: false }
    }

    /// This with one stride for all axes.
    pub fn stride(mut self, stride: usize) -> Self {
        self.strides.fill(stride);
        self
    }

    /// This with as much padding on both sides of all axes.
    pub fn padding(mut self, padding: usize) -> Self {
        self.padding.fill((padding, padding));
        self
    }

    /// This with one dilation for all axes.
    pub fn dilation(mut self, dilation: usize) -> Self {
        self.dilations.fill(dilation);
        self
    }

    /// This with a last window that may reach beyond the padded axis.
    #[doc(alias = "ceil_mode")]
    pub fn ceil(mut self, ceil: bool) -> Self {
        self.ceil = ceil;
        self
    }

    /// The padding of a tensor of shape `x` within which all windows lie.
    ///
    /// # Errors
    /// As [`shape`].
    pub fn pads(&self, x: &Shape) -> Result<Vec<Pad>> {
        let axes = self.axes(x)?;
        let lead = x.rank() - self.sizes.len();
        let mut pads = vec![Pad::default(); lead];
        for (axis, &(lo, hi)) in axes[SPATIAL - self.sizes.len()..].iter().zip(&self.padding) {
            let last = (axis.positions - 1) as isize * axis.stride + (axis.window - 1) as isize * axis.dilation;
            let beyond = last + 1 - axis.lo - axis.size;
            pads.push(Pad { lo, hi: hi.max(beyond.max(0) as usize), interior: 0 });
        }
        Ok(pads)
    }

    /// The axes, checked; their steps are left 0.
    fn axes(&self, x: &Shape) -> Result<[Axis; SPATIAL]> {
        let axes = self.sizes.len();
        let wrong = |why: String| Error::shape(format!("pool: {x} by windows of {:?}: {why}", self.sizes));
        if self.strides.len() != axes || self.padding.len() != axes || self.dilations.len() != axes {
            let (s, p, d) = (&self.strides, &self.padding, &self.dilations);
            return Err(wrong(format!("strides {s:?}, padding {p:?} or dilations {d:?} are not {axes} each")));
        }
        if !(1..=SPATIAL).contains(&axes) || x.rank() < axes {
            return Err(wrong(format!("{axes} axes, where there may be 1 to {SPATIAL} and no more than the rank")));
        }
        let mut out = [Axis::ONE; SPATIAL];
        for i in 0..axes {
            let at = x.rank() - axes + i;
            let [size, stride, dilation] = [self.sizes[i], self.strides[i], self.dilations[i]];
            out[SPATIAL - axes + i] = axis(x[at], size, stride, dilation, self.padding[i], self.ceil)
                .map_err(|e| e.within(format_args!("pool: axis {at} of {x}")))?;
        }
        Ok(out)
    }
}

fn axis(
    size: usize,
    window: usize,
    stride: usize,
    dilation: usize,
    (lo, hi): (usize, usize),
    ceil: bool,
) -> Result<Axis> {
    const FARTHEST: usize = isize::MAX as usize / 8;
    if window == 0 || stride == 0 || dilation == 0 {
        return Err(Error::value(format!(
            "a window of size {window}, stride {stride} and dilation {dilation}: each must be at least 1"
        )));
    }
    let reach = (window - 1).saturating_mul(dilation);
    if [size, lo, hi, reach].into_iter().any(|n| n > FARTHEST) {
        return Err(Error::memory(format!(
            "a window of {window}, {dilation} apart, with padding {lo} and {hi}, reaches too far"
        )));
    }
    let Some(left) = (size + lo + hi).checked_sub(reach + 1) else {
        return Err(Error::shape(format!(
            "a window of {window} elements, {dilation} apart, is longer than {size} padded by {lo} and {hi}"
        )));
    };
    let mut positions = left / stride + 1;
    if ceil {
        // One more window where elements are left over, unless it would start in the padding after the axis.
        let steps = left.div_ceil(stride);
        positions = if steps.saturating_mul(stride) < size + lo { steps + 1 } else { steps.max(1) };
    }
    let axis = Axis {
        size: size as isize,
        window,
        stride: Axis::step_over(stride, positions),
        dilation: Axis::step_over(dilation, window),
        lo: lo as isize,
        positions,
        step: 0,
    };
    // Where elements are no farther apart than the axis is long, only the outermost windows can miss it.
    let inner = if dilation <= size { 0..1 } else { 0..positions };
    match inner.chain([positions - 1]).find(|&p| axis.places(p).is_empty()) {
        Some(p) => Err(Error::shape(format!(
            "window {p} of {window} elements, {dilation} apart, has none but padding: {size} padded by {lo} and {hi}"
        ))),
        None => Ok(axis),
    }
}

/// The shape of `x` [.., axes..] pooled: [.., positions..].
///
/// # Errors
/// Where numbers of axes do not fit, a size, stride or dilation is 0, or a window is longer than its
/// padded axis or would hold nothing but padding.
pub fn shape(x: &Shape, pool: &Pool) -> Result<Shape> {
    let axes = pool.axes(x)?;
    let spatial = pool.sizes.len();
    let positions = axes[SPATIAL - spatial..].iter().map(|axis| axis.positions);
    Ok(x[..x.rank() - spatial].iter().copied().chain(positions).collect())
}

/// The place of every window's maximum, as an index into the flattened pooled axes: the first of equal
/// ones, and of NaNs if there are any. Padding is never chosen. The result is i64, its shape as [`shape`] says.
///
/// # Errors
/// Where shapes or dtypes do not fit.
pub fn arg_max_pool(x: View, pool: &Pool, out: ViewMut) -> Result<()> {
    let expected = shape(x.shape(), pool)?;
    if *out.shape() != expected {
        return Err(Error::shape(format!("max_pool: a result of {} for one of {expected}", out.shape())));
    }
    let mut axes = pool.axes(x.shape())?;
    let lead = x.shape().rank() - pool.sizes.len();
    for (axis, &step) in axes[SPATIAL - pool.sizes.len()..].iter_mut().zip(&x.layout().strides()[lead..]) {
        axis.step = step;
    }
    let out = out.typed::<i64>("max_pool")?;
    let plane = axes.iter().map(|axis| axis.positions).product::<usize>().max(1);
    with_number!("max_pool", x.dtype(), T => {
        let x = x.typed::<T>("max_pool")?;
        let mut planes = out.chunks_exact_mut(plane);
        rows(&x.layout.shape()[..lead], [&x.layout.strides()[..lead]], [x.layout.offset()], |row| {
            for (i, out) in (0..row.len as isize).zip(&mut planes) {
                arg_max_plane(x.data, row.start[0] as isize + i * row.stride[0], &axes, out);
            }
        });
        Ok(())
    })
}

/// Windows whose maxima are found side by side.
const TILE: usize = 128;

/// Row by row of windows, and within one element of all windows after another.
fn arg_max_plane<T: Number>(x: &[T], start: isize, axes: &[Axis; SPATIAL], out: &mut [i64]) {
    let ([a, b, c], level) = (axes, Level::best());
    let (mut best, mut buffer) = ([T::ZERO; TILE], [T::ZERO; TILE]);
    let mut out = out.chunks_exact_mut(c.positions);
    for pa in 0..a.positions {
        for (pb, out) in (0..b.positions).zip(&mut out) {
            for (tile, places) in out.chunks_mut(TILE).enumerate() {
                places.fill(NONE);
                let first = tile * TILE;
                for ia in a.elements(pa) {
                    for ib in b.elements(pb) {
                        let (row, flat) = (start + ia * a.step + ib * b.step, (ia * b.size + ib) * c.size);
                        for wc in 0..c.window {
                            let inside = c.inside(wc);
                            let from = inside.start.clamp(first, first + places.len());
                            let to = inside.end.clamp(from, first + places.len());
                            if from == to {
                                continue;
                            }
                            let ic = c.first(wc) + from as isize * c.stride;
                            let values = spaced(x, row + ic * c.step, c.stride * c.step, &mut buffer[..to - from]);
                            let range = from - first..to - first;
                            let so_far = (&mut best[range.clone()], &mut places[range]);
                            update(level, values, so_far, (flat + ic) as i64, c.stride as i64);
                        }
                    }
                }
            }
        }
    }
}

/// So many elements as the buffer has, `step` apart: where they are, or in the buffer.
fn spaced<'a, T: Number>(x: &'a [T], start: isize, step: isize, buffer: &'a mut [T]) -> &'a [T] {
    let n = buffer.len();
    match step {
        1 => return &x[start as usize..start as usize + n],
        2 => {
            let x = &x[start as usize..start as usize + 2 * n - 1];
            buffer.iter_mut().zip(x.as_chunks::<2>().0).for_each(|(out, x)| *out = x[0]);
            buffer[n - 1] = x[2 * n - 2];
        }
        _ => buffer.iter_mut().enumerate().for_each(|(i, out)| *out = x[(start + i as isize * step) as usize]),
    }
    buffer
}

/// The place of a maximum of nothing.
const NONE: i64 = -1;

/// One more element of every window, after those that made the maxima so far: larger, or the first NaN. Its
/// place is `place` in the first window, and `step` more in each that follows.
#[inline(always)]
fn update_each<T: Number>(values: &[T], (best, places): (&mut [T], &mut [i64]), place: i64, step: i64) {
    for (i, ((&x, best), at)) in (0..).zip(values.iter().zip(best).zip(places)) {
        let better = (x > *best) | (x.undefined() & !best.undefined()) | (*at == NONE);
        *best = select_unpredictable(better, x, *best);
        *at = select_unpredictable(better, place + i * step, *at);
    }
}

fn update<T: Number>(level: Level, values: &[T], so_far: (&mut [T], &mut [i64]), place: i64, step: i64) {
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    fn avx2<T: Number>(values: &[T], so_far: (&mut [T], &mut [i64]), place: i64, step: i64) {
        update_each(values, so_far, place, step);
    }
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma,avx512f,avx512dq,avx512vl")]
    fn avx512<T: Number>(values: &[T], so_far: (&mut [T], &mut [i64]), place: i64, step: i64) {
        update_each(values, so_far, place, step);
    }
    match level {
        Level::Portable => update_each(values, so_far, place, step),
        // SAFETY: the level is the best that the processor was found to have; likewise below.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { avx2(values, so_far, place, step) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { avx512(values, so_far, place, step) },
    }
}

/// How many elements every window has: the divisor of its average. The result has the shape of the
/// positions alone, and a float dtype. With `padding`, padding counts too, but nothing beyond it.
///
/// # Errors
/// Where shapes do not fit or the result's dtype is no float.
pub fn counts(x: &Shape, pool: &Pool, padding: bool, out: ViewMut) -> Result<()> {
    let positions = shape(x, pool)?;
    let lead = positions.rank() - pool.sizes.len();
    if out.shape()[..] != positions[lead..] {
        return Err(Error::shape(format!("avg_pool: counts of {} for {positions}", out.shape())));
    }
    let mut axes = pool.axes(x)?;
    for (axis, &(lo, hi)) in axes[SPATIAL - pool.sizes.len()..].iter_mut().zip(&pool.padding) {
        if padding {
            axis.lo = 0;
            axis.size += (lo + hi) as isize;
        }
    }
    let [a, b, c] = axes;
    with_float!("avg_pool", out.dtype(), T => {
        let mut out = out.typed::<T>("avg_pool")?.iter_mut();
        for pa in 0..a.positions {
            for pb in 0..b.positions {
                for (pc, out) in (0..c.positions).zip(&mut out) {
                    *out = (a.places(pa).len() * b.places(pb).len() * c.places(pc).len()) as T;
                }
            }
        }
        Ok(())
    })
}

//! Pooling over the last one to three axes: where the maximum of every window is, and how many
//! elements a window has.
//!
//! A maximum is taken by index, so that its values and its derivatives are a gather. An average is
//! the sum of padded windows, a convolution with [ones](Pool::sums), divided by [`counts`].

use crate::error::{Error, Result};
use crate::kernel::conv::Conv;
use crate::kernel::level::levels;
use crate::kernel::number::Number;
use crate::kernel::pad::Pad;
use crate::kernel::parallel;
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

    /// The convolution that adds up the windows of [.., 1, axes..] with a kernel of ones, for the axes of `x`.
    ///
    /// # Errors
    /// As [`shape`].
    pub fn sums(&self, x: &Shape) -> Result<Conv> {
        let axes = self.axes(x)?;
        let padding = axes[SPATIAL - self.sizes.len()..].iter().map(|axis| {
            let last = (axis.positions - 1) as isize * axis.stride + (axis.window - 1) as isize * axis.dilation;
            // Less than nothing where elements are left over.
            (axis.lo, last + 1 - axis.lo - axis.size)
        });
        let padding = padding.collect();
        Ok(Conv { strides: self.strides.clone(), padding, dilations: self.dilations.clone(), groups: 1 })
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
        let (sizes, strides) = (&x.layout.shape()[..lead], &x.layout.strides()[..lead]);
        // Where the n-th plane starts.
        let start = |mut n: usize| {
            let axes = sizes.iter().zip(strides).rev();
            axes.fold(x.layout.offset() as isize, |start, (&size, &stride)| {
                let at = n % size;
                n /= size;
                start + at as isize * stride
            })
        };
        parallel::chunks(out, PIECE.div_ceil(plane) * plane, &|first, out| {
            for (n, out) in (first / plane..).zip(out.chunks_exact_mut(plane)) {
                arg_max_plane(x.data, start(n), &axes, out);
            }
            Ok(())
        })
    })
}

/// Windows that are worth another thread.
const PIECE: usize = 1 << 14;

/// Elements that are compared together.
const LANES: usize = 16;

/// Windows whose maxima are found side by side: rows of them, or part of a row.
const TILE: usize = 8 * LANES;

/// Tile by tile of windows, and within one element of all windows after another: larger than those before,
/// or the first NaN. Padding is as low as any element and comes after a window's first.
fn arg_max_plane<T: Number>(x: &[T], start: isize, [a, b, c]: &[Axis; SPATIAL], out: &mut [i64]) {
    let (row, plane) = (c.size, b.size * c.size);
    let width = c.positions.min(TILE);
    let height = TILE / width;
    // The lanes that come after a row's last may be written too.
    let mut values = [T::LOWEST; TILE + LANES];
    for (pa, out) in out.chunks_exact_mut(b.positions * c.positions).enumerate() {
        for first_b in (0..b.positions).step_by(height) {
            let rows = first_b..b.positions.min(first_b + height);
            for first_c in (0..c.positions).step_by(width) {
                let columns = first_c..c.positions.min(first_c + width);
                let (width, used) = (columns.len(), (columns.len() * rows.len()).next_multiple_of(LANES));
                // The best so far, and how far from its window's start it is.
                let (mut best, mut far) = ([T::LOWEST; TILE], [0; TILE]);
                let first_a = a.first_place(pa) * a.dilation * plane;
                for (pb, far) in rows.clone().zip(far.chunks_exact_mut(width)) {
                    let first_b = first_a + b.first_place(pb) * b.dilation * row;
                    for (pc, far) in columns.clone().zip(far) {
                        *far = (first_b + c.first_place(pc) * c.dilation) as i64;
                    }
                }
                for wa in a.places(pa) {
                    let ia = a.first(wa) + pa as isize * a.stride;
                    for wb in 0..b.window {
                        for wc in 0..c.window {
                            let inside = c.inside(wc);
                            let from = inside.start.clamp(columns.start, columns.end);
                            let to = inside.end.clamp(from, columns.end);
                            let ic = c.first(wc) + from as isize * c.stride;
                            for (i, pb) in rows.clone().enumerate() {
                                let values = &mut values[i * width..];
                                let ib = b.first(wb) + pb as isize * b.stride;
                                if !(0..b.size).contains(&ib) {
                                    values[..width].fill(T::LOWEST);
                                    continue;
                                }
                                let start = start + ia * a.step + ib * b.step + ic * c.step;
                                let (low, high) = (from - columns.start, to - columns.start);
                                if low > 0 {
                                    values[..low].fill(T::LOWEST);
                                }
                                spaced(x, start, c.stride * c.step, high - low, &mut values[low..]);
                                if high < width {
                                    values[high..width].fill(T::LOWEST);
                                }
                            }
                            let [wa, wb, wc] = [(a, wa), (b, wb), (c, wc)].map(|(axis, w)| w as isize * axis.dilation);
                            let here = (wa * plane + wb * row + wc) as i64;
                            keep_larger(&values[..used], here, &mut best[..used], &mut far[..used]);
                        }
                    }
                }
                for (pb, far) in rows.clone().zip(far.chunks_exact(width)) {
                    let [a, b] = [(a, pa), (b, pb)].map(|(axis, p)| axis.first(0) + p as isize * axis.stride);
                    let origin = a * plane + b * row + c.first(0) + columns.start as isize * c.stride;
                    let out = &mut out[pb * c.positions..][columns.clone()];
                    for ((i, out), far) in (0..).zip(out).zip(far) {
                        *out = origin as i64 + i * c.stride as i64 + far;
                    }
                }
            }
        }
    }
}

levels! {
    /// The larger of each element and the best so far, or the first NaN, and where it is.
    fn keep_larger[T: Number](x: &[T], here: i64, best: &mut [T], far: &mut [i64]) {
        for (&x, (best, far)) in x.iter().zip(best.iter_mut().zip(far)) {
            let better = (x > *best) | (x.undefined() & !best.undefined());
            *best = if better { x } else { *best };
            *far = if better { here } else { *far };
        }
    }
}

/// `n` elements `step` apart, and maybe some others after them, for which `out` has room: a full vector is
/// copied faster than part of one.
fn spaced<T: Number>(x: &[T], start: isize, step: isize, n: usize, out: &mut [T]) {
    let full = n.next_multiple_of(LANES);
    match (step, x.get(start as usize..).unwrap_or_default()) {
        (1, ahead) if ahead.len() >= full => out[..full].copy_from_slice(&ahead[..full]),
        (2, ahead) if ahead.len() >= 2 * full => every_other(&ahead[..2 * full], &mut out[..full]),
        _ => out[..n].iter_mut().enumerate().for_each(|(i, out)| *out = x[(start + i as isize * step) as usize]),
    }
}

levels! {
    fn every_other[T: Copy](x: &[T], out: &mut [T]) {
        out.iter_mut().zip(x.as_chunks::<2>().0).for_each(|(out, x)| *out = x[0]);
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

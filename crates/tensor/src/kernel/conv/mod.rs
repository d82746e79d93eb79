//! Convolution (cross-correlation, as in machine learning) over one to three axes.
//!
//! Every element is a sum of products in a fixed order, cut by shapes alone, so neither layouts nor threads change
//! its bits. Of four ways the shapes choose one: `winograd` has fewer products for square windows of 3 and 5 and
//! many channels, in f32; `planes` has positions for the lanes of vectors, where there are few output channels;
//! `direct` has output channels for lanes, and is for everything else, among it the derivative with respect to
//! the kernel; `columns` is a matrix product, for windows of one element and where windows are far apart. The
//! first three are built of one inner loop, `tile`.

mod columns;
mod cuts;
mod direct;
mod images;
mod planes;
mod points;
mod scratch;
mod simd;
mod tile;
mod transpose;
mod winograd;

use crate::dtype::Element;
use crate::error::{Error, Result};
use crate::kernel::window::{Axis, SPATIAL};
use crate::kernel::with_float;
use crate::layout::window_positions;
use crate::shape::Shape;
use crate::view::{Strided, View, ViewMut};

use self::tile::Float;

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

    /// This with as many zeros as make the result as long as the axes at stride 1, for windows of these sizes and the
    /// dilations that it has; an odd one is after the axis.
    ///
    /// ```
    /// use wengert_tensor::Conv;
    /// assert_eq!(Conv::new(2).same(&[3, 4]).padding, [(1, 1), (1, 2)]);
    /// ```
    pub fn same(mut self, window: &[usize]) -> Self {
        for ((padding, &size), &dilation) in self.padding.iter_mut().zip(window).zip(&self.dilations) {
            let reach = size.saturating_sub(1).saturating_mul(dilation);
            let reach = isize::try_from(reach).unwrap_or(isize::MAX);
            *padding = (reach / 2, reach - reach / 2);
        }
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
        let out = out.typed::<T>("conv")?;
        if out.is_empty() || w.layout.numel() == 0 {
            out.fill(T::default());
            return Ok(());
        }
        let problem = Problem::new(x, w, conv, &expected);
        if T::by_fewer_products(&problem, out)? {
            return Ok(());
        }
        if let Some(planes) = planes::Planes::of(&problem) {
            return planes.run(out);
        }
        match direct::Direct::of(&problem) {
            Some(direct) => direct.run(out),
            None => columns::convolve(x, w, conv, &expected, out),
        }
    })
}

/// Lengths of axes and padding that leave room for sums of a few.
const FARTHEST: isize = isize::MAX / 8;

/// Operands whose shapes fit, seen as three spatial axes.
struct Problem<'a, T> {
    x: Strided<'a, T>,
    w: Strided<'a, T>,
    axes: [Axis; SPATIAL],
    samples: usize,
    groups: usize,
    /// Channels of a group.
    inputs: usize,
    /// Channels of the result of a group.
    outputs: usize,
}

impl<'a, T: Element> Problem<'a, T> {
    fn new(x: Strided<'a, T>, w: Strided<'a, T>, conv: &Conv, out: &Shape) -> Self {
        let mut axes = [Axis::ONE; SPATIAL];
        let (spatial, window) = (conv.strides.len(), w.layout.shape());
        for (i, axis) in axes[SPATIAL - spatial..].iter_mut().enumerate() {
            let (window, positions) = (window[i + 2], out[i + 2]);
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
        let (groups, inputs) = (conv.groups, window[1]);
        Self { x, w, axes, samples: out[0], groups, inputs, outputs: window[0] / groups }
    }

    /// Products of two numbers that the definition has.
    fn products(&self) -> usize {
        let spatial = self.axes.iter().map(|axis| axis.positions.saturating_mul(axis.window));
        let channels = [self.samples, self.groups, self.inputs, self.outputs];
        channels.into_iter().chain(spatial).fold(1, usize::saturating_mul)
    }

    /// The kernel's strides: output channel, channel, then three spatial axes.
    fn kernel_strides(&self) -> [isize; 5] {
        let strides = self.w.layout.strides();
        let mut all = [0; 5];
        all[..2].copy_from_slice(&strides[..2]);
        all[7 - strides.len()..].copy_from_slice(&strides[2..]);
        all
    }
}

//! How a tensor's indices map to places in its storage: a shape, a stride for every axis, an offset.
//!
//! Reshaping, transposing, slicing, flipping, broadcasting and sliding windows are arithmetic on
//! layouts; none of them copies an element. A layout is always valid for the storage it came with:
//! every index within the shape leads to a place within the storage.

use smallvec::SmallVec;

use crate::error::{Error, Result};
use crate::shape::Shape;

/// Strides, in elements; negative where an axis is flipped, 0 where it is broadcast.
pub type Strides = SmallVec<[isize; 4]>;

/// A shape with the strides and the offset that find its elements.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    shape: Shape,
    strides: Strides,
    offset: usize,
}

impl Clone for Layout {
    fn clone(&self) -> Self {
        // `SmallVec::clone` goes number by number.
        Self { shape: self.shape.clone(), strides: SmallVec::from_slice(&self.strides), offset: self.offset }
    }
}

/// The part `start, start + step, …` below `stop` of one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SliceRange {
    /// First index taken.
    pub start: usize,
    /// End, not taken itself.
    pub stop: usize,
    /// Distance between indices taken, at least 1.
    pub step: usize,
}

impl SliceRange {
    /// All of an axis of `size`.
    pub fn all(size: usize) -> Self {
        Self { start: 0, stop: size, step: 1 }
    }

    /// How many indices are taken.
    pub fn len(&self) -> usize {
        self.stop.saturating_sub(self.start).div_ceil(self.step.max(1))
    }

    /// Whether no index is taken.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Layout {
    /// The row-major layout of a shape, from the start of its storage.
    pub fn contiguous(shape: Shape) -> Self {
        let mut strides: Strides = SmallVec::from_elem(0, shape.rank());
        let mut step = 1isize;
        for (stride, &size) in strides.iter_mut().zip(shape.iter()).rev() {
            *stride = step;
            step = step.saturating_mul(isize::try_from(size.max(1)).unwrap_or(isize::MAX));
        }
        Self { shape, strides, offset: 0 }
    }

    /// The sizes of the axes.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The stride of every axis, in elements.
    pub fn strides(&self) -> &[isize] {
        &self.strides
    }

    /// The place of the first element.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The number of elements.
    pub fn numel(&self) -> usize {
        self.shape.numel()
    }

    /// The same layout with all places `by` further on.
    pub fn moved(&self, by: usize) -> Self {
        Self { offset: self.offset.saturating_add(by), ..self.clone() }
    }

    /// Whether the elements lie one after another in row-major order.
    pub fn is_contiguous(&self) -> bool {
        if self.shape.contains(&0) {
            return true;
        }
        let mut step = 1isize;
        for (&size, &stride) in self.shape.iter().zip(&self.strides).rev() {
            match size {
                1 => {}
                _ if stride != step => return false,
                _ => step = step.saturating_mul(isize::try_from(size).unwrap_or(isize::MAX)),
            }
        }
        true
    }

    /// One past the largest place that an index within the shape leads to; the offset, where there is
    /// no index. Saturates where no storage is so long.
    pub fn span(&self) -> usize {
        if self.numel() == 0 {
            return self.offset;
        }
        let reach = |(&size, &stride): (&usize, &isize)| (size - 1).saturating_mul(stride.max(0).unsigned_abs());
        let reaches = self.shape.iter().zip(&self.strides).map(reach);
        reaches.fold(self.offset, usize::saturating_add).saturating_add(1)
    }

    /// The place of the element at `index`, which is within the shape.
    pub fn place(&self, index: &[usize]) -> usize {
        let steps = index.iter().zip(&self.strides).map(|(&i, &stride)| i as isize * stride);
        (self.offset as isize + steps.sum::<isize>()) as usize
    }

    /// Axes in another order: axis `i` of the result is axis `order[i]` of this. `order` is a permutation.
    ///
    /// # Panics
    /// Where there is no such axis.
    pub fn permute(&self, order: &[usize]) -> Self {
        Self {
            shape: order.iter().map(|&axis| self.shape[axis]).collect(),
            strides: order.iter().map(|&axis| self.strides[axis]).collect(),
            offset: self.offset,
        }
    }

    /// Every axis cut to a range; the ranges lie within the axes.
    ///
    /// # Panics
    /// Where there is no such axis.
    pub fn slice(&self, ranges: &[SliceRange]) -> Self {
        let mut out = self.clone();
        out.shape = ranges.iter().map(SliceRange::len).collect();
        if out.numel() == 0 {
            // It reads nothing, so its offset must not move, perhaps out of the storage.
            return out;
        }
        let mut offset = self.offset as isize;
        for (i, range) in ranges.iter().enumerate() {
            out.strides[i] = self.strides[i].saturating_mul(range.step as isize);
            offset += range.start as isize * self.strides[i];
        }
        out.offset = offset as usize;
        out
    }

    /// One axis cut to a range, which lies within it.
    ///
    /// # Panics
    /// Where there is no such axis.
    pub fn cut(&self, axis: usize, range: SliceRange) -> Self {
        let mut out = self.clone();
        out.shape = self.shape.with_size(axis, range.len());
        // What reads nothing keeps its offset, which must not move, perhaps out of the storage.
        if out.numel() > 0 {
            out.strides[axis] = self.strides[axis].saturating_mul(range.step as isize);
            out.offset = (self.offset as isize + range.start as isize * self.strides[axis]) as usize;
        }
        out
    }

    /// The given axes in reverse.
    ///
    /// # Panics
    /// Where there is no such axis.
    pub fn flip(&self, axes: &[usize]) -> Self {
        let mut out = self.clone();
        if self.numel() == 0 {
            return out;
        }
        let mut offset = self.offset as isize;
        for &axis in axes {
            offset += (self.shape[axis] - 1) as isize * self.strides[axis];
            out.strides[axis] = self.strides[axis].saturating_neg();
        }
        out.offset = offset as usize;
        out
    }

    /// Stretched to `shape` by NumPy's broadcasting rule, or `None` where it does not fit.
    pub fn broadcast(&self, shape: &Shape) -> Option<Self> {
        let extra = shape.rank().checked_sub(self.shape.rank())?;
        let mut strides: Strides = SmallVec::from_elem(0, shape.rank());
        for i in 0..self.shape.rank() {
            match (self.shape[i], shape[extra + i]) {
                (a, b) if a == b => strides[extra + i] = self.strides[i],
                (1, _) => {}
                _ => return None,
            }
        }
        Some(Self { shape: shape.clone(), strides, offset: self.offset })
    }

    /// The same elements in the same order as another shape, or `None` where strides cannot express
    /// that and a copy is needed. The numbers of elements agree.
    pub fn reshape(&self, shape: &Shape) -> Option<Self> {
        if self.is_contiguous() {
            return Some(Self { offset: self.offset, ..Self::contiguous(shape.clone()) });
        }
        // Both shapes are cut into the shortest groups of axes with equal products; a group can be
        // regrouped where its old axes lie as one evenly spaced run.
        let keep: SmallVec<[usize; 4]> = (0..self.shape.rank()).filter(|&i| self.shape[i] != 1).collect();
        let (mut i, mut j) = (0, 0);
        let mut strides: Strides = SmallVec::from_elem(0, shape.rank());
        while i < keep.len() && j < shape.rank() {
            let (first, start) = (i, j);
            let (mut old, mut new) = (self.shape[keep[i]], shape[j]);
            while old != new {
                if old < new {
                    i += 1;
                    old *= self.shape[*keep.get(i)?];
                } else {
                    j += 1;
                    new *= *shape.get(j)?;
                }
            }
            for pair in keep[first..=i].windows(2) {
                if self.strides[pair[0]] != self.strides[pair[1]] * self.shape[pair[1]] as isize {
                    return None;
                }
            }
            let mut stride = self.strides[keep[i]];
            for axis in (start..=j).rev() {
                strides[axis] = stride;
                stride *= shape[axis] as isize;
            }
            i += 1;
            j += 1;
        }
        Some(Self { shape: shape.clone(), strides, offset: self.offset })
    }

    /// Sliding windows over the last `sizes.len()` axes: those axes become window positions, and as
    /// many new axes, within the window, follow. A window takes `size` elements, `dilation` apart;
    /// windows start `stride` apart. Windows overlap in storage: they are only for reading.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where a window is longer than its axis.
    pub fn windows(&self, sizes: &[usize], strides: &[usize], dilations: &[usize]) -> Result<Self> {
        let lead = self.shape.rank().checked_sub(sizes.len()).ok_or_else(|| {
            Error::shape(format!("windows: {} axes of windows over shape {}", sizes.len(), self.shape))
        })?;
        let mut out = self.clone();
        for (i, ((&size, &stride), &dilation)) in sizes.iter().zip(strides).zip(dilations).enumerate() {
            let axis = lead + i;
            let positions = window_positions(self.shape[axis], size, stride, dilation)
                .map_err(|e| e.within(format_args!("axis {axis} of {}", self.shape)))?;
            out.shape = out.shape.with_size(axis, positions);
            // A stride longer than the axis is never stepped; it must only not overflow.
            out.strides[axis] = self.strides[axis].saturating_mul(isize::try_from(stride).unwrap_or(isize::MAX));
            out.shape = out.shape.with_axis(out.shape.rank(), size);
            out.strides.push(self.strides[axis].saturating_mul(isize::try_from(dilation).unwrap_or(isize::MAX)));
        }
        Ok(out)
    }
}

/// How many windows of `size` elements, `dilation` apart, fit an axis when they start `stride` apart.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for a zero size, stride or dilation,
/// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where not one window fits.
pub fn window_positions(axis: usize, size: usize, stride: usize, dilation: usize) -> Result<usize> {
    if size == 0 || stride == 0 || dilation == 0 {
        return Err(Error::value(format!(
            "a window of size {size}, stride {stride} and dilation {dilation}: each must be at least 1"
        )));
    }
    let reach = (size - 1).saturating_mul(dilation);
    match axis.checked_sub(reach) {
        Some(left @ 1..) => Ok((left - 1) / stride + 1),
        _ => Err(Error::shape(format!(
            "a window of {size} elements, {dilation} apart, is longer than an axis of {axis}"
        ))),
    }
}

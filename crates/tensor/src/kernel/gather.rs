//! Elements picked by index along an axis, and their adjoints, which add elements where the index says.
//!
//! Two shapes of index: [`gather`] has one index for every element of the result, [`index_select`]
//! one for every slice. Both are one walk in which the place along the axis comes from the index;
//! so are [`scatter_add`] and [`index_add`]. Indices are checked before anything is written, none
//! counts from the end, and additions happen in row-major order of what is added.

use crate::error::{Error, Result};
use crate::kernel::each::rows;
use crate::kernel::unary::Number;
use crate::kernel::{moved, with_moved, with_number};
use crate::layout::{Layout, Strides};
use crate::shape::Shape;
use crate::view::{Strided, View, ViewMut};

/// The shape that [`gather`] picks from `x` of this shape: the index's own.
///
/// # Errors
/// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where ranks differ or another axis of the index is longer than x's,
/// [`ErrorKind::Index`](crate::ErrorKind::Index) where there is no such axis.
pub fn shape(x: &Shape, axis: usize, index: &Shape) -> Result<Shape> {
    fits("gather", x, axis, index)
}

/// The shape of [`index_select`]: the axis is replaced by the axes of the index.
///
/// # Errors
/// [`ErrorKind::Index`](crate::ErrorKind::Index) where there is no such axis.
pub fn select_shape(x: &Shape, axis: usize, index: &Shape) -> Result<Shape> {
    has_axis("index_select", x, axis)?;
    Ok(x[..axis].iter().chain(index.iter()).chain(&x[axis + 1..]).copied().collect())
}

fn has_axis(op: &str, x: &Shape, axis: usize) -> Result<()> {
    if axis >= x.rank() {
        return Err(Error::index(format!("{op}: shape {x} has no axis {axis}")));
    }
    Ok(())
}

fn fits(op: &str, x: &Shape, axis: usize, index: &Shape) -> Result<Shape> {
    has_axis(op, x, axis)?;
    let within = |d: usize| d == axis || index[d] <= x[d];
    if index.rank() != x.rank() || !(0..x.rank()).all(within) {
        return Err(Error::shape(format!("{op}: an index of shape {index} does not fit {x} along axis {axis}")));
    }
    Ok(index.clone())
}

fn expect(op: &str, what: &str, found: &Shape, expected: &Shape) -> Result<()> {
    if found != expected {
        return Err(Error::shape(format!("{op}: {what} of shape {found} where {expected} is due")));
    }
    Ok(())
}

/// `out[.., i, ..] = x[.., index[.., i, ..], ..]` along `axis` (NumPy's `take_along_axis`).
///
/// # Errors
/// Where the index is not i64, reaches outside the axis, or shapes or dtypes do not fit.
pub fn gather(x: View, axis: usize, index: View, out: ViewMut) -> Result<()> {
    expect("gather", "a result", out.shape(), &fits("gather", x.shape(), axis, index.shape())?)?;
    let index = checked("gather", index, axis, x.shape()[axis])?;
    with_moved!(x.dtype(), T => {
        let (x, out) = moved::views::<T>("gather", x, out)?;
        take(index, x.data, Along::same_rank(x.layout, axis), out);
        Ok(())
    })
}

/// `out[.., index[.., i, ..], ..] += src[.., i, ..]` along `axis`; `src` has the index's shape.
///
/// # Errors
/// As [`gather`], and where the dtype is `bool`.
pub fn scatter_add(axis: usize, index: View, src: View, out: ViewMut) -> Result<()> {
    expect("scatter_add", "a source", src.shape(), &fits("scatter_add", out.shape(), axis, index.shape())?)?;
    let index = checked("scatter_add", index, axis, out.shape()[axis])?;
    let to = Layout::contiguous(out.shape().clone());
    with_number!("scatter_add", src.dtype(), T => {
        let src = src.typed::<T>("scatter_add")?;
        put(index, src, Along::same_rank(&to, axis), out.typed::<T>("scatter_add")?);
        Ok(())
    })
}

/// Where a scatter would take the elements of its result from: `out[.., index[.., i, ..], ..] = i` along `axis`, the last
/// of repeated ones, and -1 where no index points. The other axes of the result, of i64, are the index's.
///
/// # Errors
/// Where the index is not i64, reaches outside the axis, or shapes do not fit.
pub fn arg_scatter(axis: usize, index: View, out: ViewMut) -> Result<()> {
    expect("arg_scatter", "an index", index.shape(), &fits("arg_scatter", out.shape(), axis, index.shape())?)?;
    let index = checked("arg_scatter", index, axis, out.shape()[axis])?;
    let to = Along::same_rank(&Layout::contiguous(out.shape().clone()), axis);
    let out = out.typed::<i64>("arg_scatter")?;
    out.fill(-1);
    let layout = index.layout;
    // How far along the axis the walk is.
    let along: Strides = (0..layout.shape().rank()).map(|d| isize::from(d == axis)).collect();
    let strides = [layout.strides(), &along, &to.strides];
    rows(layout.shape(), strides, [layout.offset(), 0, to.offset], |row| {
        let ([_, first, start], [_, each, stride]) = (row.start, row.stride);
        for (i, k) in (0..).zip(row.of(0, index.data)) {
            let place = start as isize + i * stride + k as isize * to.step;
            out[place as usize] = (first as isize + i * each) as i64;
        }
    });
    Ok(())
}

/// Slices of `x` along `axis`, picked by an index of any shape, whose axes take the axis's place.
///
/// # Errors
/// As [`gather`].
pub fn index_select(x: View, axis: usize, index: View, out: ViewMut) -> Result<()> {
    expect("index_select", "a result", out.shape(), &select_shape(x.shape(), axis, index.shape())?)?;
    let index = checked("index_select", index, axis, x.shape()[axis])?;
    let spread = spread(index.layout, out.shape(), axis)?;
    with_moved!(x.dtype(), T => {
        let (x, out) = moved::views::<T>("index_select", x, out)?;
        let from = Along::slices(x.layout, axis, index.layout.shape().rank());
        take(Strided { layout: &spread, ..index }, x.data, from, out);
        Ok(())
    })
}

/// Adds the slices that [`index_select`] would pick from a tensor of the result's shape: its adjoint.
///
/// # Errors
/// As [`scatter_add`].
pub fn index_add(axis: usize, index: View, src: View, out: ViewMut) -> Result<()> {
    expect("index_add", "a source", src.shape(), &select_shape(out.shape(), axis, index.shape())?)?;
    let index = checked("index_add", index, axis, out.shape()[axis])?;
    let spread = spread(index.layout, src.shape(), axis)?;
    let to = Layout::contiguous(out.shape().clone());
    with_number!("index_add", src.dtype(), T => {
        let src = src.typed::<T>("index_add")?;
        let to = Along::slices(&to, axis, index.layout.shape().rank());
        put(Strided { layout: &spread, ..index }, src, to, out.typed::<T>("index_add")?);
        Ok(())
    })
}

/// The index, every element of which is within an axis of `size`.
fn checked<'a>(op: &str, index: View<'a>, axis: usize, size: usize) -> Result<Strided<'a, i64>> {
    let index = index.typed::<i64>(op).map_err(|e| e.within("index"))?;
    let mut wrong = None;
    rows(index.layout.shape(), [index.layout.strides()], [index.layout.offset()], |row| {
        if wrong.is_none() {
            wrong = row.of(0, index.data).find(|&i| i < 0 || i as u64 >= size as u64);
        }
    });
    match wrong {
        Some(i) => Err(Error::index(format!("{op}: index {i} is out of range for axis {axis} of size {size}"))),
        None => Ok(index),
    }
}

/// The index repeated over the slices that it picks.
fn spread(index: &Layout, full: &Shape, axis: usize) -> Result<Layout> {
    let rank = index.shape().rank();
    let mut with_ones = index.shape().clone();
    for _ in axis + rank..full.rank() {
        with_ones = with_ones.with_axis(with_ones.rank(), 1);
    }
    let spread = index.reshape(&with_ones).and_then(|layout| layout.broadcast(full));
    spread.ok_or_else(|| Error::shape(format!("index: shape {} over {full}", index.shape())))
}

/// Places in a tensor one of whose axes is stepped along by an index, and the others by the walk.
struct Along {
    strides: Strides,
    offset: usize,
    step: isize,
}

impl Along {
    fn same_rank(layout: &Layout, axis: usize) -> Self {
        Self::slices(layout, axis, 1)
    }

    /// The axis is replaced by as many axes as the index has.
    fn slices(layout: &Layout, axis: usize, index_rank: usize) -> Self {
        let (before, after) = (&layout.strides()[..axis], &layout.strides()[axis + 1..]);
        let still = std::iter::repeat_n(&0, index_rank);
        Self {
            strides: before.iter().chain(still).chain(after).copied().collect(),
            offset: layout.offset(),
            step: layout.strides()[axis],
        }
    }
}

fn take<T: Copy>(index: Strided<i64>, x: &[T], from: Along, out: &mut [T]) {
    let layout = index.layout;
    let mut rest = out;
    rows(layout.shape(), [layout.strides(), &from.strides], [layout.offset(), from.offset], |row| {
        let (out, after) = std::mem::take(&mut rest).split_at_mut(row.len);
        rest = after;
        let ([at, start], [step, stride]) = (row.start, row.stride);
        if step == 0 && stride == 1 {
            let start = (start as isize + index.data[at] as isize * from.step) as usize;
            return out.copy_from_slice(&x[start..start + row.len]);
        }
        for ((i, k), out) in (0..).zip(row.of(0, index.data)).zip(out) {
            *out = x[(start as isize + i * stride + k as isize * from.step) as usize];
        }
    });
}

fn put<T: Number>(index: Strided<i64>, src: Strided<T>, to: Along, out: &mut [T]) {
    let (layout, from) = (index.layout, src.layout);
    let strides = [layout.strides(), from.strides(), &to.strides];
    rows(layout.shape(), strides, [layout.offset(), from.offset(), to.offset], |row| {
        let ([at, _, start], [step, _, stride]) = (row.start, row.stride);
        if step == 0 && stride == 1 {
            let start = (start as isize + index.data[at] as isize * to.step) as usize;
            let out = &mut out[start..start + row.len];
            return out.iter_mut().zip(row.of(1, src.data)).for_each(|(out, x)| *out = out.plus(x));
        }
        for ((i, k), x) in (0..).zip(row.of(0, index.data)).zip(row.of(1, src.data)) {
            let out = &mut out[(start as isize + i * stride + k as isize * to.step) as usize];
            *out = out.plus(x);
        }
    });
}

//! Elements picked by index along an axis, and their adjoints, which add elements where the index says.
//!
//! Two shapes of index: [`gather`] has one index for every element of the result, [`index_select`]
//! one for every slice. Both are one walk in which the place along the axis comes from the index;
//! so are [`scatter_add`] and [`index_add`]. Indices are checked before anything is written, none
//! counts from the end, and additions happen in row-major order of what is added.

use crate::error::{Error, Result};
use crate::kernel::each::rows;
use crate::kernel::unary::Number;
use crate::kernel::{moved, parallel, with_moved, with_number};
use crate::layout::{Layout, SliceRange, Strides};
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
    let (outer, piece) = pieces(index.layout.shape());
    parallel::each(outer.div_ceil(piece), &|k| {
        let layout = outer_part(index.layout, k * piece, piece);
        let mut wrong = None;
        rows(layout.shape(), [layout.strides()], [layout.offset()], |row| {
            if wrong.is_none() {
                wrong = row.of(0, index.data).find(|&i| i < 0 || i as u64 >= size as u64);
            }
        });
        match wrong {
            Some(i) => Err(Error::index(format!("{op}: index {i} is out of range for axis {axis} of size {size}"))),
            None => Ok(()),
        }
    })?;
    Ok(index)
}

/// Elements that another thread may take.
const PIECE: usize = 1 << 14;

/// How long the outermost axis is, and how much of it is a piece.
fn pieces(shape: &Shape) -> (usize, usize) {
    let outer = shape.first().copied().unwrap_or(1);
    (outer, PIECE.div_ceil((shape.numel() / outer.max(1)).max(1)))
}

/// So much of the outermost axis, from a place on.
fn outer_part(layout: &Layout, start: usize, len: usize) -> Layout {
    match layout.shape().first() {
        Some(&size) => layout.cut(0, SliceRange { start, stop: (start + len).min(size), step: 1 }),
        None => layout.clone(),
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
    /// How far apart places of the outermost axis are, if the index does not pick these; 0 if it does.
    apart: usize,
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
            apart: before.first().map_or(0, |stride| stride.unsigned_abs()),
        }
    }
}

fn take<T: Copy + Send + Sync>(index: Strided<i64>, x: &[T], from: Along, out: &mut [T]) {
    let (outer, piece) = pieces(index.layout.shape());
    let row = out.len() / outer.max(1);
    let first = from.strides.first().copied().unwrap_or(0);
    let part = |start: usize, out: &mut [T]| {
        let start = start / row.max(1);
        let layout = outer_part(index.layout, start, piece);
        let offset = (from.offset as isize + start as isize * first) as usize;
        take_piece(Strided { layout: &layout, ..index }, x, (&from, offset), out);
        Ok(())
    };
    parallel::chunks(out, piece * row, &part).unwrap_or_default();
}

fn take_piece<T: Copy>(index: Strided<i64>, x: &[T], (from, offset): (&Along, usize), out: &mut [T]) {
    let layout = index.layout;
    let mut rest = out;
    rows(layout.shape(), [layout.strides(), &from.strides], [layout.offset(), offset], |row| {
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

fn put<T: Number + Send + Sync>(index: Strided<i64>, src: Strided<T>, to: Along, out: &mut [T]) {
    let (outer, piece) = pieces(index.layout.shape());
    let row = to.apart;
    if row == 0 || index.layout.numel() == 0 {
        return put_piece(index, src, &to, out);
    }
    // What is added to each place of the outermost axis is its own.
    let part = |start: usize, out: &mut [T]| {
        let [a, b] = [index.layout, src.layout].map(|layout| outer_part(layout, start / row, piece));
        put_piece(Strided { layout: &a, ..index }, Strided { layout: &b, ..src }, &to, out);
        Ok(())
    };
    parallel::chunks(&mut out[..outer * row], piece * row, &part).unwrap_or_default();
}

fn put_piece<T: Number>(index: Strided<i64>, src: Strided<T>, to: &Along, out: &mut [T]) {
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

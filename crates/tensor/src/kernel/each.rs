//! Walking strided operands in row-major order: the loop under every elementwise kernel.
//!
//! Adjacent axes that every operand steps through evenly are merged first, so contiguous and
//! broadcast operands become one long inner loop. Order of visit is always row-major over the shape,
//! so results never depend on strides.

use smallvec::SmallVec;

use crate::dtype::Element;
use crate::error::{Error, Result};
use crate::kernel::cursor::Cursor;
use crate::shape::Shape;
use crate::view::Strided;

/// One run of evenly spaced elements: where it starts in each operand, and how far apart they lie.
pub struct Row<const N: usize> {
    /// Place of the first element, one for each operand.
    pub start: [usize; N],
    /// Distance between elements, one for each operand.
    pub stride: [isize; N],
    /// Number of elements, the same for all operands.
    pub len: usize,
}

impl<const N: usize> Row<N> {
    /// Operand `k`'s elements of this row.
    pub fn of<'a, T: Copy>(&self, k: usize, data: &'a [T]) -> impl Iterator<Item = T> + use<'a, N, T> {
        let (start, stride) = (self.start[k] as isize, self.stride[k]);
        (0..self.len as isize).map(move |i| data[(start + i * stride) as usize])
    }
}

/// Calls `row` for the rows of `shape`, in order. `strides` and `offsets` belong to the operands.
pub fn rows<const N: usize>(shape: &[usize], strides: [&[isize]; N], offsets: [usize; N], mut row: impl FnMut(Row<N>)) {
    walk(shape, strides, offsets, &mut row);
}

/// [`rows`], compiled once for all callers.
fn walk<const N: usize>(shape: &[usize], strides: [&[isize]; N], offsets: [usize; N], row: &mut dyn FnMut(Row<N>)) {
    if shape.contains(&0) {
        return;
    }
    // Innermost axis first; axes of size 1 vanish, and an axis joins its inner neighbour where for
    // every operand it continues that neighbour's steps.
    let mut axes: SmallVec<[(usize, [isize; N]); 4]> = SmallVec::new();
    for axis in (0..shape.len()).rev() {
        let (size, stride) = (shape[axis], std::array::from_fn(|k| strides[k][axis]));
        if size == 1 {
            continue;
        }
        match axes.last_mut() {
            Some((inner, s)) if (0..N).all(|k| stride[k] == s[k] * *inner as isize) => *inner *= size,
            _ => axes.push((size, stride)),
        }
    }
    let (len, stride) = if axes.is_empty() { (1, [0; N]) } else { axes.remove(0) };
    let mut index: SmallVec<[usize; 4]> = SmallVec::from_elem(0, axes.len());
    let mut start = offsets.map(|o| o as isize);
    loop {
        row(Row { start: start.map(|s| s as usize), stride, len });
        let mut axis = 0;
        loop {
            let Some(&(size, step)) = axes.get(axis) else { return };
            index[axis] += 1;
            if index[axis] < size {
                (0..N).for_each(|k| start[k] += step[k]);
                break;
            }
            index[axis] = 0;
            (0..N).for_each(|k| start[k] -= step[k] * (size - 1) as isize);
            axis += 1;
        }
    }
}

fn same_length(op: &str, shape: &Shape, len: usize) -> Result<()> {
    if shape.numel() != len {
        return Err(Error::shape(format!("{op}: {shape} into a result of {len} elements")));
    }
    Ok(())
}

fn same_shape(op: &str, a: &Shape, b: &Shape) -> Result<()> {
    if a != b {
        return Err(Error::shape(format!("{op}: shapes {a} and {b} differ")));
    }
    Ok(())
}

/// Elements gathered at a time where an operand does not lie side by side: they stay in the L1 cache.
const TILE: usize = 256;

/// A loop over one operand: fills the last slice from the first, of the same length.
pub type Loop1<'f, X, Y> = dyn Fn(&[X], &mut [Y]) + 'f;
/// A loop over two operands.
pub type Loop2<'f, X, Y, Z> = dyn Fn(&[X], &[Y], &mut [Z]) + 'f;
/// A loop over three operands.
pub type Loop3<'f, X, Y, Z, W> = dyn Fn(&[X], &[Y], &[Z], &mut [W]) + 'f;

/// `out = f(x)` element by element, where `f` fills a slice from a slice of the same length.
///
/// # Errors
/// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where the number of elements differs.
pub fn map1<X: Element, Y: Element>(op: &str, x: Strided<X>, out: &mut [Y], f: &Loop1<X, Y>) -> Result<()> {
    same_length(op, x.layout.shape(), out.len())?;
    match x.as_slice() {
        _ if out.is_empty() => {}
        Some(x) => f(x, out),
        None => {
            let (mut xs, mut x_tile) = (Cursor::new(x), [X::default(); TILE]);
            for out in out.chunks_mut(TILE) {
                f(xs.take(out.len(), &mut x_tile), out);
            }
        }
    }
    Ok(())
}

/// `out = f(x, y)` element by element, for operands of one shape; `f` is as in [`map1`].
///
/// # Errors
/// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where shapes differ.
pub fn map2<X: Element, Y: Element, Z: Element>(
    op: &str,
    x: Strided<X>,
    y: Strided<Y>,
    out: &mut [Z],
    f: &Loop2<X, Y, Z>,
) -> Result<()> {
    same_shape(op, x.layout.shape(), y.layout.shape())?;
    same_length(op, x.layout.shape(), out.len())?;
    match (x.as_slice(), y.as_slice()) {
        _ if out.is_empty() => {}
        (Some(x), Some(y)) => f(x, y, out),
        _ => {
            let (mut xs, mut x_tile) = (Cursor::new(x), [X::default(); TILE]);
            let (mut ys, mut y_tile) = (Cursor::new(y), [Y::default(); TILE]);
            for out in out.chunks_mut(TILE) {
                let n = out.len();
                f(xs.take(n, &mut x_tile), ys.take(n, &mut y_tile), out);
            }
        }
    }
    Ok(())
}

/// `out = f(x, y, z)` element by element, for operands of one shape; `f` is as in [`map1`].
///
/// # Errors
/// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where shapes differ.
pub fn map3<X: Element, Y: Element, Z: Element, W: Element>(
    op: &str,
    (x, y, z): (Strided<X>, Strided<Y>, Strided<Z>),
    out: &mut [W],
    f: &Loop3<X, Y, Z, W>,
) -> Result<()> {
    same_shape(op, x.layout.shape(), y.layout.shape())?;
    same_shape(op, x.layout.shape(), z.layout.shape())?;
    same_length(op, x.layout.shape(), out.len())?;
    match (x.as_slice(), y.as_slice(), z.as_slice()) {
        _ if out.is_empty() => {}
        (Some(x), Some(y), Some(z)) => f(x, y, z, out),
        _ => {
            let (mut xs, mut x_tile) = (Cursor::new(x), [X::default(); TILE]);
            let (mut ys, mut y_tile) = (Cursor::new(y), [Y::default(); TILE]);
            let (mut zs, mut z_tile) = (Cursor::new(z), [Z::default(); TILE]);
            for out in out.chunks_mut(TILE) {
                let n = out.len();
                f(xs.take(n, &mut x_tile), ys.take(n, &mut y_tile), zs.take(n, &mut z_tile), out);
            }
        }
    }
    Ok(())
}

/// Whether `f` holds for any element.
pub fn any<X: Element>(x: Strided<X>, f: impl Fn(X) -> bool) -> bool {
    let mut found = false;
    rows(x.layout.shape(), [x.layout.strides()], [x.layout.offset()], |row| {
        found = found || row.of(0, x.data).any(&f);
    });
    found
}

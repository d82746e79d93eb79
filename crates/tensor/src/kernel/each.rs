//! Walking strided operands in row-major order: the loop under every elementwise kernel.
//!
//! Adjacent axes that every operand steps through evenly are merged first, so contiguous and
//! broadcast operands become one long inner loop. Order of visit is always row-major over the shape,
//! so results never depend on strides.

use smallvec::SmallVec;

use crate::dtype::Element;
use crate::error::{Error, Result};
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

/// `out = f(x)` element by element.
///
/// # Errors
/// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where the number of elements differs.
pub fn map1<X: Element, Y: Element>(op: &str, x: Strided<X>, out: &mut [Y], f: impl Fn(X) -> Y) -> Result<()> {
    same_length(op, x.layout.shape(), out.len())?;
    if let Some(x) = x.as_slice() {
        out.iter_mut().zip(x).for_each(|(out, &x)| *out = f(x));
        return Ok(());
    }
    let mut rest = out;
    rows(x.layout.shape(), [x.layout.strides()], [x.layout.offset()], |row| {
        let (out, after) = std::mem::take(&mut rest).split_at_mut(row.len);
        rest = after;
        let i = row.start[0];
        match row.stride {
            [1] => out.iter_mut().zip(&x.data[i..i + row.len]).for_each(|(out, &x)| *out = f(x)),
            [0] => out.fill(f(x.data[i])),
            _ => row.of(0, x.data).zip(out).for_each(|(x, out)| *out = f(x)),
        }
    });
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

/// `out = f(x, y)` element by element, for operands of one shape.
///
/// # Errors
/// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where shapes differ.
pub fn map2<X: Element, Y: Element, Z: Element>(
    op: &str,
    x: Strided<X>,
    y: Strided<Y>,
    out: &mut [Z],
    f: impl Fn(X, Y) -> Z,
) -> Result<()> {
    let (xl, yl) = (x.layout, y.layout);
    same_shape(op, xl.shape(), yl.shape())?;
    same_length(op, xl.shape(), out.len())?;
    if let (Some(x), Some(y)) = (x.as_slice(), y.as_slice()) {
        out.iter_mut().zip(x).zip(y).for_each(|((out, &x), &y)| *out = f(x, y));
        return Ok(());
    }
    let mut rest = out;
    rows(xl.shape(), [xl.strides(), yl.strides()], [xl.offset(), yl.offset()], |row| {
        let (out, after) = std::mem::take(&mut rest).split_at_mut(row.len);
        rest = after;
        let [i, j] = row.start;
        match row.stride {
            [1, 1] => {
                let (x, y) = (&x.data[i..i + row.len], &y.data[j..j + row.len]);
                out.iter_mut().zip(x).zip(y).for_each(|((out, &x), &y)| *out = f(x, y));
            }
            [1, 0] => {
                let (x, y) = (&x.data[i..i + row.len], y.data[j]);
                out.iter_mut().zip(x).for_each(|(out, &x)| *out = f(x, y));
            }
            [0, 1] => {
                let (x, y) = (x.data[i], &y.data[j..j + row.len]);
                out.iter_mut().zip(y).for_each(|(out, &y)| *out = f(x, y));
            }
            _ => {
                let xy = row.of(0, x.data).zip(row.of(1, y.data));
                xy.zip(out).for_each(|((x, y), out)| *out = f(x, y));
            }
        }
    });
    Ok(())
}

/// `out = f(x, y, z)` element by element, for operands of one shape.
///
/// # Errors
/// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where shapes differ.
pub fn map3<X: Element, Y: Element, Z: Element, W: Element>(
    op: &str,
    x: Strided<X>,
    y: Strided<Y>,
    z: Strided<Z>,
    out: &mut [W],
    f: impl Fn(X, Y, Z) -> W,
) -> Result<()> {
    let (xl, yl, zl) = (x.layout, y.layout, z.layout);
    same_shape(op, xl.shape(), yl.shape())?;
    same_shape(op, xl.shape(), zl.shape())?;
    same_length(op, xl.shape(), out.len())?;
    if let (Some(x), Some(y), Some(z)) = (x.as_slice(), y.as_slice(), z.as_slice()) {
        out.iter_mut().zip(x).zip(y).zip(z).for_each(|(((out, &x), &y), &z)| *out = f(x, y, z));
        return Ok(());
    }
    let mut out = out.iter_mut();
    let strides = [xl.strides(), yl.strides(), zl.strides()];
    rows(xl.shape(), strides, [xl.offset(), yl.offset(), zl.offset()], |row| {
        let xyz = row.of(0, x.data).zip(row.of(1, y.data)).zip(row.of(2, z.data));
        xyz.zip(out.by_ref()).for_each(|(((x, y), z), out)| *out = f(x, y, z));
    });
    Ok(())
}

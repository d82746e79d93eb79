//! Walking strided operands in row-major order: the loop under every elementwise kernel.
//!
//! Adjacent axes that every operand steps through evenly are merged first, so contiguous and
//! broadcast operands become one long inner loop. Order of visit is always row-major over the shape,
//! so results never depend on strides.

use smallvec::SmallVec;

use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::kernel::bound::Bound;
use crate::kernel::cursor::{Cursor, Walker};
use crate::layout::Layout;
use crate::storage::Storage;
use crate::view::{Data, DataMut, Strided, View, ViewMut};

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

/// Elements gathered at a time where an operand does not lie side by side: they stay in the L1 cache.
const TILE: usize = 256;

/// An elementwise kernel: fills the last slice from as many elements of the first ones.
pub type Slices<'f> = dyn Fn(&[Data], DataMut) -> Result<()> + 'f;

/// `out = f(x₀, x₁, …)` element by element, for operands of one shape and any layouts.
///
/// # Errors
/// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where shapes differ, [`ErrorKind::Memory`](crate::ErrorKind::Memory)
/// where there is none for a tile, and what `f` returns.
pub fn map(op: &str, x: &[View], out: ViewMut, f: &Slices) -> Result<()> {
    if let Some(x) = x.iter().find(|x| x.shape() != out.shape()) {
        return Err(Error::shape(format!("{op}: shapes {} and {} differ", x.shape(), out.shape())));
    }
    let side_by_side: Option<SmallVec<[Data; 4]>> = x.iter().map(View::side_by_side).collect();
    match side_by_side {
        Some(x) => f(&x, out.into_data()),
        None => gathered(x, out.into_data(), f),
    }
}

/// [`map`] a tile at a time, of operands that are not empty.
fn gathered(x: &[View], mut out: DataMut, f: &Slices) -> Result<()> {
    let tile = |x: &View| Ok((Walker::new(x.layout()), Storage::zeros(x.dtype(), TILE)?));
    let mut walks: SmallVec<[(Walker, Storage); 4]> = x.iter().map(tile).collect::<Result<_>>()?;
    for start in (0..out.len()).step_by(TILE) {
        let n = TILE.min(out.len() - start);
        let taken = walks.iter_mut().zip(x).map(|((walker, tile), x)| walker.take(n, x.data(), tile));
        let taken: SmallVec<[Data; 4]> = taken.collect::<Result<_>>()?;
        f(&taken, out.reborrow().range(start..start + n))?;
    }
    Ok(())
}

/// An elementwise kernel made ready, where all operands' elements lie side by side from the first on. It takes
/// slices of any one length.
pub fn bind(
    x: &[(DType, &Layout)],
    f: impl Fn(&[Data], DataMut) -> Result<()> + Send + Sync + 'static,
) -> Option<Bound> {
    x.iter().all(|(_, layout)| layout.offset() == 0 && layout.is_contiguous()).then(|| Bound::new(f))
}

/// `out = f(x)` element by element, where `f` fills a slice from a slice of the same length: [`map`] for
/// element types that are known.
///
/// # Errors
/// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where the number of elements differs.
pub fn map1<X: Copy + Default, Y>(op: &str, x: Strided<X>, out: &mut [Y], f: &dyn Fn(&[X], &mut [Y])) -> Result<()> {
    let shape = x.layout.shape();
    if shape.numel() != out.len() {
        return Err(Error::shape(format!("{op}: {shape} into a result of {} elements", out.len())));
    }
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

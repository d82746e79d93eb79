//! Reductions over axes, which are sorted and within the shape. The result has the operand's shape
//! without them.
//!
//! Every result is combined in an order fixed by the number of its elements alone: blocks of
//! 256 elements are combined pairwise, as a balanced tree, and within a block the elements are
//! dealt out to 16 lanes. So rounding errors of sums grow with the logarithm of their length
//! (N. J. Higham, "The accuracy of floating point summation", 1993), a lane is an element of a
//! vector register, and the bits depend on no layout.

use std::array::from_fn;

use smallvec::SmallVec;

use crate::dtype::Element;
use crate::error::{Error, Result};
use crate::kernel::each::rows;
use crate::kernel::number::Number;
use crate::kernel::with_number;
use crate::shape::Shape;
use crate::view::{Strided, View, ViewMut};

/// A kernel that reduces axes.
pub type Reduce = fn(View, &[usize], ViewMut) -> Result<()>;

const LANES: usize = 16;
const BLOCK: usize = 256;
/// Results computed side by side where they, and not their elements, are neighbours in storage.
const TILE: usize = 16;

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident = $first:ident, $f:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// Where the dtype is not one of numbers, or the result does not fit.
        pub fn $name(x: View, axes: &[usize], out: ViewMut) -> Result<()> {
            let op = stringify!($name);
            with_number!(op, x.dtype(), T => {
                reduce(op, x.typed::<T>(op)?, axes, out.typed(op)?, T::$first, T::$f)
            })
        }
    )*};
}

functions! {
    /// The sum; 0 of nothing. Integers wrap.
    sum = ZERO, plus;
    /// The product; 1 of nothing. Integers wrap.
    prod = ONE, times;
}

macro_rules! extremes {
    ($($(#[$doc:meta])* $name:ident = $first:ident, $f:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// Where there are no elements to reduce, the dtype is not one of numbers, or the result does not fit.
        pub fn $name(x: View, axes: &[usize], out: ViewMut) -> Result<()> {
            let op = stringify!($name);
            extreme_shape(op, x.shape(), axes)?;
            with_number!(op, x.dtype(), T => {
                reduce(op, x.typed::<T>(op)?, axes, out.typed(op)?, T::$first, T::$f)
            })
        }
    )*};
}

extremes! {
    /// The largest element; NaN where one is.
    max = LOWEST, larger;
    /// The smallest element; NaN where one is.
    min = HIGHEST, smaller;
}

macro_rules! quantifiers {
    ($($(#[$doc:meta])* $name:ident = $first:literal, $f:expr;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// Where the dtype is not `bool`, or the result does not fit.
        pub fn $name(x: View, axes: &[usize], out: ViewMut) -> Result<()> {
            let op = stringify!($name);
            reduce(op, x.typed::<bool>(op)?, axes, out.typed(op)?, $first, $f)
        }
    )*};
}

quantifiers! {
    /// Whether any element is true; false of nothing.
    any = false, |a, b| a | b;
    /// Whether all elements are true; true of nothing.
    all = true, |a, b| a & b;
}

/// The shape of a result of [`max`] or [`min`].
///
/// # Errors
/// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where the axes have no elements: nothing is their extreme.
pub fn extreme_shape(op: &str, x: &Shape, axes: &[usize]) -> Result<Shape> {
    if axes.iter().any(|&axis| x.get(axis) == Some(&0)) {
        return Err(Error::shape(format!("{op}: no elements along axes {axes:?} of shape {x}")));
    }
    Ok(x.without(axes))
}

fn reduce<T: Element>(
    op: &str,
    x: Strided<T>,
    axes: &[usize],
    out: &mut [T],
    first: T,
    f: impl Fn(T, T) -> T + Copy,
) -> Result<()> {
    let shape = x.layout.shape();
    if axes.iter().any(|&axis| axis >= shape.rank()) || axes.windows(2).any(|w| w[0] >= w[1]) {
        return Err(Error::index(format!("{op}: {axes:?} are not axes of shape {shape} in order")));
    }
    let result = shape.without(axes);
    if out.len() != result.numel() {
        let n = out.len();
        return Err(Error::shape(format!("{op}: axes {axes:?} of shape {shape} into a result of {n} elements")));
    }
    let numel = axes.iter().map(|&axis| shape[axis]).collect::<Shape>().numel();
    if numel == 0 || out.is_empty() {
        out.fill(first);
        return Ok(());
    }
    let strides: SmallVec<[isize; 4]> =
        x.layout.strides().iter().enumerate().filter(|(axis, _)| !axes.contains(axis)).map(|(_, &s)| s).collect();
    let mut run = Run::new(x, axes);
    let mut rest = out;
    rows(&result, [&strides], [x.layout.offset()], |row| {
        let (mut out, after) = std::mem::take(&mut rest).split_at_mut(row.len);
        rest = after;
        let mut start = row.start[0];
        if row.stride == [1] && run.stride() != 1 {
            let (tiles, single) = out.as_chunks_mut::<TILE>();
            for tile in tiles {
                run.begin(start);
                *tile = tree(numel, &mut run, first, f);
                start += TILE;
            }
            out = single;
        }
        for out in out {
            run.begin(start);
            [*out] = tree(numel, &mut run, first, f);
            start = start.wrapping_add_signed(row.stride[0]);
        }
    });
    Ok(())
}

/// The next `n` elements of each of `W` results, combined.
fn tree<T: Element, const W: usize>(n: usize, run: &mut Run<T>, first: T, f: impl Fn(T, T) -> T + Copy) -> [T; W] {
    if n > BLOCK {
        let half = (n / 2).next_multiple_of(BLOCK);
        let a: [T; W] = tree(half, run, first, f);
        let b: [T; W] = tree(n - half, run, first, f);
        return from_fn(|w| f(a[w], b[w]));
    }
    let mut total = [first; W];
    if n >= LANES {
        let mut lanes = [[first; W]; LANES];
        for _ in 0..n / LANES {
            let next: [[T; W]; LANES] = run.lanes();
            for (lane, next) in lanes.iter_mut().zip(&next) {
                *lane = from_fn(|w| f(lane[w], next[w]));
            }
        }
        let mut width = LANES;
        while width > 1 {
            width /= 2;
            for i in 0..width {
                lanes[i] = from_fn(|w| f(lanes[i][w], lanes[i + width][w]));
            }
        }
        total = lanes[0];
    }
    for _ in 0..n % LANES {
        let next: [T; W] = run.next();
        total = from_fn(|w| f(total[w], next[w]));
    }
    total
}

/// The elements to reduce, in row-major order, for `W` results whose elements are neighbours.
struct Run<'a, T> {
    data: &'a [T],
    /// Size and stride of the reduced axes, innermost first, merged where they continue each other.
    axes: SmallVec<[(usize, isize); 4]>,
    index: SmallVec<[usize; 4]>,
    place: isize,
}

impl<'a, T: Element> Run<'a, T> {
    fn new(x: Strided<'a, T>, axes: &[usize]) -> Self {
        let mut merged: SmallVec<[(usize, isize); 4]> = SmallVec::new();
        for &axis in axes.iter().rev() {
            let (size, stride) = (x.layout.shape()[axis], x.layout.strides()[axis]);
            match merged.last_mut() {
                _ if size == 1 => {}
                Some((inner, step)) if stride == *step * *inner as isize => *inner *= size,
                _ => merged.push((size, stride)),
            }
        }
        let index = SmallVec::from_elem(0, merged.len());
        Self { data: x.data, axes: merged, index, place: 0 }
    }

    /// The distance between one element and the next, mostly.
    fn stride(&self) -> isize {
        self.axes.first().map_or(1, |axis| axis.1)
    }

    fn begin(&mut self, start: usize) {
        self.place = start as isize;
        self.index.fill(0);
    }

    fn next<const W: usize>(&mut self) -> [T; W] {
        let place = self.place as usize;
        self.advance(1);
        from_fn(|w| self.data[place + w])
    }

    /// As many calls of [`next`](Self::next) as there are lanes.
    #[inline(always)]
    fn lanes<const W: usize>(&mut self) -> [[T; W]; LANES] {
        if let (Some(&(size, stride)), Some(&index)) = (self.axes.first(), self.index.first())
            && stride == W as isize
            && index + LANES <= size
            && let Some(&lanes) = self.data[self.place as usize..].as_chunks::<W>().0.first_chunk()
        {
            self.advance(LANES);
            return lanes;
        }
        from_fn(|_| self.next())
    }

    /// Goes `n` elements on, which are not more than are left of the innermost axis.
    fn advance(&mut self, mut n: usize) {
        for (index, &(size, stride)) in self.index.iter_mut().zip(&self.axes) {
            *index += n;
            self.place += stride * n as isize;
            if *index < size {
                return;
            }
            *index = 0;
            self.place -= stride * size as isize;
            n = 1;
        }
    }
}

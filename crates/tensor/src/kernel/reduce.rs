//! Reductions over axes, which are sorted and within the shape. The result has the operand's shape
//! without them.
//!
//! Every result is combined in an order fixed by the number of its elements alone: blocks of
//! 256 elements are combined pairwise, as a balanced tree, and within a block the elements are
//! dealt out to 16 lanes. So rounding errors of sums grow with the logarithm of their length
//! (N. J. Higham, "The accuracy of floating point summation", 1993), a lane is an element of a
//! vector register, and the bits depend on no layout.

use smallvec::SmallVec;

use crate::dtype::Element;
use crate::error::{Error, Result};
use crate::kernel::cursor::Cursor;
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
const COLUMNS: usize = 32;

macro_rules! combine {
    ($first:expr, $pair:expr) => {
        Combine {
            first: $first,
            pair: $pair,
            lanes: |lanes, x| {
                for round in x.as_chunks::<LANES>().0 {
                    lanes.iter_mut().zip(round).for_each(|(lane, &x)| *lane = $pair(*lane, x));
                }
            },
            columns: |out, x| out.iter_mut().zip(x).for_each(|(out, &x)| *out = $pair(*out, x)),
        }
    };
}

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident = $first:ident, $f:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// Where the dtype is not one of numbers, or the result does not fit.
        pub fn $name(x: View, axes: &[usize], out: ViewMut) -> Result<()> {
            let op = stringify!($name);
            with_number!(op, x.dtype(), T => {
                reduce(op, x.typed::<T>(op)?, axes, out.typed(op)?, &combine!(T::$first, T::$f))
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
                reduce(op, x.typed::<T>(op)?, axes, out.typed(op)?, &combine!(T::$first, T::$f))
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
            reduce(op, x.typed::<bool>(op)?, axes, out.typed(op)?, &combine!($first, $f))
        }
    )*};
}

quantifiers! {
    /// Whether any element is true; false of nothing.
    any = false, std::ops::BitOr::bitor;
    /// Whether all elements are true; true of nothing.
    all = true, std::ops::BitAnd::bitand;
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

/// How elements are combined: by one associative function, as the loops that need it.
struct Combine<T> {
    /// What combining nothing gives.
    first: T,
    pair: fn(T, T) -> T,
    /// Element i of the second into lane i mod LANES of the first; whole rounds of lanes only.
    lanes: fn(&mut [T; LANES], &[T]),
    /// Each element of the second into that of the first.
    columns: fn(&mut [T], &[T]),
}

fn reduce<T: Element>(op: &str, x: Strided<T>, axes: &[usize], out: &mut [T], f: &Combine<T>) -> Result<()> {
    let shape = x.layout.shape();
    if axes.iter().any(|&axis| axis >= shape.rank()) || axes.windows(2).any(|w| w[0] >= w[1]) {
        return Err(Error::index(format!("{op}: {axes:?} are not axes of shape {shape} in order")));
    }
    let result = shape.without(axes);
    if out.len() != result.numel() {
        let n = out.len();
        return Err(Error::shape(format!("{op}: axes {axes:?} of shape {shape} into a result of {n} elements")));
    }
    if x.layout.numel() == 0 {
        out.fill(f.first);
        return Ok(());
    }
    let n = axes.iter().map(|&axis| shape[axis]).product::<usize>();
    let strides: SmallVec<[isize; 4]> =
        x.layout.strides().iter().enumerate().filter(|(axis, _)| !axes.contains(axis)).map(|(_, &s)| s).collect();
    let mut elements = Cursor::over(x, axes.iter().copied());
    let mut rest = out;
    rows(&result, [&strides], [x.layout.offset()], |row| {
        let (mut out, after) = std::mem::take(&mut rest).split_at_mut(row.len);
        rest = after;
        let mut start = row.start[0];
        if row.stride == [1] && elements.stride() != 1 {
            let whole = out.len() - out.len() % COLUMNS;
            let (tiles, single) = std::mem::take(&mut out).split_at_mut(whole);
            for tile in tiles.chunks_exact_mut(COLUMNS) {
                elements.restart(start);
                columns(n, &mut elements, tile, f);
                start += COLUMNS;
            }
            out = single;
        }
        for out in out {
            elements.restart(start);
            *out = tree(n, &mut elements, f);
            start = start.wrapping_add_signed(row.stride[0]);
        }
    });
    Ok(())
}

/// Where to cut `n` elements, more than a block, in two.
fn half(n: usize) -> usize {
    (n / 2).next_multiple_of(BLOCK)
}

/// The next `n` elements, combined.
fn tree<T: Element>(n: usize, elements: &mut Cursor<T>, f: &Combine<T>) -> T {
    if n > BLOCK {
        let a = tree(half(n), elements, f);
        return (f.pair)(a, tree(n - half(n), elements, f));
    }
    let mut buffer = [f.first; BLOCK];
    let block = elements.take(n, &mut buffer);
    let (rounds, rest) = block.split_at(n - n % LANES);
    let mut total = f.first;
    if !rounds.is_empty() {
        let mut lanes = [f.first; LANES];
        (f.lanes)(&mut lanes, rounds);
        let mut width = LANES;
        while width > 1 {
            width /= 2;
            let (low, high) = lanes.split_at_mut(width);
            low.iter_mut().zip(high).for_each(|(low, &mut high)| *low = (f.pair)(*low, high));
        }
        total = lanes[0];
    }
    rest.iter().fold(total, |total, &x| (f.pair)(total, x))
}

/// As [`tree`], for neighbouring results whose elements are neighbours: each gets the same bits.
fn columns<T: Element>(n: usize, elements: &mut Cursor<T>, out: &mut [T], f: &Combine<T>) {
    if n > BLOCK {
        columns(half(n), elements, out, f);
        let mut second = [f.first; COLUMNS];
        columns(n - half(n), elements, &mut second, f);
        return (f.columns)(out, &second);
    }
    let mut next = || elements.neighbours(COLUMNS);
    out.fill(f.first);
    if n >= LANES {
        let mut lanes = [[f.first; COLUMNS]; LANES];
        for _ in 0..n / LANES {
            lanes.iter_mut().for_each(|lane| (f.columns)(lane, next()));
        }
        let mut width = LANES;
        while width > 1 {
            width /= 2;
            let (low, high) = lanes.split_at_mut(width);
            low.iter_mut().zip(high).for_each(|(low, high)| (f.columns)(low, high));
        }
        out.copy_from_slice(&lanes[0]);
    }
    for _ in 0..n % LANES {
        (f.columns)(out, next());
    }
}

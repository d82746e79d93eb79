//! Reductions over axes, which are sorted and within the shape. The result has the operand's shape
//! without them.
//!
//! Every result is combined in an order fixed by the shape and the axes alone, so that the bits depend on no
//! layout, on no number of threads, and not on whether the operand is there all at once ([`stream`]). The
//! elements of a result, in their order, are cut into *leaves* of 256. The leaves are combined as neighbours in
//! pairs, the results again so until one is left: so rounding errors of sums grow with the logarithm of their
//! length (N. J. Higham, "The accuracy of floating point summation", 1993). Within a leaf,
//!
//! - where the last axis of the operand (of more than one element) is reduced, elements are dealt out to 32
//!   *lanes*, which are then combined as halves; what does not fill all lanes follows one by one;
//! - where it stays, elements are combined one after another in *runs* of 16, and these one after another.
//!
//! Both read memory in its order: a lane is an element of a vector register in the one case, a result in the other.

mod combine;
pub mod stream;

use smallvec::SmallVec;

use self::combine::{Combine, Folded};
use crate::dtype::Element;
use crate::error::{Error, Result};
use crate::kernel::cursor::Cursor;
use crate::kernel::each::{Row, rows};
use crate::kernel::parallel;
use crate::kernel::with_computed;
use crate::shape::Shape;
use crate::view::{Strided, View, ViewMut};

/// A kernel that reduces axes.
pub type Reduce = fn(View, &[usize], ViewMut) -> Result<()>;

/// Elements that are combined before any others are looked at.
pub const LEAF: usize = 256;
/// Within a leaf, partial results side by side
pub(super) const LANES: usize = 32;
/// or elements one after another.
pub(super) const RUN: usize = 16;

/// Elements that are worth a thread's while: about 50 microseconds of work.
const PART: usize = 1 << 18;

/// An associative function by which a reduction combines elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// [`sum`]
    Sum,
    /// [`prod`]
    Prod,
    /// [`max`]
    Max,
    /// [`min`]
    Min,
    /// [`any`]
    Any,
    /// [`all`]
    All,
}

impl Fold {
    /// The name of the reduction.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Prod => "prod",
            Self::Max => "max",
            Self::Min => "min",
            Self::Any => "any",
            Self::All => "all",
        }
    }
}

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident = $Fold:ident, $errors:literal $(, $check:expr)?;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        #[doc = concat!("Where ", $errors, ", or the result does not fit.")]
        pub fn $name(x: View, axes: &[usize], out: ViewMut) -> Result<()> {
            $($check(stringify!($name), x.shape(), axes)?;)?
            over(Fold::$Fold, x, axes, out)
        }
    )*};
}

functions! {
    /// The sum; 0 of nothing. Integers wrap.
    sum = Sum, "the dtype is not one of numbers";
    /// The product; 1 of nothing. Integers wrap.
    prod = Prod, "the dtype is not one of numbers";
    /// The largest element; NaN where one is.
    max = Max, "there are no elements to reduce, the dtype is not one of numbers", extreme_shape;
    /// The smallest element; NaN where one is.
    min = Min, "there are no elements to reduce, the dtype is not one of numbers", extreme_shape;
    /// Whether any element is true; false of nothing.
    any = Any, "the dtype is not `bool`";
    /// Whether all elements are true; true of nothing.
    all = All, "the dtype is not `bool`";
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

/// The loops of a function for a dtype.
fn loops<T: Folded>(fold: Fold) -> Result<&'static Combine<T>> {
    T::combine(fold).ok_or_else(|| {
        let (op, takes) = (fold.name(), if matches!(fold, Fold::Any | Fold::All) { "bool" } else { "numbers" });
        Error::dtype(format!("{op}: expected {takes}, got {}", T::DTYPE))
    })
}

fn over(fold: Fold, x: View, axes: &[usize], out: ViewMut) -> Result<()> {
    let op = fold.name();
    with_computed!(op, x.dtype(), T => reduce(op, x.typed::<T>(op)?, axes, out.typed::<T>(op)?, loops(fold)?))
}

/// Whether the last axis of more than one element is reduced, which decides on the order of a reduction.
pub fn is_trailing(shape: &Shape, axes: &[usize]) -> bool {
    let last = (0..shape.rank()).rev().find(|&axis| shape[axis] != 1);
    last.is_none_or(|last| axes.contains(&last))
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
    let mut pass = Pass { n, data: x.data, elements: Cursor::over(x, axes.iter().copied()), f };
    let trailing = is_trailing(shape, axes);
    let mut rest = out;
    rows(&result, [&strides], [x.layout.offset()], |row| {
        let (out, after) = std::mem::take(&mut rest).split_at_mut(row.len);
        rest = after;
        match trailing {
            true => pass.trailing(row, out),
            false => pass.leading(row, out),
        }
    });
    Ok(())
}

/// Results of `n` elements each, found by a cursor.
struct Pass<'a, T> {
    n: usize,
    data: &'a [T],
    elements: Cursor<'a, T>,
    f: &'a Combine<T>,
}

impl<T: Element> Pass<'_, T> {
    /// One row of results, each by lanes.
    fn trailing(&mut self, row: Row<1>, mut out: &mut [T]) {
        let (n, f, [mut start], [stride]) = (self.n, self.f, row.start, row.stride);
        if self.elements.is_run() {
            let data = self.data;
            let results = |at: usize, out: &mut [T]| {
                let mut start = start.wrapping_add_signed(at as isize * stride);
                if stride == n as isize && n <= LEAF {
                    (f.leaves)(n, &data[start..start + n * out.len()], out);
                    return Ok(());
                }
                for out in out {
                    *out = side_by_side(&data[start..start + n], f);
                    start = start.wrapping_add_signed(stride);
                }
                Ok(())
            };
            return parallel::chunks(out, PART.div_ceil(n), &results).unwrap_or_default();
        }
        if stride == 1 && self.elements.stride() != 1 {
            let whole = out.len() - out.len() % NEIGHBOURS;
            let (tiles, single) = out.split_at_mut(whole);
            for tile in tiles.chunks_exact_mut(NEIGHBOURS) {
                self.elements.restart(start);
                neighbours(n, &mut self.elements, tile, self.f);
                start += NEIGHBOURS;
            }
            out = single;
        }
        for out in out {
            self.elements.restart(start);
            *out = tree(n, &mut self.elements, self.f.leaf, self.f);
            start = start.wrapping_add_signed(stride);
        }
    }

    /// One row of results, each by runs.
    fn leading(&mut self, row: Row<1>, out: &mut [T]) {
        let ([mut start], [stride]) = (row.start, row.stride);
        if stride == 1 {
            let (n, elements, data, f) = (self.n, &self.elements, self.data, self.f);
            let results = |at: usize, out: &mut [T]| {
                let (mut elements, mut start) = (elements.clone(), start + at);
                for tile in out.chunks_mut(COLUMNS) {
                    elements.restart(start);
                    columns(n, &mut elements, data, tile, f);
                    start += tile.len();
                }
                Ok(())
            };
            return parallel::chunks(out, PART.div_ceil(n).next_multiple_of(COLUMNS), &results).unwrap_or_default();
        }
        for out in out {
            self.elements.restart(start);
            *out = tree(self.n, &mut self.elements, self.f.runs, self.f);
            start = start.wrapping_add_signed(stride);
        }
    }
}

/// Where to cut `n` elements, more than a leaf, in two.
fn half(n: usize) -> usize {
    n.div_ceil(LEAF).next_power_of_two() / 2 * LEAF
}

/// The next `n` elements, combined.
fn tree<T: Element>(n: usize, elements: &mut Cursor<T>, leaf: fn(&[T]) -> T, f: &Combine<T>) -> T {
    if n > LEAF {
        let a = tree(half(n), elements, leaf, f);
        return (f.pair)(a, tree(n - half(n), elements, leaf, f));
    }
    let mut buffer = [f.first; LEAF];
    leaf(elements.take(n, &mut buffer))
}

/// Leaves whose results are combined without recursion.
const LEAVES: usize = 32;

/// As [`tree`] by lanes, of elements that lie side by side.
fn side_by_side<T: Element>(x: &[T], f: &Combine<T>) -> T {
    let mut left = x.len().div_ceil(LEAF);
    if left <= 1 {
        return (f.leaf)(x);
    }
    if left > LEAVES {
        let (low, high) = x.split_at(half(x.len()));
        let (low, high) = match x.len() > 2 * PART {
            true => parallel::join(|| side_by_side(low, f), || side_by_side(high, f)),
            false => (side_by_side(low, f), side_by_side(high, f)),
        };
        return (f.pair)(low, high);
    }
    let mut totals = [f.first; LEAVES];
    let whole = x.len() / LEAF;
    (f.leaves)(LEAF, &x[..whole * LEAF], &mut totals[..whole]);
    if whole < left {
        totals[whole] = (f.leaf)(&x[whole * LEAF..]);
    }
    while left > 1 {
        (f.pairs)(&mut totals[..left]);
        left = left.div_ceil(2);
    }
    totals[0]
}

/// As [`side_by_side`] for rows of so many elements, to an element each.
fn rows_side_by_side<T: Element>(cols: usize, x: &[T], out: &mut [T], f: &Combine<T>) {
    let leaves = cols / LEAF;
    if cols <= LEAF {
        return (f.leaves)(cols, x, out);
    }
    // Trees of rows that have a power of two of leaves are one.
    if !cols.is_multiple_of(LEAF) || !leaves.is_power_of_two() || leaves > LEAVES {
        return x.chunks_exact(cols).zip(out).for_each(|(x, out)| *out = side_by_side(x, f));
    }
    let rows = LEAVES / leaves;
    for (x, out) in x.chunks(rows * cols).zip(out.chunks_mut(rows)) {
        let (mut totals, mut left) = ([f.first; LEAVES], out.len() * leaves);
        (f.leaves)(LEAF, x, &mut totals[..left]);
        while left > out.len() {
            (f.pairs)(&mut totals[..left]);
            left /= 2;
        }
        out.copy_from_slice(&totals[..left]);
    }
}

/// Results by lanes that are computed side by side where they, and not their elements, are neighbours in storage.
const NEIGHBOURS: usize = 32;

/// As [`tree`] by lanes, for neighbouring results whose elements are neighbours: each gets the same bits.
fn neighbours<T: Element>(n: usize, elements: &mut Cursor<T>, out: &mut [T], f: &Combine<T>) {
    if n > LEAF {
        neighbours(half(n), elements, out, f);
        let mut second = [f.first; NEIGHBOURS];
        neighbours(n - half(n), elements, &mut second, f);
        return (f.columns)(out, &second);
    }
    let mut next = || elements.neighbours(NEIGHBOURS);
    out.fill(f.first);
    if n >= LANES {
        let mut lanes = [[f.first; NEIGHBOURS]; LANES];
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

/// Results by runs that are computed side by side: their partial results stay in the L1 cache.
const COLUMNS: usize = 512;

/// As [`tree`] by runs, for no more than [`COLUMNS`] neighbouring results: each gets the same bits.
fn columns<T: Element>(n: usize, elements: &mut Cursor<T>, data: &[T], out: &mut [T], f: &Combine<T>) {
    let width = out.len();
    let mut second = [f.first; COLUMNS];
    let second = &mut second[..width];
    if n > LEAF {
        columns(half(n), elements, data, out, f);
        columns(n - half(n), elements, data, second, f);
        return (f.columns)(out, second);
    }
    out.fill(f.first);
    let mut left = n;
    while left > 0 {
        let rows = left.min(RUN);
        second.fill(f.first);
        match elements.steps(rows) {
            Some((start, step)) => (f.run)(second, &data[start..], step, rows),
            None => (0..rows).for_each(|_| (f.columns)(second, elements.neighbours(width))),
        }
        (f.columns)(out, second);
        left -= rows;
    }
}

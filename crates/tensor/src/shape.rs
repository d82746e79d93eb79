//! Shapes, axes and NumPy's broadcasting rule.
//!
//! A [`Shape`] is only a list of sizes; that its product can be addressed is checked where memory
//! or a tape's type is made from it ([`Shape::numel_checked`]).
//!
//! Shapes are copied and compared for every equation of a tape, so the usual short ones are plain values.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use smallvec::SmallVec;

use crate::error::{Error, Result};

/// The size of every axis, outermost first. Rank 0 is a single element.
#[derive(Clone, PartialEq, Eq)]
pub struct Shape(Repr);

/// Up to this rank a shape takes no memory of its own.
const FEW: usize = 4;

/// A rank has one form only, and sizes beyond it are 0, so that equal shapes are equal field by field.
#[derive(Clone, PartialEq, Eq)]
enum Repr {
    Few { rank: u8, sizes: [usize; FEW] },
    Many(Box<[usize]>),
}

impl Shape {
    /// The number of axes.
    pub fn rank(&self) -> usize {
        match &self.0 {
            Repr::Few { rank, .. } => usize::from(*rank),
            Repr::Many(sizes) => sizes.len(),
        }
    }

    fn sizes_mut(&mut self) -> &mut [usize] {
        match &mut self.0 {
            Repr::Few { rank, sizes } => &mut sizes[..usize::from(*rank)],
            Repr::Many(sizes) => sizes,
        }
    }

    /// The number of elements: the product of the sizes, 1 for rank 0.
    ///
    /// Saturates where the product cannot be represented; [`numel_checked`](Self::numel_checked)
    /// reports that as an error.
    pub fn numel(&self) -> usize {
        if self.contains(&0) {
            return 0;
        }
        self.iter().fold(1, |n, &size| n.saturating_mul(size))
    }

    /// The number of elements. Sizes of 0 hide no others: without them it must be addressable too, so
    /// that no product of some of the sizes ever overflows.
    ///
    /// # Errors
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory) where so many elements of 8 bytes could not be addressed.
    pub fn numel_checked(&self) -> Result<usize> {
        let most = self.iter().filter(|&&size| size != 0).fold(1usize, |n, &size| n.saturating_mul(size));
        if most > isize::MAX as usize / 8 {
            return Err(Error::memory(format!("shape {self} has more elements than memory can address")));
        }
        Ok(self.numel())
    }

    /// Whether [`broadcast`](Self::broadcast) of the two is `to`: only this one stretches, if any.
    #[inline]
    pub fn stretches_to(&self, to: &Self) -> bool {
        let (own, to): (&[usize], &[usize]) = (self, to);
        own.len() <= to.len() && own.iter().rev().zip(to.iter().rev()).all(|(&own, &to)| own == to || own == 1)
    }

    /// This shape and `other` broadcast together by NumPy's rule: aligned at the last axis, equal
    /// sizes stay and a size of 1 stretches.
    ///
    /// ```
    /// use wengert_tensor::Shape;
    /// let a = Shape::from([5, 1, 3]);
    /// assert_eq!(a.broadcast(&Shape::from([4, 3])), Some(Shape::from([5, 4, 3])));
    /// assert_eq!(a.broadcast(&Shape::from([2])), None);
    /// ```
    pub fn broadcast(&self, other: &Self) -> Option<Self> {
        // Mostly one of them is the result.
        if other.stretches_to(self) {
            return Some(self.clone());
        }
        if self.stretches_to(other) {
            return Some(other.clone());
        }
        let (mut shape, less) = if self.rank() < other.rank() { (other.clone(), self) } else { (self.clone(), other) };
        let extra = shape.rank() - less.rank();
        for (size, &other) in shape.sizes_mut()[extra..].iter_mut().zip(less.iter()) {
            match (*size, other) {
                (a, b) if a == b || b == 1 => {}
                (1, b) => *size = b,
                _ => return None,
            }
        }
        Some(shape)
    }

    /// The axis that `axis` names: itself, or counted from the end where negative.
    ///
    /// # Errors
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) where there is no such axis.
    pub fn axis(&self, axis: isize) -> Result<usize> {
        let rank = self.rank() as isize;
        match if axis < 0 { axis + rank } else { axis } {
            i if (0..rank).contains(&i) => Ok(i as usize),
            _ => Err(Error::index(format!("axis {axis} is out of range for shape {self} of rank {rank}"))),
        }
    }

    /// This shape without the axes `axes`, which are sorted and within it.
    pub fn without(&self, axes: &[usize]) -> Self {
        self.iter().enumerate().filter(|(i, _)| !axes.contains(i)).map(|(_, &n)| n).collect()
    }

    /// This shape with size 1 at `axes`.
    pub fn ones_at(&self, axes: &[usize]) -> Self {
        self.iter().enumerate().map(|(i, &n)| if axes.contains(&i) { 1 } else { n }).collect()
    }

    /// This shape with one more axis of `size` before axis `at`.
    ///
    /// # Panics
    /// Where there is no such axis.
    pub fn with_axis(&self, at: usize, size: usize) -> Self {
        let (before, after) = self.split_at(at);
        before.iter().chain([&size]).chain(after).copied().collect()
    }

    /// This shape with axis `axis` of another size.
    ///
    /// # Panics
    /// Where there is no such axis.
    pub fn with_size(&self, axis: usize, size: usize) -> Self {
        let mut out = self.clone();
        out.sizes_mut()[axis] = size;
        out
    }
}

impl Deref for Shape {
    type Target = [usize];

    fn deref(&self) -> &[usize] {
        match &self.0 {
            Repr::Few { rank, sizes } => &sizes[..usize::from(*rank)],
            Repr::Many(sizes) => sizes,
        }
    }
}

impl Default for Shape {
    fn default() -> Self {
        Self(Repr::Few { rank: 0, sizes: [0; FEW] })
    }
}

impl Hash for Shape {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self[..].hash(state);
    }
}

impl PartialOrd for Shape {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Shape {
    fn cmp(&self, other: &Self) -> Ordering {
        self[..].cmp(other)
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl FromIterator<usize> for Shape {
    fn from_iter<I: IntoIterator<Item = usize>>(sizes: I) -> Self {
        let (mut few, mut rank, mut rest) = ([0; FEW], 0, sizes.into_iter());
        while let Some(size) = rest.next() {
            if rank == FEW {
                return Self(Repr::Many(few.into_iter().chain([size]).chain(rest).collect()));
            }
            few[rank] = size;
            rank += 1;
        }
        Self(Repr::Few { rank: rank as u8, sizes: few })
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(sizes: [usize; N]) -> Self {
        sizes.into_iter().collect()
    }
}

impl From<&[usize]> for Shape {
    fn from(sizes: &[usize]) -> Self {
        sizes.iter().copied().collect()
    }
}

impl From<Vec<usize>> for Shape {
    fn from(sizes: Vec<usize>) -> Self {
        Self::from(&sizes[..])
    }
}

impl From<&Shape> for Shape {
    fn from(shape: &Shape) -> Self {
        shape.clone()
    }
}

impl From<()> for Shape {
    fn from((): ()) -> Self {
        Self::default()
    }
}

/// A shape to be made by `reshape`: as [`Shape`], and one size may be `-1`, "whatever is left".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sizes(SmallVec<[isize; 4]>);

impl Sizes {
    /// The shape that these sizes mean for something of shape `from`.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where the numbers of elements differ, two sizes are `-1`, or one is less.
    pub fn resolve(&self, from: &Shape) -> Result<Shape> {
        let wrong = |why: &str| Error::shape(format!("reshape: {from} to {:?}: {why}", self.0.as_slice()));
        let mut shape: Shape = self.0.iter().map(|&n| n.max(1) as usize).collect();
        if self.0.iter().any(|&n| n < -1) {
            return Err(wrong("a size is negative"));
        }
        for (i, &n) in self.0.iter().enumerate() {
            if n == 0 {
                shape.sizes_mut()[i] = 0;
            }
        }
        let mut unknown = self.0.iter().enumerate().filter(|(_, n)| **n == -1).map(|(i, _)| i);
        if let Some(i) = unknown.next() {
            if unknown.next().is_some() {
                return Err(wrong("more than one size is -1"));
            }
            let known = shape.numel();
            if known == 0 || !from.numel().is_multiple_of(known) {
                return Err(wrong("no size fits in place of -1"));
            }
            shape.sizes_mut()[i] = from.numel() / known;
        }
        if shape.numel() != from.numel() {
            let (a, b) = (from.numel(), shape.numel());
            return Err(Error::shape(format!("reshape: {from} has {a} elements and {shape} has {b}")));
        }
        Ok(shape)
    }

    /// The shape that something of shape `from` is stretched to by NumPy's rule, where a size of `-1` keeps its own.
    ///
    /// # Errors
    /// As [`Shape::stretch`]; also where there is no size to keep, or one is less than `-1`.
    pub fn stretch(&self, from: &Shape) -> Result<Shape> {
        let sizes = self.0.as_slice();
        let extra = sizes.len().wrapping_sub(from.rank());
        let size = |(i, &n): (usize, &isize)| match (usize::try_from(n), n) {
            (Ok(n), _) => Ok(n),
            (_, -1) if sizes.len() >= from.rank() && i >= extra => Ok(from[i - extra]),
            _ => Err(Error::shape(format!("broadcast_to: {from} to {sizes:?}: no size stands for {n}"))),
        };
        from.stretch(sizes.iter().enumerate().map(size).collect::<Result<Shape>>()?)
    }
}

impl<const N: usize> From<[i32; N]> for Sizes {
    fn from(sizes: [i32; N]) -> Self {
        Self(sizes.iter().map(|&n| n as isize).collect())
    }
}

impl<const N: usize> From<[isize; N]> for Sizes {
    fn from(sizes: [isize; N]) -> Self {
        Self(SmallVec::from_slice(&sizes))
    }
}

impl<const N: usize> From<[usize; N]> for Sizes {
    fn from(sizes: [usize; N]) -> Self {
        Self::from(&sizes[..])
    }
}

impl From<&[isize]> for Sizes {
    fn from(sizes: &[isize]) -> Self {
        Self(SmallVec::from_slice(sizes))
    }
}

impl From<&[usize]> for Sizes {
    fn from(sizes: &[usize]) -> Self {
        Self(sizes.iter().map(|&n| isize::try_from(n).unwrap_or(isize::MAX)).collect())
    }
}

impl From<&Shape> for Sizes {
    fn from(shape: &Shape) -> Self {
        Self::from(&shape[..])
    }
}

impl From<Shape> for Sizes {
    fn from(shape: Shape) -> Self {
        Self::from(&shape[..])
    }
}

/// Some of a tensor's axes: one, several, or all (`..`). Negative ones count from the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Axes(Option<SmallVec<[isize; 4]>>);

/// Axes made definite: sorted, within range, without repetition.
pub type AxisList = SmallVec<[usize; 4]>;

impl Axes {
    /// The axes of `shape` that are meant, sorted.
    ///
    /// # Errors
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) for an axis that does not exist or is given twice.
    pub fn resolve(&self, shape: &Shape) -> Result<AxisList> {
        let Some(axes) = &self.0 else {
            return Ok((0..shape.rank()).collect());
        };
        let mut out = self.resolve_in_order(shape)?;
        out.sort_unstable();
        if out.windows(2).any(|w| w[0] == w[1]) {
            return Err(Error::index(format!("axes {:?} of shape {shape} repeat an axis", axes.as_slice())));
        }
        Ok(out)
    }

    /// The axes of `shape` that are meant, in the order given.
    ///
    /// # Errors
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) for an axis that does not exist.
    pub fn resolve_in_order(&self, shape: &Shape) -> Result<AxisList> {
        match &self.0 {
            Some(axes) => axes.iter().map(|&axis| shape.axis(axis)).collect(),
            None => Ok((0..shape.rank()).collect()),
        }
    }
}

impl From<std::ops::RangeFull> for Axes {
    fn from(_: std::ops::RangeFull) -> Self {
        Self(None)
    }
}

/// An axis as a signed number; one that does not fit is out of range for every shape, and stays so.
fn signed(axis: impl TryInto<isize>) -> isize {
    axis.try_into().unwrap_or(isize::MAX)
}

macro_rules! axes_from {
    ($($t:ty),*) => {$(
        impl From<$t> for Axes {
            fn from(axis: $t) -> Self {
                Self::from([axis])
            }
        }

        impl<const N: usize> From<[$t; N]> for Axes {
            fn from(axes: [$t; N]) -> Self {
                Self::from(&axes[..])
            }
        }

        impl From<&[$t]> for Axes {
            fn from(axes: &[$t]) -> Self {
                Self(Some(axes.iter().map(|&axis| signed(axis)).collect()))
            }
        }
    )*};
}

axes_from!(i32, isize, usize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_of_every_rank_are_their_lists_of_sizes() {
        let sizes = [2, 0, 3, 1, 5, 4, 7];
        let shapes: Vec<Shape> = (0..=sizes.len()).map(|rank| Shape::from(&sizes[..rank])).collect();
        for (rank, shape) in shapes.iter().enumerate() {
            assert_eq!((shape.rank(), &shape[..]), (rank, &sizes[..rank]));
            assert_eq!(shape, &sizes[..rank].to_vec().into());
            assert_eq!(shape.clone(), *shape);
            for at in 0..=rank {
                let more = shape.with_axis(at, 9);
                assert_eq!((more.rank(), more[at], more.without(&[at])), (rank + 1, 9, shape.clone()));
                assert!(more != *shape && more.with_size(at, 8)[at] == 8);
            }
            for (other_rank, other) in shapes.iter().enumerate() {
                assert_eq!(shape.cmp(other), rank.cmp(&other_rank));
                assert_eq!(shape == other, rank == other_rank);
            }
        }
    }
}

//! Axes joined, cut up, dropped, stretched and moved.

use wengert_tensor::{Axes, AxisList, Error, Sizes};

use super::compose;
use crate::tape::Var;

impl<'t> Var<'t> {
    /// Stretched by NumPy's broadcasting rule to sizes of which -1 keeps the variable's own: see
    /// [`broadcast_to`](Self::broadcast_to).
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[1.0], [2.0]]));
    /// assert_eq!(x.expand([-1, 2]).value()?, Tensor::from([[1.0, 1.0], [2.0, 2.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Sizes that the shape does not stretch to, -1 for an axis that it does not have.
    #[inline]
    #[track_caller]
    pub fn expand(self, sizes: impl Into<Sizes>) -> Self {
        let sizes = sizes.into();
        compose("expand", [self], |[x]| Ok(x.broadcast_to(sizes.stretch(&x.shape())?)))
    }

    /// The axes from `first` to `last`, this one too, as one axis; a single element becomes a vector of one.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    ///
    /// let tape = Tape::new();
    /// let images = tape.full([8, 3, 4, 4], 0.0);
    /// assert_eq!(images.flatten_axes(1, -1).shape()[..], [8, 48]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// An axis that does not exist, a `last` before `first`.
    #[doc(alias = "flatten")]
    #[inline]
    #[track_caller]
    pub fn flatten_axes(self, first: isize, last: isize) -> Self {
        compose("flatten_axes", [self], |[x]| {
            let shape = x.shape();
            if shape.rank() == 0 && (-1..=0).contains(&first) && (-1..=0).contains(&last) {
                return Ok(x.flatten());
            }
            let (start, end) = (shape.axis(first)?, shape.axis(last)?);
            if start > end {
                return Err(Error::index(format!("axis {start} of {shape} comes after axis {end}")));
            }
            let middle = shape[start..=end].iter().fold(1usize, |all, &size| all.saturating_mul(size));
            Ok(x.reshape(&[&shape[..start], &[middle], &shape[end + 1..]].concat()[..]))
        })
    }

    /// `axis` cut up into several, of which one size may be -1: the inverse of [`flatten_axes`](Self::flatten_axes).
    ///
    /// ```
    /// use wengert_autograd::Tape;
    ///
    /// let tape = Tape::new();
    /// let x = tape.full([8, 48], 0.0);
    /// assert_eq!(x.unflatten(1, [3, 4, -1]).shape()[..], [8, 3, 4, 4]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// An axis that does not exist, sizes whose product is not the axis's.
    #[inline]
    #[track_caller]
    pub fn unflatten(self, axis: isize, sizes: impl Into<Sizes>) -> Self {
        let sizes = sizes.into();
        compose("unflatten", [self], |[x]| {
            let shape = x.shape();
            let at = shape.axis(axis)?;
            // Along the axis alone: where another has no elements, -1 could be anything for the whole.
            let inner = sizes.resolve(&[shape[at]].into())?;
            Ok(x.reshape(&[&shape[..at], &inner[..], &shape[at + 1..]].concat()[..]))
        })
    }

    /// Without those of the given axes that have size 1; the others stay. All of size 1 go with `..`.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    ///
    /// let tape = Tape::new();
    /// let x = tape.full([1, 3, 1], 0.0);
    /// assert_eq!(x.squeeze_axes([0, 1]).shape()[..], [3, 1]);
    /// assert_eq!(x.squeeze_axes(..).shape()[..], [3]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias = "squeeze")]
    #[inline]
    #[track_caller]
    pub fn squeeze_axes(self, axes: impl Into<Axes>) -> Self {
        match self.resolve("squeeze_axes", axes) {
            Ok(mut axes) => {
                let shape = self.shape();
                axes.retain(|axis| shape[*axis] == 1);
                self.reshape(shape.without(&axes))
            }
            Err(poisoned) => poisoned,
        }
    }

    /// Axis `from` moved to be axis `to` of the result; the others stay in order.
    #[doc(alias("moveaxis", "movedim"))]
    #[track_caller]
    pub fn move_axis(self, from: isize, to: isize) -> Self {
        let (from, to) = match (self.axis("move_axis", from), self.axis("move_axis", to)) {
            (Ok(from), Ok(to)) => (from, to),
            (Err(poisoned), _) | (_, Err(poisoned)) => return poisoned,
        };
        let mut order: AxisList = (0..self.rank()).filter(|&axis| axis != from).collect();
        order.insert(to, from);
        self.permute(&order[..])
    }

    /// Each axis of `from` moved to be the one of `to` at the same place; the others stay in order.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    ///
    /// let tape = Tape::new();
    /// let x = tape.full([2, 3, 4, 5], 0.0);
    /// assert_eq!(x.move_axes([0, 1], [-1, 0]).shape()[..], [3, 4, 5, 2]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// An axis that does not exist or is given twice, more axes on one side than on the other.
    #[doc(alias("moveaxis", "movedim"))]
    #[inline]
    #[track_caller]
    pub fn move_axes(self, from: impl Into<Axes>, to: impl Into<Axes>) -> Self {
        let (from, to) = (from.into(), to.into());
        compose("move_axes", [self], |[x]| {
            let shape = x.shape();
            let in_order = |axes: &Axes| axes.resolve(&shape).and_then(|_| axes.resolve_in_order(&shape));
            let (from, to) = (in_order(&from)?, in_order(&to)?);
            if from.len() != to.len() {
                return Err(Error::index(format!("{} axes of {shape} to the places of {}", from.len(), to.len())));
            }
            let mut rest = (0..shape.rank()).filter(|axis| !from.contains(axis));
            let source = |i: usize| match to.iter().position(|&axis| axis == i) {
                Some(k) => from[k],
                None => rest.next().unwrap_or(i),
            };
            let order: AxisList = (0..shape.rank()).map(source).collect();
            Ok(x.permute(&order[..]))
        })
    }
}

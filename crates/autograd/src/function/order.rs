//! Sorting, and elements of a certain rank: the indices by an operation that has no derivative, the
//! elements gathered by them, which passes the derivative to each.

use wengert_tensor::{DType, Error};

use crate::tape::Var;

impl<'t> Var<'t> {
    /// The elements sorted along `axis`; NaN counts as largest.
    ///
    /// ```
    /// use wengert_autograd::grad;
    /// use wengert_tensor::Tensor;
    ///
    /// let (x, w) = (Tensor::from([3.0, 1.0, 2.0]), Tensor::from([10.0, 20.0, 30.0]));
    /// assert_eq!(grad(|[x, w]| (x.sort(0, false) * w).sum(), [&x, &w])?[0], Tensor::from([30.0, 10.0, 20.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias = "msort")]
    #[track_caller]
    pub fn sort(self, axis: isize, descending: bool) -> Self {
        self.gather(axis, self.argsort(axis, descending))
    }

    /// The elements sorted along `axis`, and their indices before.
    #[doc(alias = "sort")]
    #[inline]
    #[track_caller]
    pub fn sort_with_index(self, axis: isize, descending: bool) -> (Self, Self) {
        let index = self.argsort(axis, descending);
        (self.gather(axis, index), index)
    }

    /// The smallest and the largest over some axes, which are dropped: see [`min_axes`](Self::min_axes).
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let (lo, hi) = tape.input(&Tensor::from([3.0, -1.0, 2.0])).min_max_axes(..);
    /// assert_eq!((lo.item()?, hi.item()?), (-1.0, 3.0));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias = "aminmax")]
    #[inline]
    #[track_caller]
    pub fn min_max_axes(self, axes: impl Into<wengert_tensor::Axes>) -> (Self, Self) {
        let axes = axes.into();
        (self.min_axes(axes.clone()), self.max_axes(axes))
    }

    /// The `k` largest along `axis`, or smallest, in order, and their indices.
    #[track_caller]
    pub fn topk(self, k: usize, axis: isize, largest: bool) -> (Self, Self) {
        let axis = match self.axis("topk", axis) {
            Ok(axis) => axis,
            Err(poisoned) => return (poisoned, poisoned),
        };
        let (shape, along) = (self.shape(), axis as isize);
        if k > shape[axis] {
            let sentence = format!("topk: {k} elements of {} along axis {axis} of shape {shape}", shape[axis]);
            let poisoned = self.tape().error(Error::value(sentence));
            return (poisoned, poisoned);
        }
        let index = self.argsort(along, largest).narrow(along, 0, k);
        (self.gather(along, index), index)
    }

    /// The `k`-th smallest along `axis`, counted from 1, and its index. The axis is dropped.
    #[track_caller]
    pub fn kthvalue(self, k: usize, axis: isize) -> (Self, Self) {
        let axis = match self.axis("kthvalue", axis) {
            Ok(axis) => axis,
            Err(poisoned) => return (poisoned, poisoned),
        };
        let (shape, along) = (self.shape(), axis as isize);
        if k == 0 || k > shape[axis] {
            let sentence = format!("kthvalue: number {k} of {} along axis {axis} of shape {shape}", shape[axis]);
            let poisoned = self.tape().error(Error::value(sentence));
            return (poisoned, poisoned);
        }
        self.pick(along, self.argsort(along, false).narrow(along, k - 1, 1))
    }

    /// The median along `axis`, the lower of two, and its index; NaN where one is. The axis is dropped, and the element at
    /// the index has the whole derivative.
    #[track_caller]
    pub fn median_axis(self, axis: isize) -> (Self, Self) {
        let axis = match self.axis("median", axis) {
            Ok(axis) => axis,
            Err(poisoned) => return (poisoned, poisoned),
        };
        let (n, along) = (self.shape()[axis], axis as isize);
        if n == 0 {
            let sentence = format!("median: no elements along axis {axis} of shape {}", self.shape());
            let poisoned = self.tape().error(Error::shape(sentence));
            return (poisoned, poisoned);
        }
        let order = self.argsort(along, false);
        let (middle, last) = (order.narrow(along, (n - 1) / 2, 1), order.narrow(along, n - 1, 1));
        if !self.dtype().is_float() {
            return self.pick(along, middle);
        }
        self.pick(along, self.gather(along, last).is_nan().where_(last, middle))
    }

    /// The median of all elements, the lower of two; NaN where one is. Elements equal to it share the derivative, as with
    /// [`max`](Self::max); with [`median_axis`](Self::median_axis) the one at the index has it all.
    ///
    /// ```
    /// use wengert_autograd::grad;
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::from([3.0, 1.0, 3.0, 7.0]);
    /// assert_eq!(grad(|x| x.median(), &x)?, Tensor::from([0.5, 0.0, 0.5, 0.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn median(self) -> Self {
        let all = self.flatten();
        let median = all.median_axis(0).0;
        if median.is_poisoned() || !self.dtype().is_float() {
            return median;
        }
        // The largest of the lower half: the extreme's rule shares.
        all.greater(median).where_(f64::NEG_INFINITY, all).max()
    }

    /// The largest along `axis`, which is dropped, and its index. Of equals the first gets the whole
    /// derivative, unlike with [`max_axes`](Self::max_axes).
    #[doc(alias = "max")]
    #[track_caller]
    pub fn max_with_index(self, axis: isize) -> (Self, Self) {
        let index = self.argmax(axis);
        self.pick(axis, index.keep(self, axis))
    }

    /// The smallest along `axis`, which is dropped, and its index. Of equals the first gets the whole
    /// derivative, unlike with [`min_axes`](Self::min_axes).
    #[doc(alias = "min")]
    #[track_caller]
    pub fn min_with_index(self, axis: isize) -> (Self, Self) {
        let index = self.argmin(axis);
        self.pick(axis, index.keep(self, axis))
    }

    /// The largest of the elements up to and including each along `axis`.
    #[doc(alias("maximum.accumulate"))]
    #[track_caller]
    pub fn cummax(self, axis: isize) -> Self {
        self.gather(axis, self.arg_cummax(axis))
    }

    /// The smallest of the elements up to and including each along `axis`.
    #[doc(alias("minimum.accumulate"))]
    #[track_caller]
    pub fn cummin(self, axis: isize) -> Self {
        self.gather(axis, self.arg_cummin(axis))
    }

    /// How many elements are not zero, or true, along some axes, which are dropped; as `i64`.
    #[track_caller]
    pub fn count_nonzero(self, axes: impl Into<wengert_tensor::Axes>) -> Self {
        self.cast(DType::Bool).cast(DType::I64).sum_axes(axes)
    }

    /// The elements at `index`, which has size 1 along `axis`, and the index, both without that axis.
    #[track_caller]
    fn pick(self, axis: isize, index: Self) -> (Self, Self) {
        (self.gather(axis, index).squeeze(axis), index.squeeze(axis))
    }
}

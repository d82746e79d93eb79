//! Elements and slices put in the place of others, where an index says.
//!
//! Of those that an index puts in one place the last one stays, as after a loop. Which one that is, is found by an
//! operation without a derivative, and what stays is gathered by its result: so the derivative goes where the value
//! came from, and to nothing that was replaced.

use smallvec::SmallVec;
use wengert_tensor::{DType, Error, Shape};

use crate::op::Operand;
use crate::tape::Var;

impl<'t> Var<'t> {
    /// This with elements of `src` in place of its own: `y[.., index[.., i, ..], ..] = src[.., i, ..]` along `axis`. The
    /// index, of i64, has this variable's rank, and is no longer than it along the other axes; `src` has the index's
    /// shape, or is one number for all. An index out of range is an error when the value is asked for.
    ///
    /// Where indices repeat, the last along the axis is the one whose element stays. It has the whole derivative; what
    /// was replaced has none.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([0.0, 0.0, 7.0]));
    /// let (index, src) = (tape.input(&Tensor::from([1, 0, 1])), tape.input(&Tensor::from([1.0, 2.0, 3.0])));
    /// let y = x.scatter(0, index, src);
    /// assert_eq!(y.value()?, Tensor::from([2.0, 3.0, 7.0]));
    /// assert_eq!(y.sum().grad(src).value()?, Tensor::from([0.0, 1.0, 1.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias("put_along_axis", "scatter_"))]
    #[track_caller]
    pub fn scatter(self, axis: isize, index: Self, src: impl Into<Operand<'t>>) -> Self {
        match self.scattered("scatter", axis, index, src.into()) {
            Ok((hit, src)) => hit.where_(src, self),
            Err(poisoned) => poisoned,
        }
    }

    /// The larger of this and the largest of the elements that [`scatter`](Self::scatter) would put in a place. Of
    /// equals among those the last has the whole derivative; with this variable it is shared.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([0.0, 9.0, 7.0]));
    /// let (index, src) = (tape.input(&Tensor::from([0, 1, 0])), tape.input(&Tensor::from([4.0, 2.0, 3.0])));
    /// assert_eq!(x.scatter_max(0, index, src).value()?, Tensor::from([4.0, 9.0, 7.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias("scatter_reduce", "amax", "maximum.at"))]
    #[track_caller]
    pub fn scatter_max(self, axis: isize, index: Self, src: Self) -> Self {
        if let Err(poisoned) = self.scattered("scatter_max", axis, index, src.into()) {
            return poisoned;
        }
        // In order, the last is the largest, or NaN.
        let order = src.argsort(axis, false);
        match self.scattered("scatter_max", axis, index.gather(axis, order), src.gather(axis, order).into()) {
            Ok((hit, src)) => hit.where_(self.maximum(hit.where_(src, self)), self),
            Err(poisoned) => poisoned,
        }
    }

    /// The smaller of this and the smallest of the elements that [`scatter`](Self::scatter) would put in a place; see
    /// [`scatter_max`](Self::scatter_max).
    #[doc(alias("scatter_reduce", "amin", "minimum.at"))]
    #[track_caller]
    pub fn scatter_min(self, axis: isize, index: Self, src: Self) -> Self {
        -(-self).scatter_max(axis, index, -src)
    }

    /// This with slices of `x` in place of those that [`index_select`](Self::index_select) would take by the index. Where
    /// indices repeat, the last slice stays.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]));
    /// let rows = tape.input(&Tensor::from([[7.0, 7.0], [8.0, 8.0]]));
    /// let y = x.index_copy(0, tape.input(&Tensor::from([2, 0])), rows);
    /// assert_eq!(y.value()?, Tensor::from([[8.0, 8.0], [3.0, 4.0], [7.0, 7.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias("index_put", "put"))]
    #[track_caller]
    pub fn index_copy(self, axis: isize, index: Self, x: Self) -> Self {
        let (axis, from) = match self.replaced("index_copy", axis, index) {
            Ok(found) => found,
            Err(poisoned) => return poisoned,
        };
        if x.is_poisoned() {
            return x;
        }
        let shape = self.shape();
        let slices = Shape::from([&shape[..axis], &index.shape(), &shape[axis + 1..]].concat());
        if x.shape() != slices || x.dtype() != self.dtype() {
            let sentence = format!("index_copy: {} where {}{slices} is due", x.ty(), self.dtype());
            return self.tape().error(Error::shape(sentence));
        }
        let slices = x.reshape(shape.with_size(axis, index.shape().numel()));
        let from_there = from.reshape(alone(axis, shape.rank(), shape[axis]));
        from_there
            .greater_equal(0i64)
            .where_(slices.not_empty(axis).index_select(axis as isize, from.maximum(0i64)), self)
    }

    /// This with `value` in place of the slices that [`index_select`](Self::index_select) would take by the index. A
    /// variable broadcasts to this one's shape.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]));
    /// let y = x.index_fill(1, tape.input(&Tensor::from([2, 0])), 0.0);
    /// assert_eq!(y.value()?, Tensor::from([[0.0, 2.0, 0.0], [0.0, 5.0, 0.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn index_fill(self, axis: isize, index: Self, value: impl Into<Operand<'t>>) -> Self {
        let (axis, from) = match self.replaced("index_fill", axis, index) {
            Ok(found) => found,
            Err(poisoned) => return poisoned,
        };
        let (shape, value) = (self.shape(), value.into());
        if let Operand::Var(value) = value
            && !value.is_poisoned()
            && value.shape().broadcast(&shape).as_ref() != Some(&shape)
        {
            let sentence = format!("index_fill: a value of shape {} does not broadcast to {shape}", value.shape());
            return self.tape().error(Error::shape(sentence));
        }
        from.reshape(alone(axis, shape.rank(), shape[axis])).greater_equal(0i64).where_(value, self)
    }

    /// Where an index puts elements, and what then is there, both of this variable's shape.
    #[track_caller]
    fn scattered(self, op: &str, axis: isize, index: Self, src: Operand<'t>) -> Result<Put<'t>, Self> {
        let axis = self.axis(op, axis)?;
        let known = |v: Self| if v.is_poisoned() { Err(v) } else { Ok(v) };
        known(index)?;
        let (shape, part, tape) = (self.shape(), index.shape(), self.tape());
        if part.rank() != shape.rank() || (0..shape.rank()).any(|d| d != axis && part[d] > shape[d]) {
            let sentence = format!("{op}: an index of shape {part} does not fit {shape} along axis {axis}");
            return Err(tape.error(Error::shape(sentence)));
        }
        if index.dtype() != DType::I64 {
            return Err(tape.error(Error::dtype(format!("{op}: an index is of dtype i64, got {}", index.ty()))));
        }
        let one = match src {
            Operand::Plain(_) => true,
            Operand::Var(src) => known(src)?.rank() == 0,
        };
        if let Operand::Var(src) = src {
            if !one && src.shape() != part {
                let sentence = format!("{op}: elements {} by an index of shape {part}", src.shape());
                return Err(tape.error(Error::shape(sentence)));
            }
            if src.dtype() != self.dtype() {
                let sentence = format!("{op}: elements of dtype {} into {}", src.dtype(), self.ty());
                return Err(tape.error(Error::dtype(sentence)));
            }
        }
        let from = index.arg_scatter(axis, shape[axis]);
        // Beyond a shorter index nothing is put.
        let more = |d: usize| (0, if d == axis { 0 } else { shape[d] - part[d] });
        let more: SmallVec<[(usize, usize); 4]> = (0..shape.rank()).map(more).collect();
        let hit = from.greater_equal(0i64).pad(&more, false);
        let there = match src {
            Operand::Var(src) if !one => {
                src.not_empty(axis).gather(axis as isize, from.maximum(0i64)).pad(&more, 0.0).into()
            }
            one => one,
        };
        Ok((hit, there))
    }

    /// The axis that an index of slices counts along, and for every place on it the slice, in row-major order of the
    /// index, that comes to stand there, or -1.
    #[track_caller]
    fn replaced(self, op: &str, axis: isize, index: Self) -> Result<(usize, Self), Self> {
        let axis = self.axis(op, axis)?;
        if index.is_poisoned() {
            return Err(index);
        }
        if index.dtype() != DType::I64 {
            return Err(self.tape().error(Error::dtype(format!("{op}: an index is of dtype i64, got {}", index.ty()))));
        }
        Ok((axis, index.flatten().arg_scatter(0, self.shape()[axis])))
    }

    /// This with an element of zeros along `axis` if there is none: to be gathered by an index that is then not used.
    #[track_caller]
    fn not_empty(self, axis: usize) -> Self {
        let more = |d| (0, usize::from(d == axis && self.shape()[axis] == 0));
        self.pad(&(0..self.rank()).map(more).collect::<SmallVec<[(usize, usize); 4]>>(), 0.0)
    }
}

/// Where something is put, and what.
type Put<'t> = (Var<'t>, Operand<'t>);

/// Axes of size 1, and one of `size` among them.
fn alone(axis: usize, rank: usize, size: usize) -> Shape {
    (0..rank).map(|d| if d == axis { size } else { 1 }).collect()
}

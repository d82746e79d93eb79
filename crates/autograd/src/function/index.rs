//! Elements and rows looked up: where an index may count from the end, where a mask says, in a table.

use wengert_tensor::{Error, Result, Shape, Tensor};

use crate::tape::Var;

impl<'t> Var<'t> {
    /// Elements by their places in row-major order, of i64, counted from the end where negative; the result has the
    /// index's shape.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// assert_eq!(x.take(tape.input(&Tensor::from([1, -1]))).value()?, Tensor::from([2.0, 4.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn take(self, index: Self) -> Self {
        match self.is_poisoned() {
            true => self,
            false => self.flatten().index_select(0, from_start(index, self.shape().numel())),
        }
    }

    /// As [`gather`](Self::gather), `y[.., i, ..] = x[.., index[.., i, ..], ..]` along `axis`, but an index counts from the
    /// end where negative, and the other axes of this variable and of the index, which have one rank, broadcast.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]));
    /// let ends = tape.input(&Tensor::from([[0, -1]]));
    /// assert_eq!(x.take_along_axis(1, ends).value()?, Tensor::from([[1.0, 3.0], [4.0, 6.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias = "take_along_dim")]
    #[track_caller]
    pub fn take_along_axis(self, axis: isize, index: Self) -> Self {
        let axis = match self.axis("take_along_axis", axis) {
            Ok(axis) => axis,
            Err(poisoned) => return poisoned,
        };
        if index.is_poisoned() {
            return index;
        }
        let (shape, part) = (self.shape(), index.shape());
        let others = match shape.rank() == part.rank() {
            true => shape.with_size(axis, 1).broadcast(&part.with_size(axis, 1)),
            false => None,
        };
        let Some(others) = others else {
            let sentence =
                format!("take_along_axis: {shape} and an index of shape {part} do not broadcast beside axis {axis}");
            return self.tape().error(Error::shape(sentence));
        };
        let all = self.broadcast_to(others.with_size(axis, shape[axis]));
        let index = from_start(index, shape[axis]).broadcast_to(others.with_size(axis, part[axis]));
        all.gather(axis as isize, index)
    }

    /// The elements where `mask`, of dtype `bool`, is true, one after another in row-major order. Both broadcast.
    ///
    /// How many there are depends on the mask's value, which is therefore asked for at once. It is an error where the
    /// value is not known: for what a function mapped by [`vmap`](crate::vmap), recorded by
    /// [`compile`](crate::compile), or in a loop's body computes from its arguments. There
    /// [`where_`](Self::where_) keeps the shape. The derivative goes to the elements that were taken.
    ///
    /// ```
    /// use wengert_autograd::grad;
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::from([-1.0, 2.0, -3.0, 4.0]);
    /// let g = grad(|x| x.masked_select(x.greater(0.0)).prod(), &x)?;
    /// assert_eq!(g, Tensor::from([0.0, 4.0, 0.0, 2.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias("compress", "boolean indexing", "extract"))]
    #[track_caller]
    pub fn masked_select(self, mask: Self) -> Self {
        if let Some(poisoned) = [self, mask].into_iter().find(|v| v.is_poisoned()) {
            return poisoned;
        }
        let Some(shape) = self.shape().broadcast(&mask.shape()) else {
            let sentence = format!("masked_select: {} and a mask {} do not broadcast", self.shape(), mask.shape());
            return self.tape().error(Error::shape(sentence));
        };
        match mask.value().and_then(|mask| places(&mask, &shape)) {
            Ok(places) => self.broadcast_to(shape).flatten().index_select(0, self.tape().input(&places)),
            Err(error) => self.tape().error(error.within("masked_select")),
        }
    }

    /// The rows of this table, [number, width..], that `ids`, of i64 and any shape, name: [ids.., width..].
    #[track_caller]
    pub fn embedding(self, ids: Self) -> Self {
        self.index_select(0, ids)
    }

    /// As [`embedding`](Self::embedding), where row `padding` fills up what is too short: it gets no derivative.
    ///
    /// ```
    /// use wengert_autograd::grad;
    /// use wengert_tensor::Tensor;
    ///
    /// let table = Tensor::from([[0.0, 0.0], [1.0, 2.0]]);
    /// let ids = Tensor::from([1, 0, 0]);
    /// let g = grad(|table| table.embedding_with_padding(table.tape().input(&ids), 0).sum(), &table)?;
    /// assert_eq!(g, Tensor::from([[0.0, 0.0], [1.0, 1.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias = "padding_idx")]
    #[track_caller]
    pub fn embedding_with_padding(self, ids: Self, padding: usize) -> Self {
        let rows = self.embedding(ids);
        if rows.is_poisoned() {
            return rows;
        }
        let (table, shape) = (self.shape(), ids.shape());
        if padding >= table[0] {
            let sentence = format!("embedding: there is no row {padding} for padding in a table {table}");
            return self.tape().error(Error::index(sentence));
        }
        let ones = std::iter::repeat_n(1, table.rank() - 1);
        let pads = ids.equal(padding as i64).reshape(shape.iter().copied().chain(ones).collect::<Shape>());
        pads.where_(rows.detach(), rows)
    }
}

/// An index along an axis of size `n`, counted from the end where it is negative, counted from the start. What is out of
/// range stays.
#[track_caller]
fn from_start(index: Var<'_>, n: usize) -> Var<'_> {
    if index.is_poisoned() {
        return index;
    }
    let n = i64::try_from(n).unwrap_or(i64::MAX);
    let back = index.less(0i64).logical_and(index.greater_equal(-n));
    back.where_(index + index.full_like(n), index)
}

/// Where a mask, broadcast to `shape`, is true.
fn places(mask: &Tensor, shape: &Shape) -> Result<Tensor> {
    const MOST: usize = 1 << 32;
    if shape.numel() > MOST {
        return Err(Error::memory(format!("{shape} has more elements than {MOST}")));
    }
    let mask = mask.broadcast_to(shape)?;
    let places = mask.iter::<bool>()?.enumerate().filter(|(_, keep)| *keep).map(|(i, _)| i as i64);
    Ok(Tensor::from(places.collect::<Vec<_>>()))
}

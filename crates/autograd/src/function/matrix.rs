//! Diagonals and triangles of matrices, which lie along the last two axes.

use smallvec::SmallVec;
use wengert_tensor::{Error, Pad, Shape, SliceRange, Tensor};

use crate::tape::Var;

impl<'t> Var<'t> {
    /// The elements i, i + k of every matrix of the last two axes, along one last axis. `k` is 0 for the
    /// main diagonal, above it where positive, below where negative.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]));
    /// assert_eq!(x.diagonal(1).value()?, Tensor::from([2.0, 6.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn diagonal(self, k: isize) -> Self {
        let (lead, m, n) = match self.matrices("diagonal") {
            Ok(found) => found,
            Err(poisoned) => return poisoned,
        };
        // In the flat matrix, neighbours on a diagonal are one row and one column apart.
        let (row, column) = if k < 0 { (k.unsigned_abs().min(m), 0) } else { (0, k.unsigned_abs().min(n)) };
        let len = (m - row).min(n - column);
        let start = if len == 0 { 0 } else { row * n + column };
        let stop = if len == 0 { 0 } else { start + (len - 1) * (n + 1) + 1 };
        let flat: Shape = lead.iter().copied().chain([m * n]).collect();
        self.reshape(flat).cut(lead.len(), SliceRange { start, stop, step: n + 1 })
    }

    /// Matrices with the last axis as their diagonal and zeros elsewhere: the adjoint of
    /// [`diagonal`](Self::diagonal). Moved from the main diagonal by k, they have |k| more rows and columns.
    #[doc(alias = "diagflat")]
    #[track_caller]
    pub fn diag_embed(self, k: isize) -> Self {
        let axis = match self.axis("diag_embed", -1) {
            Ok(axis) => axis,
            Err(poisoned) => return poisoned,
        };
        let shape = self.shape();
        let (n, away) = (shape[axis], k.unsigned_abs());
        let size = n.saturating_add(away);
        let start = if k < 0 { away.saturating_mul(size) } else { away };
        let Some(all) = size.checked_mul(size) else {
            return self.tape().error(Error::memory(format!("diag_embed: {shape} moved by {k} is too large")));
        };
        let pad = match n {
            0 => Pad { lo: all, ..Pad::default() },
            _ => Pad { lo: start, hi: all - start - (n - 1) * (size + 1) - 1, interior: size },
        };
        let mut pads: SmallVec<[Pad; 4]> = SmallVec::from_elem(Pad::default(), axis);
        pads.push(pad);
        self.pad(&pads, 0.0).reshape(shape.with_size(axis, size).with_axis(axis, size))
    }

    /// A vector as the diagonal of a matrix of zeros, the diagonal of a matrix as a vector; for `k` see
    /// [`diagonal`](Self::diagonal).
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([1.0, 2.0]));
    /// assert_eq!(x.diag(0).value()?, Tensor::from([[1.0, 0.0], [0.0, 2.0]]));
    /// assert_eq!(x.diag(1).diag(1).value()?, Tensor::from([1.0, 2.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Another rank than 1 or 2.
    #[inline]
    #[track_caller]
    pub fn diag(self, k: isize) -> Self {
        match self.rank() {
            _ if self.is_poisoned() => self,
            1 => self.diag_embed(k),
            2 => self.diagonal(k),
            _ => {
                let sentence = format!("diag: {} is neither a vector nor a matrix", self.shape());
                self.tape().error(Error::shape(sentence))
            }
        }
    }

    /// The [`diagonal`](Self::diagonal) of matrices whose rows and columns are the axes `[rows, columns]`; it lies along
    /// a new last axis.
    #[doc(alias = "diagonal")]
    #[inline]
    #[track_caller]
    pub fn diagonal_axes(self, k: isize, axes: [isize; 2]) -> Self {
        self.move_axes(axes, [-2, -1]).diagonal(k)
    }

    /// The last axis as the diagonal of matrices, as by [`diag_embed`](Self::diag_embed), whose rows and columns are the
    /// axes `[rows, columns]` of the result.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    ///
    /// let tape = Tape::new();
    /// let x = tape.full([2, 3], 1.0);
    /// assert_eq!(x.diag_embed_axes(0, [0, 2]).shape()[..], [3, 2, 3]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias = "diag_embed")]
    #[inline]
    #[track_caller]
    pub fn diag_embed_axes(self, k: isize, axes: [isize; 2]) -> Self {
        self.diag_embed(k).move_axes([-2, -1], axes)
    }

    /// The sum of the main diagonal of every matrix of the last two axes.
    #[track_caller]
    pub fn trace(self) -> Self {
        let diagonal = self.diagonal(0);
        if diagonal.is_poisoned() { diagonal } else { diagonal.sum_axes(-1) }
    }

    /// The lower triangle of every matrix of the last two axes, zeros above: of column j - row i, at most
    /// `k` stays.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// assert_eq!(x.tril(0).value()?, Tensor::from([[1.0, 0.0], [3.0, 4.0]]));
    /// assert_eq!(x.triu(1).value()?, Tensor::from([[0.0, 2.0], [0.0, 0.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn tril(self, k: isize) -> Self {
        match self.above("tril", k.saturating_add(1)) {
            Ok(above) => above.where_(0.0, self),
            Err(poisoned) => poisoned,
        }
    }

    /// The upper triangle of every matrix of the last two axes, zeros below: of column j - row i, at least
    /// `k` stays.
    #[track_caller]
    pub fn triu(self, k: isize) -> Self {
        match self.above("triu", k) {
            Ok(above) => above.where_(self, 0.0),
            Err(poisoned) => poisoned,
        }
    }

    /// Where column j - row i is at least `k`, in a matrix of the last two axes.
    #[track_caller]
    fn above(self, op: &str, k: isize) -> Result<Self, Self> {
        let (_, m, n) = self.matrices(op)?;
        // Beyond the corners it does not matter how far.
        let (m, n) = (m as i64, n as i64);
        let k = (k as i64).clamp(-m, n);
        let indices =
            Tensor::arange(0, n, 1).and_then(|columns| Ok((columns, Tensor::arange(k, k + m, 1)?.unsqueeze(1)?)));
        match indices {
            Ok((columns, rows)) => Ok(self.tape().input(&columns).greater_equal(self.tape().input(&rows))),
            Err(error) => Err(self.tape().error(error.within(op))),
        }
    }

    /// The leading axes and the sizes of the last two, or the mistake that there are not so many.
    #[track_caller]
    fn matrices(self, op: &str) -> Result<(Shape, usize, usize), Self> {
        if self.is_poisoned() {
            return Err(self);
        }
        match &self.shape()[..] {
            &[ref lead @ .., m, n] if m.checked_mul(n).is_some() => Ok((lead.into(), m, n)),
            shape => Err(self.tape().error(Error::shape(format!("{op}: {shape:?} are no matrices")))),
        }
    }
}

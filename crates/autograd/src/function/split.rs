//! Parts of an axis: one after another, and overlapping.

use wengert_tensor::{Error, SliceRange};

use crate::tape::Var;

impl<'t> Var<'t> {
    /// Parts of `axis` of the given sizes, which add up to its own.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([1.0, 2.0, 3.0]));
    /// let parts = x.split(0, &[1, 2]);
    /// assert_eq!(parts[1].value()?, Tensor::from([2.0, 3.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn split(self, axis: isize, sizes: &[usize]) -> Vec<Self> {
        let axis = match self.axis("split", axis) {
            Ok(axis) => axis,
            Err(poisoned) => return vec![poisoned; sizes.len()],
        };
        let shape = self.shape();
        if sizes.iter().try_fold(0usize, |sum, &size| sum.checked_add(size)) != Some(shape[axis]) {
            let sentence = format!("split: sizes {sizes:?} do not add up to axis {axis} of {shape}");
            return vec![self.tape().error(Error::shape(sentence)); sizes.len()];
        }
        let mut parts = Vec::with_capacity(sizes.len());
        let mut start = 0;
        for &size in sizes {
            parts.push(self.cut(axis, SliceRange { start, stop: start + size, step: 1 }));
            start += size;
        }
        parts
    }

    /// `axis` cut into parts of `size` indices, the last of which may be smaller; not into more than 2²⁴ parts. An axis of
    /// size 0 is one part.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([1.0, 2.0, 3.0]));
    /// assert_eq!(x.split_every(0, 2)[1].value()?, Tensor::from([3.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias = "split")]
    #[inline]
    #[track_caller]
    pub fn split_every(self, axis: isize, size: usize) -> Vec<Self> {
        match self.axis("split_every", axis) {
            Ok(at) => self.cut_every("split_every", at, size),
            Err(poisoned) => vec![poisoned],
        }
    }

    /// `axis` cut into at most `n` parts of equal size, the last of which may be smaller; not into more than 2²⁴ parts.
    #[track_caller]
    pub fn chunk(self, axis: isize, n: usize) -> Vec<Self> {
        let at = match self.axis("chunk", axis) {
            Ok(at) => at,
            Err(poisoned) => return vec![poisoned],
        };
        let size = self.shape()[at];
        if n == 0 {
            return vec![self.tape().error(Error::value("chunk: into 0 parts"))];
        }
        self.cut_every("chunk", at, size.div_ceil(n).max(1))
    }

    /// Parts of `each` indices, which are not too many.
    #[track_caller]
    fn cut_every(self, op: &str, axis: usize, each: usize) -> Vec<Self> {
        let size = self.shape()[axis];
        if size == 0 {
            return vec![self];
        }
        if each == 0 {
            return vec![self.tape().error(Error::value(format!("{op}: parts of no indices of {}", self.shape())))];
        }
        if let Err(error) = parts_fit(op, size.div_ceil(each)) {
            return vec![self.tape().error(error)];
        }
        let sizes: Vec<usize> = (0..size).step_by(each).map(|start| each.min(size - start)).collect();
        self.split(axis as isize, &sizes)
    }

    /// What is at each index of `axis`, without that axis, which has at most 2²⁴ indices.
    #[doc(alias("unstack"))]
    #[track_caller]
    pub fn unbind(self, axis: isize) -> Vec<Self> {
        let at = match self.axis("unbind", axis) {
            Ok(at) => at,
            Err(poisoned) => return vec![poisoned],
        };
        if let Err(error) = parts_fit("unbind", self.shape()[at]) {
            return vec![self.tape().error(error)];
        }
        let mut parts = Vec::new();
        for i in 0..self.shape()[at] {
            parts.push(self.select_axis(axis, i as isize));
        }
        parts
    }

    /// Windows of `size` indices of `axis`, which start `step` apart: the axis becomes the windows, and a new last axis is
    /// the places within one. Copies nothing; over several axes it is [`windows`](Self::windows).
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([1.0, 2.0, 3.0, 4.0]));
    /// assert_eq!(x.unfold(0, 2, 1).value()?, Tensor::from([[1.0, 2.0], [2.0, 3.0], [3.0, 4.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// A window of no elements or of more than the axis has, a step of 0.
    #[doc(alias = "sliding_window_view")]
    #[inline]
    #[track_caller]
    pub fn unfold(self, axis: isize, size: usize, step: usize) -> Self {
        match self.axis("unfold", axis) {
            Ok(at) => self.move_axis(axis, -1).windows(&[size], &[step], &[1]).move_axis(-2, at as isize),
            Err(poisoned) => poisoned,
        }
    }
}

/// That so many parts are not too many to be variables of their own: an axis along which a tensor is repeated may have any
/// size without memory.
fn parts_fit(function: &str, parts: usize) -> Result<(), Error> {
    const MOST: usize = 1 << 24;
    match parts <= MOST {
        true => Ok(()),
        false => Err(Error::memory(format!("{function}: into {parts} parts, of which there may be {MOST}"))),
    }
}

//! Splitting, repeating and rearranging axes.

use wengert_tensor::{AxisList, Error, Shape, SliceRange};

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
        let each = size.div_ceil(n).max(1);
        if let Err(error) = parts_fit("chunk", size.div_ceil(each)) {
            return vec![self.tape().error(error)];
        }
        let sizes: Vec<usize> = (0..size).step_by(each).map(|start| each.min(size - start)).collect();
        if sizes.is_empty() { vec![self] } else { self.split(axis, &sizes) }
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

    /// `axis` moved on by `shift` places; what leaves at one end enters at the other.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([1.0, 2.0, 3.0]));
    /// assert_eq!(x.roll(0, 1).value()?, Tensor::from([3.0, 1.0, 2.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn roll(self, axis: isize, shift: isize) -> Self {
        let at = match self.axis("roll", axis) {
            Ok(at) => at,
            Err(poisoned) => return poisoned,
        };
        let size = self.shape()[at];
        match shift.checked_rem_euclid(size as isize) {
            None | Some(0) => self,
            Some(shift) => {
                let first = size - shift as usize;
                let parts = [
                    self.cut(at, SliceRange { start: first, stop: size, step: 1 }),
                    self.cut(at, SliceRange { start: 0, stop: first, step: 1 }),
                ];
                Self::concat(&parts, axis)
            }
        }
    }

    /// The whole repeated `times[i]` times along axis i; axes are aligned at the last, as by NumPy.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([1.0, 2.0]));
    /// assert_eq!(x.tile(&[2, 2]).value()?, Tensor::from([[1.0, 2.0, 1.0, 2.0], [1.0, 2.0, 1.0, 2.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias = "repeat")]
    #[track_caller]
    pub fn tile(self, times: &[usize]) -> Self {
        if self.is_poisoned() {
            return self;
        }
        let shape = self.shape();
        let rank = shape.rank().max(times.len());
        let sizes = || std::iter::repeat_n(1, rank - shape.rank()).chain(shape.iter().copied());
        let times = || std::iter::repeat_n(1, rank - times.len()).chain(times.iter().copied());
        let pairs = |a: &mut dyn Iterator<Item = usize>| a.zip(sizes()).flat_map(|(a, b)| [a, b]).collect::<Shape>();
        let out: Shape = sizes().zip(times()).map(|(size, times)| size.saturating_mul(times)).collect();
        self.reshape(pairs(&mut std::iter::repeat(1))).broadcast_to(pairs(&mut times())).reshape(out)
    }

    /// Every index of `axis` repeated `times` times, one after the other.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([1.0, 2.0]));
    /// assert_eq!(x.repeat_interleave(0, 2).value()?, Tensor::from([1.0, 1.0, 2.0, 2.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias = "repeat")]
    #[track_caller]
    pub fn repeat_interleave(self, axis: isize, times: usize) -> Self {
        let axis = match self.axis("repeat_interleave", axis) {
            Ok(axis) => axis,
            Err(poisoned) => return poisoned,
        };
        let shape = self.shape();
        let out = shape.with_size(axis, shape[axis].saturating_mul(times));
        self.reshape(shape.with_axis(axis + 1, 1)).broadcast_to(shape.with_axis(axis + 1, times)).reshape(out)
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

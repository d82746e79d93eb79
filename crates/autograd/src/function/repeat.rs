//! Elements more than once.

use wengert_tensor::{Error, Shape, Tensor};

use super::compose;
use crate::tape::Var;

impl<'t> Var<'t> {
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

    /// Every index i of `axis` repeated `counts[i]` times, one after the other.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([1.0, 2.0, 3.0]));
    /// assert_eq!(x.repeat_each(0, &[2, 0, 1]).value()?, Tensor::from([1.0, 1.0, 3.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Another number of counts than the axis has indices; a sum of counts that is too large for memory.
    #[doc(alias("repeat_interleave", "repeat"))]
    #[inline]
    #[track_caller]
    pub fn repeat_each(self, axis: isize, counts: &[usize]) -> Self {
        compose("repeat_each", [self], |[x]| {
            let shape = x.shape();
            let at = shape.axis(axis)?;
            if counts.len() != shape[at] {
                return Err(Error::shape(format!("{} counts for axis {at} of {shape}", counts.len())));
            }
            let all = counts.iter().fold(0usize, |all, &count| all.saturating_add(count));
            shape.with_size(at, all).numel_checked()?;
            Shape::from([all]).numel_checked()?;
            let mut index = Vec::new();
            let fits = index.try_reserve_exact(all);
            fits.map_err(|_| Error::memory(format!("{all} repetitions do not fit into memory")))?;
            for (i, &count) in counts.iter().enumerate() {
                index.extend(std::iter::repeat_n(i as i64, count));
            }
            Ok(x.index_select(axis, x.tape().input(&Tensor::from(index))))
        })
    }
}

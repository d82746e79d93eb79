//! Axes rolled and turned: every element stays, at another place.

use wengert_tensor::{Error, SliceRange};

use super::compose;
use crate::tape::Var;

impl<'t> Var<'t> {
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

    /// Several axes moved on, each `(axis, shift)` by its shift: see [`roll`](Self::roll).
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// assert_eq!(x.roll_axes(&[(0, 1), (1, 1)]).value()?, Tensor::from([[4.0, 3.0], [2.0, 1.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias = "roll")]
    #[inline]
    #[track_caller]
    pub fn roll_axes(self, shifts: &[(isize, isize)]) -> Self {
        let mut x = self;
        for &(axis, shift) in shifts {
            x = x.roll(axis, shift);
        }
        x
    }

    /// All elements, in row-major order, moved on by `shift` places; the shape stays.
    #[doc(alias = "roll")]
    #[inline]
    #[track_caller]
    pub fn roll_all(self, shift: isize) -> Self {
        self.flatten().roll(0, shift).reshape(self.shape())
    }

    /// The plane of axes `[a, b]` turned `times` times by a right angle, from a towards b.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// assert_eq!(x.rot90(1, [0, 1]).value()?, Tensor::from([[2.0, 4.0], [1.0, 3.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// An axis that does not exist, one axis given twice.
    #[inline]
    #[track_caller]
    pub fn rot90(self, times: isize, [a, b]: [isize; 2]) -> Self {
        compose("rot90", [self], |[x]| {
            let shape = x.shape();
            if shape.axis(a)? == shape.axis(b)? {
                return Err(Error::index(format!("axes {a} and {b} of {shape} are one")));
            }
            Ok(match times.rem_euclid(4) {
                1 => x.flip(b).transpose(a, b),
                2 => x.flip([a, b]),
                3 => x.flip(a).transpose(a, b),
                _ => x,
            })
        })
    }

    /// Axis 1 in reverse: the columns of a matrix from the last to the first.
    #[inline]
    #[track_caller]
    pub fn fliplr(self) -> Self {
        self.flip(1)
    }

    /// Axis 0 in reverse: the rows of a matrix from the last to the first.
    #[inline]
    #[track_caller]
    pub fn flipud(self) -> Self {
        self.flip(0)
    }
}

//! The product of two vectors in space that is a vector.

use wengert_tensor::Error;

use super::compose;
use crate::tape::Var;

impl<'t> Var<'t> {
    /// The cross product of the vectors of three elements along `axis`, orthogonal to both. Shapes broadcast, and the
    /// axis is one of the result.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let (x, y) = (tape.input(&Tensor::from([1.0, 0.0, 0.0])), tape.input(&Tensor::from([0.0, 1.0, 0.0])));
    /// assert_eq!(x.cross(y, -1).value()?, Tensor::from([0.0, 0.0, 1.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Shapes that do not broadcast, an axis of another size than 3.
    #[inline]
    #[track_caller]
    pub fn cross(self, other: Self, axis: isize) -> Self {
        compose("cross", [self, other], |[x, y]| {
            let (a, b) = (x.shape(), y.shape());
            let shape = a.broadcast(&b).ok_or_else(|| Error::shape(format!("{a} and {b} do not fit")))?;
            let at = shape.axis(axis)?;
            if shape[at] != 3 {
                return Err(Error::shape(format!("axis {at} of {shape} has not 3 elements")));
            }
            let (x, y) = (x.broadcast_to(&shape), y.broadcast_to(&shape));
            let turned = |v: Self, by: isize| v.roll(axis, -by);
            Ok(turned(x, 1) * turned(y, 2) - turned(x, 2) * turned(y, 1))
        })
    }
}

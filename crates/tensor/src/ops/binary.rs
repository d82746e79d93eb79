//! Elementwise functions of two tensors, broadcast together by NumPy's rule.

use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::kernel::each::{Slices, map};
use crate::kernel::{binary, logic};
use crate::ops::halves;
use crate::tensor::Tensor;

impl Tensor {
    /// `kernel` of this tensor and `other`, broadcast together, into a result of `dtype`.
    pub(super) fn binary(&self, other: &Self, op: &str, dtype: DType, kernel: &Slices) -> Result<Self> {
        if let Some(y) = halves(&[self, other], &|x| x[0].binary(&x[1], op, dtype.computed(), kernel)) {
            return y;
        }
        let shape = self.shape().broadcast(other.shape()).ok_or_else(|| {
            Error::shape(format!("{op}: shapes {} and {} do not broadcast together", self.shape(), other.shape()))
        })?;
        let (x, y) = (self.broadcast_to(&shape)?, other.broadcast_to(&shape)?);
        Self::build(dtype, shape, |out| map(op, &[x.view(), y.view()], out, kernel))
    }
}

macro_rules! methods {
    ($module:ident, $needs:literal: $($(#[$doc:meta])* $name:ident;)*) => {
        impl Tensor {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where the shapes do not broadcast together,
            /// [`ErrorKind::DType`](crate::ErrorKind::DType) where the dtypes differ or are not
            #[doc = $needs]
            pub fn $name(&self, other: &Self) -> Result<Self> {
                self.binary(other, stringify!($name), self.dtype(), &$module::$name)
            }
        )*}
    };
}

methods! { binary, "one of numbers.":
    /// x + y, element by element; integers wrap.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let x = Tensor::from([[1.0], [2.0]]);
    /// let y = Tensor::from([10.0, 20.0, 30.0]);
    /// assert_eq!(x.add(&y)?, Tensor::from([[11.0, 21.0, 31.0], [12.0, 22.0, 32.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    add;
    /// x - y, element by element; integers wrap.
    #[doc(alias = "subtract")] sub;
    /// x y, element by element; integers wrap.
    #[doc(alias = "multiply")] mul;
    /// The larger of x and y, element by element; NaN where either is.
    maximum;
    /// The smaller of x and y, element by element; NaN where either is.
    minimum;
}

methods! { binary, "floats.":
    /// x / y, element by element.
    #[doc(alias = "divide")] #[doc(alias = "true_divide")] div;
    /// x to the power y, element by element.
    #[doc(alias = "power")] pow;
    /// The angle of the point (y, x) as seen from the origin, in (-π, π]: `self` is the ordinate.
    #[doc(alias = "arctan2")] atan2;
    /// √(x² + y²), element by element.
    hypot;
    /// |x| with the sign of y, element by element.
    copysign;
}

methods! { binary, "one of numbers, [`ErrorKind::Value`](crate::ErrorKind::Value) where an integer is divided by zero.":
    /// x - y ⌊x / y⌋, element by element: the remainder that has the sign of the divisor.
    #[doc(alias = "remainder")] #[doc(alias = "mod")] rem;
    /// The remainder that has the sign of the dividend, element by element.
    fmod;
    /// ⌊x / y⌋, element by element.
    #[doc(alias = "floor_divide")] floor_div;
}

methods! { logic, "`bool`.":
    /// x and y, element by element.
    logical_and;
    /// x or y, element by element.
    logical_or;
    /// Either x or y, element by element.
    logical_xor;
}

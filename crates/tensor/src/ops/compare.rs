//! Elementwise comparisons of two tensors, broadcast together by NumPy's rule. Results are `bool`.
//!
//! Whether two tensors are the same as a whole is `==`.

use crate::dtype::DType;
use crate::error::Result;
use crate::kernel::compare;
use crate::tensor::Tensor;

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        impl Tensor {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where the shapes do not broadcast together,
            /// [`ErrorKind::DType`](crate::ErrorKind::DType) where the dtypes differ.
            pub fn $name(&self, other: &Self) -> Result<Self> {
                self.binary(other, stringify!($name), DType::Bool, &compare::$name)
            }
        )*}
    };
}

methods! {
    /// x = y, element by element.
    #[doc(alias = "eq")] equal;
    /// x ≠ y, element by element.
    #[doc(alias = "ne")] not_equal;
    /// x < y, element by element.
    #[doc(alias = "lt")] less;
    /// x ≤ y, element by element.
    #[doc(alias = "le")] less_equal;
    /// x > y, element by element.
    #[doc(alias = "gt")] greater;
    /// x ≥ y, element by element.
    #[doc(alias = "ge")] greater_equal;
}

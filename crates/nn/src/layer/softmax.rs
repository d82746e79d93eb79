//! Functions along an axis: softmax and the gated linear unit.

use wengert_autograd::Var;

use super::Layer;
use crate::Module;

macro_rules! along_axis {
    ($(#[$doc:meta])* $Name:ident, $method:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Module)]
        pub struct $Name(isize);

        impl $Name {
            /// Along `axis`; a negative one counts from the end.
            pub fn new(axis: isize) -> Self {
                Self(axis)
            }
        }

        impl Layer for $Name {
            #[inline]
            #[track_caller]
            fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
                x.$method(self.0)
            }
        }
    };
}

along_axis! {
    /// y = exp x / Σ exp x along an axis: positive numbers of sum 1.
    ///
    /// A classifier that is trained with [`cross_entropy`](crate::loss::cross_entropy) gives logits and needs none.
    ///
    /// ```
    /// use wengert_nn::{Layer, Softmax};
    /// use wengert_tensor::Tensor;
    ///
    /// assert_eq!(Softmax::new(-1).predict(&Tensor::from([[3.0, 3.0]]))?, Tensor::from([[0.5, 0.5]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias("Softmax2d", "Softmin"))]
    Softmax, softmax
}

along_axis! {
    /// y = x - ln Σ exp x along an axis: the logarithm of [`Softmax`], as [`nll`](crate::loss::nll) takes it.
    ///
    /// ```
    /// use wengert_nn::{Layer, LogSoftmax};
    /// use wengert_tensor::Tensor;
    ///
    /// let y = LogSoftmax::new(-1).predict(&Tensor::from([[1000.0, 0.0]]))?;
    /// assert_eq!(y, Tensor::from([[0.0, -1000.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    LogSoftmax, log_softmax
}

along_axis! {
    /// The first half along an axis times the sigmoid of the second: the gated linear unit, half as long there.
    ///
    /// Y. Dauphin, A. Fan, M. Auli and D. Grangier, "Language modeling with gated convolutional networks", ICML 2017.
    ///
    /// ```
    /// use wengert_nn::{Glu, Layer};
    /// use wengert_tensor::Tensor;
    ///
    /// assert_eq!(Glu::new(-1).predict(&Tensor::from([[3.0, 0.0]]))?, Tensor::from([[1.5]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    Glu, glu
}

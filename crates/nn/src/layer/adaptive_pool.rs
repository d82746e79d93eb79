//! Pooling to a given size.

use wengert_autograd::Var;

use super::Layer;
use super::images::PerAxis;
use crate::Module;

macro_rules! adaptive {
    ($(#[$doc:meta])* $Name:ident, $one:ident, $two:ident, $three:ident, $method:ident, $what:literal) => {
        #[doc = concat!($what, " along one axis: see [`", stringify!($Name), "`].")]
        pub type $one = $Name<1>;
        #[doc = concat!($what, " over two axes: see [`", stringify!($Name), "`].")]
        pub type $two = $Name<2>;
        #[doc = concat!($what, " over three axes: see [`", stringify!($Name), "`].")]
        pub type $three = $Name<3>;

        $(#[$doc])*
        #[derive(Debug, Clone, Module)]
        pub struct $Name<const N: usize>(#[module(skip)] [usize; N]);

        impl<const N: usize> $Name<N> {
            /// Pools to `sizes`: one for all axes, or an array.
            pub fn new(sizes: impl Into<PerAxis<N>>) -> Self {
                Self(sizes.into().0)
            }
        }

        impl<const N: usize> Layer for $Name<N> {
            #[track_caller]
            fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
                x.$method(&self.0)
            }
        }
    };
}

adaptive! {
    /// The last `N` axes averaged to given sizes, whatever they were: from `[.., axes..]` to `[.., sizes..]`.
    ///
    /// Of an axis of S elements that becomes n, index i is the average from i S / n, rounded down, to (i + 1) S / n,
    /// rounded up. Size 1 is the average of everything: M. Lin, Q. Chen and S. Yan, "Network in network", ICLR 2014.
    ///
    /// ```
    /// use wengert_nn::{AdaptiveAvgPool1d, Layer};
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::from([[1.0, 3.0, 2.0, 6.0]]);
    /// assert_eq!(AdaptiveAvgPool1d::new(1).predict(&x)?, Tensor::from([[3.0]]));
    /// assert_eq!(AdaptiveAvgPool1d::new(2).predict(&x)?, Tensor::from([[2.0, 4.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias("GlobalAveragePooling", "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d"))]
    AdaptiveAvgPoolNd, AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d, adaptive_avg_pool, "Averages of given number"
}

adaptive! {
    /// The maximum where [`AdaptiveAvgPoolNd`] averages.
    ///
    /// ```
    /// use wengert_nn::{AdaptiveMaxPool1d, Layer};
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::from([[1.0, 3.0, 2.0, 6.0]]);
    /// assert_eq!(AdaptiveMaxPool1d::new(2).predict(&x)?, Tensor::from([[3.0, 6.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias("GlobalMaxPooling", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d"))]
    AdaptiveMaxPoolNd, AdaptiveMaxPool1d, AdaptiveMaxPool2d, AdaptiveMaxPool3d, adaptive_max_pool, "Maxima of given number"
}

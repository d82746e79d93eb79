//! Layers that only change the shape.

use wengert_autograd::Var;
use wengert_tensor::{Error, Shape, Sizes};

use super::Layer;
use crate::Module;

/// Neighbouring axes made one: from `[N, ..]` to `[N, the product of the others]`, unless other axes are named.
///
/// ```
/// use wengert_nn::{Flatten, Layer};
/// use wengert_tensor::{DType, Tensor};
///
/// let x = Tensor::zeros([10, 3, 4, 4], DType::F32)?;
/// assert_eq!(Flatten::new().predict(&x)?.shape()[..], [10, 48]);
/// assert_eq!(Flatten::axes(-2, -1).predict(&x)?.shape()[..], [10, 3, 16]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Module)]
pub struct Flatten {
    first: isize,
    last: isize,
}

impl Flatten {
    /// All axes but the first become one.
    pub fn new() -> Self {
        Self::axes(1, -1)
    }

    /// The axes from `first` to `last`, this included, become one. Negative ones count from the end.
    pub fn axes(first: isize, last: isize) -> Self {
        Self { first, last }
    }
}

impl Default for Flatten {
    fn default() -> Self {
        Self::new()
    }
}

impl Layer for Flatten {
    #[inline]
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        if x.is_poisoned() {
            return x;
        }
        let shape = x.shape();
        // A batch of single numbers has no axis 1, and gets one.
        if *self == Self::new() && shape.rank() == 1 {
            return x.unsqueeze(1);
        }
        let (first, last) = match (shape.axis(self.first), shape.axis(self.last)) {
            (Ok(first), Ok(last)) if first <= last => (first, last),
            _ => {
                let sentence = format!("flatten: {shape} has no axes from {} to {}", self.first, self.last);
                return x.tape().error(Error::shape(sentence));
            }
        };
        let joined = Shape::from(&shape[first..=last]).numel();
        x.reshape(&[&shape[..first], &[joined], &shape[last + 1..]].concat()[..])
    }
}

/// Every sample in another shape: from `[N, ..]` to `[N, sizes..]`. One size may be -1, "whatever is left".
///
/// ```
/// use wengert_nn::{Layer, Reshape};
/// use wengert_tensor::{DType, Tensor};
///
/// let x = Tensor::zeros([10, 48], DType::F32)?;
/// assert_eq!(Reshape::new([3, 4, -1]).predict(&x)?.shape()[..], [10, 3, 4, 4]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Module)]
#[doc(alias = "View")]
pub struct Reshape(#[module(skip)] Sizes);

impl Reshape {
    /// Samples of `sizes`.
    pub fn new(sizes: impl Into<Sizes>) -> Self {
        Self(sizes.into())
    }
}

impl Layer for Reshape {
    #[inline]
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        if x.is_poisoned() {
            return x;
        }
        let shape = x.shape();
        let Some((n, sample)) = shape.split_first() else {
            return x.tape().error(Error::shape("reshape: a batch has an axis of samples, [] has none"));
        };
        match self.0.resolve(&Shape::from(sample)) {
            Ok(sizes) => x.reshape(&[&[*n], &sizes[..]].concat()[..]),
            Err(error) => x.tape().error(error),
        }
    }
}

/// One axis made several: from `[.., size, ..]` to `[.., sizes.., ..]`. One size may be -1, "whatever is left".
///
/// ```
/// use wengert_nn::{Layer, Unflatten};
/// use wengert_tensor::{DType, Tensor};
///
/// let x = Tensor::zeros([10, 6, 5], DType::F32)?;
/// assert_eq!(Unflatten::new(1, [2, -1]).predict(&x)?.shape()[..], [10, 2, 3, 5]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Module)]
pub struct Unflatten {
    axis: isize,
    #[module(skip)]
    sizes: Sizes,
}

impl Unflatten {
    /// `axis` becomes axes of `sizes`. A negative one counts from the end.
    pub fn new(axis: isize, sizes: impl Into<Sizes>) -> Self {
        Self { axis, sizes: sizes.into() }
    }
}

impl Layer for Unflatten {
    #[inline]
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        if x.is_poisoned() {
            return x;
        }
        let shape = x.shape();
        let axis = match shape.axis(self.axis) {
            Ok(axis) => axis,
            Err(error) => return x.tape().error(error.within("unflatten")),
        };
        match self.sizes.resolve(&Shape::from([shape[axis]])) {
            Ok(sizes) => x.reshape(&[&shape[..axis], &sizes[..], &shape[axis + 1..]].concat()[..]),
            Err(error) => x.tape().error(error.within(format_args!("unflatten: axis {axis} of {shape}"))),
        }
    }
}

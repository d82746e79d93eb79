//! Whether two tensors are the same, exactly or nearly: one answer for the whole tensor.
//!
//! For comparison element by element see `Tensor::equal` and its siblings.

use crate::dtype::{Element, Scalar};
use crate::error::{Error, Result};
use crate::kernel::with_element;
use crate::tensor::Tensor;

/// Equal dtype, shape and elements, whatever the layouts. As everywhere, NaN differs from itself.
impl PartialEq for Tensor {
    fn eq(&self, other: &Self) -> bool {
        self.dtype() == other.dtype()
            && self.shape() == other.shape()
            && with_element!(self.dtype(), T => all::<T>(self, other, |a, b| a == b).unwrap_or(false))
    }
}

impl Tensor {
    /// Whether every element is near its counterpart: |a - b| <= `atol` + `rtol` |b|.
    ///
    /// An infinity is near only itself, and NaN is near nothing.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let x = Tensor::from([0.1 + 0.2, 1.0]);
    /// assert!(x != Tensor::from([0.3, 1.0]));
    /// assert!(x.allclose(&Tensor::from([0.3, 1.0]), 1e-12, 0.0)?);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Shape`](crate::ErrorKind::Shape) or [`ErrorKind::DType`](crate::ErrorKind::DType)
    /// where those differ, [`ErrorKind::Value`](crate::ErrorKind::Value) for a negative or NaN tolerance.
    pub fn allclose(&self, other: &Self, rtol: f64, atol: f64) -> Result<bool> {
        if self.dtype() != other.dtype() {
            return Err(Error::dtype(format!("allclose: dtypes {} and {} differ", self.dtype(), other.dtype())));
        }
        if self.shape() != other.shape() {
            return Err(Error::shape(format!("allclose: shapes {} and {} differ", self.shape(), other.shape())));
        }
        if !(rtol >= 0.0 && atol >= 0.0) {
            return Err(Error::value(format!("allclose: tolerances {rtol} and {atol} must be at least 0")));
        }
        let near =
            |a: f64, b: f64| a == b || (a.is_finite() && b.is_finite() && (a - b).abs() <= atol + rtol * b.abs());
        with_element!(self.dtype(), T => all::<T>(self, other, |a, b| {
            a == b || near(Scalar::to_f64(a.into()), Scalar::to_f64(b.into()))
        }))
    }
}

fn all<T: Element>(x: &Tensor, y: &Tensor, same: impl Fn(T, T) -> bool) -> Result<bool> {
    if let (Some(x), Some(y)) = (x.as_slice::<T>(), y.as_slice::<T>()) {
        return Ok(x.iter().zip(y).all(|(&x, &y)| same(x, y)));
    }
    Ok(x.iter::<T>()?.zip(y.iter::<T>()?).all(|(x, y)| same(x, y)))
}

//! Reductions of tensors: over everything, over some axes, and over some axes that stay with size 1.

use crate::dtype::{DType, Scalar};
use crate::error::{Error, Result};
use crate::kernel::reduce::{self, Reduce};
use crate::kernel::{argreduce, copy};
use crate::layout::Layout;
use crate::ops::halves;
use crate::shape::{Axes, Shape};
use crate::tensor::Tensor;

impl Tensor {
    fn reduced(&self, op: &str, axes: &Axes, kernel: Reduce) -> Result<Self> {
        if let Some(y) = halves(&[self], &|x| x[0].reduced(op, axes, kernel)) {
            return y;
        }
        let axes = axes.resolve(self.shape()).map_err(|e| e.within(op))?;
        Self::build(self.dtype(), self.shape().without(&axes), |out| kernel(self.view(), &axes, out))
    }

    /// This result of reducing `axes` of `x`, with the axes back as size 1.
    fn kept(&self, x: &Self, axes: &Axes) -> Result<Self> {
        let shape = x.shape().ones_at(&axes.resolve(x.shape())?);
        self.with_layout(Layout::contiguous(shape))
    }

    /// A rank-0 tensor of this float dtype, or the error of `op` on another.
    fn float_like(&self, op: &str, value: f64) -> Result<Self> {
        if !self.dtype().is_float() {
            return Err(Error::dtype(format!("{op}: expected a float dtype, got {}", self.dtype())));
        }
        Self::build(self.dtype(), (), |out| copy::fill(Scalar::from(value).cast(self.dtype()), out))
    }

    fn count(&self, op: &str, axes: &Axes) -> Result<usize> {
        let axes = axes.resolve(self.shape()).map_err(|e| e.within(op))?;
        Ok(axes.iter().map(|&axis| self.shape()[axis]).collect::<Shape>().numel())
    }
}

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident, $over:ident, $keep:ident, $what:literal, $errors:literal;)*) => {
        impl Tensor {$(
            #[doc = concat!($what, " all elements, as a tensor of rank 0.")]
            $(#[$doc])*
            ///
            /// # Errors
            #[doc = $errors]
            pub fn $name(&self) -> Result<Self> {
                self.$over(..)
            }

            #[doc = concat!($what, " the elements along `axes`, which the result lacks.")]
            ///
            /// # Errors
            /// [`ErrorKind::Index`](crate::ErrorKind::Index) for an axis that does not exist or repeats.
            #[doc = $errors]
            pub fn $over(&self, axes: impl Into<Axes>) -> Result<Self> {
                self.reduced(stringify!($name), &axes.into(), reduce::$name)
            }

            #[doc = concat!($what, " the elements along `axes`, which the result has with size 1.")]
            ///
            /// # Errors
            #[doc = concat!("As [`", stringify!($over), "`](Self::", stringify!($over), ").")]
            #[doc(alias = "keepdim")]
            pub fn $keep(&self, axes: impl Into<Axes>) -> Result<Self> {
                let axes = axes.into();
                self.reduced(stringify!($name), &axes, reduce::$name)?.kept(self, &axes)
            }
        )*}
    };
}

methods! {
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
    /// assert_eq!(x.sum()?, Tensor::from(10.0));
    /// assert_eq!(x.sum_axes(0)?, Tensor::from([4.0, 6.0]));
    /// assert_eq!(x.sum_keep(-1)?, Tensor::from([[3.0], [7.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    sum, sum_axes, sum_keep, "The sum of",
        "[`ErrorKind::DType`](crate::ErrorKind::DType) where the dtype is `bool`.";
    prod, prod_axes, prod_keep, "The product of",
        "[`ErrorKind::DType`](crate::ErrorKind::DType) where the dtype is `bool`.";
    /// NaN where one is.
    #[doc(alias = "amax")]
    max, max_axes, max_keep, "The largest of",
        "[`ErrorKind::DType`](crate::ErrorKind::DType) where the dtype is `bool`, \
         [`ErrorKind::Shape`](crate::ErrorKind::Shape) where there are no elements.";
    /// NaN where one is.
    #[doc(alias = "amin")]
    min, min_axes, min_keep, "The smallest of",
        "[`ErrorKind::DType`](crate::ErrorKind::DType) where the dtype is `bool`, \
         [`ErrorKind::Shape`](crate::ErrorKind::Shape) where there are no elements.";
    any, any_axes, any_keep, "Whether any is true of",
        "[`ErrorKind::DType`](crate::ErrorKind::DType) where the dtype is not `bool`.";
    all, all_axes, all_keep, "Whether all are true of",
        "[`ErrorKind::DType`](crate::ErrorKind::DType) where the dtype is not `bool`.";
}

impl Tensor {
    /// The mean of all elements, as a tensor of rank 0; NaN of none.
    ///
    /// # Errors
    /// [`ErrorKind::DType`](crate::ErrorKind::DType) where the dtype is not a float.
    pub fn mean(&self) -> Result<Self> {
        self.mean_axes(..)
    }

    /// The mean of the elements along `axes`, which the result lacks; NaN of none.
    ///
    /// # Errors
    /// [`ErrorKind::DType`](crate::ErrorKind::DType) where the dtype is not a float,
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) for an axis that does not exist or repeats.
    pub fn mean_axes(&self, axes: impl Into<Axes>) -> Result<Self> {
        let axes = axes.into();
        if let Some(y) = halves(&[self], &|x| x[0].mean_axes(axes.clone())) {
            return y;
        }
        let n = self.float_like("mean", self.count("mean", &axes)? as f64)?;
        self.sum_axes(axes)?.div(&n)
    }

    /// The mean of the elements along `axes`, which the result has with size 1.
    ///
    /// # Errors
    /// As [`mean_axes`](Self::mean_axes).
    pub fn mean_keep(&self, axes: impl Into<Axes>) -> Result<Self> {
        let axes = axes.into();
        self.mean_axes(axes.clone())?.kept(self, &axes)
    }

    /// The variance of all elements, as a tensor of rank 0: see [`var_axes`](Self::var_axes).
    ///
    /// # Errors
    /// [`ErrorKind::DType`](crate::ErrorKind::DType) where the dtype is not a float.
    pub fn var(&self, correction: impl Into<f64>) -> Result<Self> {
        self.var_axes(.., correction)
    }

    /// The variance of the n elements along `axes`, Σ (x - mean)² / (n - correction), without those axes.
    ///
    /// `correction` 0 is the mean squared deviation; 1, Bessel's correction, estimates the variance
    /// of what the elements are a sample of. Any number will do; with n ≤ correction, the divisor is 0.
    ///
    /// # Errors
    /// [`ErrorKind::DType`](crate::ErrorKind::DType) where the dtype is not a float,
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) for an axis that does not exist or repeats.
    pub fn var_axes(&self, axes: impl Into<Axes>, correction: impl Into<f64>) -> Result<Self> {
        let (axes, correction) = (axes.into(), correction.into());
        if let Some(y) = halves(&[self], &|x| x[0].var_axes(axes.clone(), correction)) {
            return y;
        }
        let n = self.float_like("var", (self.count("var", &axes)? as f64 - correction).max(0.0))?;
        self.sub(&self.mean_keep(axes.clone())?)?.square()?.sum_axes(axes)?.div(&n)
    }

    /// The variance of the elements along `axes`, which the result has with size 1.
    ///
    /// # Errors
    /// As [`var_axes`](Self::var_axes).
    pub fn var_keep(&self, axes: impl Into<Axes>, correction: impl Into<f64>) -> Result<Self> {
        let axes = axes.into();
        self.var_axes(axes.clone(), correction)?.kept(self, &axes)
    }

    /// The standard deviation of all elements: the square root of [`var`](Self::var).
    ///
    /// # Errors
    /// As [`var`](Self::var).
    pub fn std(&self, correction: impl Into<f64>) -> Result<Self> {
        self.std_axes(.., correction)
    }

    /// The standard deviation along `axes`, which the result lacks.
    ///
    /// # Errors
    /// As [`var_axes`](Self::var_axes).
    pub fn std_axes(&self, axes: impl Into<Axes>, correction: impl Into<f64>) -> Result<Self> {
        let (axes, correction) = (axes.into(), correction.into());
        if let Some(y) = halves(&[self], &|x| x[0].std_axes(axes.clone(), correction)) {
            return y;
        }
        self.var_axes(axes, correction)?.sqrt()
    }

    /// The standard deviation along `axes`, which the result has with size 1.
    ///
    /// # Errors
    /// As [`var_axes`](Self::var_axes).
    pub fn std_keep(&self, axes: impl Into<Axes>, correction: impl Into<f64>) -> Result<Self> {
        let axes = axes.into();
        self.std_axes(axes.clone(), correction)?.kept(self, &axes)
    }

    /// The index along `axis`, as `i64`, of the largest element: the first of equals, or the first NaN.
    ///
    /// # Errors
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) where there is no such axis,
    /// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where it is empty,
    /// [`ErrorKind::DType`](crate::ErrorKind::DType) where the dtype is `bool`.
    pub fn argmax(&self, axis: isize) -> Result<Self> {
        if let Some(y) = halves(&[self], &|x| x[0].argmax(axis)) {
            return y;
        }
        let axis = self.shape().axis(axis).map_err(|e| e.within("argmax"))?;
        let shape = argreduce::shape("argmax", self.shape(), axis)?;
        Self::build(DType::I64, shape, |out| argreduce::argmax(self.view(), axis, out))
    }

    /// The index along `axis`, as `i64`, of the smallest element: the first of equals, or the first NaN.
    ///
    /// # Errors
    /// As [`argmax`](Self::argmax).
    pub fn argmin(&self, axis: isize) -> Result<Self> {
        if let Some(y) = halves(&[self], &|x| x[0].argmin(axis)) {
            return y;
        }
        let axis = self.shape().axis(axis).map_err(|e| e.within("argmin"))?;
        let shape = argreduce::shape("argmin", self.shape(), axis)?;
        Self::build(DType::I64, shape, |out| argreduce::argmin(self.view(), axis, out))
    }
}

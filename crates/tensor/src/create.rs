//! Tensors from nothing: constants, sequences, the identity.

use crate::dtype::{DType, Element, Scalar};
use crate::error::{Error, Result};
use crate::kernel::{cast, copy, with_computed, with_float};
use crate::layout::Layout;
use crate::shape::Shape;
use crate::storage::Storage;
use crate::tensor::Tensor;

impl Tensor {
    /// All zeros (`false` for `bool`).
    ///
    /// # Errors
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory) where it cannot be allocated.
    pub fn zeros(shape: impl Into<Shape>, dtype: DType) -> Result<Self> {
        let layout = Layout::contiguous(shape.into());
        Self::from_storage(Storage::zeros(dtype, layout.shape().numel_checked()?)?, layout)
    }

    /// All ones (`true` for `bool`).
    ///
    /// # Errors
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory) where it cannot be allocated.
    pub fn ones(shape: impl Into<Shape>, dtype: DType) -> Result<Self> {
        Self::full(shape, Scalar::Bool(true).cast(dtype))
    }

    /// All `value`, with its dtype.
    ///
    /// # Errors
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory) where it cannot be allocated.
    pub fn full(shape: impl Into<Shape>, value: impl Into<Scalar>) -> Result<Self> {
        let value = value.into();
        Self::build(value.dtype(), shape, |out| copy::fill(value, out))
    }

    /// The numbers `start + i step` from `start` to `stop`, without `stop`, with the dtype of the
    /// arguments. Each is computed from its `i`, so rounding errors do not add up.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// assert_eq!(Tensor::arange(0, 7, 2)?, Tensor::from([0, 2, 4, 6]));
    /// assert_eq!(Tensor::arange(1.0, 0.0, -0.25)?, Tensor::from([1.0, 0.75, 0.5, 0.25]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Value`](crate::ErrorKind::Value) for a step of zero and for NaN, infinities
    /// or ends whose distance overflows, [`ErrorKind::DType`](crate::ErrorKind::DType) for `bool`,
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory) where there are too many.
    pub fn arange<T: Into<Scalar>>(start: T, stop: T, step: T) -> Result<Self> {
        match (start.into(), stop.into(), step.into()) {
            (Scalar::I64(start), Scalar::I64(stop), Scalar::I64(step)) => arange_integers(start, stop, step),
            (Scalar::F64(start), Scalar::F64(stop), Scalar::F64(step)) => {
                arange_floats(start, stop, step, |i| start + i * step)
            }
            (Scalar::F32(start), Scalar::F32(stop), Scalar::F32(step)) => {
                let (start, step) = (f64::from(start), f64::from(step));
                arange_floats(start, stop.into(), step, |i| (start + i * step) as f32)
            }
            (a, b, c) => {
                let (a, b, c) = (a.dtype(), b.dtype(), c.dtype());
                Err(Error::dtype(format!("arange: expected numbers of one dtype, got {a}, {b} and {c}")))
            }
        }
    }

    /// `n` numbers from `start` to `stop`, evenly spaced, the first and the last exact, with the dtype
    /// of the arguments. One number is `start`.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// assert_eq!(Tensor::linspace(0.0, 1.0, 5)?, Tensor::from([0.0, 0.25, 0.5, 0.75, 1.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Value`](crate::ErrorKind::Value) for NaN or infinities,
    /// [`ErrorKind::DType`](crate::ErrorKind::DType) for integers and `bool`,
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory) where there are too many.
    pub fn linspace<T: Into<Scalar>>(start: T, stop: T, n: usize) -> Result<Self> {
        let (start, stop) = (start.into(), stop.into());
        let (dtype, other) = (start.dtype(), stop.dtype());
        if dtype != other {
            return Err(Error::dtype(format!("linspace: dtypes {dtype} and {other} differ")));
        }
        let (start, stop) = (start.to_f64(), stop.to_f64());
        if !(start.is_finite() && stop.is_finite()) {
            return Err(Error::value(format!("linspace: {start} to {stop} must be finite")));
        }
        let last = n.saturating_sub(1);
        let step = (stop - start) / last.max(1) as f64;
        let at = |i: usize| match i as f64 {
            _ if i > 0 && i == last => stop,
            i if step.is_finite() => start + i * step,
            // The ends are so far apart that their distance overflows.
            i => start * (1.0 - i / last as f64) + stop * (i / last as f64),
        };
        with_float!("linspace", dtype.computed(), T => sequence::<T>(n, |i| at(i) as T)?.cast(dtype))
    }

    /// The identity matrix of shape [n, n].
    ///
    /// # Errors
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory) where it cannot be allocated.
    pub fn eye(n: usize, dtype: DType) -> Result<Self> {
        if dtype.is_half() {
            return Self::eye(n, DType::F32)?.cast(dtype);
        }
        with_computed!("eye", dtype, T => Self::build_typed([n, n].into(), |out: &mut [T]| {
            out.iter_mut().step_by(n.saturating_add(1)).for_each(|x| *x = cast::convert(true));
            Ok(())
        }))
    }

    /// For `indices` of any shape [...], rows of shape [..., classes] that are one at their index and
    /// zero elsewhere.
    ///
    /// # Errors
    /// [`ErrorKind::DType`](crate::ErrorKind::DType) where `indices` are not `i64`,
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) for an index outside `0..classes`,
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory) where it cannot be allocated.
    pub fn one_hot(indices: &Self, classes: usize, dtype: DType) -> Result<Self> {
        if dtype.is_half() {
            return Self::one_hot(indices, classes, DType::F32)?.cast(dtype);
        }
        let indices_of = indices.view().typed::<i64>("one_hot").and_then(|_| indices.iter::<i64>())?;
        let shape = indices.shape().with_axis(indices.rank(), classes);
        with_computed!("one_hot", dtype, T => Self::build_typed(shape, |out: &mut [T]| {
            for (row, index) in indices_of.enumerate() {
                match usize::try_from(index) {
                    Ok(i) if i < classes => out[row * classes + i] = cast::convert(true),
                    _ => return Err(Error::index(format!("one_hot: index {index} is outside {classes} classes"))),
                }
            }
            Ok(())
        }))
    }
}

fn sequence<T: Element>(n: usize, at: impl Fn(usize) -> T) -> Result<Tensor> {
    Tensor::build_typed([n].into(), |out: &mut [T]| {
        out.iter_mut().enumerate().for_each(|(i, x)| *x = at(i));
        Ok(())
    })
}

fn arange_integers(start: i64, stop: i64, step: i64) -> Result<Tensor> {
    if step == 0 {
        return Err(Error::value(format!("arange: {start} to {stop} by a step of 0")));
    }
    let (distance, stride) = (i128::from(stop) - i128::from(start), i128::from(step));
    // Rounded up, so that the last number is the last one before `stop`.
    let n = ((distance + stride - stride.signum()) / stride).max(0);
    // Every number lies between the ends, though `i * step` alone may not be representable.
    let at = |i: usize| start.wrapping_add(step.wrapping_mul(i as i64));
    sequence(usize::try_from(n).unwrap_or(usize::MAX), at)
}

fn arange_floats<T: Element>(start: f64, stop: f64, step: f64, at: impl Fn(f64) -> T) -> Result<Tensor> {
    let distance = stop - start;
    if step == 0.0 || ![start, stop, step, distance].iter().all(|x| x.is_finite()) {
        return Err(Error::value(format!(
            "arange: {start} to {stop} by {step}: each and the distance must be finite, and the step not zero"
        )));
    }
    let n = (distance / step).ceil().max(0.0);
    // The quotient or the last number may have been rounded onto `stop`, which is not taken.
    let reaches = |x: f64| if step > 0.0 { x >= stop } else { x <= stop };
    let n = if n > 0.0 && reaches(at(n - 1.0).into().to_f64()) { n - 1.0 } else { n };
    sequence(n as usize, |i| at(i as f64))
}

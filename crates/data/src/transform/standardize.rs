//! Features of mean 0 and deviation 1.

use wengert_tensor::{Axes, DType, Error, Result, Scalar, Tensor};

/// z = (x - μ) / σ, with the mean μ and the standard deviation σ of every feature of the training data.
///
/// Fit it on the training part alone and apply it to all parts. Its state is two tensors.
///
/// ```
/// use wengert_data::Standardize;
/// use wengert_tensor::Tensor;
///
/// let train = Tensor::from([[1.0, 10.0], [3.0, 10.0]]);
/// let scale = Standardize::fit(&train)?;
/// assert_eq!(scale.apply(&train)?, Tensor::from([[-1.0, 0.0], [1.0, 0.0]]));
/// assert_eq!(scale.apply(&Tensor::from([5.0, 11.0]))?, Tensor::from([3.0, 1.0])); // one sample
/// assert_eq!(scale.invert(&Tensor::from([[2.0, 0.0]]))?, Tensor::from([[4.0, 10.0]]));
///
/// let same = Standardize::new(scale.mean().clone(), scale.std().clone())?;
/// # assert_eq!(same, scale);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[doc(alias("StandardScaler", "Normalize"))]
pub struct Standardize {
    mean: Tensor,
    std: Tensor,
}

impl Standardize {
    /// The mean and the deviation of every feature of `x`, of floats and shape [samples, features...]. A feature that never
    /// changes is divided by 1.
    ///
    /// # Errors
    /// No floats, no samples, or a feature whose mean or deviation is not finite.
    pub fn fit(x: &Tensor) -> Result<Self> {
        Self::fit_over(x, 0)
    }

    /// As [`fit`](Self::fit), with one mean over all of `axes`, of which 0 is the samples': `[0, 2, 3]` gives images of shape
    /// [samples, channels, height, width] one mean a channel.
    ///
    /// # Errors
    /// Also axes without 0, or that do not exist.
    pub fn fit_over(x: &Tensor, axes: impl Into<Axes>) -> Result<Self> {
        let named = |e: Error| e.within("standardize");
        let axes = axes.into().resolve(x.shape()).map_err(named)?;
        if !x.dtype().is_float() || axes.first() != Some(&0) || axes.iter().any(|&axis| x.shape()[axis] == 0) {
            let (dtype, shape) = (x.dtype(), x.shape());
            let what = format!("standardize: {dtype} of {shape} over axes {axes:?}; floats, and samples along axis 0");
            return Err(Error::shape(what));
        }
        // Sums of many numbers: in f64 whatever the dtype.
        let wide = x.cast(DType::F64)?;
        let statistic = |y: Tensor| y.squeeze(0)?.cast(x.dtype());
        let mean = statistic(wide.mean_keep(&axes[..])?)?;
        let std = statistic(wide.var_keep(&axes[..], 0.0)?.sqrt()?)?;
        let constant = std.equal(&zero(x.dtype()))?;
        let std = constant.where_(&one(x.dtype()).broadcast_to(std.shape())?, &std)?;
        Self::new(mean, std)
    }

    /// The transformation by these means and deviations, as [`mean`](Self::mean) and [`std`](Self::std) return them.
    ///
    /// # Errors
    /// Different shapes or dtypes, no floats, numbers that are not finite, deviations that are not above 0.
    pub fn new(mean: Tensor, std: Tensor) -> Result<Self> {
        if mean.shape() != std.shape() || mean.dtype() != std.dtype() || !mean.dtype().is_float() {
            let (a, b) = (mean.dtype(), std.dtype());
            let what = format!("means of {a} {} and deviations of {b} {}", mean.shape(), std.shape());
            return Err(Error::shape(format!("standardize: {what}; floats of one shape")));
        }
        let (means, stds) = (mean.cast(DType::F64)?.to_vec::<f64>()?, std.cast(DType::F64)?.to_vec::<f64>()?);
        let wrong = means.iter().zip(&stds).position(|(m, s)| !(m.is_finite() && s.is_finite() && *s > 0.0));
        if let Some(i) = wrong {
            let (m, s) = (means[i], stds[i]);
            return Err(Error::value(format!("standardize: feature {i} has mean {m} and deviation {s}")));
        }
        Ok(Self { mean, std })
    }

    /// The means, of shape [features...], with size 1 for the axes that they were taken over.
    pub fn mean(&self) -> &Tensor {
        &self.mean
    }

    /// The deviations, of the same shape.
    pub fn std(&self) -> &Tensor {
        &self.std
    }

    /// (x - μ) / σ, for samples or for one.
    ///
    /// # Errors
    /// Another dtype or other features.
    pub fn apply(&self, x: &Tensor) -> Result<Tensor> {
        self.check(x)?.sub(&self.mean)?.div(&self.std)
    }

    /// μ + σ z: the inverse of [`apply`](Self::apply).
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    #[doc(alias = "inverse_transform")]
    pub fn invert(&self, z: &Tensor) -> Result<Tensor> {
        self.check(z)?.mul(&self.std)?.add(&self.mean)
    }

    /// `x`, where broadcasting changes only the means' shape and not that of `x`.
    fn check<'a>(&self, x: &'a Tensor) -> Result<&'a Tensor> {
        if x.shape().broadcast(self.mean.shape()).as_ref() == Some(x.shape()) {
            return Ok(x);
        }
        Err(Error::shape(format!("standardize: {} with means of {}", x.shape(), self.mean.shape())))
    }
}

fn zero(dtype: DType) -> Tensor {
    Scalar::F64(0.0).cast(dtype).into()
}

fn one(dtype: DType) -> Tensor {
    Scalar::F64(1.0).cast(dtype).into()
}

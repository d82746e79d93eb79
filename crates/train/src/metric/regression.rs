//! How far predicted numbers are from the true ones. All elements count alike, whatever the shape.

use wengert_tensor::{Error, Result, Tensor};

use super::Metric;
use super::input::{numbers, same_shape};

/// The pairs of a predicted and a true number.
fn pairs(op: &str, prediction: &Tensor, target: &Tensor) -> Result<impl Iterator<Item = (f64, f64)> + use<>> {
    for x in [prediction, target] {
        if !x.dtype().is_float() {
            return Err(Error::dtype(format!("{op}: predictions and targets are floats, not {}", x.dtype())));
        }
    }
    same_shape(op, prediction, target)?;
    Ok(numbers(prediction)?.into_iter().zip(numbers(target)?))
}

/// The mean absolute error, mean |p - t|.
///
/// ```
/// use wengert_tensor::Tensor;
/// use wengert_train::{Mae, Metric};
/// let mut mae = Mae::new();
/// mae.update(&Tensor::from([2.5, 0.0, 2.0, 8.0]), &Tensor::from([3.0, -0.5, 2.0, 7.0]))?;
/// assert_eq!(mae.value(), 0.5);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[doc(alias = "mean_absolute_error")]
#[derive(Debug, Clone, Default)]
pub struct Mae {
    sum: f64,
    n: u64,
}

/// The root of the mean squared error, sqrt(mean (p - t)²): in the targets' unit.
#[doc(alias = "root_mean_squared_error")]
#[derive(Debug, Clone, Default)]
pub struct Rmse {
    sum: f64,
    n: u64,
}

/// The part of the targets' variance that the predictions explain, R² = 1 - Σ(p - t)² / Σ(t - mean t)².
///
/// 1 is perfect, 0 what the mean alone would give. For targets that are all equal it is 1 for perfect predictions and 0 for
/// others, as scikit-learn has it; NaN for fewer than two.
#[doc(alias = "r2_score")]
#[derive(Debug, Clone, Default)]
pub struct R2 {
    residual: f64,
    /// Mean and squared deviations of the targets, by Welford's update, which does not cancel (*Technometrics* 4(3), 1962).
    mean: f64,
    spread: f64,
    n: u64,
}

impl Metric for Mae {
    fn name(&self) -> String {
        "mae".into()
    }

    fn update(&mut self, prediction: &Tensor, target: &Tensor) -> Result<()> {
        for (p, t) in pairs("mae", prediction, target)? {
            self.sum += (p - t).abs();
            self.n += 1;
        }
        Ok(())
    }

    fn value(&self) -> f64 {
        self.sum / self.n as f64
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

impl Metric for Rmse {
    fn name(&self) -> String {
        "rmse".into()
    }

    fn update(&mut self, prediction: &Tensor, target: &Tensor) -> Result<()> {
        for (p, t) in pairs("rmse", prediction, target)? {
            self.sum += (p - t) * (p - t);
            self.n += 1;
        }
        Ok(())
    }

    fn value(&self) -> f64 {
        (self.sum / self.n as f64).sqrt()
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

impl Metric for R2 {
    fn name(&self) -> String {
        "r2".into()
    }

    fn update(&mut self, prediction: &Tensor, target: &Tensor) -> Result<()> {
        for (p, t) in pairs("r2", prediction, target)? {
            self.residual += (p - t) * (p - t);
            self.n += 1;
            let off = t - self.mean;
            self.mean += off / self.n as f64;
            self.spread += off * (t - self.mean);
        }
        Ok(())
    }

    fn value(&self) -> f64 {
        match (self.n, self.residual, self.spread) {
            (0 | 1, ..) => f64::NAN,
            (_, 0.0, 0.0) => 1.0,
            (_, residual, 0.0) if !residual.is_nan() => 0.0,
            (_, residual, spread) => 1.0 - residual / spread,
        }
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

macro_rules! new {
    ($($type:ident)*) => {$(
        impl $type {
            /// Of no numbers yet.
            pub fn new() -> Self {
                Self::default()
            }
        }
    )*};
}

new! { Mae Rmse R2 }

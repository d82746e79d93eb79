//! [`LossScale`]: gradients of half precision kept within its range.

use wengert_tensor::{Error, Result, Scalar, Tensor};

/// What the loss is multiplied by before gradients are taken, and these are divided by afterwards: small cotangents of
/// [`F16`](wengert_tensor::F16), whose least value is 2^-24, would be zero otherwise.
///
/// A step whose gradients are not all finite changes neither parameters nor what is kept of them. A
/// [dynamic](Self::dynamic) scale is then reduced, and grows again after many good steps: it stays near the largest that does
/// not overflow (P. Micikevicius et al., "Mixed precision training", ICLR 2018).
///
/// ```
/// use wengert_autograd::Tape;
/// use wengert_nn::{Activation, Adam, Layer, LossScale, Mlp, Train, loss::mse};
/// use wengert_tensor::{DType, Rng, Tensor};
///
/// let x = Tensor::from([[0f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
/// let y = Tensor::from([[0f32], [1.0], [1.0], [0.0]]);
/// let mlp = Mlp::new(&[2, 8, 1], Activation::Tanh, &mut Rng::seed(1))?;
///
/// // Layers compute in f16, for their input is; parameters, the loss and the update are in f32.
/// let mut train = Train::new(&mlp, Adam::new(0.05)).loss_scale(LossScale::dynamic()).compile(|[x, y]| {
///     mse(mlp.forward(x.cast(DType::F16)).cast(DType::F32), y)
/// });
/// let first = train.step([&x, &y])?;
/// for _ in 0..200 {
///     train.step([&x, &y])?;
/// }
/// assert!(train.step([&x, &y])? < 0.1 * first);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[doc(alias("GradScaler", "amp", "DynamicLossScale"))]
pub struct LossScale {
    now: f64,
    growth: f64,
    backoff: f64,
    interval: u64,
    /// Good updates since the scale last changed.
    good: u64,
    /// Updates that were left out, and how many of them since the last good one.
    skipped: u64,
    in_a_row: u64,
}

impl LossScale {
    /// Always the same scale.
    pub fn fixed(scale: f64) -> Self {
        Self { now: scale, growth: 1.0, backoff: 1.0, interval: u64::MAX, good: 0, skipped: 0, in_a_row: 0 }
    }

    /// A scale of 65536 at first, half of itself after an overflow and twice itself after 2000 updates without one.
    pub fn dynamic() -> Self {
        Self { growth: 2.0, backoff: 0.5, interval: 2000, ..Self::fixed(65536.0) }
    }

    /// Another scale to start from.
    #[doc(alias = "init_scale")]
    pub fn initial(self, scale: f64) -> Self {
        Self { now: scale, ..self }
    }

    /// Another factor after an interval of good updates, 1 at least.
    #[doc(alias = "growth_factor")]
    pub fn growth(self, factor: f64) -> Self {
        Self { growth: factor, ..self }
    }

    /// Another factor after an overflow, above 0 and not above 1.
    #[doc(alias = "backoff_factor")]
    pub fn backoff(self, factor: f64) -> Self {
        Self { backoff: factor, ..self }
    }

    /// Another number of good updates before the scale grows.
    #[doc(alias = "growth_interval")]
    pub fn interval(self, updates: u64) -> Self {
        Self { interval: updates, ..self }
    }

    /// The scale of the next step.
    #[doc(alias = "get_scale")]
    pub fn scale(&self) -> f64 {
        self.now
    }

    /// How many updates were left out, for gradients that were not finite.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// How many updates were left out since the last that was not. Where they are many, the scale is not to blame.
    pub fn skipped_in_a_row(&self) -> u64 {
        self.in_a_row
    }

    /// Looks for numbers that are out of range.
    pub(super) fn check(&self) -> Result<()> {
        let within = within(self.now)
            && self.growth >= 1.0
            && self.growth.is_finite()
            && self.backoff > 0.0
            && self.backoff <= 1.0
            && self.interval > 0;
        match within {
            true => Ok(()),
            false => Err(Error::value(format!(
                "train: a loss cannot be scaled by {}, with growth by {} after {} updates and backoff by {}",
                self.now, self.growth, self.interval, self.backoff
            ))),
        }
    }

    /// What an update, done or left out, makes of it.
    pub(super) fn update(&mut self, finite: bool) {
        self.skipped += u64::from(!finite);
        (self.good, self.in_a_row) = if finite { (self.good + 1, 0) } else { (0, self.in_a_row + 1) };
        let next = match finite {
            false => self.now * self.backoff,
            true if self.good >= self.interval => self.now * self.growth,
            true => return,
        };
        self.good = 0;
        if within(next) {
            self.now = next;
        }
    }

    /// All that changes, as a tensor.
    pub(super) fn state(&self) -> Tensor {
        Tensor::from([self.now, self.good as f64, self.skipped as f64, self.in_a_row as f64])
    }

    /// The same with what [`state`](Self::state) gave.
    pub(super) fn with_state(self, state: &Tensor) -> Result<Self> {
        let wrong = || Error::parameter("load_state: loss_scale is no scale with three counts");
        match state.to_vec::<f64>().map_err(|_| wrong())?[..] {
            [now, good, skipped, in_a_row]
                if state.rank() == 1 && within(now) && [good, skipped, in_a_row].iter().all(|&count| count >= 0.0) =>
            {
                Ok(Self { now, good: good as u64, skipped: skipped as u64, in_a_row: in_a_row as u64, ..self })
            }
            _ => Err(wrong()),
        }
    }
}

/// Whether both the scale and what it is divided by are normal numbers of f32.
fn within(scale: f64) -> bool {
    let Scalar::F32(scale) = Scalar::from(scale).cast(wengert_tensor::DType::F32) else { return false };
    scale > 0.0 && scale.is_normal() && scale.recip().is_normal()
}

//! Batch normalization.

use wengert_autograd::Var;
use wengert_tensor::{AxisList, DType, Error, Result, Tensor};

use super::Layer;
use super::images::per_channel;
use super::norm::{affine, channels_of, on, wide};
use crate::param::Param;
use crate::{Buffer, Module};

/// y = w (x - mean) / √(var + eps) + b, for each channel of `[N, channels, ..]`.
///
/// In training, mean and variance are those of the batch, over all axes but the channels', and the running ones move towards
/// them: r becomes (1 - momentum) r + momentum times the batch's, the variance as an estimate of what the batch is a sample
/// of. Otherwise they are the running ones, so that a prediction does not depend on what else is in the batch.
/// [`Train`](crate::Train) records its steps for training; [`predict`](Layer::predict) does not.
///
/// Weights start at 1, biases at 0, running means at 0 and variances at 1; eps is 1e-5 and momentum 0.1. Running
/// statistics are state, not parameters. A clone shares both with the original. Training on a single element for each
/// channel is an error.
///
/// S. Ioffe and C. Szegedy, "Batch normalization: accelerating deep network training by reducing internal covariate
/// shift", ICML 2015.
///
/// ```
/// use wengert_nn::{BatchNorm, Layer, Module, Sgd, Train};
/// use wengert_tensor::Tensor;
///
/// let norm = BatchNorm::new(1)?.momentum(1.0);
/// let mut train = Train::new(&norm, Sgd::new(0.0));
/// train.step(|t| norm.forward(t.input(&Tensor::from([[1f32], [3.0]]))).sum())?;
/// assert_eq!(norm.running_mean.value(), Tensor::from([2f32]));
/// assert_eq!(norm.running_var.value(), Tensor::from([2f32]));
/// assert_eq!(norm.predict(&Tensor::from([[2f32]]))?, Tensor::from([[0f32]]));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Module)]
#[doc(alias("BatchNorm1d", "BatchNorm2d", "BatchNorm3d"))]
pub struct BatchNorm {
    /// w, of shape `[channels]`.
    pub weight: Option<Param>,
    /// b, of shape `[channels]`.
    pub bias: Option<Param>,
    /// The mean to predict with, of shape `[channels]`.
    pub running_mean: Buffer,
    /// The variance to predict with, of shape `[channels]`.
    pub running_var: Buffer,
    /// How many batches they have seen: one i64.
    pub num_batches_tracked: Buffer,
    /// None where running statistics are means over all batches.
    momentum: Option<f64>,
    eps: f64,
}

impl BatchNorm {
    /// For so many channels, in f32.
    ///
    /// # Errors
    /// Weights that cannot be allocated.
    #[inline]
    pub fn new(channels: usize) -> Result<Self> {
        let (zeros, ones) = (Tensor::zeros([channels], DType::F32)?, Tensor::ones([channels], DType::F32)?);
        Ok(Self {
            weight: Some(Param::new(ones.clone())),
            bias: Some(Param::new(zeros.clone())),
            running_mean: Buffer::new(zeros),
            running_var: Buffer::new(ones),
            num_batches_tracked: Buffer::new(Tensor::from(0i64)),
            momentum: Some(0.1),
            eps: 1e-5,
        })
    }

    /// The same layer without w and b.
    pub fn without_affine(self) -> Self {
        Self { weight: None, bias: None, ..self }
    }

    /// The same layer whose running statistics take this share from every batch.
    pub fn momentum(self, momentum: f64) -> Self {
        Self { momentum: Some(momentum), ..self }
    }

    /// The same layer whose running statistics are means over all batches so far.
    pub fn cumulative(self) -> Self {
        Self { momentum: None, ..self }
    }

    /// The same layer with another eps.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }

    /// `x` normalized by its own statistics, to which the running ones are moved.
    #[inline]
    #[track_caller]
    fn of_batch<'t>(&self, x: Var<'t>) -> Var<'t> {
        let (tape, shape) = (x.tape(), x.shape());
        let axes: AxisList = (0..shape.rank()).filter(|&axis| axis != 1).collect();
        let n: usize = axes.iter().map(|&axis| shape[axis]).product();
        if n < 2 {
            let sentence = format!("batch_norm: {shape} has {n} elements for each channel, and training takes 2");
            return tape.error(Error::shape(sentence));
        }
        let mean = x.mean_axes(&axes[..]);
        let centred = x - per_channel(mean, shape.rank());
        let var = centred.square().mean_axes(&axes[..]);

        let batches = self.num_batches_tracked.on(tape) + 1.0;
        self.num_batches_tracked.update(batches);
        let unbiased = var * (n as f64 / (n - 1) as f64);
        for (running, of_batch) in [(&self.running_mean, mean), (&self.running_var, unbiased)] {
            let kept = running.on(tape);
            let before = wide(kept);
            let change = of_batch - before;
            let after = match self.momentum {
                Some(momentum) => before + momentum * change,
                None => before + change / batches.cast(x.dtype()),
            };
            running.update(after.cast(kept.dtype()));
        }
        centred * per_channel((var + self.eps).rsqrt(), shape.rank())
    }
}

impl Layer for BatchNorm {
    #[inline]
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        if let Err(poisoned) = channels_of("batch_norm", x, self.running_mean.ty().shape.first().copied()) {
            return poisoned;
        }
        let tape = x.tape();
        if tape.is_training() {
            return affine(x, self.of_batch(wide(x)), &self.weight, &self.bias);
        }
        let statistics = (self.running_mean.on(tape), self.running_var.on(tape));
        x.batch_norm(Some(statistics), on(&self.weight, x), on(&self.bias, x), self.eps)
    }
}

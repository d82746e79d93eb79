//! Normalization: values brought to a common scale along axes.

use smallvec::SmallVec;
use wengert_tensor::{Axes, AxisList, Error, Shape};

use crate::tape::Var;

impl<'t> Var<'t> {
    /// x divided by its norm along some axes, or by `eps` where the norm is smaller.
    #[track_caller]
    pub fn normalize(self, p: f64, axes: impl Into<Axes>, eps: f64) -> Self {
        let x = self.wide();
        (x / x.norm_keep(p, axes).clamp_min(eps)).narrowed(self)
    }

    /// (x - mean) / √(var + eps) over some axes, then times `weight`, plus `bias`, where they are
    /// given; they broadcast.
    ///
    /// J. L. Ba, J. R. Kiros and G. E. Hinton, "Layer normalization" (2016).
    #[track_caller]
    pub fn layer_norm(self, axes: impl Into<Axes>, weight: Option<Self>, bias: Option<Self>, eps: f64) -> Self {
        let axes = axes.into();
        let x = self.wide();
        let centred = x - x.mean_keep(axes.clone());
        let scale = (centred.square().mean_keep(axes) + eps).rsqrt();
        affine(self, centred * scale, weight, bias)
    }

    /// x / √(mean x² + eps) over some axes, then times `weight` where it is given; it broadcasts.
    ///
    /// B. Zhang and R. Sennrich, "Root mean square layer normalization" (2019).
    #[track_caller]
    pub fn rms_norm(self, axes: impl Into<Axes>, weight: Option<Self>, eps: f64) -> Self {
        let x = self.wide();
        affine(self, x * (x.square().mean_keep(axes) + eps).rsqrt(), weight, None)
    }

    /// [n, channels, ..] by mean and variance of each of so many groups of neighbouring channels, with all axes after
    /// them, of every sample: (x - mean) / √(var + eps), then times `weight`, plus `bias`, one each for every channel.
    ///
    /// Y. Wu and K. He, "Group normalization" (2018).
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[1.0, 3.0, 0.0, -2.0]]));
    /// let y = x.group_norm(2, None, None, 0.0);
    /// assert_eq!(y.value()?, Tensor::from([[-1.0, 1.0, 1.0, -1.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn group_norm(self, groups: usize, weight: Option<Self>, bias: Option<Self>, eps: f64) -> Self {
        let shape = match self.channels("group_norm", [weight, bias]) {
            Ok(shape) => shape,
            Err(poisoned) => return poisoned,
        };
        if groups == 0 || !shape[1].is_multiple_of(groups) {
            let sentence = format!("group_norm: {groups} groups of the {} channels of {shape}", shape[1]);
            return self.tape().error(Error::value(sentence));
        }
        // A group's elements lie one after another.
        let size = Shape::from(&shape[1..]).numel() / groups;
        let normal = self.wide().reshape([shape[0], groups, size]).layer_norm(-1, None, None, eps).reshape(&shape);
        affine(self, normal, per_channel(weight, &shape), per_channel(bias, &shape))
    }

    /// [n, channels, axes..] by mean and variance over the axes, of every channel of every sample: (x - mean) / √(var +
    /// eps), then times `weight`, plus `bias`, one each for every channel.
    ///
    /// D. Ulyanov, A. Vedaldi and V. Lempitsky, "Instance normalization" (2016).
    #[track_caller]
    pub fn instance_norm(self, weight: Option<Self>, bias: Option<Self>, eps: f64) -> Self {
        let shape = match self.channels("instance_norm", [weight, bias]) {
            Ok(shape) => shape,
            Err(poisoned) => return poisoned,
        };
        let axes: AxisList = (2..shape.rank()).collect();
        let normal = self.wide().layer_norm(&axes[..], None, None, eps);
        affine(self, normal, per_channel(weight, &shape), per_channel(bias, &shape))
    }

    /// [n, channels, ..] by mean and variance of every channel over all other axes: (x - mean) / √(var + eps), then times
    /// `weight`, plus `bias`, one each for every channel. Where `statistics`, a mean and a variance for every channel,
    /// are given, as in inference, they take the place of the batch's own.
    ///
    /// S. Ioffe and C. Szegedy, "Batch normalization" (2015).
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[1.0, 8.0], [3.0, 4.0]]));
    /// assert_eq!(x.batch_norm(None, None, None, 0.0).value()?, Tensor::from([[-1.0, 1.0], [1.0, -1.0]]));
    /// let (mean, var) = (tape.full([2], 2.0), tape.full([2], 4.0));
    /// let y = x.batch_norm(Some((mean, var)), None, None, 0.0);
    /// assert_eq!(y.value()?, Tensor::from([[-0.5, 3.0], [0.5, 1.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn batch_norm(
        self,
        statistics: Option<(Self, Self)>,
        weight: Option<Self>,
        bias: Option<Self>,
        eps: f64,
    ) -> Self {
        let (mean, var) = statistics.unzip();
        let shape = match self.channels("batch_norm", [mean, var, weight, bias]) {
            Ok(shape) => shape,
            Err(poisoned) => return poisoned,
        };
        let normal = match (per_channel(mean, &shape), per_channel(var, &shape)) {
            (Some(mean), Some(var)) => (self.wide() - mean.wide()) * (var.wide() + eps).rsqrt(),
            _ => {
                let axes: AxisList = (0..shape.rank()).filter(|&axis| axis != 1).collect();
                self.wide().layer_norm(&axes[..], None, None, eps)
            }
        };
        affine(self, normal, per_channel(weight, &shape), per_channel(bias, &shape))
    }

    /// [n, channels, ..] divided by a power of the mean square of neighbouring channels: see [`LocalResponseNorm`].
    ///
    /// ```
    /// use wengert_autograd::{LocalResponseNorm, Tape};
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[3.0, 4.0]]));
    /// let y = x.local_response_norm(LocalResponseNorm { size: 2, alpha: 2.0, beta: 0.5, k: 0.0 });
    /// assert_eq!(y.value()?, Tensor::from([[1.0, 0.8]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn local_response_norm(self, how: LocalResponseNorm) -> Self {
        let shape = match self.channels("local_response_norm", []) {
            Ok(shape) => shape,
            Err(poisoned) => return poisoned,
        };
        let LocalResponseNorm { size, alpha, beta, k } = how;
        if size == 0 {
            return self.tape().error(Error::value("local_response_norm: 0 channels to look at"));
        }
        if shape[1] == 0 {
            return self;
        }
        // No channel has more neighbours than there are channels, before it or after.
        let (before, after) = ((size / 2).min(shape[1]), ((size - 1) / 2).min(shape[1]));
        let mut pads: SmallVec<[(usize, usize); 4]> = SmallVec::from_elem((0, 0), shape.rank());
        pads[shape.rank() - 1] = (before, after);
        let x = self.wide();
        let squares = x.square().move_axis(1, -1).pad(&pads, 0.0);
        let sums = squares.windows(&[before + after + 1], &[1], &[1]).sum_axes(-1).move_axis(-1, 1);
        (x / (sums * (alpha / size as f64) + k).powf(beta)).narrowed(self)
    }

    /// The shape of [n, channels, ..] that has one of each of `each` for every channel.
    #[track_caller]
    fn channels<const N: usize>(self, op: &str, each: [Option<Self>; N]) -> Result<Shape, Self> {
        if let Some(poisoned) = [self].into_iter().chain(each.into_iter().flatten()).find(|v| v.is_poisoned()) {
            return Err(poisoned);
        }
        let shape = self.shape();
        if shape.rank() < 2 {
            return Err(self.tape().error(Error::shape(format!("{op}: takes [n, channels, ..], got {shape}"))));
        }
        match each.into_iter().flatten().find(|v| v.shape()[..] != shape[1..2]) {
            None => Ok(shape),
            Some(wrong) => {
                let sentence =
                    format!("{op}: {} where each of the {} channels of {shape} has one", wrong.shape(), shape[1]);
                Err(self.tape().error(Error::shape(sentence)))
            }
        }
    }
}

/// How [`Var::local_response_norm`] scales channels: x / (k + alpha mean x²)^beta, the mean over `size` neighbouring
/// channels, of which those that there are not count as zeros.
///
/// A. Krizhevsky, I. Sutskever and G. E. Hinton, "ImageNet classification with deep convolutional neural networks" (2012).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LocalResponseNorm {
    /// The number of channels, at least 1; of an even number one more is before than after.
    pub size: usize,
    /// How much the mean square counts.
    pub alpha: f64,
    /// The power.
    pub beta: f64,
    /// What is added to the mean square.
    pub k: f64,
}

impl Default for LocalResponseNorm {
    /// Of five channels, with alpha 1e-4, beta 0.75 and k 1.
    fn default() -> Self {
        Self { size: 5, alpha: 1e-4, beta: 0.75, k: 1.0 }
    }
}

/// One number for each channel of [n, channels, ..].
#[track_caller]
fn per_channel<'t>(each: Option<Var<'t>>, shape: &Shape) -> Option<Var<'t>> {
    let others: AxisList = (0..shape.rank()).filter(|&axis| axis != 1).collect();
    // Not `map`: a closure's caller would not be the user's line.
    Some(each?.reshape(shape.ones_at(&others)))
}

/// y weight + bias, where y was computed of the [wide](Var::wide) x, and the others are of x's dtype.
#[track_caller]
fn affine<'t>(x: Var<'t>, mut y: Var<'t>, weight: Option<Var<'t>>, bias: Option<Var<'t>>) -> Var<'t> {
    if let Some(weight) = weight {
        y = y * if same_dtype(x, weight) { weight.wide() } else { weight };
    }
    if let Some(bias) = bias {
        y = y + if same_dtype(x, bias) { bias.wide() } else { bias };
    }
    y.narrowed(x)
}

/// Whether both are there and of one dtype.
fn same_dtype(x: Var<'_>, y: Var<'_>) -> bool {
    !x.is_poisoned() && !y.is_poisoned() && x.dtype() == y.dtype()
}

//! Random zeros in training.

use wengert_autograd::Var;
use wengert_tensor::{Error, Shape};

use super::Layer;
use crate::Module;

/// In training, y = 0 with probability p, else x / (1 - p), for each element by itself; else y = x.
///
/// The mean of y is x either way. Random numbers are those of the [tape](wengert_autograd::Tape::next_key), so
/// [`Train`](crate::Train) has new ones for every step, and the same for the same seed. A p that is not from 0 to 1 is an
/// error when the layer is used.
///
/// N. Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15, 2014.
///
/// ```
/// use wengert_autograd::Tape;
/// use wengert_nn::{Dropout, Layer};
/// use wengert_tensor::{DType, Tensor};
///
/// let (dropout, x) = (Dropout::new(0.5), Tensor::ones([1000], DType::F32)?);
/// assert_eq!(dropout.predict(&x)?, x);
///
/// let tape = Tape::new();
/// tape.set_training(1);
/// let y = dropout.forward(tape.input(&x)).value()?;
/// assert!(y.iter::<f32>()?.all(|y| y == 0.0 || y == 2.0));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Module)]
pub struct Dropout {
    p: f64,
}

impl Dropout {
    /// Zeros with this probability.
    pub fn new(p: f64) -> Self {
        Self { p }
    }

    /// Whether it leaves a variable as it is.
    #[inline]
    pub(crate) fn keeps_all(&self, x: Var<'_>) -> bool {
        // A probability that is none is a mistake, which is found where it is used.
        self.p == 0.0 || (0.0..=1.0).contains(&self.p) && !x.tape().is_training()
    }
}

impl Layer for Dropout {
    #[inline]
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        drop("dropout", x, self.p, x.shape())
    }
}

/// As [`Dropout`], but for whole channels: all of a channel of a sample is zero, or nothing of it. Takes
/// `[N, channels, ..]`.
///
/// Neighbouring pixels say much the same, so that dropping some of them would hide little. J. Tompson et al., "Efficient
/// object localization using convolutional networks", CVPR 2015.
///
/// ```
/// use wengert_autograd::Tape;
/// use wengert_nn::{ChannelDropout, Layer};
/// use wengert_tensor::DType;
///
/// let tape = Tape::new();
/// tape.set_training(1);
/// let y = ChannelDropout::new(0.5).forward(tape.full([8, 4, 2, 2], 1f32));
/// let sums = y.sum_axes([2, 3]).value()?;
/// assert!(sums.iter::<f32>()?.all(|sum| sum == 0.0 || sum == 8.0));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Module)]
#[doc(alias("SpatialDropout", "Dropout1d", "Dropout2d", "Dropout3d"))]
pub struct ChannelDropout {
    p: f64,
}

impl ChannelDropout {
    /// Zeros with this probability.
    pub fn new(p: f64) -> Self {
        Self { p }
    }
}

impl Layer for ChannelDropout {
    #[inline]
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        let shape = x.shape();
        if x.is_poisoned() {
            return x;
        }
        if shape.rank() < 2 {
            return x.tape().error(Error::shape(format!("channel_dropout: takes [N, channels, ..], got {shape}")));
        }
        let after: Vec<usize> = (2..shape.rank()).collect();
        drop("channel_dropout", x, self.p, shape.ones_at(&after))
    }
}

/// `x` with zeros where one of the random numbers, of a shape that stretches to its, is below `p`.
#[inline]
#[track_caller]
fn drop<'t>(layer: &str, x: Var<'t>, p: f64, shape: Shape) -> Var<'t> {
    if x.is_poisoned() {
        return x;
    }
    if !(0.0..=1.0).contains(&p) {
        return x.tape().error(Error::value(format!("{layer}: probability {p} must be from 0 to 1")));
    }
    if p == 0.0 {
        return x;
    }
    let Some(key) = x.tape().next_key() else { return x };
    let kept = key.uniform(shape, x.dtype().computed()).greater_equal(p).broadcast_to(x.shape()).where_(x, 0.0);
    // Where all is dropped there is nothing to scale.
    if p == 1.0 { kept } else { kept / (1.0 - p) }
}

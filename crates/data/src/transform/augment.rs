//! Random changes of samples in training, for [`Loader::augment`](crate::Loader::augment).
//!
//! Each takes one sample and a generator, and draws as many numbers whatever comes out. Images have their height and width as the
//! last two axes.

use rand::RngExt;
use wengert_tensor::{Error, Result, Rng, Tensor};

/// `x` or, as often, `x` reversed along `axis`; -1 mirrors an image left to right.
///
/// # Errors
/// An axis that does not exist.
#[doc(alias = "RandomHorizontalFlip")]
pub fn flip(x: &Tensor, axis: isize, rng: &mut Rng) -> Result<Tensor> {
    let turned = x.flip(axis)?;
    Ok(if rng.random::<bool>() { turned } else { x.clone() })
}

/// `x` with `padding` zeros on all four sides, cut to its old size at a random place: moved by up to `padding` each way.
///
/// ```
/// use wengert_data::augment;
/// use wengert_tensor::{DType, Rng, Tensor};
/// let image = Tensor::ones([3, 8, 8], DType::F32)?;
/// let moved = augment::crop(&image, 2, &mut Rng::seed(1))?;
/// assert_eq!(moved.shape(), image.shape());
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
///
/// # Errors
/// A tensor of rank below 2, or a padding too large for memory.
#[doc(alias = "RandomCrop")]
pub fn crop(x: &Tensor, padding: usize, rng: &mut Rng) -> Result<Tensor> {
    let rank = x.rank();
    let &[.., height, width] = &x.shape()[..] else {
        return Err(Error::shape(format!("crop: {} has no height and width", x.shape())));
    };
    let mut pads = vec![(0, 0); rank];
    pads[rank - 2..].fill((padding, padding));
    let mut shift = || rng.random_range(0..=padding.saturating_mul(2));
    let (down, right) = (shift(), shift());
    x.pad(&pads, 0)?.narrow(-2, down, height)?.narrow(-1, right, width)
}

/// `x` with normally distributed noise of deviation `std` added.
///
/// # Errors
/// A tensor that is not of floats; a deviation that is negative or not finite.
pub fn noise(x: &Tensor, std: f64, rng: &mut Rng) -> Result<Tensor> {
    if !(std >= 0.0 && std.is_finite()) {
        return Err(Error::value(format!("noise: a deviation of {std}")));
    }
    let noise = Tensor::randn(x.shape(), x.dtype(), rng)?;
    let std = Tensor::from(wengert_tensor::Scalar::F64(std).cast(x.dtype()));
    x.add(&noise.mul(&std)?)
}

//! Random tensors, each number from a seed.
//!
//! There is no global generator: a [`Rng`] is made from a seed and handed on, so a program's numbers
//! depend on nothing else. Real numbers are always drawn as `f64` and then rounded to the dtype, so an
//! `f32` model starts from the same numbers as its `f64` twin and leaves the generator in the same state.

use std::convert::Infallible;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng, TryRng};
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::dtype::{DType, Element};
use crate::error::{Error, Result};
use crate::kernel::with_float;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// A generator of random numbers, for tensors and for every distribution of the `rand` and
/// `rand_distr` crates. A clone continues with the same numbers as its original.
///
/// The generator is xoshiro256++ (D. Blackman and S. Vigna, "Scrambled linear pseudorandom number
/// generators", ACM TOMS 47(4), 2021). It is not for cryptography.
///
/// ```
/// use wengert_tensor::{DType, Rng, Tensor};
/// let x = Tensor::randn([2, 3], DType::F64, &mut Rng::seed(7))?;
/// assert_eq!(x, Tensor::randn([2, 3], DType::F64, &mut Rng::seed(7))?);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rng(Xoshiro256PlusPlus);

impl Rng {
    /// The generator of a seed. Neighbouring seeds give unrelated numbers.
    #[doc(alias = "manual_seed")]
    #[doc(alias = "default_rng")]
    pub fn seed(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }
}

/// Makes this a `rand::Rng`.
impl TryRng for Rng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> std::result::Result<u32, Infallible> {
        self.0.try_next_u32()
    }

    fn try_next_u64(&mut self) -> std::result::Result<u64, Infallible> {
        self.0.try_next_u64()
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> std::result::Result<(), Infallible> {
        self.0.try_fill_bytes(bytes)
    }
}

impl Tensor {
    /// Normally distributed numbers, of mean 0 and variance 1.
    ///
    /// # Errors
    /// [`ErrorKind::DType`](crate::ErrorKind::DType) where the dtype is not a float,
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory) where the tensor cannot be allocated.
    pub fn randn(shape: impl Into<Shape>, dtype: DType, rng: &mut Rng) -> Result<Self> {
        draw_floats("randn", shape.into(), dtype, || StandardNormal.sample(rng))
    }

    /// Uniformly distributed numbers from `low` up to `high`, which only rounding can reach.
    ///
    /// # Errors
    /// [`ErrorKind::Value`](crate::ErrorKind::Value) where `low` is above `high` or their distance is not finite,
    /// [`ErrorKind::DType`](crate::ErrorKind::DType) where the dtype is not a float,
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory) where the tensor cannot be allocated.
    #[doc(alias = "rand")]
    pub fn uniform(shape: impl Into<Shape>, low: f64, high: f64, dtype: DType, rng: &mut Rng) -> Result<Self> {
        let width = high - low;
        if !(width >= 0.0 && width.is_finite()) {
            return Err(Error::value(format!("uniform: {low} to {high} is not a finite interval")));
        }
        draw_floats("uniform", shape.into(), dtype, || low + width * rng.random::<f64>())
    }

    /// Uniformly distributed `i64` from `low` up to `high`, without `high`.
    ///
    /// # Errors
    /// [`ErrorKind::Value`](crate::ErrorKind::Value) where `low` is not below `high`,
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory) where the tensor cannot be allocated.
    pub fn randint(shape: impl Into<Shape>, low: i64, high: i64, rng: &mut Rng) -> Result<Self> {
        if low >= high {
            return Err(Error::value(format!("randint: no integer is from {low} up to {high}, without {high}")));
        }
        draw(shape.into(), || rng.random_range(low..high))
    }

    /// The `i64` from 0 up to `n`, without `n`, in random order.
    ///
    /// # Errors
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory) where the tensor cannot be allocated.
    #[doc(alias = "randperm")]
    pub fn permutation(n: usize, rng: &mut Rng) -> Result<Self> {
        Self::build_typed([n].into(), |out: &mut [i64]| {
            out.iter_mut().zip(0..).for_each(|(x, i)| *x = i);
            out.shuffle(rng);
            Ok(())
        })
    }

    /// Truth values, each `true` with probability `p`.
    ///
    /// # Errors
    /// [`ErrorKind::Value`](crate::ErrorKind::Value) where `p` is not from 0 to 1,
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory) where the tensor cannot be allocated.
    pub fn bernoulli(shape: impl Into<Shape>, p: f64, rng: &mut Rng) -> Result<Self> {
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::value(format!("bernoulli: a probability of {p} is not from 0 to 1")));
        }
        draw(shape.into(), || rng.random::<f64>() < p)
    }
}

fn draw<T: Element>(shape: Shape, mut next: impl FnMut() -> T) -> Result<Tensor> {
    Tensor::build_typed(shape, |out: &mut [T]| {
        out.iter_mut().for_each(|x| *x = next());
        Ok(())
    })
}

fn draw_floats(op: &str, shape: Shape, dtype: DType, mut next: impl FnMut() -> f64) -> Result<Tensor> {
    if dtype.is_half() {
        return draw(shape, next)?.cast(dtype);
    }
    with_float!(op, dtype, T => draw(shape, || next() as T))
}

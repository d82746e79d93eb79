//! Positions that are learned.

use wengert_autograd::Var;
use wengert_tensor::{DType, Result, Rng};

use super::steps;
use crate::Module;
use crate::init::{Fans, Init};
use crate::layer::Layer;
use crate::param::Param;

/// A trained vector for every position, added: y_t = x_t + p_t, from `[.., steps, width]` to the same.
///
/// The vectors start normal, of standard deviation 0.02. Positions that no sequence has are not trained, and a
/// sequence with more steps than there are positions is an error.
///
/// J. Gehring et al., "Convolutional sequence to sequence learning", ICML 2017; the start is that of A. Radford et
/// al., "Language models are unsupervised multitask learners", 2019.
///
/// ```
/// use wengert_nn::{Layer, LearnedPositions};
/// use wengert_tensor::{DType, Rng, Tensor};
///
/// let positions = LearnedPositions::new(16, 4, &mut Rng::seed(0))?;
/// let y = positions.predict(&Tensor::zeros([2, 3, 4], DType::F32)?)?;
/// assert_eq!(y.narrow(0, 0, 1)?.squeeze(0)?, positions.weight.value().narrow(0, 0, 3)?);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Module)]
pub struct LearnedPositions {
    /// p, of shape `[most, width]`.
    pub weight: Param,
}

impl LearnedPositions {
    /// Vectors for `most` positions, in f32.
    ///
    /// # Errors
    /// Vectors that cannot be allocated.
    #[inline]
    pub fn new(most: usize, width: usize, rng: &mut Rng) -> Result<Self> {
        let start = Init::Normal { std: 0.02 }.draw([most, width], Fans::of_matrix(1, 1), DType::F32, rng)?;
        Ok(Self { weight: Param::new(start) })
    }

    /// As [`forward`](Layer::forward), for a part of a sequence whose first step is at position `start`.
    #[inline]
    #[track_caller]
    pub fn forward_at<'t>(&self, x: Var<'t>, start: usize) -> Var<'t> {
        let sizes = self.weight.ty().shape;
        match steps("learned positions", x, start, sizes[0], sizes[1]) {
            Ok(steps) => x + self.weight.beside(x).narrow(0, start, steps),
            Err(poisoned) => poisoned,
        }
    }
}

impl Layer for LearnedPositions {
    #[inline]
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        self.forward_at(x, 0)
    }
}

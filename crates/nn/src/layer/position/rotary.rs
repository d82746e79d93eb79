//! Positions as rotations.

use wengert_autograd::Var;
use wengert_tensor::{Result, Tensor};

use super::{angles, rows, steps};
use crate::layer::Layer;
use crate::{Module, Visitor};

/// Rotations of pairs of numbers by angles that grow with the position, from `[.., steps, width]` to the same.
///
/// ```text
/// (a, b) -> (a cos t w - b sin t w, a sin t w + b cos t w)        w = 10000^(-2i / width) for the i-th pair
/// ```
///
/// The inner product of a query and a key turned this way depends on the distance of their positions alone.
/// Pairs are neighbours, numbers 2i and 2i + 1, as in the paper, or with [`halves`](Self::halves) numbers i and
/// i + width / 2, as in weights of the Llama family. There is nothing to train.
///
/// J. Su et al., "RoFormer: enhanced transformer with rotary position embedding", 2021.
///
/// ```
/// use wengert_nn::{Layer, Rotary};
/// use wengert_tensor::Tensor;
///
/// let y = Rotary::new(16, 2)?.predict(&Tensor::from([[1.0, 0.0], [1.0, 0.0]]))?;
/// assert!(y.allclose(&Tensor::from([[1.0, 0.0], [1f64.cos(), 1f64.sin()]]), 1e-15, 0.0)?);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone)]
#[doc(alias = "RoPE")]
pub struct Rotary {
    /// Of all angles, `[most, width / 2]`, in f64.
    cos: Tensor,
    sin: Tensor,
    halves: bool,
}

impl Rotary {
    /// Rotations for `most` positions. In attention the width is that of a head.
    ///
    /// # Errors
    /// An odd width; angles that cannot be allocated.
    #[inline]
    pub fn new(most: usize, width: usize) -> Result<Self> {
        Self::new_with(most, width, 10000.0)
    }

    /// With another number in place of 10000: larger ones for longer sequences.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    #[inline]
    pub fn new_with(most: usize, width: usize, base: f64) -> Result<Self> {
        let angles = angles("rotary", most, width, base)?;
        Ok(Self { cos: angles.cos()?, sin: angles.sin()?, halves: false })
    }

    /// With pairs of a number from the first half and one from the second.
    #[inline]
    pub fn halves(self) -> Self {
        Self { halves: true, ..self }
    }

    #[inline]
    pub(in crate::layer) fn width(&self) -> usize {
        2 * self.cos.shape()[1]
    }

    /// As [`forward`](Layer::forward), for a part of a sequence whose first step is at position `start`.
    #[inline]
    #[track_caller]
    pub fn forward_at<'t>(&self, x: Var<'t>, start: usize) -> Var<'t> {
        let sizes = self.cos.shape();
        let half = sizes[1];
        let steps = match steps("rotary", x, start, sizes[0], 2 * half) {
            Ok(steps) => steps,
            Err(poisoned) => return poisoned,
        };
        let (cos, sin) = (rows(&self.cos, start, steps, x), rows(&self.sin, start, steps, x));
        let turned = |a: Var<'t>, b: Var<'t>| [a * cos - b * sin, a * sin + b * cos];
        if self.halves {
            return Var::concat(&turned(x.narrow(-1, 0, half), x.narrow(-1, half, half)), -1);
        }
        let shape = x.shape();
        let mut pairs = shape.to_vec();
        pairs.splice(shape.rank() - 1.., [half, 2]);
        let pairs = x.reshape(&pairs[..]);
        Var::stack(&turned(pairs.select_axis(-1, 0), pairs.select_axis(-1, 1)), -1).reshape(&shape[..])
    }
}

impl Layer for Rotary {
    #[inline]
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        self.forward_at(x, 0)
    }
}

impl Module for Rotary {
    #[inline]
    fn visit(&self, _: &mut Visitor) {}
}

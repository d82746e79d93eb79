//! Positions as waves.

use wengert_autograd::Var;
use wengert_tensor::{Result, Tensor};

use super::{angles, rows, steps};
use crate::layer::Layer;
use crate::{Module, Visitor};

/// Waves of many lengths, added: y_t = x_t + p_t, from `[.., steps, width]` to the same.
///
/// ```text
/// p[t, 2i] = sin(t / 10000^(2i / width))        p[t, 2i + 1] = cos(t / 10000^(2i / width))
/// ```
///
/// There is nothing to train. A. Vaswani et al., "Attention is all you need", NeurIPS 2017.
///
/// ```
/// use wengert_nn::{Layer, SinusoidalPositions};
/// use wengert_tensor::{DType, Tensor};
///
/// let y = SinusoidalPositions::new(16, 4)?.predict(&Tensor::zeros([2, 4], DType::F64)?)?;
/// let second = Tensor::from([1f64.sin(), 1f64.cos(), 0.01f64.sin(), 0.01f64.cos()]);
/// assert!(y.narrow(0, 1, 1)?.squeeze(0)?.allclose(&second, 1e-15, 0.0)?);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone)]
#[doc(alias = "PositionalEncoding")]
pub struct SinusoidalPositions {
    /// p, of shape `[most, width]`, in f64.
    table: Tensor,
}

impl SinusoidalPositions {
    /// Waves for `most` positions.
    ///
    /// # Errors
    /// An odd width; waves that cannot be allocated.
    #[inline]
    pub fn new(most: usize, width: usize) -> Result<Self> {
        let angles = angles("sinusoidal positions", most, width, 10000.0)?;
        let pairs = Tensor::stack(&[&angles.sin()?, &angles.cos()?], -1)?;
        Ok(Self { table: pairs.reshape([most, width])? })
    }

    /// As [`forward`](Layer::forward), for a part of a sequence whose first step is at position `start`.
    #[inline]
    #[track_caller]
    pub fn forward_at<'t>(&self, x: Var<'t>, start: usize) -> Var<'t> {
        let sizes = self.table.shape();
        match steps("sinusoidal positions", x, start, sizes[0], sizes[1]) {
            Ok(steps) => x + rows(&self.table, start, steps, x),
            Err(poisoned) => poisoned,
        }
    }
}

impl Layer for SinusoidalPositions {
    #[inline]
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        self.forward_at(x, 0)
    }
}

impl Module for SinusoidalPositions {
    #[inline]
    fn visit(&self, _: &mut Visitor) {}
}

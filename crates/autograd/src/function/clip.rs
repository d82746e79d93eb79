//! Gradient clipping: lists of gradients kept within bounds.

use crate::tape::Var;

/// Each element of each of `xs` kept within -bound ... bound.
///
/// ```
/// use wengert_autograd::{Tape, clip_by_value};
/// use wengert_tensor::Tensor;
///
/// let tape = Tape::new();
/// let g = [tape.input(&Tensor::from([3.0, -0.5])), tape.input(&Tensor::from(-7.0))];
/// let clipped = tape.evaluate(&clip_by_value(&g, 1.0))?;
/// assert_eq!(clipped, [Tensor::from([1.0, -0.5]), Tensor::from(-1.0)]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[doc(alias = "clip_grad_value_")]
#[track_caller]
pub fn clip_by_value<'t>(xs: &[Var<'t>], bound: f64) -> Vec<Var<'t>> {
    let mut clipped = Vec::with_capacity(xs.len());
    for x in xs {
        clipped.push(x.clamp(-bound, bound));
    }
    clipped
}

/// `xs`, all scaled by one factor where their joint Euclidean norm is larger than `most`, so that it becomes that
/// (R. Pascanu et al., "On the difficulty of training recurrent neural networks", 2013).
///
/// They have one float dtype. Where the norm is NaN, so is everything.
///
/// ```
/// use wengert_autograd::{Tape, clip_by_norm};
/// use wengert_tensor::Tensor;
///
/// let tape = Tape::new();
/// let g = [tape.input(&Tensor::from([3.0, 0.0])), tape.input(&Tensor::from(4.0))];
/// let clipped = tape.evaluate(&clip_by_norm(&g, 0.5))?;
/// assert!(clipped[0].allclose(&Tensor::from([0.3, 0.0]), 1e-15, 0.0)?);
/// assert_eq!(tape.evaluate(&clip_by_norm(&g, 6.0))?[1], Tensor::from(4.0));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[doc(alias = "clip_grad_norm_")]
#[doc(alias = "clip_by_global_norm")]
#[track_caller]
pub fn clip_by_norm<'t>(xs: &[Var<'t>], most: f64) -> Vec<Var<'t>> {
    let Some(mut norm) = xs.first().map(|x| x.norm(2.0)) else { return Vec::new() };
    for x in &xs[1..] {
        norm = norm.hypot(x.norm(2.0));
    }
    // Where nothing is scaled the factor is 1 to the bit, and 0 / 0 is not computed.
    let factor = most / norm.maximum(most);
    let mut clipped = Vec::with_capacity(xs.len());
    for x in xs {
        clipped.push(*x * factor);
    }
    clipped
}

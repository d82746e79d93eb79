//! Padding with what an axis itself has, and cutting by the same numbers.

use wengert_tensor::{Error, Result, Scalar};

use super::compose;
use crate::tape::Var;

/// What [`Var::pad_with`] puts beyond the ends of an axis.
///
/// ```text
///             before | a b c d | after
/// Constant       0 0 | a b c d | 0 0
/// Reflect        c b | a b c d | c b
/// Replicate      a a | a b c d | d d
/// Circular       c d | a b c d | a b
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PadMode {
    /// One value, in the variable's dtype.
    Constant(Scalar),
    /// What a mirror at the last element shows; that element is not repeated. At each end at most all elements but one.
    Reflect,
    /// The last element, as often as is needed. The axis has an element.
    #[doc(alias("edge", "border"))]
    Replicate,
    /// The axis begins again. At each end at most all elements.
    #[doc(alias = "wrap")]
    Circular,
}

impl PadMode {
    /// Zeros.
    pub const ZEROS: Self = Self::Constant(Scalar::F64(0.0));
}

impl<'t> Var<'t> {
    /// The last axes lengthened by the elements that the mode says: by `(before, after)` for each of the last
    /// `amounts.len()` axes, one axis after another. What is negative is cut off.
    ///
    /// What is cut off is still seen in the mirror of [`Reflect`](PadMode::Reflect), while
    /// [`Circular`](PadMode::Circular) begins again with what is left.
    ///
    /// ```
    /// use wengert_autograd::{PadMode, Tape};
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([1.0, 2.0, 3.0]));
    /// assert_eq!(x.pad_with(&[(2, 0)], PadMode::Reflect).value()?, Tensor::from([3.0, 2.0, 1.0, 2.0, 3.0]));
    /// assert_eq!(x.pad_with(&[(-1, 1)], PadMode::ZEROS).value()?, Tensor::from([2.0, 3.0, 0.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// More amounts than axes, more elements than a mode has or an axis can give.
    #[doc(alias("pad", "ReflectionPad2d", "ReplicationPad2d", "CircularPad2d", "ConstantPad2d", "ZeroPad2d"))]
    #[inline]
    #[track_caller]
    pub fn pad_with(self, amounts: &[(isize, isize)], mode: PadMode) -> Self {
        compose("pad_with", [self], |[x]| {
            let Some(lead) = x.rank().checked_sub(amounts.len()) else {
                return Err(Error::shape(format!("{} axes of padding for {}", amounts.len(), x.shape())));
            };
            let mut x = x;
            for (i, &amounts) in amounts.iter().enumerate() {
                x = padded(x, lead + i, amounts, mode)?;
            }
            Ok(x)
        })
    }
}

/// One axis lengthened or cut.
fn padded(x: Var<'_>, axis: usize, (before, after): (isize, isize), mode: PadMode) -> Result<Var<'_>> {
    let (least, most) = (before.min(0).unsigned_abs(), after.min(0).unsigned_abs());
    let (lo, hi) = (before.max(0) as usize, after.max(0) as usize);
    if x.is_poisoned() {
        return Ok(x);
    }
    Ok(match mode {
        PadMode::Circular => lengthened(cut(x, axis, least, most)?, axis, (lo, hi), mode)?,
        _ => cut(lengthened(x, axis, (lo, hi), mode)?, axis, least, most)?,
    })
}

/// Without the first `lo` and the last `hi` indices of an axis.
fn cut(x: Var<'_>, axis: usize, lo: usize, hi: usize) -> Result<Var<'_>> {
    if x.is_poisoned() || (lo, hi) == (0, 0) {
        return Ok(x);
    }
    let shape = x.shape();
    match shape[axis].checked_sub(lo).and_then(|rest| rest.checked_sub(hi)) {
        Some(rest) => Ok(x.narrow(axis as isize, lo, rest)),
        None => Err(Error::shape(format!("{lo} and {hi} elements cut off axis {axis} of {shape}"))),
    }
}

fn lengthened(x: Var<'_>, axis: usize, (lo, hi): (usize, usize), mode: PadMode) -> Result<Var<'_>> {
    if x.is_poisoned() || (lo, hi) == (0, 0) {
        return Ok(x);
    }
    let (shape, along) = (x.shape(), axis as isize);
    let n = shape[axis];
    let most = match mode {
        PadMode::Constant(value) => {
            let mut pads = vec![(0, 0); shape.rank()];
            pads[axis] = (lo, hi);
            return Ok(x.pad(&pads, value));
        }
        PadMode::Reflect => n.saturating_sub(1),
        PadMode::Replicate => {
            if n == 0 {
                0
            } else {
                usize::MAX
            }
        }
        PadMode::Circular => n,
    };
    if lo > most || hi > most {
        let (end, more) = if lo > most { ("before", lo) } else { ("after", hi) };
        let sentence = format!("{mode:?} has {most} elements to put {end} axis {axis} of {shape}, not {more}");
        return Err(Error::shape(sentence));
    }
    let repeated = |i: usize, times: usize| x.narrow(along, i, 1).broadcast_to(shape.with_size(axis, times));
    let (before, after) = match mode {
        PadMode::Reflect => (x.narrow(along, 1, lo).flip(axis), x.narrow(along, n - 1 - hi, hi).flip(axis)),
        PadMode::Circular => (x.narrow(along, n - lo, lo), x.narrow(along, 0, hi)),
        _ => (repeated(0, lo), repeated(n - 1, hi)),
    };
    let parts = [(lo, before), (n, x), (hi, after)];
    let parts: Vec<Var<'_>> = parts.into_iter().filter(|(size, _)| *size > 0).map(|(_, part)| part).collect();
    Ok(Var::concat(&parts, along))
}

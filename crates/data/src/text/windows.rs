//! Windows of a long sequence, and what comes after each of their tokens.

use wengert_tensor::{Error, Result, Tensor};

use crate::dataset::{Dataset, outside};

/// Pairs of a window of tokens and the same window one token later: for a model that predicts the next token at every place.
///
/// ```
/// use wengert_data::{Dataset, Windows};
/// use wengert_tensor::Tensor;
/// let windows = Windows::new(Tensor::arange(0, 8, 1)?, 3, 2)?;
/// assert_eq!(windows.len(), 3);
/// assert_eq!(windows.get(2)?, (Tensor::from([4, 5, 6]), Tensor::from([5, 6, 7])));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Windows {
    tokens: Tensor,
    length: usize,
    step: usize,
    len: usize,
}

impl Windows {
    /// Windows of `length` along the first axis of `tokens`, which begin `step` apart: 1 for every place, `length` for every
    /// token once. What is too short for a window at the end is left out.
    ///
    /// # Errors
    /// A length or a step of 0; a tensor of rank 0; fewer than `length` + 1 tokens.
    pub fn new(tokens: Tensor, length: usize, step: usize) -> Result<Self> {
        let n = tokens.shape().first().copied().unwrap_or_default();
        match n.checked_sub(1).and_then(|n| n.checked_sub(length)) {
            Some(last) if length > 0 && step > 0 => Ok(Self { tokens, length, step, len: last / step + 1 }),
            _ => Err(Error::value(format!("windows: of {length} and one more token, {step} apart, in {n} tokens"))),
        }
    }
}

impl Dataset for Windows {
    type Sample = (Tensor, Tensor);

    fn len(&self) -> usize {
        self.len
    }

    fn get(&self, index: usize) -> Result<(Tensor, Tensor)> {
        if index >= self.len {
            return Err(outside("windows", index, self.len));
        }
        let start = index * self.step;
        Ok((self.tokens.narrow(0, start, self.length)?, self.tokens.narrow(0, start + 1, self.length)?))
    }
}

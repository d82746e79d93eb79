//! Perplexity: how many tokens a language model hesitates between.

use wengert_tensor::{Error, Result, Tensor};

use super::Metric;
use super::input::{classes, labels, numbers};

/// The exponential of the mean negative log-likelihood of the targets.
///
/// Predictions are logits `[…, tokens]`, targets the tokens `[…]`: `-log softmax(x)[t] = log Σ exp(x) - x[t]`, of which the mean is
/// taken over all targets (Jelinek et al., *Journal of the Acoustical Society of America* 62, 1977).
///
/// ```
/// use wengert_tensor::{DType, Tensor};
/// use wengert_train::{Metric, Perplexity};
///
/// let mut perplexity = Perplexity::new();
/// perplexity.update(&Tensor::zeros([2, 3, 8], DType::F32)?, &Tensor::from([[0, 1, 2], [3, 4, 5]]))?;
/// assert!((perplexity.value() - 8.0).abs() < 1e-12);
/// assert!((perplexity.bits() - 3.0).abs() < 1e-12);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Perplexity {
    sum: f64,
    n: u64,
    ignored: Option<i64>,
}

impl Perplexity {
    /// Of no tokens yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves out the targets that are `token`, as padding is.
    #[must_use]
    pub fn ignoring(self, token: i64) -> Self {
        Self { ignored: Some(token), ..self }
    }

    /// The base-2 logarithm of the perplexity: bits a token, which is bits a character where tokens are characters.
    pub fn bits(&self) -> f64 {
        self.sum / self.n as f64 / std::f64::consts::LN_2
    }
}

impl Metric for Perplexity {
    fn name(&self) -> String {
        "perplexity".into()
    }

    fn update(&mut self, prediction: &Tensor, target: &Tensor) -> Result<()> {
        let tokens = classes("perplexity", prediction, target)?;
        let (mut sum, mut n) = (0.0, 0);
        for (logits, target) in numbers(prediction)?.chunks_exact(tokens).zip(labels("perplexity", target)?) {
            if self.ignored == Some(target) {
                continue;
            }
            let Some(x) = usize::try_from(target).ok().and_then(|t| logits.get(t)) else {
                return Err(Error::index(format!("perplexity: target {target} is outside the {tokens} tokens")));
            };
            let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            sum += logits.iter().map(|y| (y - top).exp()).sum::<f64>().ln() + (top - x);
            n += 1;
        }
        self.sum += sum;
        self.n += n;
        Ok(())
    }

    fn value(&self) -> f64 {
        (self.sum / self.n as f64).exp()
    }

    fn reset(&mut self) {
        (self.sum, self.n) = (0.0, 0);
    }
}

//! The area under the receiver operating characteristic.

use wengert_tensor::{Error, Result, Tensor};

use super::Metric;
use super::input::{labels, numbers, same_shape};

/// The chance that an example of class 1 has a larger score than one of class 0; equal scores count a half.
///
/// That is the area under the curve of true positives over false positives, the ROC curve (Hanley and McNeil, *Radiology*
/// 143(1), 1982). Predictions are scores of class 1 in the shape of the targets, or scores `[…, 2]` of both classes, whose
/// difference counts. NaN where only one class was seen or a score is NaN. It keeps a number for each example.
///
/// ```
/// use wengert_tensor::Tensor;
/// use wengert_train::{Auc, Metric};
///
/// let mut auc = Auc::new();
/// auc.update(&Tensor::from([0.1, 0.4, 0.35, 0.8]), &Tensor::from([0, 0, 1, 1]))?;
/// assert_eq!(auc.value(), 0.75);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[doc(alias = "roc_auc_score")]
#[derive(Debug, Clone, Default)]
pub struct Auc {
    examples: Vec<(f64, bool)>,
}

impl Auc {
    /// Of no examples yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Metric for Auc {
    fn name(&self) -> String {
        "auc".into()
    }

    fn update(&mut self, prediction: &Tensor, target: &Tensor) -> Result<()> {
        let both = matches!(prediction.shape().split_last(), Some((2, rest)) if rest == &target.shape()[..]);
        let scores = if both {
            numbers(prediction)?.as_chunks().0.iter().map(|[zero, one]| one - zero).collect()
        } else {
            same_shape("auc", prediction, target)?;
            numbers(prediction)?
        };
        let truth = |label: i64| match label {
            0 | 1 => Ok(label == 1),
            _ => Err(Error::value(format!("auc: labels are 0 and 1, not {label}"))),
        };
        let truths = labels("auc", target)?.into_iter().map(truth).collect::<Result<Vec<_>>>()?;
        self.examples.extend(scores.into_iter().zip(truths));
        Ok(())
    }

    fn value(&self) -> f64 {
        if self.examples.iter().any(|(score, _)| score.is_nan()) {
            return f64::NAN;
        }
        let mut sorted = self.examples.clone();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut zeros, mut ones, mut pairs) = (0.0, 0.0, 0.0);
        // `==` and not `total_cmp`: -0 and 0 are one score, and lie side by side.
        for equal in sorted.chunk_by(|a, b| a.0 == b.0) {
            let one = equal.iter().filter(|(_, truth)| *truth).count() as f64;
            let zero = equal.len() as f64 - one;
            pairs += one * (zeros + zero / 2.0);
            zeros += zero;
            ones += one;
        }
        pairs / (zeros * ones)
    }

    fn reset(&mut self) {
        self.examples.clear();
    }
}

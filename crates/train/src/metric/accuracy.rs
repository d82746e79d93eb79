//! Accuracy: the part of the predictions that are right.

use wengert_tensor::{Error, Result, Tensor};

use super::Metric;
use super::input::{Decision, classes, decide, labels, numbers};

/// The part of the examples whose class is predicted: right / all.
///
/// Predictions are scores `[…, classes]` (logits, probabilities) for targets `[…]`, or labels of the targets' shape. Of
/// equal scores the first counts as larger. Scores with a NaN, and labels outside the classes, are wrong.
///
/// ```
/// use wengert_tensor::Tensor;
/// use wengert_train::{Accuracy, Metric};
///
/// let scores = Tensor::from([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0.3, 0.4, 0.3]]);
/// let mut top2 = Accuracy::top(2);
/// top2.update(&scores, &Tensor::from([1, 2, 2]))?;
/// assert_eq!(top2.value(), 2.0 / 3.0);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Accuracy {
    top: usize,
    decision: Decision,
    ignored: Option<i64>,
    right: u64,
    all: u64,
}

impl Accuracy {
    /// The class with the largest score must be the target.
    pub fn new() -> Self {
        Self::top(1)
    }

    /// The target must be among the `k` classes with the largest scores.
    pub fn top(k: usize) -> Self {
        Self { top: k, decision: Decision::Largest, ignored: None, right: 0, all: 0 }
    }

    /// Two classes and one score, in the shape of the targets: class 1 is predicted where the score is larger than
    /// `threshold`. That is 0.5 for probabilities and 0 for logits.
    pub fn binary(threshold: f64) -> Self {
        Self { decision: Decision::Above(threshold), ..Self::new() }
    }

    /// Leaves out the examples whose target is `label`, as padding has.
    #[must_use]
    pub fn ignoring(self, label: i64) -> Self {
        Self { ignored: Some(label), ..self }
    }

    /// Whether each example is right, for `k` above 1.
    fn among_top(&self, scores: &Tensor, target: &Tensor, labels: &[i64]) -> Result<Vec<bool>> {
        let classes = classes("accuracy", scores, target)?;
        let right = |(scores, label): (&[f64], &i64)| {
            let Some((at, x)) = usize::try_from(*label).ok().and_then(|at| Some((at, *scores.get(at)?))) else {
                return false;
            };
            let before = scores.iter().enumerate().filter(|(i, y)| **y > x || **y == x && *i < at).count();
            before < self.top && !scores.iter().any(|x| x.is_nan())
        };
        Ok(numbers(scores)?.chunks_exact(classes).zip(labels).map(right).collect())
    }
}

impl Default for Accuracy {
    fn default() -> Self {
        Self::new()
    }
}

impl Metric for Accuracy {
    fn name(&self) -> String {
        if self.top == 1 { "accuracy".into() } else { format!("top{}_accuracy", self.top) }
    }

    fn update(&mut self, prediction: &Tensor, target: &Tensor) -> Result<()> {
        if self.top == 0 {
            return Err(Error::value("accuracy: the target cannot be among the 0 largest scores"));
        }
        let labels = labels("accuracy", target)?;
        let right = if self.top == 1 {
            let decided = decide("accuracy", prediction, target, self.decision)?;
            decided.iter().zip(&labels).map(|(decided, label)| *decided == Some(*label)).collect()
        } else {
            self.among_top(prediction, target, &labels)?
        };
        for (right, label) in right.into_iter().zip(labels) {
            if self.ignored != Some(label) {
                self.all += 1;
                self.right += u64::from(right);
            }
        }
        Ok(())
    }

    fn value(&self) -> f64 {
        self.right as f64 / self.all as f64
    }

    fn reset(&mut self) {
        (self.right, self.all) = (0, 0);
    }
}

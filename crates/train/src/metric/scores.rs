//! Precision, recall and F1, made of a confusion matrix.
//!
//! Of a class with tp examples predicted right, fp others predicted to be of it and fn of it predicted to be others:
//!
//! ```text
//! precision = tp / (tp + fp)     recall = tp / (tp + fn)     F1 = 2 tp / (2 tp + fp + fn)
//! ```
//!
//! Source: van Rijsbergen, *Information Retrieval*, 1979. 0 / 0 is 0, and averages go over the classes that occur among
//! targets or predictions: both as scikit-learn has it.

use wengert_tensor::{Error, Result, Tensor};

use super::{ConfusionMatrix, Metric};

/// How the numbers of several classes become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Average {
    /// The number for all classes' counts together.
    Micro,
    /// The mean of the classes' numbers.
    Macro,
    /// The mean of the classes' numbers, weighted by how many examples of them there are.
    Weighted,
    /// The number of one class alone: `Class(1)` where there are two, "negative" and "positive".
    Class(usize),
}

/// The counts of right and wrong that all three scores are made of.
struct Counts {
    right: f64,
    predicted: f64,
    support: f64,
}

type Formula = fn(&Counts) -> f64;

fn ratio(a: f64, b: f64) -> f64 {
    if b == 0.0 { 0.0 } else { a / b }
}

const PRECISION: Formula = |c| ratio(c.right, c.predicted);
const RECALL: Formula = |c| ratio(c.right, c.support);
const F1_SCORE: Formula = |c| ratio(2.0 * c.right, c.predicted + c.support);

fn counts(matrix: &ConfusionMatrix, class: usize) -> Counts {
    let (right, predicted, support) = (matrix.count(class, class), matrix.predicted(class), matrix.support(class));
    Counts { right: right as f64, predicted: predicted as f64, support: support as f64 }
}

fn average(matrix: &ConfusionMatrix, average: Average, formula: Formula) -> f64 {
    if matrix.total() == 0 {
        return f64::NAN;
    }
    let all = || (0..matrix.classes()).map(|class| counts(matrix, class));
    let mean = |weight: fn(&Counts) -> f64| {
        let (sum, weights) = all().fold((0.0, 0.0), |(s, w), c| (s + weight(&c) * formula(&c), w + weight(&c)));
        sum / weights
    };
    match average {
        Average::Class(class) => formula(&counts(matrix, class)),
        Average::Macro => mean(|c| f64::from(c.predicted + c.support > 0.0)),
        Average::Weighted => mean(|c| c.support),
        Average::Micro => {
            let zero = Counts { right: 0.0, predicted: 0.0, support: 0.0 };
            formula(&all().fold(zero, |a, c| Counts {
                right: a.right + c.right,
                predicted: a.predicted + c.predicted,
                support: a.support + c.support,
            }))
        }
    }
}

impl ConfusionMatrix {
    /// Of the examples predicted to be of a class, the part that is: averaged over classes. NaN for an empty matrix.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// use wengert_train::{Average, ConfusionMatrix, Metric};
    /// let mut matrix = ConfusionMatrix::new(2)?;
    /// matrix.update(&Tensor::from([1, 1, 1, 0]), &Tensor::from([1, 1, 0, 1]))?;
    /// assert_eq!(matrix.precision(Average::Class(1)), 2.0 / 3.0);
    /// assert_eq!(matrix.recall(Average::Macro), 1.0 / 3.0);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    pub fn precision(&self, over: Average) -> f64 {
        average(self, over, PRECISION)
    }

    /// Of the examples of a class, the part that is predicted to be: averaged over classes. NaN for an empty matrix.
    #[doc(alias = "sensitivity")]
    pub fn recall(&self, over: Average) -> f64 {
        average(self, over, RECALL)
    }

    /// The harmonic mean of precision and recall: averaged over classes. NaN for an empty matrix.
    #[doc(alias = "f1_score")]
    pub fn f1(&self, over: Average) -> f64 {
        average(self, over, F1_SCORE)
    }
}

macro_rules! scores {
    ($($(#[$doc:meta])* $type:ident, $method:ident, $name:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// Predictions are as for [`Accuracy`](super::Accuracy). The formula is in [`ConfusionMatrix`], which has all three
        /// scores at once.
        #[derive(Debug, Clone)]
        pub struct $type {
            matrix: ConfusionMatrix,
            over: Average,
        }

        impl $type {
            /// The score for the labels `0..classes`.
            ///
            /// # Errors
            /// As [`ConfusionMatrix::new`]; [`ErrorKind::Index`](wengert_tensor::ErrorKind::Index) where the average is of a class
            /// that there is not.
            pub fn new(classes: usize, over: Average) -> Result<Self> {
                match over {
                    Average::Class(class) if class >= classes => {
                        Err(Error::index(format!(concat!($name, ": there is no class {} among {}"), class, classes)))
                    }
                    _ => Ok(Self { matrix: ConfusionMatrix::new(classes)?, over }),
                }
            }

            /// The score of class 1 for one number, in the shape of the targets: class 1 is predicted where it is
            /// larger than `threshold`.
            pub fn binary(threshold: f64) -> Self {
                Self { matrix: ConfusionMatrix::binary(threshold), over: Average::Class(1) }
            }
        }

        impl Metric for $type {
            fn name(&self) -> String {
                name($name, self.over, self.matrix.classes())
            }

            fn update(&mut self, prediction: &Tensor, target: &Tensor) -> Result<()> {
                self.matrix.update(prediction, target).map_err(|e| e.within($name))
            }

            fn value(&self) -> f64 {
                self.matrix.$method(self.over)
            }

            fn reset(&mut self) {
                self.matrix.reset();
            }
        }
    )*};
}

scores! {
    /// Of the examples predicted to be of a class, the part that is.
    Precision, precision, "precision";
    /// Of the examples of a class, the part that is predicted to be.
    Recall, recall, "recall";
    /// The harmonic mean of precision and recall.
    F1, f1, "f1";
}

fn name(score: &str, over: Average, classes: usize) -> String {
    match over {
        Average::Micro => format!("{score}_micro"),
        Average::Macro => format!("{score}_macro"),
        Average::Weighted => format!("{score}_weighted"),
        Average::Class(1) if classes == 2 => score.into(),
        Average::Class(class) => format!("{score}_{class}"),
    }
}

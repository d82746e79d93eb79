//! How good predictions are: numbers over any number of batches, in memory that does not grow (but for [`Auc`]).
//!
//! What must always hold: the value does not depend on how the examples are cut into batches, but for rounding in the last digits;
//! a batch that is refused changes nothing; NaN never looks like a good value. A NaN among scores means that nothing was
//! predicted, which is wrong; a NaN among numbers makes the value NaN. Where nothing was seen the value is NaN.

mod accuracy;
mod auc;
mod confusion;
mod input;
mod mean;
mod perplexity;
mod regression;
mod scores;

pub use accuracy::Accuracy;
pub use auc::Auc;
pub use confusion::ConfusionMatrix;
#[cfg(feature = "plot")]
pub(crate) use input::{labels, numbers};
pub use mean::Mean;
pub use perplexity::Perplexity;
pub use regression::{Mae, R2, Rmse};
pub use scores::{Average, F1, Precision, Recall};
use wengert_tensor::{Result, Tensor};

/// A number that is gathered batch by batch.
///
/// ```
/// use wengert_tensor::Tensor;
/// use wengert_train::{Accuracy, Metric};
///
/// let mut accuracy = Accuracy::new();
/// accuracy.update(&Tensor::from([[0.9, 0.1], [0.2, 0.8]]), &Tensor::from([0, 0]))?;
/// accuracy.update(&Tensor::from([[0.1, 0.9], [0.3, 0.7]]), &Tensor::from([1, 1]))?;
/// assert_eq!(accuracy.value(), 0.75);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
pub trait Metric {
    /// What the number is called in reports.
    fn name(&self) -> String;

    /// Takes a batch of predictions and what they should have been.
    ///
    /// # Errors
    /// Where the two do not fit each other or the metric: a sentence with their shapes. The metric is then as it was.
    fn update(&mut self, prediction: &Tensor, target: &Tensor) -> Result<()>;

    /// The number for everything seen since the last [`reset`](Self::reset); NaN where it is not defined.
    fn value(&self) -> f64;

    /// Forgets everything seen.
    fn reset(&mut self);
}

//! The mean of numbers that stand for several examples each, such as batches' losses.

/// The mean of numbers by their weights: Σ w x / Σ w.
///
/// The mean of batches' mean losses, weighted by the batches' sizes, is the mean over all examples, also if the last batch is smaller.
///
/// ```
/// use wengert_train::Mean;
/// let mut loss = Mean::new();
/// loss.add(0.5, 32.0);
/// loss.add(0.125, 16.0);
/// assert_eq!(loss.value(), 0.375);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Mean {
    /// Σ w x.
    pub sum: f64,
    /// Σ w.
    pub weight: f64,
}

impl Mean {
    /// Of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a number of that weight. Weights are not negative; one of 0 changes nothing.
    pub fn add(&mut self, x: f64, weight: f64) {
        // A loss of no examples is NaN, and says nothing.
        if weight != 0.0 {
            self.sum += x * weight;
            self.weight += weight;
        }
    }

    /// The mean; NaN where nothing was added, and where a NaN was.
    pub fn value(&self) -> f64 {
        self.sum / self.weight
    }

    /// Forgets everything added.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

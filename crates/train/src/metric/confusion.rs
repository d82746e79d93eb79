//! The confusion matrix: how often each class is taken for each.

use std::fmt;

use wengert_tensor::{Error, Result, Tensor};

use super::Metric;
use super::input::{Decision, decide, labels};

/// How often examples of a class (row) are predicted to be of a class (column).
///
/// Predictions are as for [`Accuracy`](super::Accuracy). Scores with a NaN name no class: such examples count in a column
/// of their own, [`undecided`](Self::undecided). As a [`Metric`] its value is the accuracy. It prints as a table:
///
/// ```
/// use wengert_tensor::Tensor;
/// use wengert_train::{ConfusionMatrix, Metric};
///
/// let mut matrix = ConfusionMatrix::new(3)?;
/// matrix.update(&Tensor::from([0, 0, 2, 2, 0, 2]), &Tensor::from([2, 0, 2, 2, 0, 1]))?;
/// assert_eq!(matrix.to_string(), "\
/// true \\ predicted  0  1  2
///                0  2  0  0
///                1  0  0  1
///                2  1  0  2
/// ");
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ConfusionMatrix {
    classes: usize,
    decision: Decision,
    /// Rows of the true class; a last column for the undecided.
    counts: Vec<u64>,
    names: Vec<String>,
}

impl ConfusionMatrix {
    /// An empty matrix for the labels `0..classes`.
    ///
    /// # Errors
    /// [`ErrorKind::Value`](wengert_tensor::ErrorKind::Value) for no classes and for more than 32768.
    pub fn new(classes: usize) -> Result<Self> {
        match classes {
            1..=32_768 => Ok(Self::of(classes, Decision::Largest)),
            _ => Err(Error::value(format!("confusion matrix: there are 1 to 32768 classes, not {classes}"))),
        }
    }

    fn of(classes: usize, decision: Decision) -> Self {
        Self { classes, decision, counts: vec![0; classes * (classes + 1)], names: Vec::new() }
    }

    /// An empty matrix for two classes and one score, in the shape of the targets: class 1 is predicted where the score is
    /// larger than `threshold`.
    pub fn binary(threshold: f64) -> Self {
        Self::of(2, Decision::Above(threshold))
    }

    /// What the classes are called in tables and pictures.
    ///
    /// # Errors
    /// [`ErrorKind::Value`](wengert_tensor::ErrorKind::Value) where there is not one name for each class.
    pub fn named(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Result<Self> {
        self.names = names.into_iter().map(Into::into).collect();
        match self.names.len() {
            n if n == self.classes => Ok(self),
            n => Err(Error::value(format!("confusion matrix: {n} names for {} classes", self.classes))),
        }
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// What a class is called: its name, or its label.
    pub fn label(&self, class: usize) -> String {
        self.names.get(class).cloned().unwrap_or_else(|| class.to_string())
    }

    /// How many examples of class `truth` were predicted to be of class `predicted`; 0 for classes that there are not.
    pub fn count(&self, truth: usize, predicted: usize) -> u64 {
        if truth < self.classes && predicted < self.classes { self.at(truth, predicted) } else { 0 }
    }

    /// How many examples of class `truth` had scores with a NaN.
    pub fn undecided(&self, truth: usize) -> u64 {
        if truth < self.classes { self.at(truth, self.classes) } else { 0 }
    }

    /// How many examples of class `truth` there were.
    pub fn support(&self, truth: usize) -> u64 {
        (0..=self.classes).filter(|_| truth < self.classes).map(|column| self.at(truth, column)).sum()
    }

    /// How many examples were predicted to be of class `predicted`.
    pub fn predicted(&self, predicted: usize) -> u64 {
        (0..self.classes).map(|row| self.count(row, predicted)).sum()
    }

    /// How many examples there were.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many examples were predicted right.
    pub fn right(&self) -> u64 {
        (0..self.classes).map(|class| self.at(class, class)).sum()
    }

    /// The counts as integers `[classes, classes]`, true classes along the first axis; without the undecided.
    ///
    /// # Errors
    /// [`ErrorKind::Memory`](wengert_tensor::ErrorKind::Memory) where the tensor cannot be allocated.
    pub fn to_tensor(&self) -> Result<Tensor> {
        let rows = self.counts.chunks_exact(self.classes + 1).flat_map(|row| &row[..self.classes]);
        Tensor::from_vec(rows.map(|n| *n as i64).collect(), [self.classes, self.classes])
    }

    fn at(&self, row: usize, column: usize) -> u64 {
        self.counts[row * (self.classes + 1) + column]
    }
}

impl Metric for ConfusionMatrix {
    fn name(&self) -> String {
        "accuracy".into()
    }

    fn update(&mut self, prediction: &Tensor, target: &Tensor) -> Result<()> {
        let op = "confusion matrix";
        let decided = decide(op, prediction, target, self.decision)?;
        let class = |label: i64| match usize::try_from(label) {
            Ok(class) if class < self.classes => Ok(class),
            _ => Err(Error::index(format!("{op}: label {label} is outside the {} classes", self.classes))),
        };
        let places = labels(op, target)?.into_iter().zip(decided).map(|(truth, decided)| {
            let column = decided.map_or(Ok(self.classes), class)?;
            Ok(class(truth)? * (self.classes + 1) + column)
        });
        let places = places.collect::<Result<Vec<_>>>()?;
        places.into_iter().for_each(|place| self.counts[place] += 1);
        Ok(())
    }

    fn value(&self) -> f64 {
        self.right() as f64 / self.total() as f64
    }

    fn reset(&mut self) {
        self.counts.fill(0);
    }
}

/// A table with a row for each true class.
impl fmt::Display for ConfusionMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let undecided = (0..self.classes).any(|class| self.undecided(class) > 0);
        let mut head: Vec<String> = (0..self.classes).map(|class| self.label(class)).collect();
        let corner = "true \\ predicted";
        let side = head.iter().map(|name| name.chars().count()).chain([corner.len()]).max().unwrap_or(0);
        if undecided {
            head.push("undecided".into());
        }
        let largest = self.counts.iter().max().map_or(0, |n| n.to_string().len());
        let widths: Vec<usize> = head.iter().map(|name| name.chars().count().max(largest)).collect();
        write!(f, "{corner:>side$}")?;
        for (name, width) in head.iter().zip(&widths) {
            write!(f, "  {name:>width$}")?;
        }
        writeln!(f)?;
        for row in 0..self.classes {
            write!(f, "{:>side$}", self.label(row))?;
            for (column, width) in widths.iter().enumerate() {
                write!(f, "  {:>width$}", self.at(row, column))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

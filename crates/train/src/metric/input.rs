//! What metrics are given, as plain numbers: labels, scores and the classes that they name.

use wengert_tensor::{DType, Error, Result, Tensor};

/// How scores name a class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Decision {
    /// By the largest score along the last axis, the first of equal ones.
    Largest,
    /// Class 1 if the only score is larger than this, else class 0.
    Above(f64),
}

/// The elements as `f64`, in row-major order.
pub fn numbers(x: &Tensor) -> Result<Vec<f64>> {
    x.cast(DType::F64)?.to_vec()
}

/// The elements as labels: integers, truth values, or floats that are whole numbers.
pub fn labels(op: &str, x: &Tensor) -> Result<Vec<i64>> {
    if x.dtype() == DType::I64 {
        return x.to_vec();
    }
    let label = |y: f64| match y as i64 {
        label if label as f64 == y => Ok(label),
        _ => Err(Error::value(format!("{op}: {y} is no label: labels are whole numbers"))),
    };
    numbers(x)?.into_iter().map(label).collect()
}

/// Refuses predictions of another shape than their targets.
pub fn same_shape(op: &str, prediction: &Tensor, target: &Tensor) -> Result<()> {
    let (p, t) = (prediction.shape(), target.shape());
    if p == t { Ok(()) } else { Err(Error::shape(format!("{op}: predictions {p} and targets {t} differ in shape"))) }
}

/// The number of classes of scores `[…, classes]` for labels `[…]`.
pub fn classes(op: &str, scores: &Tensor, labels: &Tensor) -> Result<usize> {
    let (s, t) = (scores.shape(), labels.shape());
    match s.split_last() {
        Some((&classes, rest)) if rest == &t[..] && classes > 0 && scores.dtype().is_float() => Ok(classes),
        _ => Err(Error::shape(format!(
            "{op}: for targets {t}, predictions are float scores [.., classes] or labels {t}, not {} {s}",
            scores.dtype()
        ))),
    }
}

/// The class that each prediction names, if it names one: scores with a NaN name none.
///
/// Predictions are labels of the targets' shape, or scores as `decision` reads them.
pub fn decide(op: &str, prediction: &Tensor, target: &Tensor, decision: Decision) -> Result<Vec<Option<i64>>> {
    if !prediction.dtype().is_float() {
        same_shape(op, prediction, target)?;
        return Ok(labels(op, prediction)?.into_iter().map(Some).collect());
    }
    match decision {
        Decision::Above(threshold) => {
            same_shape(op, prediction, target)?;
            let above = |x: f64| (!x.is_nan()).then_some(i64::from(x > threshold));
            Ok(numbers(prediction)?.into_iter().map(above).collect())
        }
        Decision::Largest => {
            let classes = classes(op, prediction, target)?;
            Ok(numbers(prediction)?.chunks_exact(classes).map(largest).collect())
        }
    }
}

fn largest(scores: &[f64]) -> Option<i64> {
    let mut best = 0;
    for (i, x) in scores.iter().enumerate() {
        if x.is_nan() {
            return None;
        }
        if *x > scores[best] {
            best = i;
        }
    }
    Some(best as i64)
}

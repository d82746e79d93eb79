//! What training has to say at one moment: a [`Report`] of named numbers, which a [`Log`] keeps.
//!
//! Progress, logs and curves all read the same reports, so whatever has a name appears everywhere under that name.

use indexmap::IndexMap;
use wengert_tensor::{Error, Result};

use crate::observer::{Control, EpochEvent, Observer, StepEvent};

/// Named numbers at a step: losses, metrics, rates.
///
/// ```
/// use wengert_train::Report;
/// let report = Report::new(400, 2).with("loss", 0.25).with("accuracy", 0.9);
/// assert_eq!(report.get("loss"), Some(0.25));
/// assert_eq!(report.to_string(), "loss 0.25, accuracy 0.9");
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// How many steps were taken before this moment, over all epochs.
    pub step: u64,
    /// The epoch, counted from 0.
    pub epoch: u64,
    /// The numbers, in the order in which they are shown.
    pub values: IndexMap<String, f64>,
}

impl Report {
    /// A report without numbers yet.
    pub fn new(step: u64, epoch: u64) -> Self {
        Self { step, epoch, values: IndexMap::new() }
    }

    /// The same report with one more number, which takes the place of an earlier one of that name.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: f64) -> Self {
        self.values.insert(name.into(), value);
        self
    }

    /// The number of that name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.values.get(name).copied()
    }

    /// Refuses names that a table of reports needs for itself or that would break its lines.
    pub(crate) fn check(&self) -> Result<()> {
        let bad = |name: &&String| ["step", "epoch", ""].contains(&name.as_str()) || name.contains(char::is_control);
        match self.values.keys().find(bad) {
            Some(name) => Err(Error::value(format!("report: a number cannot be called {name:?}"))),
            None => Ok(()),
        }
    }
}

/// The numbers with four significant digits: `loss 0.6931, accuracy 0.5`.
impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, (name, value)) in self.values.iter().enumerate() {
            write!(f, "{}{name} {}", if i > 0 { ", " } else { "" }, short(*value))?;
        }
        Ok(())
    }
}

/// A number with four significant digits, as short as it can be written.
pub(crate) fn short(x: f64) -> String {
    // Rounding by the exponent form keeps 0.00012345 and 123450000 at four digits alike.
    let rounded: f64 = format!("{x:.3e}").parse().unwrap_or(x);
    match rounded.abs() {
        0.0 => "0".into(),
        m if !m.is_finite() || (1e-4..1e6).contains(&m) => rounded.to_string(),
        _ => format!("{rounded:e}"),
    }
}

/// Something that keeps reports.
///
/// Every log is an [`Observer`], so a [`Trainer`](crate::Trainer) fills it: a report for each step, with `loss` and `lr`, and one for each
/// epoch, with `epoch_loss` and what validation gave. A mutable reference is a log too, for one that is still needed afterwards.
///
/// A log begins anew, unless it is resumed before the first report: it then forgets what it knew of later steps, so that the
/// steps which training takes again are not there twice.
pub trait Log {
    /// Keeps one report. What was reported is with the operating system when this returns, so a process that is
    /// killed loses none of it.
    ///
    /// # Errors
    /// [`ErrorKind::File`](wengert_tensor::ErrorKind::File) where it cannot be written;
    /// [`ErrorKind::Value`](wengert_tensor::ErrorKind::Value) for the names `step`, `epoch`, the empty name, and names with
    /// control characters.
    fn report(&mut self, report: &Report) -> Result<()>;

    /// Goes on after `step` steps of an earlier run, whose later reports are forgotten. Where there is no earlier log it begins one.
    ///
    /// # Errors
    /// [`ErrorKind::File`](wengert_tensor::ErrorKind::File), and the earlier log stays as it is, where it cannot be read
    /// and written or is none of this kind.
    fn resume(&mut self, step: u64) -> Result<()>;
}

impl<L: Log + ?Sized> Log for &mut L {
    fn report(&mut self, report: &Report) -> Result<()> {
        (**self).report(report)
    }

    fn resume(&mut self, step: u64) -> Result<()> {
        (**self).resume(step)
    }
}

impl<L: Log> Observer for L {
    fn step(&mut self, event: &StepEvent) -> Result<()> {
        self.report(&event.into())
    }

    fn epoch(&mut self, event: &EpochEvent<'_>, _: &mut Control) -> Result<()> {
        self.report(&event.into())
    }

    fn resumed(&mut self, step: u64) -> Result<()> {
        self.resume(step)
    }
}

/// `loss` and `lr`.
impl From<&StepEvent> for Report {
    fn from(event: &StepEvent) -> Self {
        Self::new(event.step, event.epoch).with("loss", event.loss).with("lr", event.lr)
    }
}

/// `epoch_loss`, then what validation gave.
impl From<&EpochEvent<'_>> for Report {
    fn from(event: &EpochEvent<'_>) -> Self {
        let report = Self::new(event.step, event.epoch).with("epoch_loss", event.loss);
        event.values.iter().fold(report, |report, (name, value)| report.with(name, *value))
    }
}

/// A log in memory, for plots and for deciding what comes next.
///
/// ```
/// use wengert_train::{History, Log, Report};
/// let mut history = History::default();
/// history.report(&Report::new(1, 0).with("loss", 0.5))?;
/// history.report(&Report::new(2, 0).with("loss", 0.4).with("accuracy", 0.9))?;
/// assert_eq!(history.curve("loss"), [(1.0, 0.5), (2.0, 0.4)]);
/// assert_eq!(history.curve("accuracy"), [(2.0, 0.9)]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct History {
    reports: Vec<Report>,
}

impl History {
    /// All reports, oldest first.
    pub fn reports(&self) -> &[Report] {
        &self.reports
    }

    /// The points (step, value) of the number called `name`, where it was reported.
    pub fn curve(&self, name: &str) -> Vec<(f64, f64)> {
        self.reports.iter().filter_map(|r| Some((r.step as f64, r.get(name)?))).collect()
    }
}

impl Log for History {
    fn report(&mut self, report: &Report) -> Result<()> {
        report.check()?;
        self.reports.push(report.clone());
        Ok(())
    }

    fn resume(&mut self, step: u64) -> Result<()> {
        self.reports.retain(|report| report.step <= step);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_near() {
        for (x, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (std::f64::consts::PI, "3.142"),
            (123456.0, "123500"),
            (1.23456e9, "1.235e9"),
            (0.000123456, "0.0001235"),
            (1e-5, "1e-5"),
            (-2.5e-300, "-2.5e-300"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::MAX, "inf"),
        ] {
            assert_eq!(short(x), text);
        }
    }
}

//! Curves: losses and metrics over steps.

use std::path::Path;

use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::prelude::*;
use plotters::series::LineSeries;
use wengert_tensor::{Error, Result};

use super::canvas::{Area, Mistake, picture};
use super::colors::distinct;
use crate::report::short;

/// Several curves in one picture, of training and validation for example.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("loss.svg");
/// use wengert_train::{Curves, History, Log, Report};
///
/// let mut history = History::default();
/// for step in 1..=100 {
///     let loss = 1.0 / step as f64;
///     history.report(&Report::new(step, 0).with("loss", loss).with("validation", 1.1 * loss))?;
/// }
/// Curves::new("Loss")
///     .curve("training", history.curve("loss"))
///     .curve("validation", history.curve("validation"))
///     .labels("step", "mean squared error")
///     .log_scale()
///     .save(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Curves {
    title: String,
    labels: (String, String),
    curves: Vec<(String, Vec<(f64, f64)>)>,
    log: bool,
}

impl Curves {
    /// A picture without curves yet.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), labels: ("step".into(), String::new()), curves: Vec::new(), log: false }
    }

    /// The same picture with one more curve, through the points (x, y). Points that are not finite, or beyond 1e30, are gaps.
    #[must_use]
    pub fn curve(mut self, name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.curves.push((name.into(), points.into_iter().collect()));
        self
    }

    /// What stands at the axes.
    #[must_use]
    pub fn labels(self, x: impl Into<String>, y: impl Into<String>) -> Self {
        Self { labels: (x.into(), y.into()), ..self }
    }

    /// Equal ratios take equal heights; points below 1e-30 are gaps.
    #[must_use]
    pub fn log_scale(self) -> Self {
        Self { log: true, ..self }
    }

    /// Writes the picture to a file: PNG or SVG by its extension.
    ///
    /// # Errors
    /// [`ErrorKind::Value`](wengert_tensor::ErrorKind::Value) for another extension, and where no curve has a point to show;
    /// [`ErrorKind::File`](wengert_tensor::ErrorKind::File) where the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let points = || self.curves.iter().flat_map(|(_, points)| points).copied().filter(|p| self.shows(*p));
        if points().next().is_none() {
            return Err(Error::value(format!("plot {}: there is no point to show", path.display())));
        }
        let x = range(points().map(|p| p.0), 0.0);
        picture(path, (960, 600), |area| {
            if self.log {
                let (low, high) = range(points().map(|p| p.1.ln()), 0.05);
                self.draw(area, x, (low.exp()..high.exp()).log_scale())
            } else {
                let (low, high) = range(points().map(|p| p.1), 0.05);
                self.draw(area, x, low..high)
            }
        })
    }

    fn shows(&self, (x, y): (f64, f64)) -> bool {
        // Far beyond these numbers plotters finds no ticks for the axes.
        x.abs() < 1e30 && y.abs() < 1e30 && (!self.log || y > 1e-30)
    }

    fn draw<Y>(&self, area: &Area<'_>, (left, right): (f64, f64), y: Y) -> std::result::Result<(), Mistake>
    where
        Y: AsRangedCoord<Value = f64>,
        Y::CoordDescType: ValueFormatter<f64> + Ranged<ValueType = f64>,
    {
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, ("sans-serif", 26))
            .margin(16)
            .x_label_area_size(48)
            .y_label_area_size(76)
            .build_cartesian_2d(left..right, y)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .x_desc(&self.labels.0)
            .y_desc(&self.labels.1)
            .x_label_formatter(&|x| short(*x))
            .y_label_formatter(&|y| short(*y))
            .label_style(("sans-serif", 16))
            .axis_desc_style(("sans-serif", 18))
            .draw()?;
        for (i, (name, points)) in self.curves.iter().enumerate() {
            let style = distinct(i).stroke_width(2);
            for piece in points.split(|p| !self.shows(*p)).filter(|piece| !piece.is_empty()) {
                match piece {
                    [point] => drop(chart.draw_series([Circle::new(*point, 2, distinct(i).filled())])?),
                    _ => drop(chart.draw_series(LineSeries::new(piece.iter().copied(), style))?),
                }
            }
            // An empty series carries the name, so that gaps do not repeat it.
            chart
                .draw_series(LineSeries::new([], style))?
                .label(name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK.mix(0.3))
            .label_font(("sans-serif", 16))
            .draw()
    }
}

/// The least and the largest number with a margin, never the same.
pub fn range(numbers: impl Iterator<Item = f64>, margin: f64) -> (f64, f64) {
    let (low, high) = numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(x), h.max(x)));
    let spread = high - low;
    if spread > low.abs().max(high.abs()) * 1e-9 {
        (low - margin * spread, high + margin * spread)
    } else {
        let some = low.abs().max(1.0) * 0.5;
        (low - some, high + some)
    }
}

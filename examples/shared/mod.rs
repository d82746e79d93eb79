//! What the smaller examples do alike: read their options, compare with what is known, draw curves.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::prelude::*;
use plotters::prelude::*;
use wengert_examples::AtomicFile;

/// A result whose error is a sentence for the user.
pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// Runs an example: prints `about` and does `run`, which says whether the known answer was found and draws what it did.
/// The options are `--plot FILE`, for that picture as SVG, and `--help`.
///
/// The exit status is 0 if the answer was found, 1 if not, 2 for wrong options and errors.
pub fn main(about: &str, run: impl FnOnce() -> Outcome<(bool, Vec<Curve>)>) -> ExitCode {
    match try_main(about, run) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("{error}\nTry --help.");
            ExitCode::from(2)
        }
    }
}

fn try_main(about: &str, run: impl FnOnce() -> Outcome<(bool, Vec<Curve>)>) -> Outcome<bool> {
    let mut plot: Option<PathBuf> = None;
    let mut options = lexopt::Parser::from_env();
    while let Some(option) = options.next()? {
        match option {
            Long("plot") => plot = Some(options.value()?.into()),
            Long("help") | Short('h') => {
                println!("{about}\n\nOptions:\n  --plot FILE  draw an SVG\n  --help       show this");
                return Ok(true);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    println!("{about}\n");
    // A file that cannot be written is reported before the work is done.
    let file = match &plot {
        Some(plot) => Some(AtomicFile::create(plot).map_err(|e| format!("cannot write {}: {e}", plot.display()))?),
        None => None,
    };
    let (found, curves) = run()?;
    if let Some(file) = file {
        file.write(&draw(&curves)?)?;
    }
    println!("\n{}", if found { "The known answer is found." } else { "The known answer is NOT found." });
    Ok(found)
}

/// Prints a number beside the known one; whether it is as near as `tolerance`.
pub fn agrees(what: &str, got: f64, known: f64, tolerance: f64) -> bool {
    let off = (got - known).abs();
    println!("{what:<28} {got:>18.10}   known {known:>18.10}   off by {off:.1e}");
    off <= tolerance
}

/// Points to be drawn.
pub struct Curve {
    name: &'static str,
    mark: char,
    points: Vec<(f64, f64)>,
}

impl Curve {
    /// Points with a name; as dots where `mark` is `'o'`, else joined by a line.
    pub fn new(name: &'static str, mark: char, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Self { name, mark, points: points.into_iter().collect() }
    }
}

/// The curves in one picture, as SVG.
fn draw(curves: &[Curve]) -> Outcome<String> {
    let range = |of: fn(&(f64, f64)) -> f64| {
        let values = || curves.iter().flat_map(|curve| &curve.points).map(of).filter(|x| x.is_finite());
        let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        let margin = 0.05 * (high - low).max(1e-9);
        if low <= high { low - margin..high + margin } else { 0.0..1.0 }
    };
    let colours = [BLUE, RED, RGBColor(20, 140, 60), RGBColor(150, 80, 180)];
    let mut picture = String::new();
    {
        let root = SVGBackend::with_string(&mut picture, (800, 500)).into_drawing_area();
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&root)
            .margin(16)
            .x_label_area_size(32)
            .y_label_area_size(56)
            .build_cartesian_2d(range(|p| p.0), range(|p| p.1))?;
        chart.configure_mesh().draw()?;
        for (curve, colour) in curves.iter().zip(colours.into_iter().cycle()) {
            let points = curve.points.iter().copied();
            let drawn = match curve.mark {
                'o' => chart.draw_series(points.map(|point| Circle::new(point, 3, colour.filled())))?,
                _ => chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?,
            };
            drawn.label(curve.name).legend(move |(x, y)| Circle::new((x + 8, y), 4, colour.filled()));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .border_style(BLACK)
            .background_style(WHITE)
            .draw()?;
        root.present()?;
    }
    Ok(picture)
}

//! Decision surfaces: what a classifier of two numbers says all over the plane.

use std::path::Path;

use plotters::prelude::*;
use wengert_tensor::{DType, Error, Result, Tensor};

use super::canvas::picture;
use super::colors::{distinct, mix};
use super::curves::range;
use crate::metric::{labels, numbers};
use crate::report::short;

/// Points of the plane along each side at which the classifier is asked.
const SIDE: usize = 96;

/// Draws what a classifier of points in the plane predicts, and the points that it learns from; PNG or SVG by the file's extension.
///
/// `points` are `[n, 2]` floats, `classes` their labels `[n]`. `predict` is asked once for `[m, 2]` points of the dtype of `points`
/// and answers with scores `[m, classes]`, of which the largest counts, or with the probability of class 1, `[m]` or `[m, 1]`.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("xor.svg");
/// use wengert_nn::{Activation, Layer, Mlp};
/// use wengert_tensor::{Rng, Tensor};
/// use wengert_train::decision_surface;
///
/// let mlp = Mlp::new(&[2, 4, 1], Activation::Sigmoid, &mut Rng::seed(1))?;
/// let points = Tensor::from([[0f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
/// decision_surface(&path, &points, &Tensor::from([0, 1, 1, 0]), |x| mlp.predict(x))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// What `predict` gives; [`ErrorKind::Shape`](wengert_tensor::ErrorKind::Shape) and [`ErrorKind::DType`](wengert_tensor::ErrorKind::DType)
/// where points, labels or answers are of another kind; [`ErrorKind::Value`](wengert_tensor::ErrorKind::Value) for
/// another extension and where no point is finite; [`ErrorKind::File`](wengert_tensor::ErrorKind::File) where the file
/// cannot be written.
pub fn decision_surface(
    path: impl AsRef<Path>,
    points: &Tensor,
    classes: &Tensor,
    predict: impl FnOnce(&Tensor) -> Result<Tensor>,
) -> Result<()> {
    let path = path.as_ref();
    let op = "decision surface";
    let (p, c) = (points.shape(), classes.shape());
    let fits = matches!((&p[..], &c[..]), ([n, 2], [m]) if n == m);
    if !fits {
        return Err(Error::shape(format!("{op}: points [n, 2] and labels [n], not {p} and {c}")));
    }
    if !points.dtype().is_float() {
        return Err(Error::dtype(format!("{op}: points are floats, not {}", points.dtype())));
    }
    let truth = labels(op, classes)?;
    let points_at: Vec<_> = numbers(points)?.as_chunks::<2>().0.to_vec();
    let shown = |p: &&[f64; 2]| p.iter().all(|x| x.abs() < 1e30);
    if !points_at.iter().any(|p| shown(&p)) {
        return Err(Error::value(format!("{op}: there is no finite point among {p}")));
    }
    let [x, y] = [0, 1].map(|axis| range(points_at.iter().filter(shown).map(|p| p[axis]), 0.12));
    let at = |(low, high): (f64, f64), i: f64| low + (high - low) * i / SIDE as f64;
    let middles = (0..SIDE * SIDE).flat_map(|i| [at(x, (i % SIDE) as f64 + 0.5), at(y, (i / SIDE) as f64 + 0.5)]);
    let asked = Tensor::from_vec(middles.collect::<Vec<f64>>(), [SIDE * SIDE, 2])?.cast(points.dtype())?;
    let surface = colors(op, &predict(&asked)?)?;

    picture(path, (720, 680), |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(20)
            .x_label_area_size(36)
            .y_label_area_size(56)
            .build_cartesian_2d(x.0..x.1, y.0..y.1)?;
        chart.draw_series(surface.iter().enumerate().map(|(i, color)| {
            let (column, row) = ((i % SIDE) as f64, (i / SIDE) as f64);
            Rectangle::new([(at(x, column), at(y, row)), (at(x, column + 1.0), at(y, row + 1.0))], color.filled())
        }))?;
        chart
            .configure_mesh()
            .disable_mesh()
            .x_label_formatter(&|x| short(*x))
            .y_label_formatter(&|y| short(*y))
            .label_style(("sans-serif", 16))
            .draw()?;
        for (point, class) in points_at.iter().zip(&truth).filter(|(p, _)| shown(p)) {
            let place = (point[0], point[1]);
            chart.draw_series([
                Circle::new(place, 5, distinct(class.unsigned_abs() as usize).filled()),
                Circle::new(place, 5, BLACK.stroke_width(1)),
            ])?;
        }
        Ok(())
    })
}

/// The colour of each answer: the class's, the paler the less sure it is.
fn colors(op: &str, answer: &Tensor) -> Result<Vec<RGBColor>> {
    let shape = answer.shape();
    let count = match shape[..] {
        [n] | [n, 1] if n == SIDE * SIDE => 1,
        [n, classes] if n == SIDE * SIDE && classes > 1 => classes,
        _ => {
            let wants = format!("[{0}], [{0}, 1] or [{0}, classes]", SIDE * SIDE);
            return Err(Error::shape(format!("{op}: answers have shape {wants}, not {shape}")));
        }
    };
    let answers = answer.cast(DType::F64)?.to_vec::<f64>()?;
    let color = |scores: &[f64]| {
        let (class, sure) = match scores {
            [p] => (usize::from(*p > 0.5), (p - 0.5).abs() * 2.0),
            _ => {
                let best = (0..count).fold(0, |best, i| if scores[i] > scores[best] { i } else { best });
                let next = (0..count).filter(|i| *i != best).map(|i| scores[i]).fold(f64::NEG_INFINITY, f64::max);
                // The odds between the two best, for logits; a smooth edge for probabilities too.
                (best, ((scores[best] - next) / 2.0).tanh())
            }
        };
        mix(WHITE, distinct(class), 0.15 + 0.5 * sure)
    };
    Ok(answers.chunks_exact(count).map(color).collect())
}

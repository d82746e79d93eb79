//! The picture of a training: the loss by epoch, and the network's output over the plane.

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::{Outcome, POINTS, TARGETS};

const SIZE: (u32, u32) = (1080, 540);
/// The part of the plane that is shown, along both axes.
const FROM: f64 = -0.25;
const TO: f64 = 1.25;
/// Cells of the decision surface along each axis.
const CELLS: usize = 60;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Draws `losses` (epoch, loss) and the outputs that `predict` gives for points of the plane, as SVG.
///
/// # Errors
/// What `predict` returns.
pub fn svg(losses: &[(usize, f64)], predict: impl Fn(&[[f64; 2]]) -> Outcome<Vec<f64>>) -> Outcome<String> {
    let mut picture = String::new();
    {
        let root = SVGBackend::with_string(&mut picture, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let (left, right) = root.split_horizontally(SIZE.0 / 2);
        draw_losses(&left, losses)?;
        draw_surface(&right, &predict(&cell_centres())?)?;
        root.present()?;
    }
    Ok(picture)
}

fn draw_losses(area: &Area<'_>, losses: &[(usize, f64)]) -> Outcome<()> {
    // Decades on a linear axis. Plotters' own logarithmic axis does not end its search for ticks on ranges
    // as long as a diverging loss makes them; zero has no place on either, nor has what overflowed.
    let decade = |loss: f64| loss.clamp(1e-12, 1e12).log10();
    let shown: Vec<(usize, f64)> =
        losses.iter().filter(|(_, loss)| loss.is_finite()).map(|&(epoch, loss)| (epoch, decade(loss))).collect();
    let last = shown.last().map_or(1, |(epoch, _)| *epoch).max(1);
    let least = shown.iter().map(|(_, decade)| *decade).fold(-1.0, f64::min).floor();
    let most = shown.iter().map(|(_, decade)| *decade).fold(0.0, f64::max).ceil();
    let mut chart = ChartBuilder::on(area)
        .caption("Loss", ("sans-serif", 20))
        .margin(16)
        .x_label_area_size(40)
        .y_label_area_size(64)
        .build_cartesian_2d(0..last, least..most)?;
    let label = |decade: &f64| format!("{:.1e}", 10_f64.powf(*decade));
    chart.configure_mesh().x_desc("epoch").y_label_formatter(&label).draw()?;
    chart.draw_series(LineSeries::new(shown, BLUE.stroke_width(2)))?;
    Ok(())
}

fn cell_centres() -> Vec<[f64; 2]> {
    let at = |i: usize| FROM + (TO - FROM) * (i as f64 + 0.5) / CELLS as f64;
    (0..CELLS * CELLS).map(|i| [at(i % CELLS), at(i / CELLS)]).collect()
}

fn draw_surface(area: &Area<'_>, outputs: &[f64]) -> Outcome<()> {
    let mut chart = ChartBuilder::on(area)
        .caption("Output: blue 0, white 0.5, red 1", ("sans-serif", 20))
        .margin(16)
        .x_label_area_size(40)
        .y_label_area_size(40)
        .build_cartesian_2d(FROM..TO, FROM..TO)?;
    chart.configure_mesh().disable_mesh().x_desc("x1").y_desc("x2").draw()?;
    let cell = (TO - FROM) / CELLS as f64;
    chart.draw_series(outputs.iter().enumerate().map(|(i, &output)| {
        let (x, y) = (FROM + cell * (i % CELLS) as f64, FROM + cell * (i / CELLS) as f64);
        Rectangle::new([(x, y), (x + cell, y + cell)], colour(output).filled())
    }))?;
    for (point, target) in POINTS.iter().zip(TARGETS) {
        let at = (point[0], point[1]);
        chart
            .draw_series([Circle::new(at, 8, colour(target[0]).filled()), Circle::new(at, 8, BLACK.stroke_width(2))])?;
        let label = format!("{} xor {} = {}", point[0], point[1], target[0]);
        chart.draw_series([Text::new(label, (at.0 - 0.11, at.1 - 0.05), ("sans-serif", 14))])?;
    }
    Ok(())
}

/// From blue by white to red.
fn colour(output: f64) -> RGBColor {
    let away = ((output.clamp(0.0, 1.0) - 0.5) * 2.0).abs();
    let fade = |full: f64| (255.0 + (full - 255.0) * away).round() as u8;
    match output < 0.5 {
        true => RGBColor(fade(58.0), fade(110.0), fade(200.0)),
        false => RGBColor(fade(214.0), fade(69.0), fade(65.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_losses_make_a_picture_with_its_points_and_text() -> Outcome<()> {
        for losses in [
            &[][..],
            &[(0, 0.25)],
            &[(0, 0.25), (10, 0.0)],
            &[(0, f64::NAN), (1, f64::INFINITY)],
            &[(0, 1e300), (5, 1e-300)],
        ] {
            let picture = svg(losses, |points| Ok(points.iter().map(|p| p[0] * p[1]).collect()))?;
            assert!(picture.starts_with("<svg") && picture.trim_end().ends_with("</svg>"));
            assert!(picture.contains("epoch") && picture.contains("1 xor 1 = 0"));
            assert!(!picture.contains("NaN"));
        }
        Ok(())
    }
}

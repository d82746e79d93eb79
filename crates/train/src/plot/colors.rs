//! Colours that stay apart for most kinds of colour blindness.

use plotters::style::RGBColor;

/// For things that have no order. Source: Okabe and Ito, *Color Universal Design*, 2008.
const DISTINCT: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(213, 94, 0),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(90, 90, 90),
];

/// The colour of the `i`-th thing.
pub fn distinct(i: usize) -> RGBColor {
    DISTINCT[i % DISTINCT.len()]
}

/// From `a` at 0 to `b` at 1; NaN is `a`.
pub fn mix(a: RGBColor, b: RGBColor, part: f64) -> RGBColor {
    let part = if part > 0.0 { part.min(1.0) } else { 0.0 };
    let mix = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * part).round() as u8;
    RGBColor(mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
}

/// From blue at -1 over white at 0 to red at 1; NaN is grey.
pub fn diverging(x: f64) -> RGBColor {
    let white = RGBColor(255, 255, 255);
    match x {
        x if x.is_nan() => RGBColor(160, 160, 160),
        x if x < 0.0 => mix(white, RGBColor(33, 90, 172), -x),
        x => mix(white, RGBColor(178, 34, 52), x),
    }
}

//! How far to go along a line: the search for strong Wolfe conditions.
//!
//! J. Nocedal and S. Wright, "Numerical optimization", 2nd edition, 2006, algorithms 3.5 and 3.6, with the safeguards and
//! constants that PyTorch has. A point where the loss or its gradient is not finite counts as one of infinite loss,
//! so the search turns back from it.

use wengert_tensor::Result;

/// A point on the line, at `t` times the direction.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub t: f64,
    pub loss: f64,
    /// The derivative along the line.
    pub slope: f64,
    pub gradient: Vec<f64>,
}

/// The share of the first slope by which the loss must fall.
const FALL: f64 = 1e-4;
/// The share of the first slope that may be left.
const FLAT: f64 = 0.9;

/// Bounds of a search.
pub(super) struct Bounds {
    /// How often the loss may be asked for, after the first point.
    pub most: usize,
    /// A bracket below this length is not divided further.
    pub shortest: f64,
}

/// A better point than `start`, or `start` where none was found; `first` is tried first.
pub(super) fn search(
    start: &Point,
    first: f64,
    bounds: &Bounds,
    at: &mut dyn FnMut(f64) -> Result<Point>,
) -> Result<Point> {
    let falls = |point: &Point| point.loss <= start.loss + FALL * point.t * start.slope;
    let is_flat = |point: &Point| point.slope.abs() <= -FLAT * start.slope;

    // Forward, until a minimum is bracketed.
    let (mut before, mut now, mut made) = (start.clone(), at(first)?, 0);
    let mut ends = loop {
        if made >= bounds.most {
            return Ok(if start.loss <= now.loss { start.clone() } else { now });
        }
        let rises = !falls(&now) || made > 1 && now.loss >= before.loss;
        if !rises && is_flat(&now) {
            return Ok(now);
        }
        if rises || now.slope >= 0.0 {
            break [before, now];
        }
        let range = (now.t + 0.01 * (now.t - before.t), now.t * 10.0);
        let next = at(minimum_of_cubic(&before, &now, range))?;
        (before, now) = (now, next);
        made += 1;
    };

    // The bracket shrinks around it.
    let lower = |ends: &[Point; 2]| usize::from(ends[1].loss < ends[0].loss);
    let (mut low, mut was_near_end) = (lower(&ends), false);
    while made < bounds.most {
        let (a, b) = (ends[0].t.min(ends[1].t), ends[0].t.max(ends[1].t));
        if b - a < bounds.shortest {
            break;
        }
        let mut t = minimum_of_cubic(&ends[0], &ends[1], (a, b));
        let margin = 0.1 * (b - a);
        let near_end = (b - t).min(t - a) < margin;
        // Twice near an end, the bracket shrinks too slowly.
        let too_near = near_end && (was_near_end || t >= b || t <= a);
        if too_near {
            t = if (t - b).abs() < (t - a).abs() { b - margin } else { a + margin };
        }
        was_near_end = near_end && !too_near;
        let point = at(t)?;
        made += 1;
        if !falls(&point) || point.loss >= ends[low].loss {
            ends[1 - low] = point;
            low = lower(&ends);
            continue;
        }
        let done = is_flat(&point);
        let passed = point.slope * (ends[1 - low].t - ends[low].t) >= 0.0;
        let old = std::mem::replace(&mut ends[low], point);
        if done {
            break;
        }
        if passed {
            ends[1 - low] = old;
        }
    }
    let [first, second] = ends;
    Ok(if low == 0 { first } else { second })
}

/// Where the cubic polynomial with the losses and slopes of two points has its minimum (equation 3.59), within a range; the
/// range's middle where it has none.
fn minimum_of_cubic(p: &Point, q: &Point, (least, most): (f64, f64)) -> f64 {
    let (p, q) = if p.t <= q.t { (p, q) } else { (q, p) };
    let d1 = p.slope + q.slope - 3.0 * (p.loss - q.loss) / (p.t - q.t);
    let square = d1 * d1 - p.slope * q.slope;
    let t = q.t - (q.t - p.t) * ((q.slope + square.sqrt() - d1) / (q.slope - p.slope + 2.0 * square.sqrt()));
    if t.is_nan() { (least + most) / 2.0 } else { t.max(least).min(most) }
}

//! Interpolation to another size, a product with a matrix of weights along each spatial axis, and at computed places.

use wengert_autograd::{GridSample, Interpolation, Outside, Var};
use wengert_tensor::Tensor;

use super::table;
use crate::args::Args;

table! {
    "nn.functional.interpolate(input, size=null, scale_factor=null, mode=\"nearest\", align_corners=null, recompute_scale_factor=null, antialias=false)" =>
        |a| interpolate(a);
    "nn.functional.grid_sample(input, grid, mode=\"bilinear\", padding_mode=\"zeros\", align_corners=false)" => |a| {
        let interpolation = match a.text("mode") {
            "nearest" => Interpolation::Nearest,
            "bicubic" => Interpolation::Cubic,
            _ => Interpolation::Linear,
        };
        let outside = match a.text("padding_mode") {
            "border" => Outside::Border,
            "reflection" => Outside::Reflection,
            _ => Outside::Zeros,
        };
        let align_corners = a.is_flag("align_corners") && a.flag("align_corners");
        a.x().grid_sample(a.real("grid"), GridSample { interpolation, outside, align_corners })
    };
}

fn interpolate<'t>(a: &Args<'t>) -> Var<'t> {
    assert!(!a.flag("antialias"), "an interpolation without aliasing");
    let (x, shape) = (a.x(), a.x().shape());
    let axes = shape.rank() - 2;
    let factors = if a.given("scale_factor") { a.floats("scale_factor", axes) } else { Vec::new() };
    let sizes: Vec<usize> = match a.given("size") {
        true => a.per_axis("size", axes),
        false => {
            factors.iter().enumerate().map(|(i, factor)| (shape[i + 2] as f64 * factor).floor() as usize).collect()
        }
    };
    if a.says("mode", "area") {
        return x.adaptive_avg_pool(&sizes);
    }
    let recompute = a.is_flag("recompute_scale_factor") && a.flag("recompute_scale_factor");
    let corners = a.is_flag("align_corners") && a.flag("align_corners");
    (0..axes).fold(x, |x, i| {
        let (n, m) = (shape[i + 2], sizes[i]);
        let step = match factors.get(i) {
            _ if corners => (n - 1) as f64 / (m.max(2) - 1) as f64,
            Some(factor) if !recompute => 1.0 / factor,
            _ => n as f64 / m as f64,
        };
        let mut weights = vec![0.0; n * m];
        for k in 0..m {
            for (place, weight) in taps(a.text("mode"), k as f64, step, corners) {
                weights[place.clamp(0, n as isize - 1) as usize * m + k] += weight;
            }
        }
        let weights = a.tape.input(&Tensor::from_vec(weights, [n, m]).expect("a matrix of weights"));
        let axis = i as isize + 2;
        x.move_axis(axis, -1).matmul(weights).move_axis(-1, axis)
    })
}

/// Which elements make element `k` of the result, and their weights. Places outside mean the ends.
fn taps(mode: &str, k: f64, step: f64, corners: bool) -> Vec<(isize, f64)> {
    let at = if corners { k * step } else { (k + 0.5) * step - 0.5 };
    match mode {
        "nearest" => vec![((k * step).floor() as isize, 1.0)],
        "nearest-exact" => vec![(((k + 0.5) * step).floor() as isize, 1.0)],
        "bicubic" => {
            let t = at - at.floor();
            (-1..=2).map(|i| (at.floor() as isize + i, cubic((t - i as f64).abs()))).collect()
        }
        _ => {
            let at = at.max(0.0);
            let t = at - at.floor();
            vec![(at.floor() as isize, 1.0 - t), (at.floor() as isize + 1, t)]
        }
    }
}

/// The cubic convolution kernel with a = -3/4.
///
/// R. Keys, "Cubic convolution interpolation for digital image processing" (1981).
fn cubic(t: f64) -> f64 {
    let a = -0.75;
    match t {
        t if t <= 1.0 => ((a + 2.0) * t - (a + 3.0)) * t * t + 1.0,
        t if t < 2.0 => ((a * t - 5.0 * a) * t + 8.0 * a) * t - 4.0 * a,
        _ => 0.0,
    }
}

//! Interpolation to another size, and at computed places.

use wengert_autograd::{GridSample, Interpolation, Outside, Resize, Var};

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
    let (axes, align_corners) = (shape.rank() - 2, a.is_flag("align_corners") && a.flag("align_corners"));
    let how = match a.text("mode") {
        "nearest" => Resize::Nearest,
        "nearest-exact" => Resize::NearestExact,
        "area" => Resize::Area,
        "bicubic" => Resize::Cubic { align_corners },
        _ => Resize::Linear { align_corners },
    };
    if a.given("size") {
        return x.interpolate(&a.per_axis("size", axes), how);
    }
    let factors = a.floats("scale_factor", axes);
    match a.is_flag("recompute_scale_factor") && a.flag("recompute_scale_factor") {
        true => {
            let sizes = shape[2..].iter().zip(&factors).map(|(&n, factor)| (n as f64 * factor).floor() as usize);
            x.interpolate(&sizes.collect::<Vec<_>>(), how)
        }
        false => x.interpolate_by(&factors, how),
    }
}

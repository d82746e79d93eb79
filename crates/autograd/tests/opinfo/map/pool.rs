//! Maxima and averages over windows.

use wengert_autograd::Var;
use wengert_tensor::Pool;

use super::table;
use crate::args::Args;

table! {
    "nn.functional.max_pool1d(input, kernel_size, stride=null, padding=0, dilation=1, ceil_mode=false, return_indices=false)" =>
        |a| max(a, 1);
    "nn.functional.max_pool2d(input, kernel_size, stride=null, padding=0, dilation=1, ceil_mode=false, return_indices=false)" =>
        |a| max(a, 2);
    "nn.functional.max_pool3d(input, kernel_size, stride=null, padding=0, dilation=1, ceil_mode=false, return_indices=false)" =>
        |a| max(a, 3);
    "nn.functional.avg_pool1d(input, kernel_size, stride=null, padding=0, ceil_mode=false, count_include_pad=true)" =>
        |a| a.x().avg_pool(&options(a, 1), a.flag("count_include_pad"));
    "nn.functional.avg_pool2d(input, kernel_size, stride=null, padding=0, ceil_mode=false, count_include_pad=true, divisor_override=null)" =>
        |a| average(a, 2);
    "nn.functional.avg_pool3d(input, kernel_size, stride=null, padding=0, ceil_mode=false, count_include_pad=true, divisor_override=null)" =>
        |a| average(a, 3);
    "nn.functional.adaptive_avg_pool1d(input, output_size)" => |a| a.x().adaptive_avg_pool(&adaptive(a, 1));
    "nn.functional.adaptive_avg_pool2d(input, output_size)" => |a| a.x().adaptive_avg_pool(&adaptive(a, 2));
    "nn.functional.adaptive_avg_pool3d(input, output_size)" => |a| a.x().adaptive_avg_pool(&adaptive(a, 3));
}

fn options(a: &Args<'_>, axes: usize) -> Pool {
    let mut how = Pool::new(&a.per_axis("kernel_size", axes)).ceil(a.flag("ceil_mode"));
    // No strides, or an empty list of them: windows lie side by side.
    if a.given("stride") && !a.ints("stride").is_empty() {
        how.strides = a.per_axis("stride", axes);
    }
    how.padding = a.per_axis("padding", axes).into_iter().map(|n| (n, n)).collect();
    how
}

fn max<'t>(a: &Args<'t>, axes: usize) -> Vec<Var<'t>> {
    let how = Pool { dilations: a.per_axis("dilation", axes), ..options(a, axes) };
    let (max, indices) = a.x().max_pool_with_indices(&how);
    if a.flag("return_indices") { vec![max, indices] } else { vec![max] }
}

fn average<'t>(a: &Args<'t>, axes: usize) -> Var<'t> {
    let (x, how) = (a.x(), options(a, axes));
    if !a.given("divisor_override") {
        return x.avg_pool(&how, a.flag("count_include_pad"));
    }
    x.sum_pool(&how) / a.float("divisor_override")
}

/// The sizes wanted; `None` among them keeps an axis.
fn adaptive(a: &Args<'_>, axes: usize) -> Vec<usize> {
    let shape = a.x().shape();
    let wanted = a.sizes_or_none("output_size", axes);
    wanted.into_iter().zip(&shape[shape.rank() - axes..]).map(|(size, &own)| size.unwrap_or(own)).collect()
}

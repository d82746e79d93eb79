//! Activations and softmax.

use wengert_autograd::Var;

use super::table;
use crate::args::Args;

table! {
    "nn.functional.relu(input, inplace=false)" => |a| a.x().relu();
    "nn.functional.relu6(input, inplace=false)" => |a| a.x().relu6();
    "nn.functional.hardtanh(input, min_val=-1.0, max_val=1.0, inplace=false)" =>
        |a| a.x().hardtanh(a.float("min_val"), a.float("max_val"));
    "nn.functional.threshold(input, threshold, value, inplace=false)" =>
        |a| a.x().threshold(a.float("threshold"), a.float("value"));
    "nn.functional.leaky_relu(input, negative_slope=0.01, inplace=false)" =>
        |a| a.x().leaky_relu(a.float("negative_slope"));
    "nn.functional.prelu(input, weight)" => |a| a.x().prelu(a.real("weight"));
    "nn.functional.elu(input, alpha=1.0, inplace=false)" => |a| a.x().elu(a.float("alpha"));
    "nn.functional.celu(input, alpha=1.0, inplace=false)" => |a| a.x().celu(a.float("alpha"));
    "nn.functional.selu(input, inplace=false)" => |a| a.x().selu();
    "nn.functional.gelu(input, approximate=\"none\")" =>
        |a| if a.says("approximate", "tanh") { a.x().gelu_tanh() } else { a.x().gelu() };
    "nn.functional.silu(input, inplace=false)" => |a| a.x().silu();
    "nn.functional.mish(input, inplace=false)" => |a| a.x().mish();
    "nn.functional.softplus(input, beta=1, threshold=20)" =>
        |a| a.x().softplus_with(a.float("beta"), a.float("threshold"));
    "nn.functional.logsigmoid(input)" => |a| a.x().logsigmoid();
    "nn.functional.softsign(input)" => |a| a.x().softsign();
    "nn.functional.hardsigmoid(input, inplace=false)" => |a| a.x().hardsigmoid();
    "nn.functional.hardswish(input, inplace=false)" => |a| a.x().hardswish();
    "nn.functional.hardshrink(input, lambd=0.5)" => |a| a.x().hardshrink(a.float("lambd"));
    "nn.functional.softshrink(input, lambd=0.5)" => |a| a.x().softshrink(a.float("lambd"));
    "nn.functional.tanhshrink(input)" => |a| a.x().tanhshrink();
    "nn.functional.glu(input, dim=-1)" => |a| a.x().glu(a.int("dim"));
    "softmax(input, dim, dtype=null)" => |a| along(a, Var::softmax);
    "log_softmax(input, dim, dtype=null)" => |a| along(a, Var::log_softmax);
    "nn.functional.softmin(input, dim=-1, dtype=null)" => |a| along(a, Var::softmin);
}

/// `f` along `dim`; a tensor of rank 0 is one of one element meanwhile.
fn along<'t>(a: &Args<'t>, f: impl Fn(Var<'t>, isize) -> Var<'t>) -> Var<'t> {
    match a.x().rank() {
        0 => f(a.x().flatten(), 0).reshape([0usize; 0]),
        _ => f(a.x(), a.int("dim")),
    }
}

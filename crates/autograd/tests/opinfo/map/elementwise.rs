//! Elementwise functions of one, two and three tensors.

use wengert_autograd::Var;

use super::table;
use crate::args::Args;

table! {
    "abs(input)" => |a| a.x().abs();
    "acos(input)" => |a| a.x().acos();
    "acosh(input)" => |a| a.x().acosh();
    "asin(input)" => |a| a.x().asin();
    "asinh(input)" => |a| a.x().asinh();
    "atan(input)" => |a| a.x().atan();
    "atanh(input)" => |a| a.x().atanh();
    "ceil(input)" => |a| a.x().ceil();
    "cos(input)" => |a| a.x().cos();
    "cosh(input)" => |a| a.x().cosh();
    "digamma(input)" => |a| a.x().digamma();
    "erf(input)" => |a| a.x().erf();
    "erfc(input)" => |a| a.x().erfc();
    "erfinv(input)" => |a| a.x().erfinv();
    "exp(input)" => |a| a.x().exp();
    "exp2(input)" => |a| a.x().exp2();
    "expm1(input)" => |a| a.x().exp_m1();
    "floor(input)" => |a| a.x().floor();
    "frac(input)" => |a| a.x().frac();
    "lgamma(input)" => |a| a.x().lgamma();
    "log(input)" => |a| a.x().ln();
    "log10(input)" => |a| a.x().log10();
    "log1p(input)" => |a| a.x().ln_1p();
    "log2(input)" => |a| a.x().log2();
    "neg(input)" => |a| -a.x();
    "positive(input)" => |a| a.x();
    "reciprocal(input)" => |a| a.x().recip();
    "round(input, decimals=0)" => |a| a.x().round_to(a.int("decimals") as i32);
    "rsqrt(input)" => |a| a.x().rsqrt();
    "sgn(input)" => |a| a.x().sign();
    "sigmoid(input)" => |a| a.x().sigmoid();
    "sign(input)" => |a| a.x().sign();
    "sin(input)" => |a| a.x().sin();
    "sinc(input)" => |a| a.x().sinc();
    "sinh(input)" => |a| a.x().sinh();
    "sqrt(input)" => |a| a.x().sqrt();
    "square(input)" => |a| a.x().square();
    "tan(input)" => |a| a.x().tan();
    "tanh(input)" => |a| a.x().tanh();
    "trunc(input)" => |a| a.x().trunc();
    "logit(input, eps=null)" => |a| match a.given("eps") {
        true => a.x().logit_within(a.float("eps")),
        false => a.x().logit(),
    };
    "nan_to_num(input, nan=0.0, posinf=null, neginf=null)" =>
        |a| a.x().nan_to_num(a.float_or("nan", 0.0), a.float_or("posinf", f64::MAX), a.float_or("neginf", f64::MIN));

    "add(input, other, alpha=1)" => |a| a.x().add_scaled(a.real("other"), a.float("alpha"));
    "sub(input, other, alpha=1)" => |a| a.x().add_scaled(a.real("other"), -a.float("alpha"));
    "rsub(input, other, alpha=1)" => |a| a.real("other").add_scaled(a.x(), -a.float("alpha"));
    "mul(input, other)" => |a| a.x() * a.real("other");
    "div(input, other, rounding_mode=null)" => |a| div(a);
    "true_divide(input, other)" => |a| a.x() / a.real("other");
    "floor_divide(input, other)" => |a| a.x().floor_div(a.real("other"));
    "fmod(input, other)" => |a| a.x().fmod(a.real("other"));
    "remainder(input, other)" => |a| a.x().rem(a.real("other"));
    "pow(input, exponent)" => |a| a.x().pow(a.real("exponent"));
    "float_power(input, exponent)" => |a| a.x().pow(a.real("exponent"));
    "atan2(input, other)" => |a| a.x().atan2(a.real("other"));
    "hypot(input, other)" => |a| a.x().hypot(a.real("other"));
    "copysign(input, other)" => |a| a.x().copysign(a.real("other"));
    "maximum(input, other)" => |a| a.x().maximum(a.real("other"));
    "minimum(input, other)" => |a| a.x().minimum(a.real("other"));
    "fmax(input, other)" => |a| a.x().fmax(a.real("other"));
    "fmin(input, other)" => |a| a.x().fmin(a.real("other"));
    "logaddexp(input, other)" => |a| a.x().logaddexp(a.real("other"));
    "logaddexp2(input, other)" => |a| a.x().logaddexp2(a.real("other"));
    "xlogy(input, other)" => |a| a.x().xlogy(a.real("other"));

    "clamp(input, min=null, max=null)" => |a| clamp(a.x(), a.maybe("min"), a.maybe("max"));
    "clamp_min(input, min)" => |a| a.x().clamp_min(a.real("min"));
    "clamp_max(input, max)" => |a| a.x().clamp_max(a.real("max"));
    "lerp(input, end, weight)" => |a| a.x().lerp(a.real("end"), a.real("weight"));
    "addcmul(input, tensor1, tensor2, value=1)" =>
        |a| a.x().addcmul(a.real("tensor1"), a.real("tensor2"), a.float("value"));
    "addcdiv(input, tensor1, tensor2, value=1)" =>
        |a| a.x().addcdiv(a.real("tensor1"), a.real("tensor2"), a.float("value"));
    "where(input, condition, other)" => |a| a.var("condition").where_(a.x(), a.real("other"));
    "masked_fill(input, mask, value)" => |a| a.x().masked_fill(a.var("mask"), a.real("value"));
}

fn div<'t>(a: &Args<'t>) -> Var<'t> {
    let (x, y) = (a.x(), a.real("other"));
    match a.given("rounding_mode") {
        false => x / y,
        true if a.says("rounding_mode", "floor") => x.floor_div(y),
        true => x.trunc_div(y),
    }
}

/// Between two bounds, of which one may be missing.
fn clamp<'t>(x: Var<'t>, min: Option<Var<'t>>, max: Option<Var<'t>>) -> Var<'t> {
    match (min, max) {
        (Some(min), Some(max)) => x.clamp(min, max),
        (Some(min), None) => x.clamp_min(min),
        (None, Some(max)) => x.clamp_max(max),
        (None, None) => x,
    }
}

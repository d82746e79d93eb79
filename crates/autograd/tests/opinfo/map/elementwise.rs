//! Elementwise functions of one, two and three tensors.

use std::f64::consts::{LN_2, PI};

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
    "frac(input)" => |a| a.x() - a.x().trunc();
    "lgamma(input)" => |a| a.x().lgamma();
    "log(input)" => |a| a.x().ln();
    "log10(input)" => |a| a.x().log10();
    "log1p(input)" => |a| a.x().ln_1p();
    "log2(input)" => |a| a.x().log2();
    "neg(input)" => |a| -a.x();
    "positive(input)" => |a| a.x();
    "reciprocal(input)" => |a| a.x().recip();
    "round(input, decimals=0)" => |a| round(a.x(), a.int("decimals"));
    "rsqrt(input)" => |a| a.x().rsqrt();
    "sgn(input)" => |a| a.x().sign();
    "sigmoid(input)" => |a| a.x().sigmoid();
    "sign(input)" => |a| a.x().sign();
    "sin(input)" => |a| a.x().sin();
    "sinc(input)" => |a| sinc(a.x());
    "sinh(input)" => |a| a.x().sinh();
    "sqrt(input)" => |a| a.x().sqrt();
    "square(input)" => |a| a.x().square();
    "tan(input)" => |a| a.x().tan();
    "tanh(input)" => |a| a.x().tanh();
    "trunc(input)" => |a| a.x().trunc();
    "logit(input, eps=null)" => |a| logit(a);
    "nan_to_num(input, nan=0.0, posinf=null, neginf=null)" => |a| nan_to_num(a);

    "add(input, other, alpha=1)" => |a| a.x() + a.real("other") * a.float("alpha");
    "sub(input, other, alpha=1)" => |a| a.x() - a.real("other") * a.float("alpha");
    "rsub(input, other, alpha=1)" => |a| a.real("other") - a.x() * a.float("alpha");
    "mul(input, other)" => |a| a.x() * a.real("other");
    "div(input, other, rounding_mode=null)" => |a| div(a);
    "true_divide(input, other)" => |a| a.x() / a.real("other");
    "floor_divide(input, other)" => |a| a.x().floor_div(a.real("other"));
    "fmod(input, other)" => |a| a.x().fmod(a.real("other"));
    "remainder(input, other)" => |a| a.x() % a.real("other");
    "pow(input, exponent)" => |a| a.x().pow(a.real("exponent"));
    "float_power(input, exponent)" => |a| a.x().pow(a.real("exponent"));
    "atan2(input, other)" => |a| a.x().atan2(a.real("other"));
    "hypot(input, other)" => |a| a.x().hypot(a.real("other"));
    "copysign(input, other)" => |a| a.x().copysign(a.real("other"));
    "maximum(input, other)" => |a| a.x().maximum(a.real("other"));
    "minimum(input, other)" => |a| a.x().minimum(a.real("other"));
    "fmax(input, other)" => |a| but_nan(a.x(), a.real("other"), Var::maximum);
    "fmin(input, other)" => |a| but_nan(a.x(), a.real("other"), Var::minimum);
    "logaddexp(input, other)" => |a| logaddexp(a.x(), a.real("other"));
    "logaddexp2(input, other)" => |a| logaddexp(a.x() * LN_2, a.real("other") * LN_2) / LN_2;
    "xlogy(input, other)" => |a| xlogy(a.x(), a.real("other"));

    "clamp(input, min=null, max=null)" => |a| clamp(a.x(), a.maybe("min"), a.maybe("max"));
    "clamp_min(input, min)" => |a| a.x().maximum(a.real("min"));
    "clamp_max(input, max)" => |a| a.x().minimum(a.real("max"));
    "lerp(input, end, weight)" => |a| a.x() + a.real("weight") * (a.real("end") - a.x());
    "addcmul(input, tensor1, tensor2, value=1)" =>
        |a| a.x() + a.real("tensor1") * a.real("tensor2") * a.float("value");
    "addcdiv(input, tensor1, tensor2, value=1)" =>
        |a| a.x() + a.real("tensor1") / a.real("tensor2") * a.float("value");
    "where(input, condition, other)" => |a| choose(a.var("condition"), a.x(), a.real("other"));
    "masked_fill(input, mask, value)" => |a| choose(a.var("mask"), a.real("value"), a.x());
}

/// `a` where `condition` holds and `b` elsewhere, all broadcast together.
pub fn choose<'t>(condition: Var<'t>, a: Var<'t>, b: Var<'t>) -> Var<'t> {
    condition.where_(a, b)
}

/// `x`, and zero where `condition` does not hold.
pub fn keep<'t>(condition: Var<'t>, x: Var<'t>) -> Var<'t> {
    choose(condition, x, x.full_like(0.0))
}

fn round(x: Var<'_>, decimals: isize) -> Var<'_> {
    let scale = 10f64.powi(decimals.unsigned_abs() as i32);
    match decimals {
        0 => x.round(),
        1.. => (x * scale).round() / scale,
        _ => (x / scale).round() * scale,
    }
}

fn sinc(x: Var<'_>) -> Var<'_> {
    let zero = x.equal(x.full_like(0.0));
    let safe = choose(zero, x.full_like(1.0), x) * PI;
    choose(zero, x.full_like(1.0), safe.sin() / safe)
}

fn logit<'t>(a: &Args<'t>) -> Var<'t> {
    let x = match a.given("eps") {
        true => {
            let eps = a.float("eps");
            clamp(a.x(), Some(a.x().full_like(eps)), Some(a.x().full_like(1.0 - eps)))
        }
        false => a.x(),
    };
    (x / (1.0 - x)).ln()
}

fn nan_to_num<'t>(a: &Args<'t>) -> Var<'t> {
    let x = a.x();
    let or = |name: &str, default: f64| x.full_like(if a.given(name) { a.float(name) } else { default });
    let without_nan = choose(x.is_nan(), or("nan", 0.0), x);
    let infinite = |sign: f64| x.equal(x.full_like(sign * f64::INFINITY));
    choose(infinite(1.0), or("posinf", f64::MAX), choose(infinite(-1.0), or("neginf", f64::MIN), without_nan))
}

fn div<'t>(a: &Args<'t>) -> Var<'t> {
    let (x, y) = (a.x(), a.real("other"));
    match a.given("rounding_mode") {
        false => x / y,
        true if a.says("rounding_mode", "floor") => x.floor_div(y),
        true => (x / y).trunc(),
    }
}

/// `f` of both where neither is NaN, else the other.
fn but_nan<'t>(x: Var<'t>, y: Var<'t>, f: impl Fn(Var<'t>, Var<'t>) -> Var<'t>) -> Var<'t> {
    choose(x.is_nan(), y, choose(y.is_nan(), x, f(x, y)))
}

/// ln(e^x + e^y)
pub fn logaddexp<'t>(x: Var<'t>, y: Var<'t>) -> Var<'t> {
    x.maximum(y) + (-(x - y).abs()).exp().ln_1p()
}

/// x ln y, and 0 where x is.
pub fn xlogy<'t>(x: Var<'t>, y: Var<'t>) -> Var<'t> {
    let product = x * y.ln();
    choose(x.equal(x.full_like(0.0)), product.full_like(0.0), product)
}

/// Between two bounds; where they cross, the upper one.
pub fn clamp<'t>(x: Var<'t>, min: Option<Var<'t>>, max: Option<Var<'t>>) -> Var<'t> {
    let above = min.map_or(x, |min| x.maximum(min));
    max.map_or(above, |max| above.minimum(max))
}

//! Logarithms, and softplus.
//!
//! x = 2ᵏ (1 + f) with √½ ≤ 1 + f < √2. With s = f / (2 + f), so 1 + f = (1 + s) / (1 - s),
//! ln(1 + f) = 2 atanh s = 2 s + s R, where R = s² P(s²). Written f - (f²/2 - s (f²/2 + R)), which is
//! the same because f = s (2 + f), it starts from f itself, which is exact.
//! P is from the Remez exchange, minimax in the relative error of the logarithm (2^-30 in `f32`,
//! 2^-59 in `f64`).

use super::exp::{Exp, exp};
use super::real::{Lane, Real};

/// The constants of this file's formulas.
pub trait Log: Real {
    /// ln 2 as a sum, the first of few bits.
    const LN_2: [f64; 2];
    /// log₁₀ 2 likewise.
    const LOG10_2: [f64; 2];
    /// log₂ e as a sum.
    const LOG2_E: [f64; 2];
    /// log₁₀ e as a sum.
    const LOG10_E: [f64; 2];
    /// The coefficients of P.
    const P: &'static [f64];
}

#[allow(clippy::approx_constant, reason = "sums of two, of which one is near")]
impl<const FUSED: bool> Log for Lane<f32, FUSED> {
    const LN_2: [f64; 2] = [0.69314575, 1.4286068e-06];
    const LOG10_2: [f64; 2] = [0.3010254, 4.605039e-06];
    const LOG2_E: [f64; 2] = [1.442695, 1.925963e-08];
    const LOG10_E: [f64; 2] = [0.43429446, 1.9699272e-08];
    const P: &'static [f64] = &[0.66666776, 0.39977497, 0.29873058];
}

#[allow(clippy::approx_constant, reason = "sums of two, of which one is near")]
impl<const FUSED: bool> Log for Lane<f64, FUSED> {
    const LN_2: [f64; 2] = [0.6931471805598903, 5.497923018708371e-14];
    const LOG10_2: [f64; 2] = [0.30102999566395283, 2.8363394551044964e-14];
    const LOG2_E: [f64; 2] = [1.4426950408889634, 2.0355273740931033e-17];
    const LOG10_E: [f64; 2] = [0.4342944819032518, 1.098319650216765e-17];
    const P: &'static [f64] = &[
        0.6666666666666735,
        0.3999999999941111,
        0.2857142874325923,
        0.2222219847623143,
        0.18183569732233623,
        0.15313903316627284,
        0.14797508156422653,
    ];
}

/// ln(1 + f) - f, for √½ ≤ 1 + f < √2.
#[inline(always)]
fn beyond_linear<R: Log>(f: R) -> R {
    let s = f / (R::of(2.0) + f);
    let z = s * s;
    let half_square = R::of(0.5) * f * f;
    s.mul_add(z.mul_add(z.polynomial(R::P), half_square), -half_square)
}

/// k and f, for any positive x.
#[inline(always)]
fn parts<R: Log>(x: R) -> (R, R) {
    let tiny = x < R::of(R::TINY);
    let (k, m) = (if tiny { x * R::of(R::LIFT) } else { x }).split();
    (if tiny { k - R::of(R::LIFT_EXPONENT) } else { k }, m - R::of(1.0))
}

/// `y`, or what a logarithm is at the ends of its domain and beyond.
#[inline(always)]
fn on_domain<R: Log>(x: R, y: R) -> R {
    let y = if x < R::of(f64::INFINITY) { y } else { x };
    let y = if x == R::of(0.0) { R::of(f64::NEG_INFINITY) } else { y };
    if x < R::of(0.0) { R::of(f64::NAN) } else { y }
}

/// ln x = k ln 2 + ln(1 + f).
#[inline(always)]
pub fn ln<R: Log>(x: R) -> R {
    let (k, f) = parts(x);
    let low = k.mul_add(R::of(R::LN_2[1]), beyond_linear(f));
    on_domain(x, k.mul_add(R::of(R::LN_2[0]), f + low))
}

/// f times the logarithm of e, whose second part and curved term are added before the first.
#[inline(always)]
fn rebased<R: Log>(f: R, log_e: [f64; 2]) -> R {
    let low = f.mul_add(R::of(log_e[1]), beyond_linear(f) * R::of(log_e[0]));
    f.mul_add(R::of(log_e[0]), low)
}

/// log₂ x = k + log₂(1 + f).
#[inline(always)]
pub fn log2<R: Log>(x: R) -> R {
    let (k, f) = parts(x);
    on_domain(x, k + rebased(f, R::LOG2_E))
}

/// log₁₀ x = k log₁₀ 2 + log₁₀(1 + f).
#[inline(always)]
pub fn log10<R: Log>(x: R) -> R {
    let (k, f) = parts(x);
    let low = k.mul_add(R::of(R::LOG10_2[1]), rebased(f, R::LOG10_E));
    on_domain(x, k.mul_add(R::of(R::LOG10_2[0]), low))
}

/// ln(1 + x). Where 1 + x is near 1, f = x is exact; elsewhere what rounding took from the sum is put
/// back to first order.
#[inline(always)]
pub fn ln_1p<R: Log>(x: R) -> R {
    let (zero, one) = (R::of(0.0), R::of(1.0));
    let u = one + x;
    let lost = if x < one { x - (u - one) } else { one - (u - x) };
    let (k, m) = u.split();
    let near = k == zero;
    let f = if near { x } else { m - one };
    let lost = if near { zero } else { lost / u };
    let low = k.mul_add(R::of(R::LN_2[1]), lost + beyond_linear(f));
    let y = on_domain(u, k.mul_add(R::of(R::LN_2[0]), f + low));
    if x == zero { x } else { y }
}

/// max(x, 0) + ln(1 + e^-|x|), so that no exponential overflows. As 1 + e^-|x| is at most 2, its k is
/// 0 or 1 and f is at hand without adding.
#[inline(always)]
pub fn softplus<R: Log + Exp>(x: R) -> R {
    let (zero, one) = (R::of(0.0), R::of(1.0));
    let e = exp(-x.abs());
    let near = e < R::of(std::f64::consts::SQRT_2 - 1.0);
    let f = if near { e } else { R::of(0.5) * (e - one) };
    let k = if near { zero } else { one };
    let low = k.mul_add(R::of(<R as Log>::LN_2[1]), beyond_linear(f));
    (if x > zero { x } else { zero }) + k.mul_add(R::of(<R as Log>::LN_2[0]), f + low)
}

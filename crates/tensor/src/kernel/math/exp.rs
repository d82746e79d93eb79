//! Exponentials, and the functions that are little more: 2ˣ, eˣ - 1, logistic, tanh.
//!
//! eˣ = 2ⁿ eʳ with n the integer nearest to x / ln 2, so |r| ≤ ln 2 / 2. ln 2 is the sum of a number
//! of so few bits that n times it is exact, and the rest (W. J. Cody and W. Waite, *Software Manual
//! for the Elementary Functions*, 1980). eʳ - 1 = r + r² P(r), with P from the Remez exchange,
//! minimax in the relative error of eʳ - 1 (2^-32 in `f32`, 2^-61 in `f64`).

use super::real::{Lane, Real};

/// The constants of this file's formulas.
pub trait Exp: Real {
    /// ln 2 as a sum.
    const LN_2: [f64; 2];
    /// The coefficients of P.
    const P: &'static [f64];
    /// Outside of these eˣ is 0 or infinite.
    const RANGE: [f64; 2];
    /// Outside of these 2ˣ is 0 or infinite.
    const RANGE_2: [f64; 2];
    /// Below this eˣ - 1 rounds to -1, above minus half of it tanh x rounds to 1.
    const FLAT: f64;
}

impl<const FUSED: bool> Exp for Lane<f32, FUSED> {
    const LN_2: [f64; 2] = [0.69314575, 1.4286068e-06];
    const P: &'static [f64] = &[0.5, 0.16666666, 0.04166636, 0.00833339, 0.0013940668, 0.0001984594];
    const RANGE: [f64; 2] = [-104.0, 88.9];
    const RANGE_2: [f64; 2] = [-151.0, 129.0];
    const FLAT: f64 = -20.0;
}

impl<const FUSED: bool> Exp for Lane<f64, FUSED> {
    const LN_2: [f64; 2] = [0.6931471805598903, 5.497923018708371e-14];
    const P: &'static [f64] = &[
        0.5,
        0.16666666666666677,
        0.04166666666666651,
        0.008333333333321653,
        0.0013888888888962587,
        0.00019841269886074323,
        2.4801587172243856e-05,
        2.755724425328948e-06,
        2.7557402772604665e-07,
        2.5109024783867538e-08,
        2.087532846633739e-09,
    ];
    const RANGE: [f64; 2] = [-746.0, 709.9];
    const RANGE_2: [f64; 2] = [-1076.0, 1025.0];
    const FLAT: f64 = -40.0;
}

/// n + `MAGIC` and r, of x = n ln 2 + r.
#[inline(always)]
pub fn reduce<R: Exp>(x: R) -> (R, R) {
    let t = x.mul_add(R::of(std::f64::consts::LOG2_E), R::of(R::MAGIC));
    let n = R::of(R::MAGIC) - t;
    (t, n.mul_add(R::of(R::LN_2[1]), n.mul_add(R::of(R::LN_2[0]), x)))
}

/// eʳ - 1 for |r| ≤ ln 2 / 2.
#[inline(always)]
pub fn near_zero<R: Exp>(r: R) -> R {
    (r * r).mul_add(r.polynomial(R::P), r)
}

/// 2ⁿ y, of n + `MAGIC` and y. The second of two steps alone rounds, where the result is tiny.
#[inline(always)]
pub fn scale<R: Exp>(t: R, y: R) -> R {
    let (a, b) = t.powers();
    y * a * b
}

/// eˣ.
#[inline(always)]
pub fn exp<R: Exp>(x: R) -> R {
    let (t, r) = reduce(x.clamp(R::RANGE[0], R::RANGE[1]));
    scale(t, R::of(1.0) + near_zero(r))
}

/// 2ˣ: r = (x - n) ln 2, where x - n is exact.
#[inline(always)]
pub fn exp2<R: Exp>(x: R) -> R {
    let x = x.clamp(R::RANGE_2[0], R::RANGE_2[1]);
    let t = x + R::of(R::MAGIC);
    let r = (x - (t - R::of(R::MAGIC))) * R::of(std::f64::consts::LN_2);
    scale(t, R::of(1.0) + near_zero(r))
}

/// 2ⁿ (eʳ - 1) + (2ⁿ - 1), doubled last so that 2ⁿ itself may be out of range.
#[inline(always)]
pub fn exp_m1<R: Exp>(x: R) -> R {
    let (t, r) = reduce(x.clamp(R::FLAT, R::RANGE[1]));
    let y = near_zero(r);
    let half = (t - R::of(1.0)).power();
    let z = half.mul_add(y, half - R::of(0.5));
    // n = 0 needs no scaling, which would round the smallest numbers.
    (if t == R::of(R::MAGIC) { y } else { z + z }).copysign(x)
}

/// 1 / (1 + e^-x) for x ≥ 0, e^x / (1 + e^x) else, so that no exponential overflows.
#[inline(always)]
pub fn sigmoid<R: Exp>(x: R) -> R {
    let e = exp(-x.abs());
    (if x < R::of(0.0) { e } else { R::of(1.0) }) / (R::of(1.0) + e)
}

/// y / (y + 2) with y = e^2|x| - 1, and the sign of x.
#[inline(always)]
pub fn tanh<R: Exp>(x: R) -> R {
    let (t, r) = reduce((x.abs() + x.abs()).clamp(0.0, -R::FLAT));
    let power = t.power();
    let y = power.mul_add(near_zero(r), power - R::of(1.0));
    (y / (y + R::of(2.0))).copysign(x)
}

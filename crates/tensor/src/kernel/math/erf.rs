//! The error function and its complement.
//!
//! Below 3/4, erf x = x + x P(x²). From there on, with u = (x - c) / (x + c),
//! erfc x = e^-x² H(u) / (x + c): e^x² erfc x falls like 1/x, so that H is smooth over the whole half
//! line, and a polynomial in u does (M. M. Shepherd and J. G. Laframboise, "Chebyshev approximation
//! of (1 + 2x) exp(x²) erfc x in 0 ≤ x < ∞", 1981). P and H are from the Remez exchange, minimax in
//! the relative error (2^-29, 2^-31 in `f32`; 2^-60, 2^-58 in `f64`).
//! x² is taken with what its rounding loses, which the exponential would magnify.

use super::exp::{Exp, near_zero, reduce, scale};
use super::real::Lane;

/// The constants of this file's formulas.
pub trait Erf: Exp {
    /// From here on erfc is 0.
    const END: f64;
    /// The coefficients of P.
    const NEAR: &'static [f64];
    /// c.
    const CENTRE: f64;
    /// The coefficients of H.
    const H: &'static [f64];
}

impl<const FUSED: bool> Erf for Lane<f32, FUSED> {
    const END: f64 = 10.1;
    const NEAR: &'static [f64] = &[0.12837917, -0.3761262, 0.11283376, -0.026834616, 0.005114327, -0.0006749368];
    const CENTRE: f64 = 2.3;
    const H: &'static [f64] = &[
        1.0430112,
        -0.7633753,
        0.38878593,
        -0.114973314,
        0.0017733995,
        0.011753183,
        -0.001708747,
        -0.0015103939,
        0.0002474427,
        0.00019858981,
    ];
}

impl<const FUSED: bool> Erf for Lane<f64, FUSED> {
    const END: f64 = 27.3;
    const NEAR: &'static [f64] = &[
        0.1283791670955126,
        -0.37612638903183715,
        0.11283791670952478,
        -0.026866170644401936,
        0.005223977615115461,
        -0.0008548326168603997,
        0.00012055288756232379,
        -1.4924176080950596e-05,
        1.6430379347439746e-06,
        -1.5937522007908541e-07,
        1.1463466986015906e-08,
    ];
    const CENTRE: f64 = 3.6;
    const H: &'static [f64] = &[
        1.089110158793092,
        -0.9465952316043863,
        0.7116862907293913,
        -0.457929714346329,
        0.24719074679749312,
        -0.10778852787307301,
        0.03493421175981704,
        -0.006379859442368782,
        -0.0006893358480885347,
        0.0008417522842629289,
        -0.00016458031383461614,
        -5.5658804804914384e-05,
        3.120369796997738e-05,
        1.8883986034966238e-06,
        -4.458209972239802e-06,
        1.9520878254860846e-07,
        6.343196295143251e-07,
        -6.109417202899881e-08,
        -8.783385247372373e-08,
        9.26763086056974e-09,
        7.678255894548742e-09,
    ];
}

/// Where the two formulas meet.
const MEET: f64 = 0.75;

/// erf a for 0 ≤ a ≤ 3/4.
#[inline(always)]
fn near<R: Erf>(a: R) -> R {
    a.mul_add((a * a).polynomial(R::NEAR), a)
}

/// erfc a for a ≥ 3/4.
#[inline(always)]
fn far<R: Erf>(a: R) -> R {
    let a = a.clamp(0.0, R::END);
    let q = R::of(1.0) / (a + R::of(R::CENTRE));
    let u = (a - R::of(R::CENTRE)) * q;
    let (square, rest) = a.exact_square();
    let (t, r) = reduce(-square);
    scale(t, (R::of(1.0) + near_zero(r - rest)) * (q * u.polynomial(R::H)))
}

/// erf x = -erf(-x).
#[inline(always)]
pub fn erf<R: Erf>(x: R) -> R {
    let a = x.abs();
    let y = if a < R::of(MEET) { near(a) } else { R::of(1.0) - far(a) };
    y.copysign(x)
}

/// erfc x = 2 - erfc(-x).
#[inline(always)]
pub fn erfc<R: Erf>(x: R) -> R {
    let a = x.abs();
    let far = far(a);
    let beyond = if x < R::of(0.0) { R::of(2.0) - far } else { far };
    if a < R::of(MEET) { R::of(1.0) - near(a).copysign(x) } else { beyond }
}

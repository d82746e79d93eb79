//! Special functions of one `f64`, to nearly full precision over the whole real line.
//!
//! References: M. Abramowitz and I. A. Stegun, *Handbook of Mathematical Functions* (1964), "A&S";
//! NIST *Digital Library of Mathematical Functions*, <https://dlmf.nist.gov>, "DLMF".

use std::f64::consts::{FRAC_2_SQRT_PI, PI};

/// The Bernoulli numbers B₂, B₄, … B₂₀ (A&S 23.2), of the asymptotic series below.
const BERNOULLI: [f64; 10] = [
    1.0 / 6.0,
    -1.0 / 30.0,
    1.0 / 42.0,
    -1.0 / 30.0,
    5.0 / 66.0,
    -691.0 / 2730.0,
    7.0 / 6.0,
    -3617.0 / 510.0,
    43867.0 / 798.0,
    -174611.0 / 330.0,
];

/// From here on the asymptotic series of [`digamma`] holds to the last digit.
const FAR: f64 = 12.0;

/// The error function, 2/√π ∫₀ˣ e^-t² dt.
pub fn erf(x: f64) -> f64 {
    libm::erf(x)
}

/// 1 - erf x.
pub fn erfc(x: f64) -> f64 {
    libm::erfc(x)
}

/// The inverse of [`erf`]: infinite at ±1, NaN outside.
///
/// Starts from S. Winitzki's closed form ("A handy approximation for the error function and its
/// inverse", 2008; 3 digits) and refines it by Halley's method, each step of which triples the digits.
pub fn erfinv(x: f64) -> f64 {
    let p = x.abs();
    if p >= 1.0 || x.is_nan() || x == 0.0 {
        return match p {
            1.0 => f64::INFINITY.copysign(x),
            0.0 => x,
            _ => f64::NAN,
        };
    }
    let mut y = if p < 1e-3 {
        p / FRAC_2_SQRT_PI
    } else {
        const A: f64 = 0.147;
        let log = (-p * p).ln_1p();
        let half = 2.0 / (PI * A) + log / 2.0;
        ((half * half - log / A).sqrt() - half).sqrt()
    };
    for _ in 0..3 {
        // Beyond the middle, 1 - p is exact and keeps the digits that erf y would round away.
        let error = if p < 0.5 { erf(y) - p } else { (1.0 - p) - erfc(y) };
        let step = error / (FRAC_2_SQRT_PI * (-y * y).exp());
        y -= step / (1.0 + y * step);
    }
    y.copysign(x)
}

/// ln |Γ(x)|, infinite at the poles 0, -1, -2, ….
pub fn lgamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// ψ(x) = d/dx ln Γ(x); ∓∞ at ±0, NaN at the other poles -1, -2, ….
///
/// Reflection (A&S 6.3.7) to positive x, recurrence (6.3.6) to large x, the asymptotic series
/// (6.3.18) there. Near its positive root ψ is summed as a difference from it (6.3.16), because
/// the recurrence would cancel.
pub fn digamma(x: f64) -> f64 {
    if x == 0.0 {
        return -x.recip();
    }
    if x < 0.0 {
        let d = x - x.round();
        return if d == 0.0 || x.is_infinite() { f64::NAN } else { digamma(1.0 - x) - PI / (PI * d).tan() };
    }
    // The root, as the sum of two numbers.
    const ROOT: [f64; 2] = [1.4616321449683622, 9.549995429965697e-17];
    let t = (x - ROOT[0]) - ROOT[1];
    if t.abs() < 0.4 {
        return digamma_near_root(t, ROOT[0]);
    }
    let (mut a, mut sum) = (x, 0.0);
    while a < FAR {
        sum += a.recip();
        a += 1.0;
    }
    let w = (a * a).recip();
    let series = BERNOULLI.iter().take(8).enumerate().rev().fold(0.0, |s, (i, b)| w * (b / (2 * i + 2) as f64 + s));
    a.ln() - 0.5 / a - series - sum
}

/// ψ(r + t) = Σ t / ((r + k)(r + t + k)) where ψ(r) = 0: every part keeps its factor t.
fn digamma_near_root(t: f64, r: f64) -> f64 {
    let (mut a, mut sum) = (r, 0.0);
    while a < FAR {
        sum += t / (a * (a + t));
        a += 1.0;
    }
    let log = (t / a).ln_1p();
    let series = BERNOULLI.iter().take(8).zip(1..).map(|(b, k)| {
        let power = 2.0 * k as f64;
        b / power * a.powi(-2 * k) * (-power * log).exp_m1()
    });
    sum + log + t / (2.0 * a * (a + t)) - series.sum::<f64>()
}

/// ψ⁽ⁿ⁾(x), the derivative of order `n` of [`digamma`], which is order 0.
///
/// For n ≥ 1 it is (-1)ⁿ⁺¹ n! ζ(n + 1, x) (A&S 6.4.10). Below 0 the sum over all integers is taken
/// from both sides of the nearest one: reflection (6.4.7) without the polynomials in the cotangent.
pub fn polygamma(n: u32, x: f64) -> f64 {
    if n == 0 {
        return digamma(x);
    }
    let odd = n % 2 == 1;
    let sum = if x > 0.0 {
        scaled_zeta(n, x)
    } else if x == f64::NEG_INFINITY {
        f64::NAN
    } else {
        // Σ (x + k)⁻ˢ over k ≥ 0 is the sum over all k less that over k < 0, with s = n + 1.
        let d = x - x.round();
        let (right, left) = (scaled_zeta(n, 1.0 + d), scaled_zeta(n, 1.0 - d) - scaled_zeta(n, 1.0 - x));
        let pole = factorial_over_power(n, d.abs()) / d;
        let pole = if odd { pole.copysign(1.0) } else { pole };
        pole + right + if odd { left } else { -left }
    };
    if odd { sum } else { -sum }
}

/// n! ζ(n + 1, q) = n! Σ (q + k)⁻ⁿ⁻¹ over k ≥ 0, for q > 0 and n ≥ 1.
///
/// A few terms directly, the rest by Euler and Maclaurin (DLMF 25.11.5, 25.11.28), all in units of
/// q⁻ˢ so that neither a small nor a large q leaves the range of numbers on the way.
fn scaled_zeta(n: u32, q: f64) -> f64 {
    if q == f64::INFINITY {
        return 0.0;
    }
    let s = n as f64 + 1.0;
    let (mut a, mut sum, mut term) = (q, 0.0, 1.0);
    while a < s + FAR {
        sum += term;
        a += 1.0;
        term = (q / a).powf(s);
        if term < sum * 1e-18 && s > a {
            break;
        }
    }
    // ∫ₐ^∞ + f(a)/2 - Σ B₂ⱼ/(2j)! f⁽²ʲ⁻¹⁾(a)
    let mut factor = s / a;
    let mut tail = a / (s - 1.0) + 0.5;
    for (b, j) in BERNOULLI.iter().zip(1..) {
        let k = 2.0 * j as f64;
        factor /= k * (k - 1.0).max(1.0);
        tail += b * factor;
        factor *= (s + k - 1.0) / a * ((s + k) / a);
    }
    factorial_over_power(n, q) * ((sum + term * tail) / q)
}

/// n! / qⁿ, for q ≥ 0.
fn factorial_over_power(n: u32, q: f64) -> f64 {
    match n {
        0..=300 => (1..=n).fold(1.0, |product, i| product * (i as f64 / q)),
        _ => (lgamma(n as f64 + 1.0) - n as f64 * q.ln()).exp(),
    }
}

//! Sine and cosine.
//!
//! x = n π/2 + r with |r| ≤ π/4. π/2 is a sum of numbers of so few bits that n times each but the
//! last is exact (Cody and Waite, 1980), as long as |x| ≤ [`Trig::FAR`]; beyond, the caller does
//! without these. On the reduced range sin r = r + r³ S(r²) and cos r = 1 - r²/2 + r⁴ C(r²), with S
//! and C from the Remez exchange, minimax in the relative error (2^-28, 2^-33 in `f32`; 2^-58,
//! 2^-64 in `f64`).

use super::real::{Lane, Real};

/// The constants of this file's formulas.
pub trait Trig: Real {
    /// The largest argument that is reduced exactly enough.
    const FAR: f64;
    /// π/2 as a sum.
    const QUARTER: &'static [f64];
    /// The coefficients of S.
    const S: &'static [f64];
    /// The coefficients of C.
    const C: &'static [f64];
}

impl<const FUSED: bool> Trig for Lane<f32, FUSED> {
    const FAR: f64 = 1e4;
    const QUARTER: &'static [f64] = &[1.5703125, 0.0004837513, 7.5495336e-08, 2.563344e-12];
    const S: &'static [f64] = &[-0.16666655, 0.008332176, -0.00019516978];
    const C: &'static [f64] = &[0.041666646, -0.0013887313, 2.4432788e-05];
}

impl<const FUSED: bool> Trig for Lane<f64, FUSED> {
    const FAR: f64 = 1e6;
    const QUARTER: &'static [f64] = &[1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21];
    const S: &'static [f64] = &[
        -0.16666666666666632,
        0.00833333333332237,
        -0.00019841269829771162,
        2.755731367863911e-06,
        -2.5050755954992092e-08,
        1.5896666048580796e-10,
    ];
    const C: &'static [f64] = &[
        0.041666666666666595,
        -0.0013888888888872978,
        2.4801587288800733e-05,
        -2.7557314164157556e-07,
        2.087569873005779e-09,
        -1.1358424482338539e-11,
    ];
}

/// n + `MAGIC` and r.
#[inline(always)]
fn reduce<R: Trig>(x: R) -> (R, R) {
    let t = x.mul_add(R::of(std::f64::consts::FRAC_2_PI), R::of(R::MAGIC));
    let n = R::of(R::MAGIC) - t;
    (t, R::QUARTER.iter().fold(x, |r, &part| n.mul_add(R::of(part), r)))
}

/// sin(r + n π/2), of n + `MAGIC` and r.
#[inline(always)]
fn turned<R: Trig>(t: R, r: R) -> R {
    let z = r * r;
    let sin = (z * r).mul_add(z.polynomial(R::S), r);
    // 1 - z/2 rounds; what it lost is exactly known and joins the rest.
    let half = R::of(0.5) * z;
    let main = R::of(1.0) - half;
    let cos = main + (z * z).mul_add(z.polynomial(R::C), (R::of(1.0) - main) - half);
    t.flip(if t.is_odd() { cos } else { sin })
}

/// sin x, for |x| ≤ [`Trig::FAR`].
#[inline(always)]
pub fn sin<R: Trig>(x: R) -> R {
    let (t, r) = reduce(x);
    let y = turned(t, r);
    // The sum r + r³ S would make a 0 of -0.
    if x == R::of(0.0) { x } else { y }
}

/// cos x, for |x| ≤ [`Trig::FAR`].
#[inline(always)]
pub fn cos<R: Trig>(x: R) -> R {
    let (t, r) = reduce(x);
    turned(t + R::of(1.0), r)
}

//! Elementwise functions as fast as the processor's vectors allow.
//!
//! Every function is one branch-free formula over [`Real`], written once for `f32` and
//! `f64`, and one loop over slices compiled for several instruction sets, of which the best that the
//! processor has is chosen at run time. The compiler makes the vectors; no intrinsics are used.
//!
//! An element's result depends on its value and the instruction set's [`Level`] alone, never on its
//! place in a slice or the slice's length: what does not fill a block of [`BLOCK`] is padded to one,
//! so every element goes through the same instructions. Levels with fused multiply-add agree with each
//! other; the portable level may differ from them in the last digits, within the same bounds.
//!
//! Largest errors, in units in the last place, of `f32` and `f64` (`tests/ulp.rs` holds them to it):
//!
//! | | `f32` | `f64` | | `f32` | `f64` |
//! |---|---|---|---|---|---|
//! | exp, exp2 | 1 | 1 | tanh, sigmoid | 2.5 | 3 |
//! | exp_m1 | 1.5 | 2 | softplus | 2 | 3 |
//! | ln | 1 | 1 | sin, cos | 2 | 2 |
//! | ln_1p | 1.5 | 2 | erf | 2 | 3 |
//! | log2, log10 | 2 | 2 | erfc | 5 | 6 |
//!
//! NaN, infinities, zeros with their signs, subnormal arguments and results, and the edges of overflow
//! are as they should be; NaN gives NaN.

#![allow(unsafe_code, reason = "calls functions compiled for an instruction set that was detected")]

pub mod erf;
pub mod exp;
mod few;
pub mod log;
pub mod real;
pub mod trig;

use self::few::Few;
use self::real::{Formulas, Real, Scalar};
use self::trig::Trig;

pub use super::level::Level;

/// Elements that go through a formula together: 64 bytes and more, a full vector anywhere.
pub const BLOCK: usize = 16;

/// A formula, as a type, so that each loop is compiled with its formula inside.
pub trait Formula {
    /// The value at `x`.
    fn at<R: Formulas>(x: R) -> R;
}

/// The loop, to be compiled anew in each function below. What does not fill a last block is done with the
/// elements before it once more, or padded with zeros where there are too few.
///
/// # Safety
/// The processor has the level of `M`.
#[inline(always)]
unsafe fn each<F: Formula, T: Scalar, R: Formulas + From<T> + Into<T>, M: Few>(x: &[T], out: &mut [T]) {
    let n = x.len().min(out.len());
    let mut start = 0;
    while start < n {
        start = start.min(n.saturating_sub(BLOCK));
        match (x[start..].first_chunk(), out[start..].first_chunk_mut()) {
            (Some(x), Some(out)) => block::<F, T, R>(x, out),
            _ => {
                // SAFETY: as the caller says.
                let x = unsafe { M::load(&x[..n]) };
                let mut y = [T::default(); BLOCK];
                block::<F, T, R>(&x, &mut y);
                // SAFETY: likewise.
                unsafe { M::store(&y, &mut out[..n]) };
            }
        }
        start += BLOCK;
    }
}

#[inline(always)]
fn block<F: Formula, T: Scalar, R: Formulas + From<T> + Into<T>>(x: &[T; BLOCK], out: &mut [T; BLOCK]) {
    for (&x, out) in x.iter().zip(out) {
        *out = F::at(R::from(x)).into();
    }
}

fn portable<F: Formula, T: Scalar>(x: &[T], out: &mut [T]) {
    // Where the target is sure to have it, fused is faster and more exact; else it is a slow call.
    if cfg!(any(target_feature = "fma", target_arch = "aarch64")) {
        // SAFETY: any processor has this level.
        unsafe { each::<F, T, T::Fused, few::Pieces>(x, out) }
    } else {
        // SAFETY: likewise.
        unsafe { each::<F, T, T::Plain, few::Pieces>(x, out) }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<F: Formula, T: Scalar>(x: &[T], out: &mut [T]) {
    // SAFETY: this function is only called where the processor has the level.
    unsafe { each::<F, T, T::Fused, few::Avx2>(x, out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
fn avx512<F: Formula, T: Scalar>(x: &[T], out: &mut [T]) {
    // SAFETY: likewise.
    unsafe { each::<F, T, T::Fused, few::Avx512>(x, out) }
}

/// `out = f(x)` element by element, as far as both reach, at the given level.
#[inline]
pub fn map<F: Formula, T: Scalar>(level: Level, x: &[T], out: &mut [T]) {
    match level {
        Level::Portable => portable::<F, T>(x, out),
        // SAFETY: a `Level` is one that this processor has.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { avx2::<F, T>(x, out) },
        // SAFETY: likewise.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { avx512::<F, T>(x, out) },
    }
}

macro_rules! formulas {
    ($($(#[$doc:meta])* $type:ident = $formula:path;)*) => {$(
        $(#[$doc])*
        pub struct $type;

        impl Formula for $type {
            #[inline(always)]
            fn at<R: Formulas>(x: R) -> R {
                $formula(x)
            }
        }
    )*};
}

formulas! {
    /// eˣ.
    Exp = exp::exp;
    /// 2ˣ.
    Exp2 = exp::exp2;
    /// eˣ - 1.
    ExpM1 = exp::exp_m1;
    /// 1 / (1 + e^-x).
    Sigmoid = exp::sigmoid;
    /// The hyperbolic tangent.
    Tanh = exp::tanh;
    /// ln x.
    Ln = log::ln;
    /// log₂ x.
    Log2 = log::log2;
    /// log₁₀ x.
    Log10 = log::log10;
    /// ln(1 + x).
    Ln1p = log::ln_1p;
    /// ln(1 + eˣ).
    Softplus = log::softplus;
    /// The sine for |x| ≤ [`Trig::FAR`].
    NearSin = trig::sin;
    /// The cosine for |x| ≤ [`Trig::FAR`].
    NearCos = trig::cos;
    /// The error function.
    Erf = erf::erf;
    /// 1 - erf x.
    Erfc = erf::erfc;
}

/// The sine, anywhere; otherwise as [`map`].
pub fn sin<T: Scalar>(level: Level, x: &[T], out: &mut [T]) {
    map::<NearSin, T>(level, x, out);
    far(x, out, T::sin);
}

/// The cosine, anywhere; otherwise as [`map`].
pub fn cos<T: Scalar>(level: Level, x: &[T], out: &mut [T]) {
    map::<NearCos, T>(level, x, out);
    far(x, out, T::cos);
}

/// Takes `f` for arguments beyond [`Trig::FAR`]: rare, so looked for first in a loop that is all vector.
fn far<T: Scalar>(x: &[T], out: &mut [T], f: fn(T) -> T) {
    let limit: T = T::Plain::of(T::Plain::FAR).into();
    if x.iter().fold(false, |any, x| any | (x.abs() > limit)) {
        for (&x, out) in x.iter().zip(out) {
            if x.abs() > limit {
                *out = f(x);
            }
        }
    }
}

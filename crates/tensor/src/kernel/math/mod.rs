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
pub mod log;
pub mod real;
pub mod trig;

use self::real::{Formulas, Real, Scalar};
use self::trig::Trig;
use super::level::Set;

pub use super::level::Level;

/// Elements that go through a formula together: 64 bytes and more, a full vector anywhere.
pub const BLOCK: usize = 16;

/// A formula, as a type, so that each loop is compiled with its formula inside.
pub trait Formula {
    /// The value at `x`.
    fn at<R: Formulas>(x: R) -> R;
}

type Blocks<'a, T> = (&'a [[T; BLOCK]], &'a mut [[T; BLOCK]]);

/// The loop, to be compiled anew in each function below.
#[inline(always)]
fn each<F: Formula, T: Scalar, R: Formulas + From<T> + Into<T>>((x, out): Blocks<T>) {
    for (x, out) in x.iter().zip(out) {
        for (&x, out) in x.iter().zip(out) {
            *out = F::at(R::from(x)).into();
        }
    }
}

fn portable<F: Formula, T: Scalar>(blocks: Blocks<T>) {
    // Where the target is sure to have it, fused is faster and more exact; else it is a slow call.
    if cfg!(any(target_feature = "fma", target_arch = "aarch64")) {
        each::<F, T, T::Fused>(blocks)
    } else {
        each::<F, T, T::Plain>(blocks)
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<F: Formula, T: Scalar>(blocks: Blocks<T>) {
    each::<F, T, T::Fused>(blocks)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
fn avx512<F: Formula, T: Scalar>(blocks: Blocks<T>) {
    each::<F, T, T::Fused>(blocks)
}

/// The loop of a level.
fn blocks<F: Formula, T: Scalar>(level: Level, blocks: Blocks<T>) {
    match level.0 {
        Set::Portable => portable::<F, T>(blocks),
        // SAFETY: a `Level` is one that this processor has.
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 => unsafe { avx2::<F, T>(blocks) },
        // SAFETY: likewise.
        #[cfg(target_arch = "x86_64")]
        Set::Avx512 => unsafe { avx512::<F, T>(blocks) },
    }
}

/// `out = f(x)` element by element, as far as both reach, at the given level.
pub fn map<F: Formula, T: Scalar>(level: Level, x: &[T], out: &mut [T]) {
    let n = x.len().min(out.len());
    let (x, out) = (&x[..n], &mut out[..n]);
    blocks::<F, T>(level, (x.as_chunks().0, out.as_chunks_mut().0));
    if n.is_multiple_of(BLOCK) {
        return;
    }
    // The last block overlaps the one before it, or is padded where there is none.
    if let (Some(x), Some(out)) = (x.last_chunk(), out.last_chunk_mut()) {
        blocks::<F, T>(level, (std::slice::from_ref(x), std::slice::from_mut(out)));
    } else {
        let (mut padded, mut result) = ([T::default(); BLOCK], [T::default(); BLOCK]);
        copy_few(x, &mut padded);
        blocks::<F, T>(level, (std::slice::from_ref(&padded), std::slice::from_mut(&mut result)));
        copy_few(&result, out);
    }
}

/// Copies as many elements as both have, fewer than [`BLOCK`], by moves of fixed sizes: a call to copy
/// memory would take longer than the formula.
fn copy_few<T: Scalar>(from: &[T], to: &mut [T]) {
    fn piece<T: Scalar, const N: usize>(n: usize, at: &mut usize, from: &[T], to: &mut [T]) {
        if n & N == 0 {
            return;
        }
        let end = *at + N;
        to[*at..end].copy_from_slice(&from[*at..end]);
        *at = end;
    }
    let (n, at) = (from.len().min(to.len()), &mut 0);
    piece::<T, 8>(n, at, from, to);
    piece::<T, 4>(n, at, from, to);
    piece::<T, 2>(n, at, from, to);
    piece::<T, 1>(n, at, from, to);
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

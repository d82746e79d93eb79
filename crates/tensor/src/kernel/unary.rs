//! Elementwise functions of one operand, slices to a slice. Unless said, the result has the operand's dtype.
//!
//! A NaN gives a NaN. Outside a function's domain the result is NaN, at a pole an infinity.

use num_traits::AsPrimitive;

use crate::error::Result;
use crate::kernel::level::levels;
use crate::kernel::loops::{dtype, each1, map1, whole1};
use crate::kernel::math::Level;
pub(crate) use crate::kernel::number::Number;
use crate::kernel::{math, special, with_float, with_number};
use crate::view::{Data, DataMut};

macro_rules! functions {
    ($loop:ident, $with:ident, $needs:literal: $($(#[$doc:meta])* $name:ident = |$x:ident| $y:expr;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        #[doc = concat!("Where the dtype is not ", $needs, ", or the result does not fit.")]
        pub fn $name(x: &[Data], out: DataMut) -> Result<()> {
            let op = stringify!($name);
            $with!(op, dtype(op, x)?, T => $loop(op, x, out, |$x: T| $y))
        }
    )*};
}

functions! { map1, with_number, "one of numbers":
    /// -x; integers wrap.
    neg = |x| x.negated();
    /// |x|; integers wrap.
    abs = |x| x.magnitude();
    /// -1, 0 or 1, as x is negative, zero or positive.
    sign = |x| Number::sign(x);
    /// x²; integers wrap.
    square = |x| x.times(x);
}

functions! { map1, with_float, "a float":
    /// 1 / x.
    recip = |x| x.recip();
    /// Square root.
    sqrt = |x| x.sqrt();
    /// 1 / √x.
    rsqrt = |x| x.sqrt().recip();

    /// The largest integer not above x.
    floor = |x| x.floor();
    /// The smallest integer not below x.
    ceil = |x| x.ceil();
    /// The nearest integer, the even one of two.
    round = |x| x.round_ties_even();
    /// The integer part.
    trunc = |x| x.trunc();

    /// Whether x is not a number. The result is `bool`.
    is_nan = |x| x.is_nan();
    /// Whether x is ∞ or -∞. The result is `bool`.
    is_inf = |x| x.is_infinite();
    /// Whether x is neither infinite nor NaN. The result is `bool`.
    is_finite = |x| x.is_finite();
}

functions! { each1, with_float, "a float":
    /// Tangent, of radians.
    tan = |x| x.tan();
    /// Inverse sine, in radians.
    asin = |x| x.asin();
    /// Inverse cosine, in radians.
    acos = |x| x.acos();
    /// Inverse tangent, in radians.
    atan = |x| x.atan();
    /// Hyperbolic sine.
    sinh = |x| x.sinh();
    /// Hyperbolic cosine.
    cosh = |x| x.cosh();
    // The standard library's inverse hyperbolic functions lose digits near the ends of their domains.
    /// Inverse hyperbolic sine.
    asinh = |x| libm::asinh(x as f64) as T;
    /// Inverse hyperbolic cosine.
    acosh = |x| libm::acosh(x as f64) as T;
    /// Inverse hyperbolic tangent.
    atanh = |x| libm::atanh(x as f64) as T;

    /// The inverse of the error function, on (-1, 1).
    erfinv = |x| special::erfinv(x as f64) as T;
    /// ln |Γ(x)|.
    lgamma = |x| special::lgamma(x as f64) as T;
    /// ψ(x) = Γ'(x) / Γ(x).
    digamma = |x| special::digamma(x as f64) as T;
}

/// Functions with a vector loop in [`math`].
macro_rules! vectors {
    ($($(#[$doc:meta])* $name:ident = $map:expr;)*) => {$(
        $(#[$doc])*
        ///
        /// Errors of rounding are bounded in [`math`].
        ///
        /// # Errors
        /// Where the dtype is not a float, or the result does not fit.
        pub fn $name(x: &[Data], out: DataMut) -> Result<()> {
            let op = stringify!($name);
            with_float!(op, dtype(op, x)?, T => whole1::<T, T>(op, x, out, |x, out| $map(Level::best(), x, out)))
        }
    )*};
}

vectors! {
    /// e^x.
    exp = math::map::<math::Exp, _>;
    /// 2^x.
    exp2 = math::map::<math::Exp2, _>;
    /// e^x - 1, exact to the last digits near 0.
    exp_m1 = math::map::<math::ExpM1, _>;
    /// Natural logarithm.
    ln = math::map::<math::Ln, _>;
    /// ln(1 + x), exact to the last digits near 0.
    ln_1p = math::map::<math::Ln1p, _>;
    /// Logarithm to base 2.
    log2 = math::map::<math::Log2, _>;
    /// Logarithm to base 10.
    log10 = math::map::<math::Log10, _>;
    /// Sine, of radians.
    sin = math::sin;
    /// Cosine, of radians.
    cos = math::cos;
    /// Hyperbolic tangent.
    tanh = math::map::<math::Tanh, _>;
    /// The logistic function 1 / (1 + e^-x), written so that no exponential overflows.
    sigmoid = math::map::<math::Sigmoid, _>;
    /// ln(1 + e^x), written so that no exponential overflows.
    softplus = math::map::<math::Softplus, _>;
    /// The error function, 2/√π ∫₀ˣ e^-t² dt.
    erf = math::map::<math::Erf, _>;
    /// 1 - erf x, exact to the last digits for large x.
    erfc = math::map::<math::Erfc, _>;
}

/// ψ⁽ⁿ⁾(x), the derivative of [`digamma`] of order `n`.
///
/// # Errors
/// Where the dtype is not a float, or the result does not fit.
pub fn polygamma(n: u32, x: &[Data], out: DataMut) -> Result<()> {
    let op = "polygamma";
    with_float!(op, dtype(op, x)?, T => each1(op, x, out, |x: T| -> T { special::polygamma(n, x.as_()).as_() }))
}

/// xⁿ by repeated squaring.
///
/// # Errors
/// Where the dtype is not a float, or the result does not fit.
pub fn powi(n: i32, x: &[Data], out: DataMut) -> Result<()> {
    let op = "powi";
    // The commonest are loops of their own, of the same products.
    with_float!(op, dtype(op, x)?, T => match n {
        2 => map1(op, x, out, |x: T| x * x),
        3 => map1(op, x, out, |x: T| x * (x * x)),
        _ => whole1::<T, T>(op, x, out, |x, out| powers(n, x, out)),
    })
}

levels! {
    /// Powers of many x at once: all have the same exponent.
    fn powers[T: num_traits::Float](n: i32, x: &[T], out: &mut [T]) {
        const MANY: usize = 64;
        let mut square = [T::one(); MANY];
        for (x, out) in x.chunks(MANY).zip(out.chunks_mut(MANY)) {
            let square = &mut square[..x.len()];
            square.copy_from_slice(x);
            out.fill(T::one());
            let mut bits = n.unsigned_abs();
            while bits != 0 {
                if bits & 1 != 0 {
                    out.iter_mut().zip(&*square).for_each(|(y, &s)| *y = *y * s);
                }
                bits >>= 1;
                if bits != 0 {
                    square.iter_mut().for_each(|s| *s = *s * *s);
                }
            }
            if n < 0 {
                out.iter_mut().for_each(|y| *y = y.recip());
            }
        }
    }
}

/// Not x, of truth values.
///
/// # Errors
/// Where the dtype is not `bool`, or the result does not fit.
pub fn logical_not(x: &[Data], out: DataMut) -> Result<()> {
    map1("logical_not", x, out, |x: bool| !x)
}

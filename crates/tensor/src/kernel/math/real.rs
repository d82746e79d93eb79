//! The numbers that formulas are written in: `f32` or `f64`, with or without fused multiply-add.
//!
//! A formula generic over [`Real`] has no branches, only operators, choices between two values that
//! are both computed, and the tricks with bits below, so a loop over it compiles to vectors.
//!
//! Nothing here rounds differently in a vector than alone: every operation is the IEEE one, and
//! whether products are fused is fixed by the type, never left to the compiler.

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::dtype::Element;

/// One number in the lane of a vector; `FUSED` says whether [`Real::mul_add`] rounds once or twice.
#[derive(Clone, Copy, PartialEq)]
pub struct Lane<T, const FUSED: bool>(pub T);

/// An element type that has formulas.
pub trait Scalar: Element + num_traits::Float + Into<f64> {
    /// This type with multiply-add fused.
    type Fused: Formulas + From<Self> + Into<Self>;
    /// This type without.
    type Plain: Formulas + From<Self> + Into<Self>;
}

/// What formulas need of every kind: their arithmetic and their coefficients.
pub trait Formulas: super::exp::Exp + super::log::Log + super::trig::Trig + super::erf::Erf {}

impl<R: super::exp::Exp + super::log::Log + super::trig::Trig + super::erf::Erf> Formulas for R {}

/// The arithmetic of formulas.
pub trait Real:
    Copy
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// 1.5 · 2ᵐ for a fraction of m bits: a number added to it is rounded to the nearest integer, and
    /// that integer stands in the lowest bits of the sum.
    const MAGIC: f64;
    /// The smallest number with a full fraction.
    const TINY: f64;
    /// Scales a number below `TINY` to a full fraction: a power of two.
    const LIFT: f64;
    /// The exponent of `LIFT`.
    const LIFT_EXPONENT: f64;

    /// The constant nearest to `x`.
    fn of(x: f64) -> Self;
    /// self · a + b.
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// self², as its rounded value and what rounding took away.
    fn exact_square(self) -> (Self, Self);
    /// |self|.
    fn abs(self) -> Self;
    /// |self| with the sign of `sign`.
    fn copysign(self, sign: Self) -> Self;
    /// 2ⁿ of n + `MAGIC`, where 2ⁿ has a full fraction.
    fn power(self) -> Self;
    /// Two powers of two whose product is 2ⁿ, of n + `MAGIC`, for any n that a result can need.
    fn powers(self) -> (Self, Self);
    /// k and m with self = 2ᵏ m and √½ ≤ m < √2, for a positive number with a full fraction.
    fn split(self) -> (Self, Self);
    /// Whether n is odd, of n + `MAGIC`.
    fn is_odd(self) -> bool;
    /// `x`, negated where the second lowest bit of n is set, of n + `MAGIC`.
    fn flip(self, x: Self) -> Self;

    /// Σ cᵢ selfⁱ, by Horner's rule.
    #[inline(always)]
    fn polynomial(self, coefficients: &'static [f64]) -> Self {
        let (&last, rest) = coefficients.split_last().unwrap_or((&0.0, &[]));
        rest.iter().rev().fold(Self::of(last), |sum, &c| sum.mul_add(self, Self::of(c)))
    }

    /// The nearest number in [low, high]; a NaN stays.
    #[inline(always)]
    fn clamp(self, low: f64, high: f64) -> Self {
        let x = if self < Self::of(low) { Self::of(low) } else { self };
        if x > Self::of(high) { Self::of(high) } else { x }
    }
}

macro_rules! operators {
    ($t:ident: $($trait:ident $method:ident $op:tt),*) => {$(
        impl<const FUSED: bool> $trait for Lane<$t, FUSED> {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self(self.0 $op other.0)
            }
        }
    )*};
}

macro_rules! real {
    ($t:ident, $bits:ident, veltkamp $veltkamp:literal, lift $lift:literal) => {
        operators!($t: Add add +, Sub sub -, Mul mul *, Div div /);

        impl<const FUSED: bool> Neg for Lane<$t, FUSED> {
            type Output = Self;

            #[inline(always)]
            fn neg(self) -> Self {
                Self(-self.0)
            }
        }

        // Every relation directly: by way of an `Ordering` it would not become a mask.
        impl<const FUSED: bool> PartialOrd for Lane<$t, FUSED> {
            #[inline(always)]
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                self.0.partial_cmp(&other.0)
            }

            #[inline(always)]
            fn lt(&self, other: &Self) -> bool {
                self.0 < other.0
            }

            #[inline(always)]
            fn le(&self, other: &Self) -> bool {
                self.0 <= other.0
            }

            #[inline(always)]
            fn gt(&self, other: &Self) -> bool {
                self.0 > other.0
            }

            #[inline(always)]
            fn ge(&self, other: &Self) -> bool {
                self.0 >= other.0
            }
        }

        impl<const FUSED: bool> From<$t> for Lane<$t, FUSED> {
            #[inline(always)]
            fn from(x: $t) -> Self {
                Self(x)
            }
        }

        impl<const FUSED: bool> From<Lane<$t, FUSED>> for $t {
            #[inline(always)]
            fn from(x: Lane<$t, FUSED>) -> $t {
                x.0
            }
        }

        impl Scalar for $t {
            type Fused = Lane<$t, true>;
            type Plain = Lane<$t, false>;
        }

        impl<const FUSED: bool> Real for Lane<$t, FUSED> {
            const MAGIC: f64 = 1.5 * (1u64 << FRACTION) as f64;
            const TINY: f64 = $t::MIN_POSITIVE as f64;
            const LIFT: f64 = (1u64 << $lift) as f64;
            const LIFT_EXPONENT: f64 = $lift as f64;

            #[inline(always)]
            fn of(x: f64) -> Self {
                Self(x as $t)
            }

            #[inline(always)]
            fn mul_add(self, a: Self, b: Self) -> Self {
                if FUSED { Self(self.0.mul_add(a.0, b.0)) } else { self * a + b }
            }

            #[inline(always)]
            fn exact_square(self) -> (Self, Self) {
                let square = self * self;
                if FUSED {
                    return (square, self.mul_add(self, -square));
                }
                // T. J. Dekker, "A floating-point technique for extending the available precision"
                // (1971): halves of few enough bits have exact products.
                let c = self * Self($veltkamp);
                let high = c - (c - self);
                let low = self - high;
                (square, ((high * high - square) + (high + high) * low) + low * low)
            }

            #[inline(always)]
            fn abs(self) -> Self {
                Self(self.0.abs())
            }

            #[inline(always)]
            fn copysign(self, sign: Self) -> Self {
                Self(self.0.copysign(sign.0))
            }

            #[inline(always)]
            fn power(self) -> Self {
                Self($t::from_bits((self.0.to_bits() << FRACTION).wrapping_add(ONE)))
            }

            #[inline(always)]
            fn powers(self) -> (Self, Self) {
                // Both exponents' biases added beforehand keep every integer here positive.
                let n = self.0.to_bits().wrapping_sub((Self::MAGIC as $t).to_bits() - 2 * BIAS);
                let half = n >> 1;
                let of = |exponent: $bits| Self($t::from_bits(exponent << FRACTION));
                (of(half), of(n.wrapping_sub(half)))
            }

            #[inline(always)]
            fn split(self) -> (Self, Self) {
                let moved = self.0.to_bits().wrapping_add(ONE - ROOT);
                // An integer becomes a float by standing in the lowest bits of one.
                let shift = (1u64 << FRACTION) as $t;
                let k = $t::from_bits((moved >> FRACTION) | shift.to_bits()) - (shift + BIAS as $t);
                (Self(k), Self($t::from_bits((moved & ((1 << FRACTION) - 1)) + ROOT)))
            }

            #[inline(always)]
            fn is_odd(self) -> bool {
                self.0.to_bits() & 1 != 0
            }

            #[inline(always)]
            fn flip(self, x: Self) -> Self {
                let sign = (self.0.to_bits() << ($bits::BITS - 2)) & (1 << ($bits::BITS - 1));
                Self($t::from_bits(x.0.to_bits() ^ sign))
            }
        }
    };
}

mod single {
    use super::*;

    const FRACTION: u32 = f32::MANTISSA_DIGITS - 1;
    const BIAS: u32 = 127;
    const ONE: u32 = 1f32.to_bits();
    const ROOT: u32 = std::f32::consts::FRAC_1_SQRT_2.to_bits();

    real!(f32, u32, veltkamp 4097.0, lift 24);
}

mod double {
    use super::*;

    const FRACTION: u32 = f64::MANTISSA_DIGITS - 1;
    const BIAS: u64 = 1023;
    const ONE: u64 = 1f64.to_bits();
    const ROOT: u64 = std::f64::consts::FRAC_1_SQRT_2.to_bits();

    real!(f64, u64, veltkamp 134217729.0, lift 54);
}

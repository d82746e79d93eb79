//! What every numeric element type can do, in one vocabulary for floats and integers.
//!
//! Integers wrap instead of panicking, and comparisons let a NaN through: of two numbers of which
//! one is NaN, both the larger and the smaller are NaN.

use crate::dtype::Element;

/// `f32`, `f64` or `i64`.
pub(crate) trait Number: Element {
    const ZERO: Self;
    const ONE: Self;
    /// Below or equal to every number: the maximum of none.
    const LOWEST: Self;
    /// Above or equal to every number: the minimum of none.
    const HIGHEST: Self;

    fn negated(self) -> Self;
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
    fn magnitude(self) -> Self;
    /// -1, 0 or 1; NaN of NaN.
    fn sign(self) -> Self;
    /// Whether this is a float that is not a number.
    fn undefined(self) -> bool;

    fn larger(self, other: Self) -> Self {
        if self > other || self.undefined() { self } else { other }
    }

    fn smaller(self, other: Self) -> Self {
        if self < other || self.undefined() { self } else { other }
    }
}

macro_rules! float_number {
    ($($t:ty),*) => {$(
        impl Number for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const LOWEST: Self = Self::NEG_INFINITY;
            const HIGHEST: Self = Self::INFINITY;

            fn negated(self) -> Self { -self }
            fn plus(self, other: Self) -> Self { self + other }
            fn minus(self, other: Self) -> Self { self - other }
            fn times(self, other: Self) -> Self { self * other }
            fn magnitude(self) -> Self { self.abs() }
            fn sign(self) -> Self { if self == 0.0 { 0.0 } else { self.signum() } }
            fn undefined(self) -> bool { self.is_nan() }
        }
    )*};
}

float_number!(f32, f64);

impl Number for i64 {
    const ZERO: Self = 0;
    const ONE: Self = 1;
    const LOWEST: Self = Self::MIN;
    const HIGHEST: Self = Self::MAX;

    fn negated(self) -> Self {
        self.wrapping_neg()
    }

    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }

    fn minus(self, other: Self) -> Self {
        self.wrapping_sub(other)
    }

    fn times(self, other: Self) -> Self {
        self.wrapping_mul(other)
    }

    fn magnitude(self) -> Self {
        self.wrapping_abs()
    }

    fn sign(self) -> Self {
        self.signum()
    }

    fn undefined(self) -> bool {
        false
    }
}

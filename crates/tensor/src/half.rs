//! Numbers of half precision, [`Bf16`] and [`F16`]: two bytes in storage, and no arithmetic of their own.
//!
//! Always true: every value converts to `f32` exactly, and a number converts to the value nearest to it, of two equally
//! near ones to that with an even last bit, from any type in one rounding. Whoever computes does it in `f32`.

use std::cmp::Ordering;
use std::fmt;

macro_rules! halves {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Default)]
        #[repr(transparent)]
        pub struct $name(u16);

        impl $name {
            /// The value of these bits.
            pub const fn from_bits(bits: u16) -> Self {
                Self(bits)
            }

            /// The bits.
            pub const fn to_bits(self) -> u16 {
                self.0
            }

            /// The value nearest to a number: see [`from_f32`](Self::from_f32).
            pub fn from_f64(x: f64) -> Self {
                Self::from_f32(to_odd(x))
            }

            /// The value as an `f64`, exactly.
            pub fn to_f64(self) -> f64 {
                self.to_f32().into()
            }
        }

        impl From<$name> for f32 {
            fn from(x: $name) -> Self {
                x.to_f32()
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.to_f32() == other.to_f32()
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                self.to_f32().partial_cmp(&other.to_f32())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.to_f32().fmt(f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.to_f32().fmt(f)
            }
        }
    )*};
}

halves! {
    /// A bfloat16: the upper half of an `f32`, with its range and 8 significant bits.
    ///
    /// ```
    /// use wengert_tensor::Bf16;
    /// assert_eq!(f32::from(Bf16::from_f32(3.14159)), 3.140625);
    /// assert_eq!(Bf16::from_f32(1e38).to_f32(), 9.98418e37);
    /// ```
    #[doc(alias = "bfloat16")]
    Bf16;
    /// An IEEE 754 binary16: 11 significant bits, up to 65504; its least positive value is 2^-24.
    ///
    /// ```
    /// use wengert_tensor::F16;
    /// assert_eq!(f32::from(F16::from_f32(3.14159)), 3.140625);
    /// assert_eq!(F16::from_f32(1e5).to_f32(), f32::INFINITY);
    /// ```
    #[doc(alias("float16", "half"))]
    F16;
}

impl Bf16 {
    /// The value nearest to a number, of two equally near ones the even one: an infinity beyond the largest. NaN stays NaN.
    #[inline(always)]
    pub fn from_f32(x: f32) -> Self {
        let bits = x.to_bits();
        let rounded = bits.wrapping_add(0x7FFF + (bits >> 16 & 1)) >> 16;
        // A NaN's first bit is set, for it must not become an infinity where the others are cut off.
        Self(if x.is_nan() { bits >> 16 | 0x40 } else { rounded } as u16)
    }

    /// The value, exactly.
    #[inline(always)]
    pub fn to_f32(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }
}

impl F16 {
    /// The value nearest to a number, of two equally near ones the even one: an infinity beyond the largest. NaN stays NaN.
    #[inline(always)]
    pub fn from_f32(x: f32) -> Self {
        let (sign, size) = (x.to_bits() >> 16 & 0x8000, x.to_bits() & 0x7FFF_FFFF);
        // The exponent counts from another number; a carry out of the fraction goes on into it, up to infinity.
        let normal = size.wrapping_add(0x0FFF + (size >> 13 & 1)).wrapping_sub(112 << 23) >> 13;
        // Beside a half, an f32's last bit is 2^-24, as that of all small values here: the sum is rounded as they are to be.
        let small = (f32::from_bits(size) + 0.5).to_bits().wrapping_sub(0.5f32.to_bits());
        let large = if size > 0x7F80_0000 { 0x7E00 | size >> 13 & 0x1FF } else { 0x7C00 };
        let value = if size < 113 << 23 { small } else { normal };
        Self((sign | if size >= 143 << 23 { large } else { value }) as u16)
    }

    /// The value, exactly.
    #[inline(always)]
    pub fn to_f32(self) -> f32 {
        let (sign, size) = (u32::from(self.0 & 0x8000) << 16, u32::from(self.0 & 0x7FFF));
        let small = (size as f32 * 2f32.powi(-24)).to_bits();
        let normal = (size << 13) + (112 << 23);
        let value = if size < 0x400 { small } else { normal };
        f32::from_bits(sign | if size >= 0x7C00 { normal + (112 << 23) } else { value })
    }
}

/// One of the two `f32` around a number: itself, or the one whose last bit is set. Rounding it again, to fewer bits, is
/// then as rounding the number (S. Boldo and G. Melquiond, "Emulation of a FMA and correctly rounded sums: proved algorithms
/// using rounding to odd", IEEE Transactions on Computers 57(4), 2008).
pub(crate) fn to_odd(x: f64) -> f32 {
    let near = x as f32;
    let (bits, back) = (near.to_bits(), f64::from(near));
    if back == x || x.is_nan() || bits & 1 == 1 {
        return near;
    }
    f32::from_bits(if back.abs() < x.abs() { bits + 1 } else { bits - 1 })
}

/// An integer as [`to_odd`] makes it of a real number.
pub(crate) fn integer_to_odd(x: i64) -> f32 {
    let (size, cut) = (x.unsigned_abs(), 0x7FF);
    // What an f64 cannot hold leaves its mark on the last bit that it holds.
    let odd = if size >> 53 != 0 && size & cut != 0 { size & !cut | (cut + 1) } else { size };
    to_odd(if x < 0 { -(odd as f64) } else { odd as f64 })
}

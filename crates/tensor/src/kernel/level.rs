//! Loops compiled for several instruction sets, of which the processor's best runs.
//!
//! A loop over plain slices is written once; `levels!` compiles it for every [`Level`] with all that it
//! calls inside, and the compiler makes vectors of it. No intrinsics are used. A `Level` is only ever one
//! that this processor has, so calling a loop by it is sound.
//!
//! What a loop computes is the same at every level: Rust fuses or reorders no arithmetic by itself.

use std::sync::atomic::{AtomicU8, Ordering};

/// An instruction set that loops are compiled for, and that this processor has: outside of this crate levels
/// come from here alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What every processor of the target has.
    #[non_exhaustive]
    Portable = 1,
    /// AVX2 with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    #[non_exhaustive]
    Avx2 = 2,
    /// AVX-512 with its instructions for bytes, `f64` integers and short vectors.
    #[cfg(target_arch = "x86_64")]
    #[non_exhaustive]
    Avx512 = 3,
}

/// The best level as its number, or 0 before anybody asked.
static BEST: AtomicU8 = AtomicU8::new(0);

impl Level {
    /// What every processor of the target has.
    pub const PORTABLE: Self = Self::Portable;

    /// Each has the instructions of those before it, and its place as its number.
    const ALL: &[Self] = &[
        Self::PORTABLE,
        #[cfg(target_arch = "x86_64")]
        Self::Avx2,
        #[cfg(target_arch = "x86_64")]
        Self::Avx512,
    ];

    /// The best level of this processor.
    #[inline]
    pub fn best() -> Self {
        match BEST.load(Ordering::Relaxed) {
            #[cfg(target_arch = "x86_64")]
            3 => Self::Avx512,
            #[cfg(target_arch = "x86_64")]
            2 => Self::Avx2,
            1 => Self::Portable,
            _ => Self::detect(),
        }
    }

    /// The levels of this processor, the best last.
    pub fn available() -> &'static [Self] {
        &Self::ALL[..Self::best() as usize]
    }

    #[cold]
    fn detect() -> Self {
        let best = found();
        BEST.store(best as u8, Ordering::Relaxed);
        best
    }
}

#[cfg(target_arch = "x86_64")]
fn found() -> Level {
    if !(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")) {
        return Level::Portable;
    }
    let wide = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    if wide { Level::Avx512 } else { Level::Avx2 }
}

#[cfg(not(target_arch = "x86_64"))]
fn found() -> Level {
    Level::Portable
}

/// Defines `fn name<generics>(arguments)`, written with brackets around the generics, whose body is compiled
/// for every level and runs at the best. What it calls must be inlined to be part of that: a short closure is, a long
/// function only where it is `#[inline(always)]` and its caller is no closure.
macro_rules! levels {
    ($(#[$doc:meta])* $vis:vis fn $name:ident[$($generics:tt)*]($($arg:ident: $ty:ty),* $(,)?) $body:block) => {
        $(#[$doc])*
        #[allow(unsafe_code, reason = "calls functions compiled for an instruction set that was detected")]
        $vis fn $name<$($generics)*>($($arg: $ty),*) {
            #[inline(always)]
            fn portable<$($generics)*>($($arg: $ty),*) $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2<$($generics)*>($($arg: $ty),*) {
                portable($($arg),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
            fn avx512<$($generics)*>($($arg: $ty),*) {
                portable($($arg),*)
            }

            match $crate::kernel::level::Level::best() {
                $crate::kernel::level::Level::Portable => portable($($arg),*),
                // SAFETY: a `Level` is one that this processor has.
                #[cfg(target_arch = "x86_64")]
                $crate::kernel::level::Level::Avx2 => unsafe { avx2($($arg),*) },
                // SAFETY: likewise.
                #[cfg(target_arch = "x86_64")]
                $crate::kernel::level::Level::Avx512 => unsafe { avx512($($arg),*) },
            }
        }
    };
}

pub(super) use levels;

//! The inner loop of every convolution: a sum of outer products whose operands are found through tables.
//!
//! ```text
//! c[j, l] = sum over q of p[po[q] + l] b[base[j] + bo[q]]
//! ```
//!
//! l runs over some full vectors, j over as many places as leave all sums in registers. So an operand
//! is read where it is, be it a window of an image or a packed panel, and nothing like a matrix of
//! windows is ever written. Every sum is one chain in the order of q, so its bits do not depend on how
//! many are computed side by side.

#![allow(unsafe_code, reason = "vector instructions, and operands that are found through tables")]
#![allow(clippy::needless_range_loop, reason = "loops over registers, of which there are so many")]

use std::cell::RefCell;

use super::scratch::{Borrower, Kept, lend};
use super::simd::Simd;
use super::winograd::Winograd;
use super::{Problem, transpose};
use crate::error::Result;
use crate::kernel::gemm::Entry;
use crate::kernel::math::Level;

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};

/// What a tile is made of.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a, T> {
    /// The vectors' operand, and where in it the vectors of term q start.
    pub p: (&'a [T], &'a [usize]),
    /// The numbers' operand, and where in it those of term q are from.
    pub b: (&'a [T], &'a [usize]),
}

type Kernel<T> = unsafe fn(Terms<T>, *const usize, *mut T, bool);

/// Tiles of one instruction set: of `V` vectors by so many places, for V = 1, 2, ...
pub(super) struct Tiles<T: 'static> {
    /// Elements of a vector.
    pub lanes: usize,
    /// Transposes as many rows of as many elements, and fewer.
    pub block: transpose::Block<T>,
    pub part: transpose::Block<T>,
    kernels: &'static [(usize, Kernel<T>)],
    /// Tiles for few places: of so many vectors by 1, 2, 3 and 4 places.
    narrow: [(usize, Kernel<T>); 4],
}

impl<T: Copy> Tiles<T> {
    /// The most vectors that a tile has.
    pub fn widest(&self) -> usize {
        self.kernels.len()
    }

    /// The places of a tile of `vectors` vectors.
    pub fn places(&self, vectors: usize) -> usize {
        self.kernels[vectors - 1].0
    }

    /// For all places: `c[j, ..] = ` or, unless `first`, `+=` the sum of `terms`. The places are a
    /// multiple of [`places`](Self::places), and `c` holds `vectors` full vectors for each.
    pub fn run(&self, vectors: usize, terms: Terms<T>, base: &[usize], c: &mut [T], first: bool) {
        let (places, kernel) = self.kernels[vectors - 1];
        self.run_by(kernel, [vectors, places], terms, base, c, first);
    }

    /// The vectors of a tile of so few places, 1 to 4.
    pub fn vectors(&self, places: usize) -> usize {
        self.narrow[places - 1].0
    }

    /// As [`run`](Self::run), where a tile has `places` places, and [so many](Self::vectors) vectors.
    pub fn run_narrow(&self, places: usize, terms: Terms<T>, base: &[usize], c: &mut [T], first: bool) {
        let (vectors, kernel) = self.narrow[places - 1];
        self.run_by(kernel, [vectors, places], terms, base, c, first);
    }

    fn run_by(
        &self,
        kernel: Kernel<T>,
        [vectors, places]: [usize; 2],
        terms: Terms<T>,
        base: &[usize],
        c: &mut [T],
        first: bool,
    ) {
        let size = vectors * self.lanes;
        assert!(
            terms.p.1.len() == terms.b.1.len() && base.len().is_multiple_of(places) && c.len() >= base.len() * size
        );
        let farthest = |places: &[usize]| places.iter().copied().max().unwrap_or(0);
        if terms.p.1.is_empty() || base.is_empty() {
            return;
        }
        assert!(farthest(terms.p.1) + size <= terms.p.0.len());
        assert!(farthest(terms.b.1) + farthest(base) < terms.b.0.len());
        for (base, c) in base.chunks_exact(places).zip(c.chunks_exact_mut(places * size)) {
            // SAFETY: the table is of a level that the processor has; by the assertions the tables lead
            // into the operands, and the tile has room in `c`.
            unsafe { kernel(terms, base.as_ptr(), c.as_mut_ptr(), first) }
        }
    }
}

/// # Safety
/// As [`Tiles::run`] asserts, for `J` places; the processor has the vectors.
#[inline(always)]
unsafe fn tile<S: Simd, const V: usize, const J: usize>(
    terms: Terms<S::Item>,
    base: *const usize,
    c: *mut S::Item,
    first: bool,
) {
    let ((p, po), (b, bo)) = (terms.p, terms.b);
    let (p, po, b, bo, n) = (p.as_ptr(), po.as_ptr(), b.as_ptr(), bo.as_ptr(), bo.len());
    // SAFETY: as said above.
    unsafe {
        let zero = S::zero();
        let mut from = [b; J];
        for j in 0..J {
            from[j] = b.add(*base.add(j));
        }
        let mut sums = [[zero; V]; J];
        for q in 0..n {
            let (p, b) = (p.add(*po.add(q)), *bo.add(q));
            let mut vectors = [zero; V];
            for v in 0..V {
                vectors[v] = S::load(p.add(v * S::LANES));
            }
            for j in 0..J {
                let number = S::splat(*from[j].add(b));
                for v in 0..V {
                    sums[j][v] = sums[j][v].plus_product(number, vectors[v]);
                }
            }
        }
        for j in 0..J {
            for v in 0..V {
                let c = c.add((j * V + v) * S::LANES);
                if first { sums[j][v].store(c) } else { S::load(c).plus(sums[j][v]).store(c) }
            }
        }
    }
}

macro_rules! level {
    ($level:ident $(, $features:literal)?) => {
        mod $level {
            use super::*;

            /// # Safety
            /// As [`tile`](super::tile).
            $(#[target_feature(enable = $features)])?
            pub unsafe fn tile<S: Simd, const V: usize, const J: usize>(
                terms: Terms<S::Item>,
                base: *const usize,
                c: *mut S::Item,
                first: bool,
            ) {
                // SAFETY: passed on.
                unsafe { super::tile::<S, V, J>(terms, base, c, first) }
            }

            /// # Safety
            /// As [`transpose::block`].
            $(#[target_feature(enable = $features)])?
            pub unsafe fn block<S: Simd, const LANES: usize, const FULL: bool>(
                from: (*const S::Item, usize),
                to: (*mut S::Item, usize),
                sizes: [usize; 2],
            ) {
                // SAFETY: passed on.
                unsafe { transpose::block::<S, LANES, FULL>(from, to, sizes) }
            }
        }
    };
}

level!(portable);
#[cfg(target_arch = "x86_64")]
level!(avx2, "avx2,fma");
#[cfg(target_arch = "x86_64")]
level!(avx512, "avx2,fma,avx512f,avx512dq,avx512vl");

/// Floats that are convolved.
pub(super) trait Float: Entry {
    /// The tiles of the best level of this processor.
    fn tiles() -> &'static Tiles<Self>;

    /// Lends `f` scratch of this thread: so many numbers and places, of any value.
    ///
    /// # Errors
    /// Where there is not so much memory, and those of `f`.
    fn scratch(numbers: usize, places: usize, f: &mut Borrower<Self>) -> Result<()>;

    /// The convolution by fewer products, where type and shapes have it: whether `out` was filled.
    ///
    /// # Errors
    /// Where there is not so much memory.
    fn by_fewer_products(problem: &Problem<Self>, out: &mut [Self]) -> Result<bool>;
}

macro_rules! float {
    ($t:ty, $portable:ty, $avx2:ty, $avx512:ty, $by_fewer_products:expr) => {
        impl Float for $t {
            fn by_fewer_products(problem: &Problem<Self>, out: &mut [Self]) -> Result<bool> {
                $by_fewer_products(problem, out)
            }

            fn scratch(numbers: usize, places: usize, f: &mut Borrower<Self>) -> Result<()> {
                thread_local! {
                    static KEPT: Kept<$t> = const { RefCell::new(Vec::new()) };
                }
                KEPT.with(|kept| lend(kept, numbers, places, f))
            }

            fn tiles() -> &'static Tiles<Self> {
                match Level::best() {
                    Level::Portable => &Tiles {
                        lanes: <$portable>::LANES,
                        block: portable::block::<$portable, { <$portable>::LANES }, true>,
                        part: portable::block::<$portable, { <$portable>::LANES }, false>,
                        narrow: [
                            (6, portable::tile::<$portable, 6, 1>),
                            (4, portable::tile::<$portable, 4, 2>),
                            (3, portable::tile::<$portable, 3, 3>),
                            (2, portable::tile::<$portable, 2, 4>),
                        ],
                        kernels: &[(8, portable::tile::<$portable, 1, 8>), (6, portable::tile::<$portable, 2, 6>)],
                    },
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2 => &Tiles {
                        lanes: <$avx2>::LANES,
                        block: avx2::block::<$avx2, { <$avx2>::LANES }, true>,
                        part: avx2::block::<$avx2, { <$avx2>::LANES }, false>,
                        narrow: [
                            (8, avx2::tile::<$avx2, 8, 1>),
                            (4, avx2::tile::<$avx2, 4, 2>),
                            (3, avx2::tile::<$avx2, 3, 3>),
                            (2, avx2::tile::<$avx2, 2, 4>),
                        ],
                        kernels: &[(8, avx2::tile::<$avx2, 1, 8>), (6, avx2::tile::<$avx2, 2, 6>)],
                    },
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 => &Tiles {
                        lanes: <$avx512>::LANES,
                        block: avx512::block::<$avx512, { <$avx512>::LANES }, true>,
                        part: avx512::block::<$avx512, { <$avx512>::LANES }, false>,
                        narrow: [
                            (8, avx512::tile::<$avx512, 8, 1>),
                            (8, avx512::tile::<$avx512, 8, 2>),
                            (6, avx512::tile::<$avx512, 6, 3>),
                            (4, avx512::tile::<$avx512, 4, 4>),
                        ],
                        kernels: &[
                            (10, avx512::tile::<$avx512, 1, 10>),
                            (8, avx512::tile::<$avx512, 2, 8>),
                            (8, avx512::tile::<$avx512, 3, 8>),
                            (6, avx512::tile::<$avx512, 4, 6>),
                        ],
                    },
                }
            }
        }
    };
}

float!(f32, [f32; 4], __m256, __m512, |problem, out| match Winograd::of(problem) {
    Some(winograd) => winograd.run(out).map(|()| true),
    None => Ok(false),
});
float!(f64, [f64; 2], __m256d, __m512d, |_, _| Ok(false));

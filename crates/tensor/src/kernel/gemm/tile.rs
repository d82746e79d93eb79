//! The inner loops of a product: one tile of the result, held in registers while its sums grow.
//!
//! A tile has as many rows as [`Kernel::tiles`] knows at most and two registers of columns. For every term of the sum a
//! row of y is loaded and multiplied by the numbers of a column of x, each in all lanes: so x may have
//! any strides, y's rows must be contiguous, and each element is one chain of multiply-adds in the
//! order of k, whatever tile it is in.

#![allow(unsafe_code, reason = "loops over pointers, compiled for an instruction set that was detected")]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};

use super::lanes::{Lanes, Plain};
use super::{Entry, vector};
use crate::kernel::math::Level;

/// One tile: `c = a b`, or `c += a b` where `add`.
#[derive(Clone, Copy)]
pub(super) struct Tile<T> {
    /// Terms of every sum.
    pub k: usize,
    /// The first element of `a`, the distance between its rows and that between its columns.
    pub a: *const T,
    pub a_row: isize,
    pub a_step: isize,
    /// The first element of `b`, and the distance between its rows.
    pub b: *const T,
    pub b_step: isize,
    /// The first element of `c`, and the distance between its rows.
    pub c: *mut T,
    pub c_row: usize,
    /// Columns of `b` and `c`.
    pub columns: usize,
    pub add: bool,
    /// Whether `c` is to be asked for before it is written, because it may be in no near cache.
    pub fetch: bool,
}

/// Computes a tile, of a number of rows and of registers that is the function's own.
pub(super) type TileFn<T> = unsafe fn(&Tile<T>);

/// Writes a matrix's rows one after another. The arguments are the first element, the distances between rows and
/// between columns, how many of these there are, and where to.
pub(super) type Pack<T> = unsafe fn(*const T, [isize; 2], [usize; 2], *mut T);

/// The inner loops of one instruction set.
pub(super) struct Kernel<T: 'static> {
    /// Lanes of a register.
    pub lanes: usize,
    /// By rows and registers, both less one. Its length is the most rows that a tile may have.
    pub tiles: &'static [[TileFn<T>; 2]],
    pub pack: Pack<T>,
    /// A matrix whose rows are contiguous, by a vector.
    pub dots: unsafe fn(&vector::Job<T>),
    /// A matrix whose columns are contiguous, by a vector.
    pub columns: unsafe fn(&vector::Job<T>),
}

#[inline(always)]
unsafe fn tile<V: Lanes, const M: usize, const W: usize>(job: &Tile<V::T>) {
    // SAFETY: the caller promises the instruction set, and that `M` rows and so many columns of more
    // than `W - 1` registers and at most `W` are good to read in `a` and `b` and to write in `c`.
    unsafe {
        let before = (W - 1) * V::LEN;
        let last = V::first(job.columns - before);
        let mut sums = [[V::zero(); W]; M];
        let (mut a, mut b) = (job.a, job.b);
        if job.fetch {
            // By the time that the sums are ready.
            for i in 0..M {
                V::prefetch(job.c.add(i * job.c_row));
                V::prefetch(job.c.add(i * job.c_row + before));
            }
        }
        for _ in 0..job.k {
            let mut row = [V::load_first(b.add(before), last); W];
            for w in 0..W - 1 {
                row[w] = V::load(b.add(w * V::LEN));
            }
            for i in 0..M {
                let x = V::splat(*a.offset(i as isize * job.a_row));
                for w in 0..W {
                    sums[i][w] = x.mul_add(row[w], sums[i][w]);
                }
            }
            a = a.wrapping_offset(job.a_step);
            b = b.wrapping_offset(job.b_step);
        }
        for i in 0..M {
            let c = job.c.add(i * job.c_row);
            for w in 0..W - 1 {
                let c = c.add(w * V::LEN);
                let sum = if job.add { V::load(c).plus(sums[i][w]) } else { sums[i][w] };
                sum.store(c);
            }
            let (c, sum) = (c.add(before), sums[i][W - 1]);
            let sum = if job.add { V::load_first(c, last).plus(sum) } else { sum };
            sum.store_first(c, last);
        }
    }
}

#[inline(always)]
unsafe fn pack<V: Lanes>(from: *const V::T, steps: [isize; 2], [rows, columns]: [usize; 2], to: *mut V::T) {
    // SAFETY: the caller promises the instruction set, the elements at `from`, and room for them at `to`.
    unsafe {
        let from = |i: usize, j: usize| from.offset(i as isize * steps[0] + j as isize * steps[1]);
        let to = |i: usize, j: usize| to.add(i * columns + j);
        if steps[1] == 1 {
            for j in (0..columns).step_by(V::LEN) {
                let mask = V::first(columns - j);
                for i in 0..rows {
                    V::load_first(from(i, j), mask).store_first(to(i, j), mask);
                }
            }
            return;
        }
        // What the blocks of a transpose cover, and the rest one by one.
        let whole = |n: usize| if steps[0] == 1 { n - n % V::BLOCK } else { 0 };
        for j in (0..whole(columns)).step_by(V::BLOCK) {
            for i in (0..whole(rows)).step_by(V::BLOCK) {
                V::transpose(from(i, j), steps[1], to(i, j), columns);
            }
        }
        for j in 0..columns {
            for i in if j < whole(columns) { whole(rows) } else { 0 }..rows {
                *to(i, j) = *from(i, j);
            }
        }
    }
}

/// A level: its functions, compiled with its instructions, and the kernel made of them for a kind of register.
macro_rules! level {
    ($(#[$cfg:meta])* $name:ident $(with #[$features:meta])?: rows $($rows:literal)*) => {
        $(#[$cfg])*
        mod $name {
            use super::{Kernel, Lanes, Tile, TileFn, vector};

            $(#[$features])?
            unsafe fn tile<V: Lanes, const M: usize, const W: usize>(job: &Tile<V::T>) {
                // SAFETY: the caller promises what the loop needs; so below.
                unsafe { super::tile::<V, M, W>(job) }
            }

            $(#[$features])?
            unsafe fn pack<V: Lanes>(from: *const V::T, steps: [isize; 2], sizes: [usize; 2], to: *mut V::T) {
                // SAFETY: as above.
                unsafe { super::pack::<V>(from, steps, sizes, to) }
            }

            $(#[$features])?
            unsafe fn dots<V: Lanes, const U: usize>(job: &vector::Job<V::T>) {
                // SAFETY: as above.
                unsafe { vector::dots::<V, U>(job) }
            }

            $(#[$features])?
            unsafe fn columns<V: Lanes>(job: &vector::Job<V::T>) {
                // SAFETY: as above.
                unsafe { vector::columns::<V>(job) }
            }

            /// Tiles are of `V`, dot products of `U` registers `D`.
            pub(super) const fn kernel<V: Lanes, D: Lanes<T = V::T>, const U: usize>() -> Kernel<V::T> {
                assert!(U * D::LEN == vector::LANES);
                Kernel {
                    lanes: V::LEN,
                    tiles: const { &[$([tile::<V, $rows, 1> as TileFn<V::T>, tile::<V, $rows, 2>]),*] },
                    pack: pack::<V>,
                    dots: dots::<D, U>,
                    columns: columns::<V>,
                }
            }
        }
    };
}

// The sums of a tile, two registers of y, one of x and a mask are all that the sixteen registers of AVX2 hold.
level! { portable: rows 1 2 3 4 }

level! {
    #[cfg(target_arch = "x86_64")]
    avx2 with #[target_feature(enable = "avx2,fma")]: rows 1 2 3 4 5
}

level! {
    #[cfg(target_arch = "x86_64")]
    avx512 with #[target_feature(enable = "avx2,fma,avx512f,avx512dq,avx512vl")]: rows 1 2 3 4 5 6 7 8
}

/// Numbers that have kernels.
pub(crate) trait Float: Entry {
    /// The kernel of a level, to be used only where the processor has that.
    fn kernel(level: Level) -> &'static Kernel<Self>;
}

macro_rules! float {
    ($t:ty: $($level:ident $kernel:ident $(if $arch:literal)? = $v:ty, $u:literal of $d:ty;)*) => {
        impl Float for $t {
            fn kernel(level: Level) -> &'static Kernel<Self> {
                match level {
                    $($(#[cfg(target_arch = $arch)])? Level::$level => const { &$kernel::kernel::<$v, $d, $u>() },)*
                }
            }
        }
    };
}

/// Lanes of `f64`: registers are of two, and where there are 32 of them a tile has two in place of each.
const WIDE: usize = if cfg!(target_arch = "aarch64") { 4 } else { 2 };

float! { f32:
    Portable portable = Plain<f32, { 2 * WIDE }>, 2 of Plain<f32, 4>;
    Avx2 avx2 if "x86_64" = __m256, 1 of __m256;
    Avx512 avx512 if "x86_64" = __m512, 1 of __m256;
}

float! { f64:
    Portable portable = Plain<f64, WIDE>, 4 of Plain<f64, 2>;
    Avx2 avx2 if "x86_64" = __m256d, 2 of __m256d;
    Avx512 avx512 if "x86_64" = __m512d, 1 of __m512d;
}

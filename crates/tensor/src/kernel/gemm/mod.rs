//! One matrix product, `out = x y` or `out += x y`, by the path that suits its size.
//!
//! The path is chosen by the sizes alone, never by strides, and on each path an element of the
//! result is a sum in one fixed order, so a transposed or broadcast operand gives the same bits as a
//! copy of it. Operands are read in place, whatever their strides.
//!
//! The path of matrices is in `blocked`, over the loops in `tile`; that of vectors in `vector`; the
//! registers of an instruction set are in `lanes`. A sum of one term is the product alone, as elementwise
//! multiplication has it. With u = 2⁻²⁴ for `f32` and 2⁻⁵³ for `f64`, an element's error is at most about
//! (min(k, 256) + k / 256) u times the sum of the terms' magnitudes.

#![allow(unsafe_code, reason = "calls loops compiled for an instruction set that was detected")]
#![allow(clippy::needless_range_loop, reason = "an index names a row or a register, in several arrays at once")]

mod blocked;
mod lanes;
mod scratch;
#[cfg(test)]
mod tests;
mod tile;
mod vector;

use std::ops::Range;

use self::tile::{Float, Kernel};
pub(super) use self::vector::{LANES as PARTS, pairwise};
use crate::dtype::Element;
use crate::error::{Error, Result};
use crate::kernel::math::Level;
use crate::kernel::unary::Number;

/// A matrix in storage. Every index within its sizes leads into its data.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matrix<'a, T> {
    data: &'a [T],
    start: usize,
    sizes: [usize; 2],
    strides: [isize; 2],
}

impl<'a, T: Copy> Matrix<'a, T> {
    /// The matrix of `sizes` whose first element is `data[start]`.
    ///
    /// # Errors
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) where it reaches outside `data`.
    // A result that is not inlined is written to memory and read back in other widths: dear for tiny products.
    #[inline(always)]
    pub fn new(data: &'a [T], start: usize, sizes: [usize; 2], strides: [isize; 2]) -> Result<Self> {
        // Saturated where they overflow, places are outside too.
        let far = [0, 1].map(|axis| (sizes[axis].saturating_sub(1) as isize).saturating_mul(strides[axis]));
        let low = (start as isize).saturating_add(far[0].min(0)).saturating_add(far[1].min(0));
        let high = (start as isize).saturating_add(far[0].max(0)).saturating_add(far[1].max(0));
        if (low < 0 || high >= data.len() as isize) && !sizes.contains(&0) {
            return Err(outside(data.len(), sizes, strides));
        }
        Ok(Self { data, start, sizes, strides })
    }

    /// The transpose.
    pub fn t(self) -> Self {
        let ([m, n], [rs, cs]) = (self.sizes, self.strides);
        Self { sizes: [n, m], strides: [cs, rs], ..self }
    }

    /// Some of the columns.
    pub fn columns(self, range: Range<usize>) -> Self {
        let start = if range.is_empty() { self.start } else { self.place(0, range.start) };
        Self { start, sizes: [self.sizes[0], range.len()], ..self }
    }

    /// Some of the rows.
    pub fn rows(self, range: Range<usize>) -> Self {
        self.t().columns(range).t()
    }

    /// The first element.
    fn first(&self) -> *const T {
        self.pointer(0, 0)
    }

    /// Rows and columns.
    pub fn sizes(&self) -> [usize; 2] {
        self.sizes
    }

    fn place(&self, i: usize, j: usize) -> usize {
        (self.start as isize + i as isize * self.strides[0] + j as isize * self.strides[1]) as usize
    }

    fn at(&self, i: usize, j: usize) -> T {
        self.data[self.place(i, j)]
    }

    /// Where an element is; not to be read outside the sizes.
    fn pointer(&self, i: usize, j: usize) -> *const T {
        self.data.as_ptr().wrapping_add(self.place(i, j))
    }
}

#[cold]
#[inline(never)]
fn misfit([m, k]: [usize; 2], [k2, n]: [usize; 2], len: usize) -> Error {
    Error::shape(format!("matmul: [{m}, {k}] x [{k2}, {n}] into {len} elements"))
}

#[cold]
#[inline(never)]
fn outside(len: usize, sizes: [usize; 2], strides: [isize; 2]) -> Error {
    Error::index(format!("matrix: {sizes:?} by strides {strides:?} in {len} elements"))
}

/// Numbers that matrices are multiplied of.
pub(crate) trait Entry: Number + Element {
    /// [`Path::product`], where the sizes fit and none is 0.
    fn product(path: Path, x: &Matrix<Self>, y: &Matrix<Self>, out: &mut [Self], ld: usize, add: bool) -> Result<()>;
}

macro_rules! entry {
    ($($t:ty),*) => {$(
        impl Entry for $t {
            #[inline(always)]
            fn product(
                path: Path,
                x: &Matrix<$t>,
                y: &Matrix<$t>,
                out: &mut [$t],
                ld: usize,
                add: bool,
            ) -> Result<()> {
                product(path, Self::kernel(Level::best()), x, y, out, ld, add)
            }
        }
    )*};
}

entry!(f32, f64);

impl Entry for i64 {
    fn product(_: Path, x: &Matrix<i64>, y: &Matrix<i64>, out: &mut [i64], ld: usize, add: bool) -> Result<()> {
        let ([m, k], n) = (x.sizes, y.sizes[1]);
        for (i, out) in out.chunks_mut(ld).take(m).enumerate() {
            let out = &mut out[..n];
            if !add {
                out.fill(0);
            }
            for p in 0..k {
                let a = x.at(i, p);
                out.iter_mut().enumerate().for_each(|(j, out)| *out = out.plus(a.times(y.at(p, j))));
            }
        }
        Ok(())
    }
}

/// How a product of floats is computed: the order in which terms are added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Path {
    /// Dot products in parts, where one operand is a vector.
    Vector,
    /// Chains of terms, in blocks where they are long.
    Blocked,
}

impl Path {
    /// The path for [m, k] x [k, n].
    pub fn of(m: usize, k: usize, n: usize) -> Self {
        if (m == 1 || n == 1) && k >= vector::LANES { Self::Vector } else { Self::Blocked }
    }

    /// `out = x y` this way. Row `i` of the result starts at `out[i * ld]`.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where the sizes do not fit,
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory) where there is none to pack an operand in.
    #[inline(always)]
    pub fn product<T: Entry>(self, x: Matrix<T>, y: Matrix<T>, out: &mut [T], ld: usize) -> Result<()> {
        self.compute(x, y, out, ld, false)
    }

    /// `out += x y` this way, otherwise as [`product`](Self::product).
    ///
    /// # Errors
    /// As [`product`](Self::product).
    pub fn add_product<T: Entry>(self, x: Matrix<T>, y: Matrix<T>, out: &mut [T], ld: usize) -> Result<()> {
        self.compute(x, y, out, ld, true)
    }

    #[inline(always)]
    fn compute<T: Entry>(self, x: Matrix<T>, y: Matrix<T>, out: &mut [T], ld: usize, add: bool) -> Result<()> {
        let ([m, k], [k2, n]) = (x.sizes, y.sizes);
        if m == 0 || n == 0 {
            return Ok(());
        }
        let needed = (m - 1).checked_mul(ld).and_then(|rows| rows.checked_add(n));
        if k != k2 || n > ld || needed.is_none_or(|needed| needed > out.len()) {
            return Err(misfit(x.sizes, y.sizes, out.len()));
        }
        if k == 0 {
            if !add {
                out.chunks_mut(ld).take(m).for_each(|row| row[..n].fill(T::default()));
            }
            return Ok(());
        }
        if k == 1 && !add {
            outer(&x, &y, out, ld);
            return Ok(());
        }
        T::product(self, &x, &y, out, ld, add)
    }
}

/// A column by a row: products alone, not added to 0, so that they are those of elementwise multiplication.
#[inline(never)]
fn outer<T: Entry>(x: &Matrix<T>, y: &Matrix<T>, out: &mut [T], ld: usize) {
    let n = y.sizes[1];
    for (i, out) in out.chunks_mut(ld).take(x.sizes[0]).enumerate() {
        let a = x.at(i, 0);
        match y.strides[1] {
            1 => out[..n].iter_mut().zip(&y.data[y.start..][..n]).for_each(|(out, &b)| *out = a.times(b)),
            _ => out[..n].iter_mut().enumerate().for_each(|(j, out)| *out = a.times(y.at(0, j))),
        }
    }
}

/// [`Entry::product`] by a kernel that this processor has.
#[inline(always)]
fn product<T: Float>(
    path: Path,
    kernel: &Kernel<T>,
    x: &Matrix<T>,
    y: &Matrix<T>,
    out: &mut [T],
    ld: usize,
    add: bool,
) -> Result<()> {
    let ([m, k], [k2, n]) = (x.sizes, y.sizes);
    assert!(k == k2 && k > 0 && m > 0 && 0 < n && n <= ld && (m - 1) * ld + n <= out.len());
    let out = out.as_mut_ptr();
    // SAFETY: `out` was borrowed mutably and, as just asserted, has the rows and columns of the
    // product; a `Matrix` reaches only into its data. The caller chose the kernel for this processor.
    unsafe {
        match path {
            Path::Vector if n == 1 => vector::product(kernel, *x, y.t(), (out, ld), add),
            Path::Vector if m == 1 => vector::product(kernel, y.t(), *x, (out, 1), add),
            _ => {
                let out = blocked::Rows { first: out, step: ld };
                blocked::product(kernel, &blocked::Product { x, y, out, add })
            }
        }
    }
}

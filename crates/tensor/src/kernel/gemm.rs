//! One matrix product, `out = x y` or `out += x y`, by the path that suits its size.
//!
//! The path is chosen by the sizes alone, never by strides, and on each path an element of the
//! result is a sum in one fixed order, so a transposed or broadcast operand gives the same bits as a
//! copy of it. Operands are read in place, whatever their strides.

#![allow(unsafe_code, reason = "calls a matrix product that takes pointers")]

use std::ops::Range;

use crate::dtype::Element;
use crate::error::{Error, Result};
use crate::kernel::unary::Number;
use crate::storage::Buffer;

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
    pub fn new(data: &'a [T], start: usize, sizes: [usize; 2], strides: [isize; 2]) -> Result<Self> {
        let far = |axis: usize| sizes[axis].saturating_sub(1) as i128 * strides[axis] as i128;
        let low = start as i128 + far(0).min(0) + far(1).min(0);
        let high = start as i128 + far(0).max(0) + far(1).max(0);
        if !sizes.contains(&0) && (low < 0 || high >= data.len() as i128) {
            let len = data.len();
            return Err(Error::index(format!("matrix: {sizes:?} by strides {strides:?} in {len} elements")));
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

    fn place(&self, i: usize, j: usize) -> usize {
        (self.start as isize + i as isize * self.strides[0] + j as isize * self.strides[1]) as usize
    }

    fn at(&self, i: usize, j: usize) -> T {
        self.data[self.place(i, j)]
    }

    /// Part of row `i` as a slice, where columns are neighbours.
    fn row(&self, i: usize, columns: Range<usize>) -> Option<&'a [T]> {
        let start = self.place(i, columns.start);
        (self.strides[1] == 1).then(|| &self.data[start..start + columns.len()])
    }
}

/// Numbers that matrices are multiplied of.
pub(crate) trait Entry: Number + Element {
    /// `out += x y` for large operands. Row `i` of the result starts at `out[i * ld]`.
    fn gemm(x: Matrix<Self>, y: Matrix<Self>, out: &mut [Self], ld: usize);
}

macro_rules! entry {
    ($($t:ty: $gemm:ident),*) => {$(
        impl Entry for $t {
            fn gemm(x: Matrix<Self>, y: Matrix<Self>, out: &mut [Self], ld: usize) {
                let ([m, k], n) = (x.sizes, y.sizes[1]);
                assert!(y.sizes[0] == k && n <= ld && (m == 0 || (m - 1) * ld + n <= out.len()));
                if m == 0 || k == 0 || n == 0 {
                    return;
                }
                let (a, b) = (&x.data[x.start], &y.data[y.start]);
                // SAFETY: both operands are not empty, so `a` and `b` are their first elements, and
                // a `Matrix` reaches only into its data. The result's rows lie within `out` and do
                // not overlap, by the assertion above; `out` is borrowed mutably, so no operand
                // aliases it.
                unsafe {
                    matrixmultiply::$gemm(
                        m, k, n, 1.0,
                        std::ptr::from_ref(a), x.strides[0], x.strides[1],
                        std::ptr::from_ref(b), y.strides[0], y.strides[1],
                        1.0, out.as_mut_ptr(), ld as isize, 1,
                    );
                }
            }
        }
    )*};
}

entry!(f32: sgemm, f64: dgemm);

impl Entry for i64 {
    fn gemm(x: Matrix<Self>, y: Matrix<Self>, out: &mut [Self], ld: usize) {
        plain(x, y, out, ld);
    }
}

/// How a product is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Path {
    /// Three loops, for products too small to be worth packing.
    Plain,
    /// Dot products, where one operand is a vector.
    Vector,
    /// The blocked, packed product.
    Blocked,
}

impl Path {
    /// The path for [m, k] x [k, n].
    pub fn of(m: usize, k: usize, n: usize) -> Self {
        /// About where packing starts to pay: 16 x 16 x 16.
        const PLAIN: usize = 4096;
        if m.saturating_mul(k).saturating_mul(n) <= PLAIN {
            Self::Plain
        } else if m == 1 || n == 1 {
            Self::Vector
        } else {
            Self::Blocked
        }
    }

    /// `out += x y` this way. Row `i` of the result starts at `out[i * ld]`.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where the sizes do not fit,
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory) where a broadcast vector is too long to write out.
    pub fn add_product<T: Entry>(self, x: Matrix<T>, y: Matrix<T>, out: &mut [T], ld: usize) -> Result<()> {
        let ([m, k], [k2, n]) = (x.sizes, y.sizes);
        if m == 0 || n == 0 {
            return Ok(());
        }
        let needed = (m - 1).checked_mul(ld).and_then(|rows| rows.checked_add(n));
        if k != k2 || n > ld || needed.is_none_or(|needed| needed > out.len()) {
            let len = out.len();
            return Err(Error::shape(format!("matmul: [{m}, {k}] x [{k2}, {n}] into {len} elements")));
        }
        match self {
            Self::Plain => plain(x, y, out, ld),
            Self::Vector if n == 1 => add_dots(x, y.t(), out, ld)?,
            Self::Vector if m == 1 => add_dots(y.t(), x, out, 1)?,
            _ => T::gemm(x, y, out, ld),
        }
        Ok(())
    }
}

/// `out += x y`, every element added up in the order of k.
fn plain<T: Entry>(x: Matrix<T>, y: Matrix<T>, out: &mut [T], ld: usize) {
    let ([m, k], n) = (x.sizes, y.sizes[1]);
    for (i, out) in out.chunks_mut(ld).take(m).enumerate() {
        let out = &mut out[..n];
        for p in 0..k {
            let a = x.at(i, p);
            match y.row(p, 0..n) {
                Some(row) => out.iter_mut().zip(row).for_each(|(out, &b)| *out = out.plus(a.times(b))),
                None => out.iter_mut().enumerate().for_each(|(j, out)| *out = out.plus(a.times(y.at(p, j)))),
            }
        }
    }
}

/// Partial sums of a dot product: term p belongs to sum p mod LANES, and the sums are added pairwise.
const LANES: usize = 8;

/// Rows whose dot products are computed side by side where the matrix's columns are contiguous.
const TILE: usize = 16;

/// `out[i * step] +=` row i of `a` times the row vector `v`.
fn add_dots<T: Entry>(a: Matrix<T>, v: Matrix<T>, out: &mut [T], step: usize) -> Result<()> {
    let [m, k] = a.sizes;
    // Broadcast or strided vectors are gathered once: they are read again for every row.
    let mut gathered: Buffer<T>;
    let v = match v.row(0, 0..k) {
        Some(v) => v,
        None => {
            gathered = Buffer::zeros(k)?;
            gathered.iter_mut().enumerate().for_each(|(p, x)| *x = v.at(0, p));
            &gathered
        }
    };
    let columns = a.t();
    let mut i = 0;
    while i < m {
        let tile = if a.strides[1] != 1 && a.strides[0] == 1 { TILE.min(m - i) } else { 1 };
        if tile == TILE {
            let mut sums = [[T::default(); TILE]; LANES];
            for (p, &v) in v.iter().enumerate() {
                let column = columns.row(p, i..i + TILE).unwrap_or_default();
                sums[p % LANES].iter_mut().zip(column).for_each(|(sum, &a)| *sum = sum.plus(a.times(v)));
            }
            for r in 0..TILE {
                out[(i + r) * step] = out[(i + r) * step].plus(pairwise(sums.map(|lane| lane[r])));
            }
        } else {
            for i in i..i + tile {
                out[i * step] = out[i * step].plus(dot(a, i, v));
            }
        }
        i += tile;
    }
    Ok(())
}

fn dot<T: Entry>(a: Matrix<T>, i: usize, v: &[T]) -> T {
    let mut sums = [T::default(); LANES];
    if let Some(row) = a.row(i, 0..v.len()) {
        let (rows, vs) = (row.chunks_exact(LANES), v.chunks_exact(LANES));
        let rest = rows.remainder().iter().zip(vs.remainder());
        for (row, v) in rows.zip(vs) {
            for l in 0..LANES {
                sums[l] = sums[l].plus(row[l].times(v[l]));
            }
        }
        rest.zip(&mut sums).for_each(|((&a, &v), sum)| *sum = sum.plus(a.times(v)));
    } else {
        for (p, &v) in v.iter().enumerate() {
            sums[p % LANES] = sums[p % LANES].plus(a.at(i, p).times(v));
        }
    }
    pairwise(sums)
}

fn pairwise<T: Number>(s: [T; LANES]) -> T {
    let [a, b, c, d] = [s[0].plus(s[4]), s[1].plus(s[5]), s[2].plus(s[6]), s[3].plus(s[7])];
    a.plus(c).plus(b.plus(d))
}

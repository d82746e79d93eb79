//! What the kernels share: matrices read from strided operands, and one loop over the batch.
//!
//! Operands are copied to row-major order first, so results have the same bits for every layout.

use faer::MatRef;
use faer::traits::RealField;
use wengert_tensor::kernel::each::rows;
use wengert_tensor::{Element, Error, Result, View, ViewMut};

/// The numbers that both Wengert and faer compute with: `f32` and `f64`.
pub trait Real: Element + RealField {
    const NAN: Self;
    const INFINITY: Self;
    /// From a count or an index, which it can hold up to 2^24 at least.
    fn from_index(i: usize) -> Self;
    /// Back from [`from_index`](Self::from_index).
    fn to_index(self) -> usize;
    fn is_finite(self) -> bool;
    fn abs(self) -> Self;
    fn ln(self) -> Self;
}

macro_rules! real {
    ($($t:ty),*) => {$(
        impl Real for $t {
            const NAN: Self = <$t>::NAN;
            const INFINITY: Self = <$t>::INFINITY;
            fn from_index(i: usize) -> Self {
                i as $t
            }
            fn to_index(self) -> usize {
                self as usize
            }
            fn is_finite(self) -> bool {
                <$t>::is_finite(self)
            }
            fn abs(self) -> Self {
                <$t>::abs(self)
            }
            fn ln(self) -> Self {
                <$t>::ln(self)
            }
        }
    )*};
}

real!(f32, f64);

/// Runs `$body` with `$t` naming the float type of dtype `$dtype`.
macro_rules! with_real {
    ($op:expr, $dtype:expr, $t:ident => $body:expr) => {
        match $dtype {
            wengert_tensor::DType::F32 => {
                type $t = f32;
                $body
            }
            wengert_tensor::DType::F64 => {
                type $t = f64;
                $body
            }
            other => Err(wengert_tensor::Error::dtype(format!("{}: expected a float dtype, got {other}", $op))),
        }
    };
}
pub(crate) use with_real;

/// Nothing, or what is wrong with one matrix as the end of a sentence: "is singular".
pub type Checked = std::result::Result<(), String>;

/// What is done with the operands' matrices at one place of a batch, to fill that part of the result.
pub type One<'f, T, const N: usize> = &'f mut dyn FnMut([MatRef<'_, T>; N], &mut [T]) -> Checked;

/// Calls `one` for every place of a batch.
///
/// # Errors
/// What `one` finds wrong, with the place in the batch.
pub fn each<T: Real, const N: usize>(op: &str, x: [View; N], out: ViewMut, one: One<'_, T, N>) -> Result<()> {
    let shapes = x.map(|x| x.shape());
    let lead = shapes[0].rank().saturating_sub(2);
    if let Some(wrong) = shapes.iter().find(|shape| shape.rank() != lead + 2) {
        return Err(Error::shape(format!("{op}: {wrong} are no matrices of a batch with {lead} axes")));
    }
    let batch: usize = shapes[0][..lead].iter().product();
    let mut dense: [Vec<T>; N] = std::array::from_fn(|_| Vec::new());
    for (dense, x) in dense.iter_mut().zip(x) {
        let x = x.typed::<T>(op)?;
        dense.reserve_exact(x.layout.numel());
        rows(x.layout.shape(), [x.layout.strides()], [x.layout.offset()], |row| dense.extend(row.of(0, x.data)));
    }
    let out = out.typed::<T>(op)?;
    if out.is_empty() || batch == 0 {
        return Ok(());
    }
    let part = out.len() / batch;
    for (i, out) in out.chunks_exact_mut(part).enumerate() {
        let matrix = |k: usize| {
            let (m, n) = (shapes[k][lead], shapes[k][lead + 1]);
            MatRef::from_row_major_slice(&dense[k][i * m * n..(i + 1) * m * n], m, n)
        };
        one(std::array::from_fn(matrix), out).map_err(|fault| {
            let which = if lead == 0 { "the matrix".to_string() } else { format!("matrix {i} of the batch") };
            Error::value(format!("{op}: {which} {fault}"))
        })?;
    }
    Ok(())
}

/// The elements of a matrix, row by row, to the front of `out`; returns the rest of it.
pub fn write<'a, T: Real>(x: MatRef<'_, T>, out: &'a mut [T]) -> &'a mut [T] {
    let (front, rest) = out.split_at_mut(x.nrows() * x.ncols());
    let index = (0..x.nrows()).flat_map(|i| (0..x.ncols()).map(move |j| (i, j)));
    front.iter_mut().zip(index).for_each(|(out, (i, j))| *out = x[(i, j)]);
    rest
}

/// A fault unless all elements are finite: iterations would not end well.
pub fn finite<T: Real>(x: MatRef<'_, T>) -> Checked {
    let all = (0..x.ncols()).all(|j| (0..x.nrows()).all(|i| x[(i, j)].is_finite()));
    if all { Ok(()) } else { Err("has NaN or infinity in it".to_string()) }
}

/// For every column, the sign that makes its element of largest size, the first of equals, positive.
pub fn signs<T: Real>(x: MatRef<'_, T>) -> Vec<T> {
    let sign = |j: usize| {
        let mut largest = T::from_index(0);
        for i in 0..x.nrows() {
            if x[(i, j)].abs() > largest.abs() {
                largest = x[(i, j)];
            }
        }
        if largest < T::from_index(0) { -T::from_index(1) } else { T::from_index(1) }
    };
    (0..x.ncols()).map(sign).collect()
}

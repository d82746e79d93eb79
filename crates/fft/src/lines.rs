//! What the kernels share: lines along an axis, brought together, transformed, and put back.
//!
//! Operands are read in row-major order, so results have the same bits for every layout; every line is transformed by
//! itself, so they have the same bits in every batch.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftNum, FftPlanner};
use wengert_tensor::kernel::each::rows;
use wengert_tensor::{Element, Error, Result, View, ViewMut};

use crate::op::{Direction, Scale};

/// The numbers that both Wengert and rustfft compute with: `f32` and `f64`.
pub trait Real: Element + FftNum {
    /// Runs `f` with this thread's plans.
    fn with_plans<R>(f: impl FnOnce(&mut Plans<Self>) -> R) -> R;
    /// The nearest number of this type.
    fn rounded(x: f64) -> Self;
}

macro_rules! real {
    ($($t:ty),*) => {$(
        impl Real for $t {
            fn with_plans<R>(f: impl FnOnce(&mut Plans<Self>) -> R) -> R {
                thread_local! {
                    static PLANS: RefCell<Plans<$t>> = RefCell::default();
                }
                PLANS.with_borrow_mut(f)
            }

            fn rounded(x: f64) -> Self {
                x as $t
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

/// No more plans of a kind than this are kept.
const PLANS: usize = 64;

/// The transforms that were prepared before, by length.
pub struct Plans<T: Real> {
    complex: HashMap<(usize, Direction), Arc<dyn Fft<T>>>,
    forward: HashMap<usize, Arc<dyn RealToComplex<T>>>,
    inverse: HashMap<usize, Arc<dyn ComplexToReal<T>>>,
}

impl<T: Real> Default for Plans<T> {
    fn default() -> Self {
        Self { complex: HashMap::new(), forward: HashMap::new(), inverse: HashMap::new() }
    }
}

/// The plan for a key, made where there is none.
fn plan<K: std::hash::Hash + Eq, P: ?Sized>(
    plans: &mut HashMap<K, Arc<P>>,
    key: K,
    make: impl FnOnce() -> Arc<P>,
) -> Arc<P> {
    if plans.len() >= PLANS && !plans.contains_key(&key) {
        plans.clear();
    }
    plans.entry(key).or_insert_with(make).clone()
}

/// The lines along one axis of row-major memory: element j of line l is at `at(l, j)`.
struct Lines {
    /// The elements of a line.
    n: usize,
    /// The distance of its elements.
    inner: usize,
    count: usize,
}

impl Lines {
    fn along(sizes: &[usize], axis: usize) -> Self {
        let inner = sizes[axis + 1..].iter().product();
        Self { n: sizes[axis], inner, count: sizes[..axis].iter().product::<usize>() * inner }
    }

    fn at(&self, line: usize, j: usize) -> usize {
        (line / self.inner * self.n + j) * self.inner + line % self.inner
    }
}

/// About so many numbers are brought together at a time.
const TOGETHER: usize = 1 << 13;

/// The transform of pairs over each of `axes`, divided as `scale` says.
pub fn complex<T: Real>(
    op: &str,
    x: View,
    axes: &[usize],
    direction: Direction,
    scale: Scale,
    mut out: ViewMut,
) -> Result<()> {
    wengert_tensor::kernel::copy::copy(x, out.reborrow())?;
    let shape = x.shape().clone();
    let sizes = &shape[..shape.rank().saturating_sub(1)];
    let out = out.typed::<T>(op)?;
    if out.is_empty() {
        return Ok(());
    }
    let factor = T::rounded(scale.factor(axes.iter().map(|&axis| sizes[axis])));
    for (k, &axis) in axes.iter().enumerate() {
        let lines = Lines::along(sizes, axis);
        let n = lines.n;
        let fft = T::with_plans(|plans| {
            plan(&mut plans.complex, (n, direction), || {
                let mut planner = FftPlanner::new();
                match direction {
                    Direction::Forward => planner.plan_fft_forward(n),
                    Direction::Inverse => planner.plan_fft_inverse(n),
                }
            })
        });
        let zero = Complex::new(T::rounded(0.0), T::rounded(0.0));
        let together = (TOGETHER / n).clamp(1, lines.count);
        let (mut buffer, mut scratch) = (vec![zero; together * n], vec![zero; fft.get_inplace_scratch_len()]);
        // Dividing once is enough.
        let factor = if k == 0 { factor } else { T::rounded(1.0) };
        for first in (0..lines.count).step_by(together) {
            let some = first..(first + together).min(lines.count);
            let buffer = &mut buffer[..some.len() * n];
            for (line, row) in some.clone().zip(buffer.chunks_exact_mut(n)) {
                for (j, z) in row.iter_mut().enumerate() {
                    let at = 2 * lines.at(line, j);
                    *z = Complex::new(out[at], out[at + 1]);
                }
            }
            fft.process_with_scratch(buffer, &mut scratch);
            for (line, row) in some.zip(buffer.chunks_exact(n)) {
                for (j, z) in row.iter().enumerate() {
                    let at = 2 * lines.at(line, j);
                    (out[at], out[at + 1]) = (z.re * factor, z.im * factor);
                }
            }
        }
    }
    Ok(())
}

/// The transform of real numbers along `axis` to the first n / 2 + 1 pairs.
pub fn forward<T: Real>(op: &str, x: View, axis: usize, scale: Scale, out: ViewMut) -> Result<()> {
    let n = x.shape()[axis];
    let m = n / 2 + 1;
    let (dense, sizes) = (dense::<T>(op, x)?, x.shape().clone());
    let out = out.typed::<T>(op)?;
    if out.is_empty() {
        return Ok(());
    }
    let fft = T::with_plans(|plans| plan(&mut plans.forward, n, || RealFftPlanner::new().plan_fft_forward(n)));
    let (from, to) = (Lines::along(&sizes, axis), Lines::along(&sizes.with_size(axis, m), axis));
    let (mut real, mut pairs, mut scratch) = (fft.make_input_vec(), fft.make_output_vec(), fft.make_scratch_vec());
    let factor = T::rounded(scale.factor([n]));
    for line in 0..from.count {
        real.iter_mut().enumerate().for_each(|(j, x)| *x = dense[from.at(line, j)]);
        fft.process_with_scratch(&mut real, &mut pairs, &mut scratch)
            .map_err(|e| Error::value(format!("{op}: {e}")))?;
        for (k, z) in pairs.iter().enumerate() {
            let at = 2 * to.at(line, k);
            (out[at], out[at + 1]) = (z.re * factor, z.im * factor);
        }
    }
    Ok(())
}

/// The inverse of [`forward`] to n real numbers, divided as `scale` says.
pub fn inverse<T: Real>(op: &str, x: View, axis: usize, n: usize, scale: Scale, out: ViewMut) -> Result<()> {
    let dense = dense::<T>(op, x)?;
    let sizes = x.shape().without(&[x.shape().rank() - 1]);
    let out = out.typed::<T>(op)?;
    if out.is_empty() {
        return Ok(());
    }
    let fft = T::with_plans(|plans| plan(&mut plans.inverse, n, || RealFftPlanner::new().plan_fft_inverse(n)));
    let (from, to) = (Lines::along(&sizes, axis), Lines::along(&sizes.with_size(axis, n), axis));
    let (mut pairs, mut real, mut scratch) = (fft.make_input_vec(), fft.make_output_vec(), fft.make_scratch_vec());
    let factor = T::rounded(scale.factor([n]));
    for line in 0..from.count {
        for (k, z) in pairs.iter_mut().enumerate() {
            let at = 2 * from.at(line, k);
            // A real signal has no imaginary part there.
            let real_only = k == 0 || 2 * k == n;
            *z = Complex::new(dense[at], if real_only { T::rounded(0.0) } else { dense[at + 1] });
        }
        fft.process_with_scratch(&mut pairs, &mut real, &mut scratch)
            .map_err(|e| Error::value(format!("{op}: {e}")))?;
        real.iter().enumerate().for_each(|(j, &x)| out[to.at(line, j)] = x * factor);
    }
    Ok(())
}

/// The elements of an operand in row-major order.
fn dense<T: Real>(op: &str, x: View) -> Result<Vec<T>> {
    let x = x.typed::<T>(op)?;
    let mut dense = Vec::new();
    dense.try_reserve_exact(x.layout.numel()).map_err(|_| Error::memory(format!("{op}: no room for its operand")))?;
    rows(x.layout.shape(), [x.layout.strides()], [x.layout.offset()], |row| dense.extend(row.of(0, x.data)));
    Ok(dense)
}

//! Matrix products, batched: [.., m, k] x [.., k, n] to [.., m, n].
//!
//! Operands may have any strides: a transposed one is read in place, and a batch axis of stride 0
//! reads one matrix again and again. How one product is computed is in `gemm`.

use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::kernel::bound::Bound;
use crate::kernel::gemm::{Entry, Matrix, Path};
use crate::kernel::{parallel, with_number};
use crate::layout::Layout;
use crate::shape::Shape;
use crate::view::{Strided, View, ViewMut};

/// The shape of the product of [.., m, k] and [.., k, n], the leading axes equal.
///
/// # Errors
/// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where there are fewer than two axes or they do not fit.
pub fn shape(x: &Shape, y: &Shape) -> Result<Shape> {
    let wrong = |why: String| Err(Error::shape(format!("matmul: {x} x {y}: {why}")));
    let (&[ref lead @ .., m, k], &[ref other @ .., inner, n]) = (&x[..], &y[..]) else {
        return wrong("both must have at least two axes".into());
    };
    if k != inner {
        return wrong(format!("inner dimensions {k} and {inner} differ"));
    }
    if lead != other {
        return wrong(format!("leading axes {lead:?} and {other:?} differ"));
    }
    Ok(lead.iter().copied().chain([m, n]).collect())
}

/// How operands of any rank become the equal-ranked ones that [`matmul`] takes, by NumPy's rule:
/// reshape both, broadcast both, multiply, reshape the product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operands {
    /// What x is reshaped to.
    pub x: Shape,
    /// What y is reshaped to.
    pub y: Shape,
    /// What x is then broadcast to.
    pub x_full: Shape,
    /// What y is then broadcast to.
    pub y_full: Shape,
    /// What the product is reshaped to.
    pub out: Shape,
}

/// NumPy's rule for operands of any rank: a vector is one row on the left and one column on the right,
/// an axis that the result loses again; leading axes broadcast.
///
/// # Errors
/// [`ErrorKind::Shape`](crate::ErrorKind::Shape) for rank 0, inner dimensions that differ or leading axes that do not broadcast.
pub fn operands(x: &Shape, y: &Shape) -> Result<Operands> {
    let wrong = |why: String| Error::shape(format!("matmul: {x} x {y}: {why}"));
    if x.rank() == 0 || y.rank() == 0 {
        return Err(wrong("a scalar is not a matrix".into()));
    }
    let left = if x.rank() == 1 { x.with_axis(0, 1) } else { x.clone() };
    let right = if y.rank() == 1 { y.with_axis(1, 1) } else { y.clone() };
    let (lead_x, mk) = left.split_at(left.rank() - 2);
    let (lead_y, kn) = right.split_at(right.rank() - 2);
    if mk[1] != kn[0] {
        return Err(wrong(format!("inner dimensions {} and {} differ", mk[1], kn[0])));
    }
    let lead = Shape::from(lead_x)
        .broadcast(&Shape::from(lead_y))
        .ok_or_else(|| wrong(format!("leading axes {lead_x:?} and {lead_y:?} do not broadcast")))?;
    let with = |tail: &[usize]| lead.iter().chain(tail).copied().collect::<Shape>();
    let m = if x.rank() == 1 { None } else { Some(mk[0]) };
    let n = if y.rank() == 1 { None } else { Some(kn[1]) };
    let out = lead.iter().copied().chain(m).chain(n).collect();
    if y.rank() <= 2 && left.rank() > 2 && left.numel() > 0 {
        // One matrix for the whole batch: the batch is more rows of a single product.
        let all = Shape::from([left.numel() / mk[1], mk[1]]);
        return Ok(Operands { x: all.clone(), y: right.clone(), x_full: all, y_full: right, out });
    }
    Ok(Operands { x_full: with(mk), y_full: with(kn), x: left, y: right, out })
}

/// `x y` over the last two axes, of numbers of one dtype; the shape is as [`shape`] says. Integers wrap.
///
/// # Errors
/// Where dtypes or shapes do not fit.
pub fn matmul(x: View, y: View, out: ViewMut) -> Result<()> {
    if x.dtype() != y.dtype() {
        return Err(Error::dtype(format!("matmul: dtypes {} and {} differ", x.dtype(), y.dtype())));
    }
    // Two matrices, as most often, are seen to fit at a glance.
    let single = match (&x.shape()[..], &y.shape()[..], &out.shape()[..]) {
        (&[m, k], &[k2, n], &[m2, n2]) => m == m2 && k == k2 && n == n2,
        _ => false,
    };
    if !single {
        let expected = shape(x.shape(), y.shape())?;
        if *out.shape() != expected {
            return Err(Error::shape(format!("matmul: a result of {} for one of {expected}", out.shape())));
        }
    }
    with_number!("matmul", x.dtype(), T => {
        let (x, y, out) = (x.typed::<T>("matmul")?, y.typed::<T>("matmul")?, out.typed::<T>("matmul")?);
        if single { one(x, y, out) } else { batched(x, y, out) }
    })
}

/// [`matmul`] made ready for operands of these dtypes and layouts, where they are single matrices that fit.
pub fn bind(x: (DType, &Layout), y: (DType, &Layout)) -> Option<Bound> {
    let (&[m, k], &[inner, n]) = (&x.1.shape()[..], &y.1.shape()[..]) else { return None };
    if x.0 != y.0 || k != inner || m.checked_mul(n).is_none() {
        return None;
    }
    match x.0 {
        DType::F32 => Some(bound::<f32>(x.1.clone(), y.1.clone(), n)),
        DType::F64 => Some(bound::<f64>(x.1.clone(), y.1.clone(), n)),
        _ => None,
    }
}

fn bound<T: Entry>(x: Layout, y: Layout, n: usize) -> Bound {
    let m = x.shape()[0];
    Bound::new(move |data, out| {
        let len = out.len();
        if let (&[a, b], Some(out)) = (data, T::slice_mut(out))
            && let (Some(a), Some(b), true) = (T::slice(a), T::slice(b), len == m * n)
        {
            return one(Strided { data: a, layout: &x }, Strided { data: b, layout: &y }, out);
        }
        Err(Error::shape(format!("matmul: {} x {} of other operands, or into {len} elements", x.shape(), y.shape())))
    })
}

/// The last two axes of an operand, from a place on.
#[inline(always)]
fn matrix<'a, T: Entry>(x: &Strided<'a, T>, start: usize) -> Result<Matrix<'a, T>> {
    let (&[.., m, n], &[.., row, column]) = (&x.layout.shape()[..], x.layout.strides()) else {
        return Err(Error::shape("matmul: both must have at least two axes"));
    };
    Matrix::new(x.data, start, [m, n], [row, column])
}

fn one<T: Entry>(x: Strided<T>, y: Strided<T>, out: &mut [T]) -> Result<()> {
    let (x, y) = (matrix(&x, x.layout.offset())?, matrix(&y, y.layout.offset())?);
    let ([m, k], n) = (x.sizes(), y.sizes()[1]);
    Path::of(m, k, n).product(x, y, out, n)
}

/// Multiply-adds of the products that another thread may take together.
const GRAIN: usize = 1 << 20;

fn batched<T: Entry>(x: Strided<T>, y: Strided<T>, out: &mut [T]) -> Result<()> {
    let (xl, yl) = (x.layout, y.layout);
    let lead = xl.shape().rank() - 2;
    let (m, k, n) = (xl.shape()[lead], xl.shape()[lead + 1], yl.shape()[lead + 1]);
    if out.is_empty() {
        return Ok(());
    }
    let path = Path::of(m, k, n);

    // One y for the whole batch: the batch is more rows of x, where strides can say so.
    let mut batch = yl.shape().iter().zip(yl.strides()).take(lead);
    let shared = batch.all(|(&size, &stride)| size == 1 || stride == 0);
    if path != Path::Vector && lead > 0 && shared {
        let all = out.len() / n;
        if let Some(merged) = xl.reshape(&Shape::from([all, k])) {
            let x = Matrix::new(x.data, merged.offset(), [all, k], [merged.strides()[0], merged.strides()[1]])?;
            return path.product(x, matrix(&y, yl.offset())?, out, n);
        }
    }

    let place = |layout: &Layout, mut number: usize| {
        let mut place = layout.offset() as isize;
        for axis in (0..lead).rev() {
            let size = layout.shape()[axis];
            place += (number % size) as isize * layout.strides()[axis];
            number /= size;
        }
        place as usize
    };
    // A few products are a piece for a thread, if one is not large.
    let product = m * n;
    let few = (GRAIN / product.saturating_mul(k).max(1)).max(1);
    parallel::chunks(out, product.saturating_mul(few), &|start, out| {
        for (i, out) in out.chunks_exact_mut(product).enumerate() {
            let number = start / product + i;
            let (x, y) = (matrix(&x, place(xl, number))?, matrix(&y, place(yl, number))?);
            path.product(x, y, out, n)?;
        }
        Ok(())
    })
}

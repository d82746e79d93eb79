//! The loops of elementwise kernels: one function of numbers, over slices of one length.
//!
//! [`map1`] and [`map2`] run at the processor's best level, where floats are concerned: for others one loop is
//! compiled, which has vectors too, but short ones. [`each1`] and [`each2`] are for functions that are calls, of
//! which no vector could be made.

use crate::dtype::{DType, Element};
use crate::error::{Error, Result};
use crate::kernel::level::levels;
use crate::view::{Data, DataMut};

/// The dtype of the first operand.
pub(super) fn dtype(op: &str, x: &[Data]) -> Result<DType> {
    x.first().map(Data::dtype).ok_or_else(|| Error::value(format!("{op}: no operands")))
}

/// As many elements of every operand as the result has, for operands of the expected number and dtypes; else the
/// error that says what they are.
macro_rules! slices {
    ($op:expr, $x:expr, $out:expr => $($name:ident: $T:ident),*; $result:ident: $Z:ident) => {
        let (dtype, n) = ($out.dtype(), $out.len());
        let ($($name,)* $result) = match ($x, <$Z>::slice_mut($out)) {
            (&[$($name),*], Some(out)) => match ($(<$T>::slice($name).and_then(|x| x.get(..n)),)*) {
                ($(Some($name),)*) => ($($name,)* out),
                _ => return Err(misfit($op, $x, dtype, n)),
            },
            _ => return Err(misfit($op, $x, dtype, n)),
        };
    };
}

/// The error of operands, or a result of some dtype and length, that a kernel does not take.
#[cold]
fn misfit(op: &str, x: &[Data], dtype: DType, n: usize) -> Error {
    if let Some(x) = x.iter().find(|x| x.len() < n) {
        return Error::shape(format!("{op}: {} elements into a result of {n}", x.len()));
    }
    if let [.., a, b] = x
        && a.dtype() != b.dtype()
    {
        return Error::dtype(format!("{op}: dtypes {} and {} differ", a.dtype(), b.dtype()));
    }
    let dtypes = x.iter().map(|x| x.dtype().name()).collect::<Vec<_>>().join(", ");
    Error::dtype(format!("{op}: does not take dtypes {dtypes} with a result of {dtype}"))
}

levels! {
    fn zip1[X: Copy, Y](x: &[X], out: &mut [Y], f: impl Fn(X) -> Y + Copy) {
        out.iter_mut().zip(x).for_each(|(out, &x)| *out = f(x));
    }
}

levels! {
    fn zip2[X: Copy, Y: Copy, Z](x: &[X], y: &[Y], out: &mut [Z], f: impl Fn(X, Y) -> Z + Copy) {
        out.iter_mut().zip(x).zip(y).for_each(|((out, &x), &y)| *out = f(x, y));
    }
}

/// Whether a loop is worth compiling for every level.
const fn is_hot(dtypes: &[DType]) -> bool {
    let (mut floats, mut integers, mut i) = (false, false, 0);
    while i < dtypes.len() {
        floats |= dtypes[i].is_float();
        integers |= matches!(dtypes[i], DType::I64);
        i += 1;
    }
    floats && !integers
}

/// `out = f(x)`, in vectors.
pub(super) fn map1<X: Element, Y: Element>(
    op: &str,
    x: &[Data],
    out: DataMut,
    f: impl Fn(X) -> Y + Copy,
) -> Result<()> {
    if !const { is_hot(&[X::DTYPE, Y::DTYPE]) } {
        return each1(op, x, out, f);
    }
    slices!(op, x, out => x0: X; y: Y);
    zip1(x0, y, f);
    Ok(())
}

/// `out = f(x, y)`, in vectors.
pub(super) fn map2<X: Element, Y: Element, Z: Element>(
    op: &str,
    x: &[Data],
    out: DataMut,
    f: impl Fn(X, Y) -> Z + Copy,
) -> Result<()> {
    if !const { is_hot(&[X::DTYPE, Y::DTYPE, Z::DTYPE]) } {
        return each2(op, x, out, f);
    }
    slices!(op, x, out => x0: X, x1: Y; z: Z);
    zip2(x0, x1, z, f);
    Ok(())
}

/// `f(x, out)`, for a loop that is made of more than one function of a number.
pub(super) fn whole1<X: Element, Y: Element>(
    op: &str,
    x: &[Data],
    out: DataMut,
    f: impl FnOnce(&[X], &mut [Y]),
) -> Result<()> {
    slices!(op, x, out => x0: X; y: Y);
    f(x0, y);
    Ok(())
}

/// `out = f(x)`, one by one.
pub(super) fn each1<X: Element, Y: Element>(op: &str, x: &[Data], out: DataMut, f: impl Fn(X) -> Y) -> Result<()> {
    slices!(op, x, out => x0: X; y: Y);
    y.iter_mut().zip(x0).for_each(|(y, &x)| *y = f(x));
    Ok(())
}

/// `out = f(x, y)`, one by one.
pub(super) fn each2<X: Element, Y: Element, Z: Element>(
    op: &str,
    x: &[Data],
    out: DataMut,
    f: impl Fn(X, Y) -> Z,
) -> Result<()> {
    slices!(op, x, out => x0: X, x1: Y; z: Z);
    z.iter_mut().zip(x0).zip(x1).for_each(|((z, &x), &y)| *z = f(x, y));
    Ok(())
}

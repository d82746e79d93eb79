//! Elementwise choice between two operands, slices to a slice.

use crate::error::{Error, Result};
use crate::kernel::level::levels;
use crate::kernel::{moved, with_moved};
use crate::view::{Data, DataMut};

levels! {
    fn choose[T: Copy](cond: &[bool], x: &[T], y: &[T], out: &mut [T]) {
        out.iter_mut().zip(cond).zip(x).zip(y).for_each(|(((out, &c), &x), &y)| *out = if c { x } else { y });
    }
}

/// x where `cond` is true, y elsewhere, of the operands cond, x and y. What is not chosen leaves no trace,
/// even where it is NaN.
///
/// # Errors
/// Where `cond` is not `bool`, the dtypes of x and y differ, or the result does not fit.
pub fn select(operands: &[Data], out: DataMut) -> Result<()> {
    let &[cond, x, y] = operands else {
        return Err(Error::value(format!("select: takes 3 operands, got {}", operands.len())));
    };
    if x.dtype() != y.dtype() {
        return Err(Error::dtype(format!("select: dtypes {} and {} differ", x.dtype(), y.dtype())));
    }
    let Data::Bool(c) = cond else {
        return Err(Error::dtype(format!("select: expected a condition of bool, got {}", cond.dtype())));
    };
    let n = out.len();
    if let Some(short) = operands.iter().map(Data::len).find(|&len| len < n) {
        return Err(Error::shape(format!("select: {short} elements into a result of {n}")));
    }
    with_moved!(x.dtype(), T => {
        let (x, out) = moved::slices::<T>("select", x, out)?;
        choose(c, x, <T as moved::Moved>::bits(y).unwrap_or_default(), out);
    });
    Ok(())
}

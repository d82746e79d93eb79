//! Reductions over axes. The result has the operand's shape without the reduced axes.
//!
//! Every result is reduced in an order fixed by the operand's shape.

use crate::error::Result;
use crate::kernel::each::rows;
use crate::kernel::unary::Number;
use crate::kernel::with_number;
use crate::view::{View, ViewMut};

/// The sum over `axes`, which are sorted and within the shape.
///
/// # Errors
/// Where the dtype is `bool` or the result does not fit.
pub fn sum(x: View, axes: &[usize], out: ViewMut) -> Result<()> {
    with_number!("sum", x.dtype(), T => {
        let x = x.typed::<T>("sum")?;
        let out = out.typed::<T>("sum")?;
        let rank = x.layout.shape().rank();
        let kept = (0..rank).filter(|a| !axes.contains(a));
        let order: smallvec::SmallVec<[usize; 4]> = kept.chain(axes.iter().copied()).collect();
        let layout = x.layout.permute(&order);
        let k = rank - axes.len();
        let (outer, inner) = layout.shape().split_at(k);
        let (so, si) = layout.strides().split_at(k);
        let mut out = out.iter_mut();
        rows(outer, [so], [layout.offset()], |row| {
            for i in 0..row.len {
                let start = (row.start[0] as isize + i as isize * row.stride[0]) as usize;
                let mut total = T::default();
                rows(inner, [si], [start], |row| total = row.of(0, x.data).fold(total, |a, b| a.plus(b)));
                if let Some(out) = out.next() {
                    *out = total;
                }
            }
        });
        Ok(())
    })
}

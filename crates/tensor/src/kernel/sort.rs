//! The order that sorts an axis.

use std::cmp::Ordering;

use crate::dtype::Element;
use crate::error::Result;
use crate::kernel::lane::{check, lanes};
use crate::kernel::with_computed;
use crate::view::{Strided, View, ViewMut};

/// The indices along `axis` that sort its elements. Equal elements keep their order, ascending and
/// descending; NaN counts as larger than every number. The result is `i64` and has the shape of `x`.
///
/// # Errors
/// Where there is no such axis, or the result does not fit.
pub fn argsort(x: View, axis: usize, descending: bool, out: ViewMut) -> Result<()> {
    let op = "argsort";
    with_computed!(op, x.dtype(), T => sort(op, x.typed::<T>(op)?, axis, descending, out.typed(op)?))
}

fn sort<T: Element>(op: &str, x: Strided<T>, axis: usize, descending: bool, out: &mut [i64]) -> Result<()> {
    check(op, x.layout, axis, out.len())?;
    let mut pairs: Vec<(T, i64)> = Vec::new();
    lanes(x.layout, axis, &mut |from, to| {
        pairs.clear();
        pairs.extend((0..from.len).map(|i| (from.get(x.data, i), i as i64)));
        pairs.sort_by(|(a, _), (b, _)| if descending { order(b, a) } else { order(a, b) });
        for (i, &(_, at)) in pairs.iter().enumerate() {
            out[to.place(i)] = at;
        }
    });
    Ok(())
}

/// The order of two elements, with NaN above all numbers.
fn order<T: PartialOrd>(a: &T, b: &T) -> Ordering {
    // Only a NaN does not compare with itself.
    let nan = |x: &T| x.partial_cmp(x).is_none();
    a.partial_cmp(b).unwrap_or_else(|| nan(a).cmp(&nan(b)))
}

//! Walking a tensor lane by lane: the loop under every kernel that works along one axis.

use smallvec::SmallVec;

use crate::error::{Error, Result};
use crate::kernel::each::rows;
use crate::layout::Layout;

/// The elements along one axis at one index of the others: evenly spaced places.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lane {
    start: usize,
    stride: isize,
    pub len: usize,
}

impl Lane {
    /// The place of element `i`, which is below `len`.
    pub fn place(&self, i: usize) -> usize {
        self.start.wrapping_add_signed(self.stride * i as isize)
    }

    /// Element `i`, which is below `len`.
    pub fn get<T: Copy>(&self, data: &[T], i: usize) -> T {
        data[self.place(i)]
    }
}

/// Calls `each` for every lane along `axis` of `layout`, and for the same lane of a row-major result
/// of the same shape, in row-major order of the other axes. An empty layout has none.
pub(crate) fn lanes(layout: &Layout, axis: usize, each: &mut dyn FnMut(Lane, Lane)) {
    if layout.numel() == 0 {
        return;
    }
    let result = Layout::contiguous(layout.shape().clone());
    let order = (0..layout.shape().rank()).filter(|&a| a != axis).collect::<SmallVec<[usize; 4]>>();
    let (x, y) = (layout.permute(&order), result.permute(&order));
    let (len, strides) = (layout.shape()[axis], [layout.strides()[axis], result.strides()[axis]]);
    rows(x.shape(), [x.strides(), y.strides()], [x.offset(), y.offset()], |row| {
        for i in 0..row.len as isize {
            let lane =
                |k: usize| Lane { start: row.start[k].wrapping_add_signed(i * row.stride[k]), stride: strides[k], len };
            each(lane(0), lane(1));
        }
    });
}

/// The error of an axis that `layout` does not have or a result of another size.
pub(crate) fn check(op: &str, layout: &Layout, axis: usize, len: usize) -> Result<()> {
    let shape = layout.shape();
    if axis >= shape.rank() {
        return Err(Error::index(format!("{op}: axis {axis} is out of range for shape {shape}")));
    }
    if shape.numel() != len {
        return Err(Error::shape(format!("{op}: {shape} into a result of {len} elements")));
    }
    Ok(())
}

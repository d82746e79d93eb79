//! Layouts seen as rows of columns: which rows can be read where they are, which repeat, and how many columns suit a group.

use std::cmp::Reverse;

use smallvec::SmallVec;
use wengert_tensor::{DType, Layout};

use super::fuse::Unit;
use super::memory::Plan;

/// Shorter rows are spread first: a pass for each row would take longer.
pub(super) const NARROW: usize = 64;

/// Bytes of a row that is read where it is.
const ROW: usize = 2048;

/// The columns that a group may as well have where its nodes leave that open: those at which its operands are least often
/// copied into tiles. There are no more than `most`.
pub(super) fn columns(plan: &Plan, unit: &Unit, most: usize) -> Option<usize> {
    let operands = unit.nodes.iter().flat_map(|&i| &plan.graph.nodes[i].operands).map(|&x| &plan.places[x]);
    let mut layouts: SmallVec<[&Layout; 8]> = SmallVec::new();
    for place in operands {
        if !place.layout.is_contiguous() && !is_once(&place.layout) && !layouts.contains(&&place.layout) {
            layouts.push(&place.layout);
        }
    }
    // Where an axis ends that lies in another way than those within it.
    let mut ends: SmallVec<[usize; 8]> = SmallVec::new();
    for layout in &layouts {
        let (mut cols, mut next) = (1, None);
        for (&size, &stride) in layout.shape().iter().zip(layout.strides()).rev().filter(|(size, _)| **size != 1) {
            if next.is_some_and(|next| next != stride) && cols <= most && !ends.contains(&cols) {
                ends.push(cols);
            }
            cols *= size;
            next = Some(stride * size as isize);
        }
    }
    let copies = |cols: usize| layouts.iter().map(|layout| copied(layout, cols)).sum::<usize>();
    let all = copies(1);
    let fewer = ends.into_iter().map(|cols| (copies(cols), Reverse(cols))).filter(|&(copies, _)| copies < all);
    fewer.min().map(|(_, cols)| cols.0)
}

/// About how long it takes to put an element of a layout in a tile of rows of so many elements: nothing, where it is read
/// from where it is, or is the same in every tile.
fn copied(layout: &Layout, cols: usize) -> usize {
    let wide = cols >= NARROW;
    match () {
        () if cols > 1 && repeats(layout, cols) => 0,
        () if wide && (is_spread(layout, cols) || even_rows(layout, cols).is_some()) => 0,
        () if cols > 1 && is_spread(layout, cols) => 2,
        () => 4,
    }
}

/// Whether rows are so short that to go from one to the next takes as long as to read them: then they are put side by side in a
/// tile, and passes go over all of it.
pub(super) fn is_short(cols: usize, dtype: DType) -> bool {
    cols * dtype.size() < ROW
}

/// Whether a layout is of one element.
pub(super) fn is_once(layout: &Layout) -> bool {
    layout.strides().iter().zip(layout.shape().iter()).all(|(&step, &n)| step == 0 || n == 1)
}

/// Whether every row of `cols` elements of a layout is the same.
pub(super) fn repeats(layout: &Layout, cols: usize) -> bool {
    let mut left = cols;
    for (&size, &stride) in layout.shape().iter().zip(layout.strides()).rev().filter(|(size, _)| **size != 1) {
        match left {
            1 if stride != 0 => return false,
            1 => {}
            _ if left.is_multiple_of(size) => left /= size,
            _ if size.is_multiple_of(left) && stride == 0 => left = 1,
            _ => return false,
        }
    }
    left == 1
}

/// How far apart the rows of a layout start, of which each has `cols` elements side by side; 0 where all are the same row.
pub(super) fn even_rows(layout: &Layout, cols: usize) -> Option<usize> {
    // What the next axis outwards has for a stride, if the rows are to go on.
    let (mut left, mut step, mut rows) = (cols, 1, None);
    for (&size, &stride) in layout.shape().iter().zip(layout.strides()).rev().filter(|(size, _)| **size != 1) {
        if left > 1 {
            if stride != step || left % size != 0 {
                return None;
            }
            (left, step) = (left / size, step * size as isize);
        } else {
            let (first, next) = rows.unwrap_or((stride, stride));
            if stride != next {
                return None;
            }
            rows = Some((first, next * size as isize));
        }
    }
    let (row, _) = rows.unwrap_or((0, 0));
    (left == 1).then_some(row)?.try_into().ok()
}

/// Whether a layout repeats its base's elements, one a row, over `cols` columns.
pub(super) fn is_spread(layout: &Layout, cols: usize) -> bool {
    let (mut left, mut step) = (cols, 1);
    for (&size, &stride) in layout.shape().iter().zip(layout.strides()).rev().filter(|(size, _)| **size != 1) {
        if left > 1 {
            if stride != 0 || left % size != 0 {
                return false;
            }
            left /= size;
        } else {
            if stride != step {
                return false;
            }
            step *= size as isize;
        }
    }
    left == 1
}

//! Reading a strided operand in row-major order, a run at a time.
//!
//! What a kernel computes is a loop over plain slices; here is what turns any layout into them.
//! Where the elements lie side by side a run is borrowed as it is, otherwise it is gathered into a
//! buffer. So an operation is compiled once for a dtype, not once for every kind of layout.

use smallvec::SmallVec;

use crate::dtype::Element;
use crate::view::Strided;

/// A place within a strided operand, from which elements are read in row-major order.
#[derive(Debug)]
pub(crate) struct Cursor<'a, T> {
    data: &'a [T],
    /// Size and stride of the axes, innermost first; those that continue each other are one.
    axes: SmallVec<[(usize, isize); 4]>,
    /// How far along each axis the cursor is.
    index: SmallVec<[usize; 4]>,
    place: isize,
}

impl<'a, T: Element> Cursor<'a, T> {
    /// A cursor at the first element of `x`, which is not empty.
    pub fn new(x: Strided<'a, T>) -> Self {
        Self::over(x, 0..x.layout.shape().rank())
    }

    /// A cursor over the axes `axes` of `x` alone, in that order, at the first index of the others.
    pub fn over(x: Strided<'a, T>, axes: impl DoubleEndedIterator<Item = usize>) -> Self {
        let mut merged: SmallVec<[(usize, isize); 4]> = SmallVec::new();
        for axis in axes.rev() {
            let (size, stride) = (x.layout.shape()[axis], x.layout.strides()[axis]);
            match merged.last_mut() {
                _ if size == 1 => {}
                Some((inner, step)) if stride == *step * *inner as isize => *inner *= size,
                _ => merged.push((size, stride)),
            }
        }
        if merged.is_empty() {
            merged.push((1, 1));
        }
        let index = SmallVec::from_elem(0, merged.len());
        Self { data: x.data, axes: merged, index, place: x.layout.offset() as isize }
    }

    /// The distance between neighbours along the innermost axis.
    pub fn stride(&self) -> isize {
        self.axes[0].1
    }

    /// Goes to the first index of every axis, now from another place.
    pub fn restart(&mut self, place: usize) {
        self.index.fill(0);
        self.place = place as isize;
    }

    /// The `n` elements of storage from the one that the cursor is at, which goes one on.
    pub fn neighbours(&mut self, n: usize) -> &'a [T] {
        let start = self.place as usize;
        self.advance(1);
        &self.data[start..start + n]
    }

    /// The next `n` elements, borrowed where they lie side by side, else gathered in `buffer`, which
    /// holds as many at least. So many elements must be left.
    pub fn take<'b>(&mut self, n: usize, buffer: &'b mut [T]) -> &'b [T]
    where
        'a: 'b,
    {
        let (size, stride) = self.axes[0];
        if stride == 1 && size - self.index[0] >= n {
            let start = self.place as usize;
            self.advance(n);
            return &self.data[start..start + n];
        }
        let mut rest = &mut buffer[..n];
        while !rest.is_empty() {
            let run = rest.len().min(size - self.index[0]);
            let (now, later) = rest.split_at_mut(run);
            let start = self.place;
            match stride {
                0 => now.fill(self.data[start as usize]),
                1 => now.copy_from_slice(&self.data[start as usize..start as usize + run]),
                _ => {
                    now.iter_mut().enumerate().for_each(|(i, x)| *x = self.data[(start + i as isize * stride) as usize])
                }
            }
            self.advance(run);
            rest = later;
        }
        &buffer[..n]
    }

    /// Goes `n` elements on, which are not more than are left of the innermost axis.
    pub fn advance(&mut self, mut n: usize) {
        for (index, &(size, stride)) in self.index.iter_mut().zip(&self.axes) {
            *index += n;
            self.place += stride * n as isize;
            if *index < size {
                return;
            }
            *index = 0;
            self.place -= stride * size as isize;
            n = 1;
        }
    }
}

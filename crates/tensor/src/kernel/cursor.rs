//! Reading a strided operand in row-major order, a run at a time.
//!
//! What a kernel computes is a loop over plain slices; here is what turns any layout into them.
//! Where the elements lie side by side a run is borrowed as it is, otherwise it is gathered into a
//! buffer. So an operation is compiled once for a dtype, not once for every kind of layout.

use smallvec::SmallVec;

use crate::error::Result;
use crate::kernel::level::levels;
use crate::kernel::{moved, with_moved};
use crate::layout::Layout;
use crate::storage::Storage;
use crate::view::{Data, DataMut, Strided};

/// A place within a layout, from which elements are read in row-major order.
#[derive(Debug, Clone)]
pub struct Walker {
    /// Size and stride of the axes, innermost first; those that continue each other are one.
    axes: Axes,
    at: At,
}

type Axes = SmallVec<[(usize, isize); 4]>;

/// Where a walker is.
#[derive(Debug, Clone)]
struct At {
    /// How far along each axis.
    index: SmallVec<[usize; 4]>,
    place: isize,
}

impl Walker {
    /// A walker at the first element of a layout, which is not empty.
    pub fn new(layout: &Layout) -> Self {
        Self::over(layout, 0..layout.shape().rank())
    }

    /// A walker over the axes `axes` alone, in that order, at the first index of the others.
    pub(crate) fn over(layout: &Layout, axes: impl DoubleEndedIterator<Item = usize>) -> Self {
        let mut merged = Axes::new();
        for axis in axes.rev() {
            let (size, stride) = (layout.shape()[axis], layout.strides()[axis]);
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
        Self { axes: merged, at: At { index, place: layout.offset() as isize } }
    }

    /// The next elements of `data`, as many as `out` holds, in `out`. So many must be left.
    ///
    /// # Errors
    /// Where dtypes differ, or the walk leaves the data.
    pub fn read(&mut self, data: Data, out: DataMut) -> Result<()> {
        self.at.read(&self.axes, data, out)
    }

    /// The next `n` elements of `data`, borrowed where they lie side by side, else gathered in `buffer`, which
    /// holds as many at least. So many must be left.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn take<'a>(&mut self, n: usize, data: Data<'a>, buffer: &'a mut Storage) -> Result<Data<'a>> {
        let (size, stride) = self.axes[0];
        if stride == 1 && size - self.at.index[0] >= n {
            let start = self.at.place as usize;
            self.at.advance(&self.axes, 0, n);
            return Ok(data.range(start..start + n));
        }
        self.read(data, buffer.data_mut().range(0..n))?;
        Ok(buffer.data().range(0..n))
    }

    /// The elements of `data` from the one at position `start` on, as many as `out` holds, in `out`. So many there are
    /// from where this walker is.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_from(&self, start: usize, data: Data, out: DataMut) -> Result<()> {
        let mut at = self.at.clone();
        at.skip(&self.axes, start);
        at.read(&self.axes, data, out)
    }
}

impl At {
    fn read(&mut self, axes: &Axes, data: Data, out: DataMut) -> Result<()> {
        with_moved!(data.dtype(), T => {
            let (data, out) = moved::slices::<T>("read", data, out)?;
            self.gather(axes, data, out);
        });
        Ok(())
    }

    /// Goes `n` elements on, which are not more than are left, from the first index of every axis.
    fn skip(&mut self, axes: &Axes, mut n: usize) {
        for (index, &(size, stride)) in self.index.iter_mut().zip(axes) {
            if n == 0 {
                return;
            }
            *index = n % size;
            self.place += stride * *index as isize;
            n /= size;
        }
    }

    fn gather<T: Copy>(&mut self, axes: &Axes, data: &[T], out: &mut [T]) {
        let (size, stride) = axes[0];
        let (count, step) = axes.get(1).copied().unwrap_or((1, 0));
        let mut rest = out;
        while !rest.is_empty() {
            let runs = if self.index[0] == 0 && count > 1 { (rest.len() / size).min(count - self.index[1]) } else { 0 };
            let run = if runs > 1 { size } else { rest.len().min(size - self.index[0]) };
            let (now, later) = rest.split_at_mut(run * runs.max(1));
            lines(data, self.place, (run, stride), step, now);
            match runs {
                0 | 1 => self.advance(axes, 0, run),
                _ => self.advance(axes, 1, runs),
            }
            rest = later;
        }
    }

    /// Goes `n` indices of an axis on, which are not more than are left of it.
    fn advance(&mut self, axes: &Axes, axis: usize, mut n: usize) {
        for (index, &(size, stride)) in self.index.iter_mut().zip(axes).skip(axis) {
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

/// Fills `out`, which is not empty, with lines of `size` elements that are `stride` apart, of which each starts `step` after the
/// one before it.
fn lines<T: Copy>(data: &[T], start: isize, (size, stride): (usize, isize), step: isize, out: &mut [T]) {
    if step == 0 && out.len() > size {
        lines(data, start, (size, stride), 1, &mut out[..size]);
        // What is there already, again and again.
        let mut done = size;
        while done < out.len() {
            let next = done.min(out.len() - done);
            out.copy_within(..next, done);
            done += next;
        }
        return;
    }
    match stride {
        0 if step >= 0 => return fill_lines(&data[start as usize..], step as usize, out, size),
        1 if step >= 0 => return copy_lines(&data[start as usize..], step as usize, out, size, size),
        _ => {}
    }
    for (line, start) in out.chunks_exact_mut(size).zip((0..).map(|i| start + i * step)) {
        match stride {
            1 => line.copy_from_slice(&data[start as usize..start as usize + size]),
            _ => line.iter_mut().enumerate().for_each(|(i, x)| *x = data[(start + i as isize * stride) as usize]),
        }
    }
}

levels! {
    /// Copies lines of `size` elements, which start `from` elements apart, to the first places of every `to` elements of `out`,
    /// as many as have room there. A call for each would take as long as a short line.
    pub(crate) fn copy_lines[T: Copy](data: &[T], from: usize, out: &mut [T], to: usize, size: usize) {
        for (i, line) in out.chunks_mut(to.max(1)).take_while(|line| line.len() >= size).enumerate() {
            let (x, line) = (&data[i * from..][..size], &mut line[..size]);
            match size {
                LONG.. => line.copy_from_slice(x),
                16.. => pieces::<T, 16>(x, line),
                4.. => pieces::<T, 4>(x, line),
                _ => line.iter_mut().zip(x).for_each(|(line, x)| *line = *x),
            }
        }
    }
}

levels! {
    /// Fills lines of `size` elements with one each, which are `from` apart.
    fn fill_lines[T: Copy](data: &[T], from: usize, out: &mut [T], size: usize) {
        for (i, line) in out.chunks_exact_mut(size).enumerate() {
            let x = data[i * from];
            match size {
                16.. => repeated(&[x; 16], line),
                4.. => repeated(&[x; 4], line),
                _ => line.fill(x),
            }
        }
    }
}

/// Fills `N` elements or more, some of them perhaps twice.
#[inline(always)]
fn repeated<T: Copy, const N: usize>(x: &[T; N], out: &mut [T]) {
    out.as_chunks_mut::<N>().0.iter_mut().for_each(|out| *out = *x);
    if let Some(out) = out.last_chunk_mut::<N>() {
        *out = *x;
    }
}

/// A line that takes longer than a call.
const LONG: usize = 512;

/// Copies `N` elements or more, `N` at a time, the last of which may be copied twice.
#[inline(always)]
fn pieces<T: Copy, const N: usize>(x: &[T], out: &mut [T]) {
    for (x, out) in x.as_chunks::<N>().0.iter().zip(out.as_chunks_mut::<N>().0) {
        *out = *x;
    }
    if let (Some(x), Some(out)) = (x.last_chunk::<N>(), out.last_chunk_mut::<N>()) {
        *out = *x;
    }
}

/// A [`Walker`] with the elements that it walks over.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a, T> {
    data: &'a [T],
    walker: Walker,
}

impl<'a, T: Copy> Cursor<'a, T> {
    /// A cursor at the first element of `x`, which is not empty.
    pub fn new(x: Strided<'a, T>) -> Self {
        Self { data: x.data, walker: Walker::new(x.layout) }
    }

    /// A cursor over the axes `axes` of `x` alone, in that order, at the first index of the others.
    pub fn over(x: Strided<'a, T>, axes: impl DoubleEndedIterator<Item = usize>) -> Self {
        Self { data: x.data, walker: Walker::over(x.layout, axes) }
    }

    /// The distance between neighbours along the innermost axis.
    pub fn stride(&self) -> isize {
        self.walker.axes[0].1
    }

    /// Whether the elements lie one after another.
    pub fn is_run(&self) -> bool {
        self.walker.axes.len() == 1 && self.stride() == 1
    }

    /// Where the next `n` elements start and how far apart they lie, where that is evenly; goes `n` on then.
    pub fn steps(&mut self, n: usize) -> Option<(usize, usize)> {
        let (size, stride) = self.walker.axes[0];
        if stride < 0 || size - self.walker.at.index[0] < n {
            return None;
        }
        let start = self.walker.at.place as usize;
        self.walker.at.advance(&self.walker.axes, 0, n);
        Some((start, stride as usize))
    }

    /// Goes to the first index of every axis, now from another place.
    pub fn restart(&mut self, place: usize) {
        self.walker.at.index.fill(0);
        self.walker.at.place = place as isize;
    }

    /// The `n` elements of storage from the one that the cursor is at, which goes one on.
    pub fn neighbours(&mut self, n: usize) -> &'a [T] {
        let start = self.walker.at.place as usize;
        self.walker.at.advance(&self.walker.axes, 0, 1);
        &self.data[start..start + n]
    }

    /// The next `n` elements, borrowed where they lie side by side, else gathered in `buffer`, which
    /// holds as many at least. So many elements must be left.
    pub fn take<'b>(&mut self, n: usize, buffer: &'b mut [T]) -> &'b [T]
    where
        'a: 'b,
    {
        let (size, stride) = self.walker.axes[0];
        if stride == 1 && size - self.walker.at.index[0] >= n {
            let start = self.walker.at.place as usize;
            self.walker.at.advance(&self.walker.axes, 0, n);
            return &self.data[start..start + n];
        }
        self.walker.at.gather(&self.walker.axes, self.data, &mut buffer[..n]);
        &buffer[..n]
    }
}

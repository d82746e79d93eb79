//! Several results in one: an equation of a loop has a flat vector, in which they lie one after another.

use std::ops::Range;

use wengert_tensor::{Bf16, DType, Data, DataMut, F16, Result, Scalar, Shape, SliceRange, Tensor, ViewMut, kernel};

use crate::tape::{Tape, Var};
use crate::ty::Type;

/// Where one result lies in a flat vector.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub start: usize,
    pub ty: Type,
}

impl Part {
    /// Parts one after another, for those results that have a type.
    #[inline]
    pub fn all(types: impl IntoIterator<Item = Option<Type>>) -> Vec<Option<Self>> {
        let mut start = 0usize;
        let mut place = |ty: Type| {
            let part = Self { start, ty };
            start = start.saturating_add(part.len());
            part
        };
        types.into_iter().map(|ty| ty.map(&mut place)).collect()
    }

    /// The type of the vector that holds them; without any, an empty one.
    #[inline]
    pub fn whole(parts: &[Option<Self>]) -> Type {
        let last = parts.iter().flatten().next_back();
        let len = last.map_or(0, |part| part.start.saturating_add(part.len()));
        Type::new(last.map_or(DType::F64, |part| part.ty.dtype), [len])
    }

    /// The number of elements; too many are too many for the vector also.
    #[inline]
    pub fn len(&self) -> usize {
        self.ty.shape.numel_checked().unwrap_or(usize::MAX)
    }

    /// One past its last place in the vector.
    #[inline]
    fn end(&self) -> usize {
        self.start.saturating_add(self.len())
    }

    /// The part of a vector, in its shape: a view.
    #[inline]
    pub fn of<'t>(&self, flat: Var<'t>) -> Var<'t> {
        cut(flat, self.start, self.len(), &self.ty.shape)
    }

    /// Rows of the part's leading axis.
    #[inline]
    pub fn rows<'t>(&self, flat: Var<'t>, rows: Range<usize>) -> Var<'t> {
        let (row, n) = (self.row_shape(), rows.len());
        cut(flat, self.place(rows.start, &row), n.saturating_mul(row.numel()), &row.with_axis(0, n))
    }

    /// One row of the part's leading axis, without that axis.
    #[inline]
    pub fn row<'t>(&self, flat: Var<'t>, i: usize) -> Var<'t> {
        let row = self.row_shape();
        cut(flat, self.place(i, &row), row.numel(), &row)
    }

    /// Where a row begins. What is too large for a vector, which is then poisoned, may be anywhere.
    #[inline]
    fn place(&self, i: usize, row: &Shape) -> usize {
        self.start.saturating_add(i.saturating_mul(row.numel()))
    }

    #[inline]
    pub fn row_shape(&self) -> Shape {
        self.ty.shape.without(&[0])
    }

    /// The first place in the part that somebody reads, if any is read.
    #[inline]
    pub fn first_read(&self, read: &[Range<usize>]) -> Option<usize> {
        let within = |read: &&Range<usize>| read.start.max(self.start) < read.end.min(self.end());
        read.iter().filter(within).map(|read| read.start.max(self.start) - self.start).min()
    }

    /// Writes elements from `at` on, counted within the part.
    #[inline]
    pub fn write(&self, out: &mut ViewMut<'_>, at: usize, x: &Tensor) -> Result<()> {
        let start = self.start + at;
        let data = out.reborrow().into_data().range(start..start + x.numel());
        kernel::copy::copy(x.view(), ViewMut::new(data, x.shape())?)
    }

    /// Adds to the part's elements, which are floats; `first` sets them.
    #[inline]
    pub fn add(&self, out: &mut ViewMut<'_>, first: bool, x: &Tensor) -> Result<()> {
        if first {
            return self.write(out, 0, x);
        }
        // As slices, so that it is done several elements at once.
        let x = x.contiguous()?;
        let data = out.reborrow().into_data().range(self.start..self.start + self.len());
        match (data, x.view().side_by_side()) {
            (DataMut::F32(sum), Some(Data::F32(x))) => sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += x),
            (DataMut::F64(sum), Some(Data::F64(x))) => sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += x),
            (sum, _) => {
                let whole =
                    Tensor::build(sum.dtype(), x.shape(), |out| kernel::copy::slice(sum.data(), out.into_data()))?;
                self.write(out, 0, &whole.add(&x)?)?;
            }
        }
        Ok(())
    }

    /// Sets the part to zero.
    #[inline]
    pub fn clear(&self, out: &mut ViewMut<'_>) {
        match out.reborrow().into_data().range(self.start..self.start + self.len()) {
            DataMut::F32(x) => x.fill(0.0),
            DataMut::F64(x) => x.fill(0.0),
            DataMut::I64(x) => x.fill(0),
            DataMut::Bool(x) => x.fill(false),
            DataMut::BF16(x) => x.fill(Bf16::default()),
            DataMut::F16(x) => x.fill(F16::default()),
        }
    }
}

/// Places of a vector, in a shape: a view.
#[inline]
fn cut<'t>(flat: Var<'t>, start: usize, len: usize, shape: &Shape) -> Var<'t> {
    if flat.is_poisoned() {
        return flat;
    }
    flat.cut(0, SliceRange { start, stop: start + len, step: 1 }).reshape(shape)
}

/// Where places of a vector are, once only some of its parts are left: each of `old` that is, with the new one, of
/// which it has lost so many places at its beginning.
#[inline]
pub(super) fn moved(read: &[Range<usize>], parts: &[(Part, Part, usize)]) -> Vec<usize> {
    let place = |start: usize| {
        let part = parts.iter().find(|(old, ..)| (old.start..old.end()).contains(&start));
        part.map_or(0, |(old, new, lost)| new.start + (start - old.start).saturating_sub(*lost))
    };
    read.iter().map(|read| place(read.start)).collect()
}

/// The dtypes of the types that are there, each once, in order.
#[inline]
pub(super) fn dtypes<'a>(types: impl IntoIterator<Item = &'a Type>) -> Vec<DType> {
    let mut found = Vec::new();
    for ty in types {
        if !found.contains(&ty.dtype) {
            found.push(ty.dtype);
        }
    }
    found
}

/// Batched results, each with a leading axis, as a batch of flat vectors.
#[inline]
pub(super) fn flatten<'t>(tape: &'t Tape, parts: &[Var<'t>], n: usize, whole: &Type) -> Var<'t> {
    let mut rows = Vec::with_capacity(parts.len());
    for part in parts {
        let len = part.shape().iter().skip(1).product::<usize>();
        rows.push(part.reshape([n, len].as_slice()));
    }
    match rows.is_empty() {
        true => tape.full([n, 0], Scalar::F64(0.0).cast(whole.dtype)),
        false => Var::concat(&rows, 1),
    }
}

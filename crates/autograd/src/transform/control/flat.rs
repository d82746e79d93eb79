//! Several results in one: an equation of a loop has a flat vector, in which they lie one after another.

use wengert_tensor::{DType, DataMut, Result, SliceRange, Tensor, ViewMut, kernel};

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

    /// The part of a vector, in its shape: a view.
    #[inline]
    pub fn of<'t>(&self, flat: Var<'t>) -> Var<'t> {
        if flat.is_poisoned() {
            return flat;
        }
        let range = SliceRange { start: self.start, stop: self.start + self.len(), step: 1 };
        flat.cut(0, range).reshape(&self.ty.shape)
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
        match out.reborrow().into_data().range(self.start..self.start + self.len()) {
            DataMut::F32(sum) => sum.iter_mut().zip(x.iter::<f32>()?).for_each(|(sum, x)| *sum += x),
            DataMut::F64(sum) => sum.iter_mut().zip(x.iter::<f64>()?).for_each(|(sum, x)| *sum += x),
            DataMut::I64(_) | DataMut::Bool(_) => {}
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
        }
    }
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
        true => tape.full([n, 0], wengert_tensor::Scalar::F64(0.0).cast(whole.dtype)),
        false => Var::concat(&rows, 1),
    }
}

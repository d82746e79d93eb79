//! Parts of axes, by start, stop and step. Nothing is copied.

use std::ops::RangeBounds;

use smallvec::SmallVec;
use wengert_tensor::{Error, Layout, Pad, Result, SliceRange, Tensor, View, ViewMut, kernel};

use super::{Example, Rule, operands};
use crate::tape::Var;
use crate::ty::Type;

/// y = the elements of x within a range of one axis;  dy = the same part of dx
///
/// The adjoint puts the elements back among zeros.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Slice {
    /// An axis of the operand.
    pub axis: usize,
    /// Within that axis.
    pub range: SliceRange,
}

impl Rule for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn takes_halves(&self) -> bool {
        true
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [x] = operands("slice", x)?;
        let (axis, range) = (self.axis, &self.range);
        let within = |&size: &usize| range.start <= size && range.stop <= size && range.step > 0;
        if !x.shape.get(axis).is_some_and(within) {
            return Err(Error::index(format!("slice: {range:?} of axis {axis} of {}", x.shape)));
        }
        Ok(x.with_shape(x.shape.with_size(axis, range.len())))
    }

    fn alias(&self, x: &Layout) -> Option<Layout> {
        Some(x.cut(self.axis, self.range))
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        let layout = x[0].layout().cut(self.axis, self.range);
        kernel::copy::copy(x[0].through(&layout)?, out)
    }

    fn jvp<'t>(&self, _: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        dx[0].map(|dx| dx.tape().record(self.clone(), &[dx]))
    }

    fn vjp<'t>(&self, _: usize, x: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        let shape = x[0].shape();
        let mut pads: SmallVec<[Pad; 4]> = SmallVec::from_elem(Pad::default(), shape.rank());
        pads[self.axis] = around(&self.range, shape[self.axis]);
        Some(ybar.pad(&pads, 0.0))
    }

    fn batch<'t>(&self, x: &[Var<'t>], _: &[bool], _: usize) -> Var<'t> {
        x[0].tape().record(Slice { axis: self.axis + 1, range: self.range }, x)
    }

    #[inline]
    fn examples() -> Vec<Example> {
        let x = Tensor::from([[1.0, 2.0, -0.5, 0.75, 3.0], [0.25, -3.0, 4.0, 1.5, -1.0]]);
        let part = |axis, start, stop, step| {
            Example::new(Slice { axis, range: SliceRange { start, stop, step } }, [x.clone()])
        };
        vec![part(1, 1, 4, 1), part(0, 1, 2, 1), part(1, 0, 5, 2), part(0, 0, 2, 5), part(1, 1, 5, 3), part(1, 2, 2, 1)]
    }
}

/// What lies around the elements of a range in an axis of `size`, and between them.
fn around(range: &SliceRange, size: usize) -> Pad {
    match range.len() {
        0 => Pad { lo: 0, hi: size, interior: 0 },
        1 => Pad { lo: range.start, hi: size - range.start - 1, interior: 0 },
        n => Pad { lo: range.start, hi: size - range.start - (n - 1) * range.step - 1, interior: range.step - 1 },
    }
}

impl<'t> Var<'t> {
    /// The part of `axis` within `range`, every `step`-th index. Negative bounds count from the end and
    /// bounds outside mean the ends, as in Python.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([1.0, 2.0, 3.0, 4.0, 5.0]));
    /// assert_eq!(x.slice(0, 1..-1, 2).value()?, Tensor::from([2.0, 4.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn slice(self, axis: isize, range: impl RangeBounds<isize>, step: isize) -> Self {
        let axis = match self.axis("slice", axis) {
            Ok(axis) => axis,
            Err(poisoned) => return poisoned,
        };
        match SliceRange::resolve(self.shape()[axis], range, step) {
            Ok(range) => self.cut(axis, range),
            Err(error) => self.tape().error(error),
        }
    }

    /// The `len` indices of `axis` from `start`, all of which must exist.
    #[track_caller]
    pub fn narrow(self, axis: isize, start: usize, len: usize) -> Self {
        let axis = match self.axis("narrow", axis) {
            Ok(axis) => axis,
            Err(poisoned) => return poisoned,
        };
        match SliceRange::within(self.shape()[axis], start, len) {
            Ok(range) => self.cut(axis, range),
            Err(error) => self.tape().error(error),
        }
    }

    /// Index `i` of `axis`, negative from the end; the axis disappears.
    #[doc(alias = "select")]
    #[track_caller]
    pub fn select_axis(self, axis: isize, i: isize) -> Self {
        let axis = match self.axis("select_axis", axis) {
            Ok(axis) => axis,
            Err(poisoned) => return poisoned,
        };
        let shape = self.shape();
        let size = shape[axis] as isize;
        match if i < 0 { i.saturating_add(size) } else { i } {
            at if (0..size).contains(&at) => {
                let start = at as usize;
                self.cut(axis, SliceRange { start, stop: start + 1, step: 1 }).reshape(shape.without(&[axis]))
            }
            _ => {
                let sentence = format!("select_axis: index {i} is outside axis {axis} of {shape}");
                self.tape().error(Error::index(sentence))
            }
        }
    }

    /// A range, within `axis`, of it.
    #[track_caller]
    pub(crate) fn cut(self, axis: usize, range: SliceRange) -> Self {
        if range.len() == self.shape()[axis] {
            return self;
        }
        self.tape().record(Slice { axis, range }, &[self])
    }
}

//! Elements of one value around, and between, those of a variable.

use smallvec::SmallVec;
use wengert_tensor::{Pad as Edges, Result, Scalar, SliceRange, Tensor, View, ViewMut, kernel};

use super::{Example, Rule, operands};
use crate::tape::Var;
use crate::ty::Type;

/// y = x with `value` around and between its elements;  dy = dx with zeros there
///
/// The adjoint is the slice, with a step, that takes the elements out again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pad {
    /// What is added to every axis.
    pub pads: SmallVec<[Edges; 4]>,
    /// Converted to the operand's dtype.
    pub value: Scalar,
}

impl Rule for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }

    fn takes_halves(&self) -> bool {
        true
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [x] = operands("pad", x)?;
        Ok(x.with_shape(kernel::pad::shape(&x.shape, &self.pads)?))
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        kernel::pad::pad(x[0], &self.pads, self.value.cast(x[0].dtype()), out)
    }

    fn jvp<'t>(&self, _: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        dx[0].map(|dx| dx.pad(&self.pads, 0.0))
    }

    fn vjp<'t>(&self, _: usize, x: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        let mut xbar = ybar;
        for (axis, (pad, &size)) in self.pads.iter().zip(x[0].shape().iter()).enumerate() {
            let step = if size > 1 { pad.interior + 1 } else { 1 };
            let stop = if size > 0 { pad.lo + (size - 1) * step + 1 } else { pad.lo };
            xbar = xbar.cut(axis, SliceRange { start: pad.lo, stop, step });
        }
        Some(xbar)
    }

    fn batch<'t>(&self, x: &[Var<'t>], _: &[bool], _: usize) -> Var<'t> {
        let mut pads = self.pads.clone();
        pads.insert(0, Edges::default());
        x[0].pad(&pads, self.value)
    }

    #[inline]
    fn examples() -> Vec<Example> {
        let x = Tensor::from([[1.0, 2.0, -0.5], [0.25, -3.0, 4.0]]);
        let pad = |lo, hi, interior| Edges { lo, hi, interior };
        let pads = [
            ([pad(1, 0, 0), pad(0, 2, 0)], 0.0),
            ([pad(0, 0, 2), pad(1, 1, 1)], 0.0),
            ([pad(0, 1, 0), pad(2, 0, 1)], 1.5),
        ];
        let example = |(pads, value): ([Edges; 2], f64)| {
            Example::new(Pad { pads: pads.into_iter().collect(), value: value.into() }, [x.clone()])
        };
        pads.map(example).into()
    }
}

impl<'t> Var<'t> {
    /// This with `value`, in its dtype, around its elements and between them: what a
    /// [`Pad`](wengert_tensor::Pad) says for every axis. `(lo, hi)` makes one without elements in between.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([1.0, 2.0]));
    /// assert_eq!(x.pad(&[(1, 2)], 0.0).value()?, Tensor::from([0.0, 1.0, 2.0, 0.0, 0.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn pad<P: Into<Edges> + Copy>(self, pads: &[P], value: impl Into<Scalar>) -> Self {
        if self.is_poisoned() {
            return self;
        }
        let pads: SmallVec<[Edges; 4]> = pads.iter().map(|&pad| pad.into()).collect();
        if pads.len() == self.rank() && pads.iter().zip(self.shape().iter()).all(|(pad, &size)| adds_nothing(pad, size)) {
            return self;
        }
        self.tape().record(Pad { pads, value: value.into().cast(self.dtype()) }, &[self])
    }
}

fn adds_nothing(pad: &Edges, size: usize) -> bool {
    pad.lo == 0 && pad.hi == 0 && (pad.interior == 0 || size < 2)
}

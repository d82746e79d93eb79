//! Slices picked by an index along an axis, and the adjoint: slices added where an index says.

use wengert_tensor::{Error, Result, Shape, Tensor, View, ViewMut, kernel};

use super::gather::{index_type, numbers, zero};
use super::{Example, Gather, Rule, ScatterAdd, lift, operands, flops_of};
use crate::tape::Var;
use crate::ty::Type;

/// y[.., i.., ..] = x[.., k[i..], ..], slices along `axis`;  dy = the same slices of dx
///
/// The index k, of i64 and any rank, has no derivative; its axes take the axis's place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IndexSelect {
    /// The axis that the index counts along.
    pub axis: usize,
}

impl Rule for IndexSelect {
    fn name(&self) -> &'static str {
        "index_select"
    }

    fn takes_halves(&self) -> bool {
        true
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [x, index] = operands("index_select", x)?;
        index_type("index_select", index)?;
        Ok(x.with_shape(kernel::gather::select_shape(&x.shape, self.axis, &index.shape)?))
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        kernel::gather::index_select(x[0], self.axis, x[1], out)
    }

    fn jvp<'t>(&self, x: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        dx[0].map(|dx| dx.tape().record(self.clone(), &[dx, x[1]]))
    }

    fn vjp<'t>(&self, i: usize, x: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        let back = IndexAdd { axis: self.axis, size: x[0].shape()[self.axis] };
        (i == 0).then(|| ybar.tape().record(back, &[x[1], ybar]))
    }

    fn batch<'t>(&self, x: &[Var<'t>], batched: &[bool], _: usize) -> Var<'t> {
        let tape = x[0].tape();
        match batched {
            [true, false] => tape.record(IndexSelect { axis: self.axis + 1 }, x),
            // One index with one more axis, which comes out at `axis`.
            [false, _] => tape.record(self.clone(), x).move_axis(self.axis as isize, 0),
            // Every repetition has its own index: one for every element.
            _ => {
                let (shape, index) = (x[0].shape(), x[1].shape());
                let picked = self.axis + 1..self.axis + index.rank();
                let full = kernel::gather::select_shape(&shape, self.axis + 1, &Shape::from(&index[1..]));
                match full {
                    Ok(full) => {
                        let spread = Spread { axis: self.axis, full: &full, picked };
                        let y = tape.record(Gather { axis: self.axis + 1 }, &[x[0], spread.index(x[1])]);
                        y.reshape(&full)
                    }
                    Err(error) => tape.error(error),
                }
            }
        }
    }

    #[inline]
    fn examples() -> Vec<Example> {
        let x = Tensor::from([[1.0, 2.0, -0.5], [0.25, -3.0, 4.0]]);
        vec![
            Example::new(IndexSelect { axis: 1 }, [x.clone(), Tensor::from([2, 0, 2, 1])]),
            Example::new(IndexSelect { axis: 0 }, [x.clone(), Tensor::from([[1, 1], [0, 1], [0, 0]])]),
            Example::new(IndexSelect { axis: 1 }, [x, Tensor::from(1)]),
        ]
    }
}

/// y = zeros with an axis of `size`, y[.., k[i..], ..] += x[.., i.., ..];  dy = the same of dx
///
/// Operands: the index k, of i64 and any rank, which has no derivative, then x, where k's axes are in
/// place of `axis`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IndexAdd {
    /// The axis that the index counts along.
    pub axis: usize,
    /// Its size.
    pub size: usize,
}

impl Rule for IndexAdd {
    fn name(&self) -> &'static str {
        "index_add"
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [index, x] = operands("index_add", x)?;
        index_type("index_add", index)?;
        numbers("index_add", x)?;
        let end = self.axis.saturating_add(index.shape.rank());
        if x.shape.get(self.axis..end) != Some(&index.shape[..]) {
            let (x, index, axis) = (&x.shape, &index.shape, self.axis);
            return Err(Error::shape(format!("index_add: {x} has no axes {index} of an index at axis {axis}")));
        }
        Ok(x.with_shape([&x.shape[..self.axis], &[self.size], &x.shape[end..]].concat()))
    }

    fn eval(&self, x: &[View], mut out: ViewMut) -> Result<()> {
        zero(&mut out)?;
        kernel::gather::index_add(self.axis, x[0], x[1], out)
    }

    fn flops(&self, x: &[&Type], _: &Type) -> u64 {
        flops_of(1, x)
    }

    fn jvp<'t>(&self, x: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        dx[1].map(|dx| dx.tape().record(self.clone(), &[x[0], dx]))
    }

    fn vjp<'t>(&self, i: usize, x: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        (i == 1).then(|| ybar.tape().record(IndexSelect { axis: self.axis }, &[ybar, x[0]]))
    }

    fn batch<'t>(&self, x: &[Var<'t>], batched: &[bool], n: usize) -> Var<'t> {
        let tape = x[0].tape();
        if !batched[0] {
            return tape.record(IndexAdd { axis: self.axis + 1, size: self.size }, x);
        }
        let src = lift(x, batched, n)[1];
        let (full, index) = (src.shape(), x[0].shape());
        let spread = Spread { axis: self.axis, full: &full, picked: self.axis + 1..self.axis + index.rank() };
        let flat = spread.flat(index[1..].iter().product());
        let shape = flat.with_size(self.axis + 1, self.size);
        tape.record(ScatterAdd { axis: self.axis + 1, shape }, &[spread.index(x[0]), src.reshape(&flat)])
    }

    #[inline]
    fn examples() -> Vec<Example> {
        let x = Tensor::from([[1.0, 2.0, -0.5], [0.25, -3.0, 4.0]]);
        vec![
            Example::new(IndexAdd { axis: 1, size: 4 }, [Tensor::from([3, 0, 3]), x.clone()]),
            Example::new(IndexAdd { axis: 0, size: 3 }, [Tensor::from([[2, 0, 2], [1, 1, 1]]), x.clone()]),
            Example::new(IndexAdd { axis: 1, size: 2 }, [Tensor::from(1), x]),
        ]
    }
}

/// A batch of indices, each for its own slices, as one index for every element.
struct Spread<'a> {
    /// The axis, counted without the batch.
    axis: usize,
    /// The shape of the slices picked, with the batch.
    full: &'a Shape,
    /// The axes of `full` that are the index's.
    picked: std::ops::Range<usize>,
}

impl Spread<'_> {
    /// `full` with the index's axes made one, of `size`.
    fn flat(&self, size: usize) -> Shape {
        [&self.full[..self.picked.start], &[size], &self.full[self.picked.end..]].concat().into()
    }

    /// The index, [n, i..], repeated over the slices.
    fn index<'t>(&self, index: Var<'t>) -> Var<'t> {
        let shape = index.shape();
        let size = shape[1..].iter().product();
        let flat = self.flat(size);
        let mut ones: Shape = std::iter::repeat_n(1, flat.rank()).collect();
        ones = ones.with_size(0, shape[0]).with_size(self.axis + 1, size);
        index.reshape(ones).broadcast_to(flat)
    }
}

impl<'t> Var<'t> {
    /// Slices along `axis` by an index, of i64, of any shape, whose axes take the axis's place. An index
    /// out of range is an error when the value is asked for.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]));
    /// let y = x.index_select(0, tape.input(&Tensor::from([2, 0, 2])));
    /// assert_eq!(y.value()?, Tensor::from([[5.0, 6.0], [1.0, 2.0], [5.0, 6.0]]));
    /// assert_eq!(y.sum().grad(x).value()?, Tensor::from([[1.0, 1.0], [0.0, 0.0], [2.0, 2.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias("take"))]
    #[track_caller]
    pub fn index_select(self, axis: isize, index: Self) -> Self {
        match self.axis("index_select", axis) {
            Ok(axis) => self.tape().record(IndexSelect { axis }, &[self, index]),
            Err(poisoned) => poisoned,
        }
    }

    /// This with the slices of `x` added where [`index_select`](Self::index_select) would take them from;
    /// slices at one index add up.
    #[doc(alias("add.at"))]
    #[track_caller]
    pub fn index_add(self, axis: isize, index: Self, x: Self) -> Self {
        match self.axis("index_add", axis) {
            Ok(axis) => {
                let added = self.tape().record(IndexAdd { axis, size: self.shape()[axis] }, &[index, x]);
                if !added.is_poisoned() && added.shape() != self.shape() {
                    let (x, index, shape) = (x.shape(), index.shape(), self.shape());
                    let sentence = format!("index_add: {x} by an index {index} does not fit axis {axis} of {shape}");
                    return self.tape().error(Error::shape(sentence));
                }
                self + added
            }
            Err(poisoned) => poisoned,
        }
    }
}

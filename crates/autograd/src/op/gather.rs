//! Elements picked by an index along an axis, one index for every element, and the adjoint: elements
//! added where an index says.

use wengert_tensor::{DType, Error, Result, Scalar, Shape, Tensor, View, ViewMut, kernel};

use super::{Example, Rule, lift, operands, flops_of};
use crate::tape::Var;
use crate::ty::Type;

/// y[.., i, ..] = x[.., k[.., i, ..], ..] along `axis`;  dy = the same elements of dx
///
/// The index k, of i64, has no derivative.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Gather {
    /// The axis that the index counts along.
    pub axis: usize,
}

impl Rule for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn takes_halves(&self) -> bool {
        true
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [x, index] = operands("gather", x)?;
        index_type("gather", index)?;
        Ok(x.with_shape(kernel::gather::shape(&x.shape, self.axis, &index.shape)?))
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        kernel::gather::gather(x[0], self.axis, x[1], out)
    }

    fn jvp<'t>(&self, x: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        dx[0].map(|dx| dx.tape().record(self.clone(), &[dx, x[1]]))
    }

    fn vjp<'t>(&self, i: usize, x: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        let back = ScatterAdd { axis: self.axis, shape: x[0].shape() };
        (i == 0).then(|| ybar.tape().record(back, &[x[1], ybar]))
    }

    fn batch<'t>(&self, x: &[Var<'t>], batched: &[bool], n: usize) -> Var<'t> {
        x[0].tape().record(Gather { axis: self.axis + 1 }, &lift(x, batched, n))
    }

    #[inline]
    fn examples() -> Vec<Example> {
        let x = Tensor::from([[1.0, 2.0, -0.5], [0.25, -3.0, 4.0]]);
        vec![
            Example::new(Gather { axis: 1 }, [x.clone(), Tensor::from([[2, 2, 0, 1], [0, 0, 0, 2]])]),
            Example::new(Gather { axis: 0 }, [x.clone(), Tensor::from([[1, 0, 1]])]),
            Example::new(Gather { axis: 0 }, [x, Tensor::from([[1, 0], [1, 1], [0, 1]])]),
        ]
    }
}

/// y = zeros of `shape`, y[.., k[.., i, ..], ..] += x[.., i, ..] along `axis`;  dy = the same of dx
///
/// Operands: the index k, of i64, which has no derivative, then x, of k's shape.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ScatterAdd {
    /// The axis that the index counts along.
    pub axis: usize,
    /// The sizes of the result.
    pub shape: Shape,
}

impl Rule for ScatterAdd {
    fn name(&self) -> &'static str {
        "scatter_add"
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [index, x] = operands("scatter_add", x)?;
        index_type("scatter_add", index)?;
        numbers("scatter_add", x)?;
        let fits = kernel::gather::shape(&self.shape, self.axis, &index.shape);
        if fits.is_err() || index.shape != x.shape {
            let (index, into, axis) = (&index.shape, &self.shape, self.axis);
            let sentence = format!("scatter_add: {} by an index of shape {index} into {into} along axis {axis}", x.shape);
            return Err(Error::shape(sentence));
        }
        Ok(x.with_shape(&self.shape))
    }

    fn eval(&self, x: &[View], mut out: ViewMut) -> Result<()> {
        zero(&mut out)?;
        kernel::gather::scatter_add(self.axis, x[0], x[1], out)
    }

    fn flops(&self, x: &[&Type], _: &Type) -> u64 {
        flops_of(1, x)
    }

    fn jvp<'t>(&self, x: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        dx[1].map(|dx| dx.tape().record(self.clone(), &[x[0], dx]))
    }

    fn vjp<'t>(&self, i: usize, x: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        (i == 1).then(|| ybar.tape().record(Gather { axis: self.axis }, &[ybar, x[0]]))
    }

    fn batch<'t>(&self, x: &[Var<'t>], batched: &[bool], n: usize) -> Var<'t> {
        let op = ScatterAdd { axis: self.axis + 1, shape: self.shape.with_axis(0, n) };
        x[0].tape().record(op, &lift(x, batched, n))
    }

    #[inline]
    fn examples() -> Vec<Example> {
        let (x, shape) = (Tensor::from([[1.0, 2.0, -0.5], [0.25, -3.0, 4.0]]), Shape::from([3, 4]));
        vec![
            Example::new(
                ScatterAdd { axis: 1, shape: shape.clone() },
                [Tensor::from([[3, 3, 0], [1, 2, 1]]), x.clone()],
            ),
            Example::new(ScatterAdd { axis: 0, shape }, [Tensor::from([[2, 0, 1], [2, 1, 1]]), x]),
        ]
    }
}

/// That an operand is an index.
pub(crate) fn index_type(op: &str, index: &Type) -> Result<()> {
    match index.dtype {
        DType::I64 => Ok(()),
        _ => Err(Error::dtype(format!("{op}: an index is of dtype i64, got {index}"))),
    }
}

/// That an operand can be added up.
pub(crate) fn numbers(op: &str, x: &Type) -> Result<()> {
    match x.dtype {
        DType::Bool => Err(Error::dtype(format!("{op}: takes numbers, got {x}"))),
        _ => Ok(()),
    }
}

/// Sets a result to zeros, for kernels that add to it.
pub(crate) fn zero(out: &mut ViewMut) -> Result<()> {
    let zero = Scalar::from(0.0).cast(out.dtype());
    kernel::copy::fill(zero, out.reborrow())
}

impl<'t> Var<'t> {
    /// One element for every index: `y[.., i, ..] = x[.., index[.., i, ..], ..]` along `axis`. The index,
    /// of i64, has this variable's rank, and is no longer than it along the other axes. An index out of
    /// range is an error when the value is asked for.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// let index = tape.input(&Tensor::from([[1], [0]]));
    /// assert_eq!(x.gather(1, index).value()?, Tensor::from([[2.0], [3.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// [`take_along_axis`](Self::take_along_axis) broadcasts, and has indices that count from the end.
    #[track_caller]
    pub fn gather(self, axis: isize, index: Self) -> Self {
        match self.axis("gather", axis) {
            Ok(axis) => self.tape().record(Gather { axis }, &[self, index]),
            Err(poisoned) => poisoned,
        }
    }

    /// This with every element of `x` added at its index along `axis`; elements at one index add up.
    /// `x` and `index` have one shape, of this variable's rank, no longer than it along the other axes.
    #[doc(alias("add.at"))]
    #[track_caller]
    pub fn scatter_add(self, axis: isize, index: Self, x: Self) -> Self {
        match self.axis("scatter_add", axis) {
            Ok(axis) => self + self.tape().record(ScatterAdd { axis, shape: self.shape() }, &[index, x]),
            Err(poisoned) => poisoned,
        }
    }
}

//! Where the maximum of every window is. The maximum itself is a gather, and so are its derivatives.

use wengert_tensor::{DType, Pool, Result, Shape, Tensor, View, ViewMut, kernel};

use super::gather::numbers;
use super::{Example, Rule, operands};
use crate::tape::Var;
use crate::ty::Type;

/// y[.., p..] = the place of the first maximum of x in window p, an index into the flattened pooled axes
///
/// An index has no derivative. The axes pooled are the last ones.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ArgMaxPool {
    /// How windows move.
    pub how: Pool,
}

impl Rule for ArgMaxPool {
    fn name(&self) -> &'static str {
        "max_pool"
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [x] = operands("max_pool", x)?;
        numbers("max_pool", x)?;
        Ok(Type::new(DType::I64, kernel::pool::shape(&x.shape, &self.how)?))
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        kernel::pool::arg_max_pool(x[0], &self.how, out)
    }

    fn flops(&self, _: &[&Type], y: &Type) -> u64 {
        self.how.sizes.iter().fold(y.shape.numel() as u64, |n, &size| n.saturating_mul(size as u64))
    }

    fn jvp<'t>(&self, _: &[Var<'t>], _: Var<'t>, _: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        None
    }

    fn vjp<'t>(&self, _: usize, _: &[Var<'t>], _: Var<'t>, _: Var<'t>) -> Option<Var<'t>> {
        None
    }

    fn batch<'t>(&self, x: &[Var<'t>], _: &[bool], _: usize) -> Var<'t> {
        x[0].tape().record(self.clone(), x)
    }

    #[inline]
    fn examples() -> Vec<Example> {
        let x = Tensor::from([[1.0, 2.0, -0.5, 0.75, 3.0], [0.25, -3.0, 4.0, 1.5, -1.0], [0.5, 2.5, -2.0, 3.5, 0.0]]);
        let hows = [
            Pool::new(&[2]),
            Pool::new(&[3]).stride(2).padding(1),
            Pool::new(&[2, 2]).stride(1),
            Pool::new(&[2, 2]).dilation(2).ceil(true),
        ];
        hows.map(|how| Example::new(ArgMaxPool { how }, [x.clone()])).into()
    }
}

impl<'t> Var<'t> {
    /// The maximum of every window over the last axes: [.., axes..] to [.., positions..]. NaN wins;
    /// padding never does. The cotangent goes to the first of equal maxima.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::{Pool, Tensor};
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([1.0, 3.0, 2.0, 0.0]));
    /// let y = x.max_pool(&Pool::new(&[2]));
    /// assert_eq!(y.value()?, Tensor::from([3.0, 2.0]));
    /// assert_eq!(y.sum().grad(x).value()?, Tensor::from([0.0, 1.0, 1.0, 0.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias("max_pool1d", "max_pool2d", "max_pool3d"))]
    #[track_caller]
    pub fn max_pool(self, how: &Pool) -> Self {
        self.max_pool_with_indices(how).0
    }

    /// As [`max_pool`](Self::max_pool), and where each maximum is: an index into the flattened pooled axes.
    #[track_caller]
    pub fn max_pool_with_indices(self, how: &Pool) -> (Self, Self) {
        let indices = self.tape().record(ArgMaxPool { how: how.clone() }, &[self]);
        if indices.is_poisoned() {
            return (indices, indices);
        }
        let (shape, positions) = (self.shape(), indices.shape());
        let lead = shape.rank() - how.sizes.len();
        let flat = |shape: &Shape| [&shape[..lead], &[shape[lead..].iter().product()]].concat();
        let picked = self.reshape(&flat(&shape)[..]).gather(-1, indices.reshape(&flat(&positions)[..]));
        (picked.reshape(&positions), indices)
    }
}

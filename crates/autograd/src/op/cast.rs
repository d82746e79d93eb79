//! Conversion between dtypes.

use wengert_tensor::kernel::{Bound, cast, each};
use wengert_tensor::{DType, Layout, Result, Tensor, View, ViewMut};

use super::{Example, Rule, operands};
use crate::tape::Var;
use crate::ty::Type;

/// y = x in another dtype;  dy = dx so, between floats
///
/// Converted as Rust's `as` does: to integers floats are truncated, and a number is `true` unless
/// it is zero. To and from these there is no derivative. To half precision numbers are rounded to the nearest value, which
/// counts as no change for the derivative.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cast {
    /// The dtype of the result.
    pub dtype: DType,
}

impl Rule for Cast {
    fn name(&self) -> &'static str {
        "cast"
    }

    fn takes_halves(&self) -> bool {
        true
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [x] = operands("cast", x)?;
        Ok(x.with_dtype(self.dtype))
    }

    fn is_elementwise(&self) -> bool {
        true
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        each::map("cast", x, out, &cast::cast)
    }

    fn bind(&self, x: &[(DType, &Layout)], _: &Type) -> Option<Bound> {
        each::bind(x, cast::cast)
    }

    fn jvp<'t>(&self, _: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        dx[0].filter(|_| self.dtype.is_float()).map(|dx| dx.cast(self.dtype))
    }

    fn vjp<'t>(&self, _: usize, x: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        let dtype = x[0].dtype();
        (dtype.is_float() && self.dtype.is_float()).then(|| ybar.cast(dtype))
    }

    fn batch<'t>(&self, x: &[Var<'t>], _: &[bool], _: usize) -> Var<'t> {
        x[0].cast(self.dtype)
    }

    #[inline]
    fn examples() -> Vec<Example> {
        let x = Tensor::from([0.5, -2.25, 3.0]);
        let to = |dtype| Cast { dtype };
        vec![
            Example::new(to(DType::F64), [x.clone()]),
            Example::new(to(DType::I64), [x.clone()]),
            Example::new(to(DType::Bool), [x]),
            Example::new(to(DType::F64), [Tensor::from([true, false])]),
            Example::new(to(DType::F64), [Tensor::from([3i64, -1])]),
        ]
    }
}

impl<'t> Var<'t> {
    /// The same numbers in another dtype; derivatives pass between floats, in the dtype of either side.
    ///
    /// ```
    /// use wengert_autograd::grad;
    /// use wengert_tensor::{DType, Tensor};
    ///
    /// // Computed in f32 and rounded to bf16, forwards and backwards; the gradient is of x's dtype.
    /// let g = grad(|x| x.cast(DType::BF16).square().sum().cast(DType::F32), &Tensor::from([1.01f32, 3.0]))?;
    /// assert_eq!(g, Tensor::from([2.015625f32, 6.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias = "to")]
    #[doc(alias = "astype")]
    #[track_caller]
    pub fn cast(self, dtype: DType) -> Self {
        if self.is_poisoned() || self.dtype() == dtype {
            return self;
        }
        self.tape().record(Cast { dtype }, &[self])
    }

    /// In f32 where it is of half precision, else itself: for functions of several steps, which round once at their end.
    #[inline(never)]
    #[track_caller]
    pub(crate) fn wide(self) -> Self {
        self.cast(self.dtype().computed())
    }

    /// In the dtype of `other`, whose [`wide`](Self::wide) this was computed of.
    #[inline(never)]
    #[track_caller]
    pub(crate) fn narrowed(self, other: Self) -> Self {
        self.cast(other.dtype())
    }
}

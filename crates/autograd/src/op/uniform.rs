//! Random numbers of a key: a function as any other, which gives the same for the same key.

use wengert_tensor::{DType, Error, Result, Shape, Tensor, View, ViewMut, kernel};

use super::{Example, Rule, operands};
use crate::tape::Var;
use crate::ty::Type;

/// Numbers from 0 up to 1, without 1: for every key of the operand, `i64` of any shape, as many as `shape` has elements.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Uniform {
    /// The shape for one key.
    pub shape: Shape,
    /// `f32` or `f64`.
    pub dtype: DType,
}

impl Rule for Uniform {
    fn name(&self) -> &'static str {
        "uniform"
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [keys] = operands("uniform", x)?;
        if keys.dtype != DType::I64 {
            return Err(Error::dtype(format!("uniform: keys are i64, got {keys}")));
        }
        if !matches!(self.dtype, DType::F32 | DType::F64) {
            return Err(Error::dtype(format!("uniform: makes f32 or f64, not {}", self.dtype)));
        }
        Ok(Type::new(self.dtype, keys.shape.iter().chain(self.shape.iter()).copied().collect::<Shape>()))
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        kernel::random::uniform(x[0], out)
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
        let uniform = |shape: &[usize]| Uniform { shape: shape.into(), dtype: DType::F64 };
        vec![Example::new(uniform(&[3]), [Tensor::from([7, -1])]), Example::new(uniform(&[]), [Tensor::from(0)])]
    }
}

impl<'t> Var<'t> {
    /// Uniformly distributed numbers from 0 up to 1, without 1, of this key: an `i64`, such as
    /// [`Tape::next_key`](crate::Tape::next_key) gives. One key gives the same numbers whenever it is asked; neighbouring keys
    /// give unrelated ones. For keys of a shape of their own, the result has its axes first.
    /// Numbers of half precision are those of f32, rounded, which may reach 1.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::{DType, Tensor};
    ///
    /// let tape = Tape::new();
    /// let key = tape.input(&Tensor::from(42));
    /// let u = key.uniform([1000], DType::F64);
    /// assert!((u.mean().item()? - 0.5).abs() < 0.05);
    /// assert_eq!(u.value()?, key.uniform([1000], DType::F64).value()?);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias = "rand")]
    #[track_caller]
    pub fn uniform(self, shape: impl Into<Shape>, dtype: DType) -> Self {
        self.tape().record(Uniform { shape: shape.into(), dtype: dtype.computed() }, &[self]).cast(dtype)
    }

    /// Normally distributed numbers, of mean 0 and variance 1, of this key, as [`uniform`](Self::uniform) has uniform ones
    /// (G. Box and M. Muller, "A note on the generation of random normal deviates", Annals of Mathematical Statistics
    /// 29(2), 1958).
    #[doc(alias = "randn")]
    #[track_caller]
    pub fn normal(self, shape: impl Into<Shape>, dtype: DType) -> Self {
        let shape = shape.into();
        let pairs = self.uniform(shape.with_axis(0, 2), dtype.computed());
        if pairs.is_poisoned() {
            return pairs;
        }
        let axis = self.rank() as isize;
        let one = |i| pairs.narrow(axis, i, 1).squeeze(axis);
        // The logarithm is of a number above 0: 1 is not among the uniform ones.
        ((-2.0 * (1.0 - one(0)).ln()).sqrt() * (std::f64::consts::TAU * one(1)).cos()).cast(dtype)
    }
}

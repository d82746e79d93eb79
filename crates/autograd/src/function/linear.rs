//! Products of vectors, and products with something added, by [`matmul`](Var::matmul).

use wengert_tensor::Error;

use super::compose;
use crate::tape::Var;

impl<'t> Var<'t> {
    /// The inner product of two vectors, of rank 0.
    #[doc(alias = "vdot")]
    #[track_caller]
    pub fn dot(self, other: Self) -> Self {
        match self.vectors("dot", other) {
            Some(poisoned) => poisoned,
            None => self.matmul(other),
        }
    }

    /// The products of every element of one vector, the rows, with every one of another, the columns.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let (x, y) = (tape.input(&Tensor::from([1.0, 2.0])), tape.input(&Tensor::from([3.0, 4.0])));
    /// assert_eq!(x.outer(y).value()?, Tensor::from([[3.0, 4.0], [6.0, 8.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn outer(self, other: Self) -> Self {
        match self.vectors("outer", other) {
            Some(poisoned) => poisoned,
            None => self.unsqueeze(1) * other.unsqueeze(0),
        }
    }

    /// The products summed over the last axis of both, of [.., k] and [.., k]: this variable's other axes come first in
    /// the result, then the other's. With a single element it is the product.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// let y = tape.input(&Tensor::from([1.0, -1.0]));
    /// assert_eq!(x.inner(y).value()?, Tensor::from([-1.0, -1.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[inline]
    #[track_caller]
    pub fn inner(self, other: Self) -> Self {
        compose("inner", [self, other], |[x, y]| {
            let single = x.rank() == 0 || y.rank() == 0;
            Ok(if single { x * y } else { x.tensordot(y, &[-1], &[-1]) })
        })
    }

    /// `beta` this + `alpha` a b, where a b is [`matmul`](Self::matmul) and this is stretched to its shape: matrices,
    /// batches of them, vectors. Where beta is 0 this is not read, NaN or not, and has no derivative.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let (x, a) = (tape.input(&Tensor::from([1.0, f64::NAN])), tape.input(&Tensor::from([[2.0, 0.0], [0.0, 3.0]])));
    /// assert_eq!(x.addmm(a, a, 0.0, 0.5).value()?, Tensor::from([[2.0, 0.0], [0.0, 4.5]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Operands that have no product, or whose product this does not stretch to.
    #[doc(alias("addmv", "baddbmm", "gemm"))]
    #[inline]
    #[track_caller]
    pub fn addmm(self, a: Self, b: Self, beta: f64, alpha: f64) -> Self {
        self.plus("addmm", a.matmul(b), beta, alpha)
    }

    /// `beta` this + `alpha` Σ a b, the sum of the products of two batches of matrices: [`addmm`](Self::addmm) with the
    /// first axis of the product summed over.
    #[inline]
    #[track_caller]
    pub fn addbmm(self, a: Self, b: Self, beta: f64, alpha: f64) -> Self {
        self.plus("addbmm", a.matmul(b).sum_axes(0), beta, alpha)
    }

    /// x W + b, from [.., inputs] by [inputs, outputs] to [.., outputs]; the bias broadcasts. By a vector [inputs], to
    /// [..].
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[1.0, 2.0]]));
    /// let (w, b) = (tape.input(&Tensor::from([[3.0], [4.0]])), tape.input(&Tensor::from([0.5])));
    /// assert_eq!(x.linear(w, Some(b)).value()?, Tensor::from([[11.5]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias = "affine")]
    #[inline]
    #[track_caller]
    pub fn linear(self, weight: Self, bias: Option<Self>) -> Self {
        let y = self.matmul(weight);
        match bias {
            Some(bias) => y + bias,
            None => y,
        }
    }

    /// y(o) = Σ x(i) w(o, i, j) y(j) + b(o) for a weight [outputs, first, second], from [.., first] and [.., second] to
    /// [.., outputs]; leading axes broadcast.
    #[inline]
    #[track_caller]
    pub fn bilinear(self, other: Self, weight: Self, bias: Option<Self>) -> Self {
        let y = self.einsum("...i,oij,...j->...o", &[weight, other]);
        match bias {
            Some(bias) => y + bias,
            None => y,
        }
    }

    /// `beta` this + `alpha` y, in y's shape.
    #[track_caller]
    fn plus(self, op: &str, y: Self, beta: f64, alpha: f64) -> Self {
        compose(op, [self, y], |[x, y]| {
            let scaled = |x: Self, by: f64| if by == 1.0 { x } else { x * by };
            let (x, y) = (x.broadcast_to(y.shape()), scaled(y, alpha));
            Ok(if beta == 0.0 && !x.is_poisoned() { y } else { scaled(x, beta) + y })
        })
    }

    /// The mistake, if it is one, that the operands are not two vectors.
    #[track_caller]
    fn vectors(self, op: &str, other: Self) -> Option<Self> {
        if let Some(poisoned) = [self, other].into_iter().find(|v| v.is_poisoned()) {
            return Some(poisoned);
        }
        let (x, y) = (self.shape(), other.shape());
        if x.rank() == 1 && y.rank() == 1 {
            return None;
        }
        Some(self.tape().error(Error::shape(format!("{op}: {x} and {y} are not both vectors"))))
    }
}

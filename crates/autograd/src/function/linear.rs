//! Products of vectors and of tensors, by [`matmul`](Var::matmul).

use wengert_tensor::Error;

use crate::tape::Var;

impl<'t> Var<'t> {
    /// The inner product of two vectors, of rank 0.
    #[doc(alias("inner", "vdot"))]
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

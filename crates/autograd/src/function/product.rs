//! Products over axes, and running ones, by multiplications alone.
//!
//! Dividing the product by each factor would be quicker, and wrong where a factor is 0. Here halves
//! are multiplied with each other, so all derivatives are right at zeros, and n factors take
//! ⌈log₂ n⌉ steps.

use wengert_tensor::{Axes, AxisList};

use crate::tape::Var;

impl<'t> Var<'t> {
    /// The product of all elements; 1 of none.
    ///
    /// ```
    /// use wengert_autograd::grad;
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::from([2.0, 0.0, 3.0]);
    /// assert_eq!(grad(|x| x.prod(), &x)?, Tensor::from([0.0, 6.0, 0.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn prod(self) -> Self {
        self.prod_axes(..)
    }

    /// The product over some axes, which are dropped.
    #[track_caller]
    pub fn prod_axes(self, axes: impl Into<Axes>) -> Self {
        let axes = match self.resolve("prod", axes) {
            Ok(axes) => axes,
            Err(poisoned) => return poisoned,
        };
        let shape = self.shape();
        let kept: AxisList = (0..shape.rank()).filter(|axis| !axes.contains(axis)).collect();
        let order: AxisList = axes.iter().chain(&kept).copied().collect();
        let mut n: usize = axes.iter().map(|&axis| shape[axis]).product();
        let rest = shape.without(&axes);
        if n == 0 {
            return self.scalar(1.0.into(), rest);
        }
        let mut x = self.wide().permute(&order[..]).reshape(rest.with_axis(0, n));
        let mut odd: Option<Self> = None;
        while n > 1 {
            let half = n / 2;
            if n % 2 == 1 {
                let last = x.narrow(0, n - 1, 1);
                odd = Some(match odd {
                    Some(odd) => odd * last,
                    None => last,
                });
            }
            x = x.narrow(0, 0, half) * x.narrow(0, half, half);
            n = half;
        }
        let all = match odd {
            Some(odd) => x * odd,
            None => x,
        };
        all.reshape(rest).narrowed(self)
    }

    /// The product over some axes, which stay with size 1.
    #[track_caller]
    pub fn prod_keep(self, axes: impl Into<Axes>) -> Self {
        let axes = axes.into();
        self.prod_axes(axes.clone()).keep(self, axes)
    }

    /// The powers 1, x, x², .., of which there are `n`, of every element, along one more last axis: the matrix of the
    /// polynomial whose coefficients are multiplied by it. NumPy has the powers in falling order.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([2.0, 3.0]));
    /// assert_eq!(x.vander(3).value()?, Tensor::from([[1.0, 2.0, 4.0], [1.0, 3.0, 9.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[inline]
    #[track_caller]
    pub fn vander(self, n: usize) -> Self {
        let x = self.unsqueeze(-1);
        let ones = x.full_like(1.0);
        if x.is_poisoned() || n < 2 {
            return ones.narrow(-1, 0, n);
        }
        let axis = self.rank();
        let powers = x.broadcast_to(x.shape().with_size(axis, n - 1)).cumprod(-1);
        Self::concat(&[ones, powers], -1)
    }

    /// The products of the elements up to and including each along `axis`.
    #[track_caller]
    pub fn cumprod(self, axis: isize) -> Self {
        scan(self, "cumprod", axis, |x, y| x * y)
    }
}

/// The results of the associative `f` of the elements up to and including each along `axis`, in
/// ⌈log₂ n⌉ steps: after step k each element is the result of the last 2ᵏ
/// (W. D. Hillis and G. L. Steele, "Data parallel algorithms", CACM 29(12), 1986).
#[track_caller]
pub(super) fn scan<'t>(x: Var<'t>, op: &str, axis: isize, f: impl Fn(Var<'t>, Var<'t>) -> Var<'t>) -> Var<'t> {
    let axis = match x.axis(op, axis) {
        Ok(axis) => axis,
        Err(poisoned) => return poisoned,
    };
    let (n, along) = (x.shape()[axis], axis as isize);
    let (whole, mut x, mut shift) = (x, x.wide(), 1);
    while shift < n {
        let (head, tail, before) =
            (x.narrow(along, 0, shift), x.narrow(along, shift, n - shift), x.narrow(along, 0, n - shift));
        // A closure hides who called it.
        let last = x.tape().originating(x.tape().here(), || f(before, tail));
        x = Var::concat(&[head, last], along);
        shift *= 2;
    }
    x.narrowed(whole)
}

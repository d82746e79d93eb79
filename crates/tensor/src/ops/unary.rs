//! Elementwise functions of one tensor.

use crate::dtype::DType;
use crate::error::Result;
use crate::kernel::each::{Slices, map};
use crate::kernel::unary;
use crate::ops::halves;
use crate::tensor::Tensor;

impl Tensor {
    fn unary(&self, op: &str, dtype: DType, kernel: &Slices) -> Result<Self> {
        if let Some(y) = halves(&[self], &|x| x[0].unary(op, dtype.computed(), kernel)) {
            return y;
        }
        Self::build(dtype, self.shape(), |out| map(op, &[self.view()], out, kernel))
    }

    /// ψ⁽ⁿ⁾ of every element, the derivative of [`digamma`](Self::digamma) of order `n`.
    ///
    /// # Errors
    /// [`ErrorKind::DType`](crate::ErrorKind::DType) where the dtype is not a float.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let trigamma = Tensor::from([1.0]).polygamma(1)?;
    /// assert!((trigamma.to_vec::<f64>()?[0] - std::f64::consts::PI.powi(2) / 6.0).abs() < 1e-15);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    pub fn polygamma(&self, n: u32) -> Result<Self> {
        self.unary("polygamma", self.dtype(), &|x, out| unary::polygamma(n, x, out))
    }

    /// xⁿ for an integer n, by repeated squaring.
    ///
    /// # Errors
    /// [`ErrorKind::DType`](crate::ErrorKind::DType) where the dtype is not a float.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// assert_eq!(Tensor::from([-2.0, 0.5]).powi(-3)?, Tensor::from([-0.125, 8.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    pub fn powi(&self, n: i32) -> Result<Self> {
        self.unary("powi", self.dtype(), &|x, out| unary::powi(n, x, out))
    }
}

macro_rules! methods {
    ($needs:literal, |$self:ident| $dtype:expr => $($(#[$doc:meta])* $name:ident;)*) => {
        impl Tensor {$(
            $(#[$doc])*
            ///
            /// # Errors
            #[doc = concat!("[`ErrorKind::DType`](crate::ErrorKind::DType) where the dtype is not ", $needs, ".")]
            pub fn $name(&self) -> Result<Self> {
                let $self = self;
                self.unary(stringify!($name), $dtype, &unary::$name)
            }
        )*}
    };
}

methods! { "one of numbers", |x| x.dtype() =>
    /// -x of every element; integers wrap.
    #[doc(alias = "negative")] neg;
    /// |x| of every element; integers wrap.
    #[doc(alias = "absolute")] abs;
    /// The sign of every element: -1, 0 or 1, and NaN of NaN.
    #[doc(alias = "sgn")] sign;
    /// x² of every element; integers wrap.
    square;
}

methods! { "a float", |x| x.dtype() =>
    /// 1 / x of every element.
    #[doc(alias = "reciprocal")] recip;
    /// e^x of every element.
    exp;
    /// 2^x of every element.
    exp2;
    /// e^x - 1 of every element, exact to the last digits near 0.
    #[doc(alias = "expm1")] exp_m1;
    /// The natural logarithm of every element.
    #[doc(alias = "log")] ln;
    /// ln(1 + x) of every element, exact to the last digits near 0.
    #[doc(alias = "log1p")] ln_1p;
    /// The logarithm to base 2 of every element.
    log2;
    /// The logarithm to base 10 of every element.
    log10;
    /// The square root of every element.
    sqrt;
    /// 1 / √x of every element.
    rsqrt;
    /// The sine of every element, in radians.
    sin;
    /// The cosine of every element, in radians.
    cos;
    /// The tangent of every element, in radians.
    tan;
    /// The inverse sine of every element, in radians.
    #[doc(alias = "arcsin")] asin;
    /// The inverse cosine of every element, in radians.
    #[doc(alias = "arccos")] acos;
    /// The inverse tangent of every element, in radians.
    #[doc(alias = "arctan")] atan;
    /// The hyperbolic sine of every element.
    sinh;
    /// The hyperbolic cosine of every element.
    cosh;
    /// The hyperbolic tangent of every element.
    tanh;
    /// The inverse hyperbolic sine of every element.
    #[doc(alias = "arcsinh")] asinh;
    /// The inverse hyperbolic cosine of every element.
    #[doc(alias = "arccosh")] acosh;
    /// The inverse hyperbolic tangent of every element.
    #[doc(alias = "arctanh")] atanh;
    /// The logistic function 1 / (1 + e^-x) of every element.
    #[doc(alias = "expit")] sigmoid;
    /// ln(1 + e^x) of every element.
    softplus;
    /// The error function of every element.
    erf;
    /// 1 - erf x of every element, exact to the last digits for large x.
    erfc;
    /// The inverse error function of every element.
    erfinv;
    /// ln |Γ(x)| of every element.
    #[doc(alias = "gammaln")] lgamma;
    /// ψ(x) = Γ'(x) / Γ(x) of every element.
    #[doc(alias = "psi")] digamma;
    /// The largest integer not above each element.
    floor;
    /// The smallest integer not below each element.
    ceil;
    /// The integer nearest to each element, the even one of two.
    #[doc(alias = "rint")] round;
    /// The integer part of every element.
    #[doc(alias = "fix")] trunc;
}

methods! { "a float", |_x| DType::Bool =>
    /// Whether each element is NaN, as `bool`.
    #[doc(alias = "isnan")] is_nan;
    /// Whether each element is ∞ or -∞, as `bool`.
    #[doc(alias = "isinf")] is_inf;
    /// Whether each element is neither infinite nor NaN, as `bool`.
    #[doc(alias = "isfinite")] is_finite;
}

methods! { "`bool`", |x| x.dtype() =>
    /// The opposite of every truth value.
    #[doc(alias = "not")] logical_not;
}

//! The error function, the gamma function's logarithm, and their kin, elementwise.

use std::f64::consts::FRAC_2_SQRT_PI;

use wengert_tensor::kernel::unary::polygamma;
use wengert_tensor::kernel::{Bound, each};
use wengert_tensor::{DType, Layout, Result, Tensor, View, ViewMut};

use super::elementwise::float;
use super::{Example, Rule, elementwise};
use crate::tape::Var;
use crate::ty::Type;

elementwise! { unary:
    /// y = erf x = 2/√π ∫₀ˣ e^-t² dt,  dy/dx = 2/√π e^-x²
    Erf: erf, |x, _, bar| bar * (FRAC_2_SQRT_PI * (-(x * x)).exp()), [-2.0, 0.0, 0.75];
    /// y = 1 - erf x, exact for large x,  dy/dx = -2/√π e^-x²
    Erfc: erfc, |x, _, bar| bar * (-FRAC_2_SQRT_PI * (-(x * x)).exp()), [-2.0, 0.0, 0.75];
    /// y with erf y = x,  dy/dx = √π/2 e^y²
    Erfinv: erfinv, |_, y, bar| bar * ((y * y).exp() / FRAC_2_SQRT_PI), [-0.75, 0.0, 0.5];
    /// y = ln |Γ(x)|,  dy/dx = ψ(x)
    #[doc(alias = "gammaln")]
    Lgamma: lgamma, |x, _, bar| bar * x.digamma(), [-1.5, 0.5, 1.75, 4.0];
}

/// y = ψ⁽ⁿ⁾(x), the derivative of order n of ψ(x) = Γ'(x) / Γ(x);  dy/dx = ψ⁽ⁿ⁺¹⁾(x)
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Polygamma {
    /// The order.
    pub n: u32,
}

impl Rule for Polygamma {
    fn name(&self) -> &'static str {
        "polygamma"
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        float("polygamma", x)
    }

    fn is_elementwise(&self) -> bool {
        true
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        each::map("polygamma", x, out, &|x, out| polygamma(self.n, x, out))
    }

    fn bind(&self, x: &[(DType, &Layout)], _: &Type) -> Option<Bound> {
        let n = self.n;
        each::bind(x, move |x, out| polygamma(n, x, out))
    }

    fn jvp<'t>(&self, x: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        Some(dx[0]? * x[0].polygamma(self.n.saturating_add(1)))
    }

    fn vjp<'t>(&self, _: usize, x: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        Some(ybar * x[0].polygamma(self.n.saturating_add(1)))
    }

    fn batch<'t>(&self, x: &[Var<'t>], _: &[bool], _: usize) -> Var<'t> {
        x[0].polygamma(self.n)
    }

    #[inline]
    fn examples() -> Vec<Example> {
        let x = Tensor::from([-1.5, 0.75, 1.75, 4.0]);
        [0, 1, 2].map(|n| Example::new(Polygamma { n }, [x.clone()])).into()
    }
}

impl<'t> Var<'t> {
    /// ψ(x) = Γ'(x) / Γ(x), the derivative of [`lgamma`](Self::lgamma).
    #[doc(alias = "psi")]
    #[track_caller]
    pub fn digamma(self) -> Self {
        self.polygamma(0)
    }

    /// ψ⁽ⁿ⁾(x), the derivative of order `n` of [`digamma`](Self::digamma).
    #[track_caller]
    pub fn polygamma(self, n: u32) -> Self {
        self.tape().record(Polygamma { n }, &[self])
    }
}

//! Powers and roots, elementwise.

use wengert_tensor::kernel::unary::powi;
use wengert_tensor::kernel::{Bound, each};
use wengert_tensor::{DType, Layout, Result, Tensor, View, ViewMut};

use super::elementwise::{float, pair_of_floats};
use super::{Example, Rule, elementwise};
use crate::tape::Var;
use crate::ty::Type;

elementwise! { unary:
    /// y = √x,  dy/dx = 1 / (2 y)
    Sqrt: sqrt, |_, y, bar| bar / (2.0 * y), [0.5, 1.0, 3.0];
    /// y = 1 / √x,  dy/dx = -y³ / 2
    Rsqrt: rsqrt, |_, y, bar| bar * (-0.5 * y.powi(3)), [0.5, 1.0, 3.0];
}

elementwise! { binary:
    /// z = xʸ,  dz = y xʸ⁻¹ dx + z ln x dy
    #[doc(alias("power", "float_power"))]
    Pow: pow (pair_of_floats), |x, y, z, bar| bar * by_base(x, y), bar * z * log_of_base(x, y),
        [(0.5, 2.0), (3.0, -1.5), (1.5, 0.25)];
    /// z = √(x² + y²),  dz = (x dx + y dy) / z, and 0 to every order at the origin
    Hypot: hypot (pair_of_floats), |x, y, z, bar| bar * cosine(x, z), bar * cosine(y, z),
        [(3.0, 4.0), (-0.5, 2.0), (0.0, 1.0)];
}

/// y xʸ⁻¹, which is 0 for y = 0 even where x is 0.
fn by_base<'t>(x: Var<'t>, y: Var<'t>) -> Var<'t> {
    let constant = x.equal(0.0).logical_and(y.equal(0.0));
    y * x.pow(constant.where_(0.0, y - 1.0))
}

/// ln x, or 0 where x = 0 and y ≥ 0: there xʸ does not change with y.
fn log_of_base<'t>(x: Var<'t>, y: Var<'t>) -> Var<'t> {
    let constant = x.equal(0.0).logical_and(y.greater_equal(0.0));
    constant.where_(1.0, x).ln()
}

/// x / z, or 0, with all derivatives, where z is 0.
fn cosine<'t>(x: Var<'t>, z: Var<'t>) -> Var<'t> {
    let tip = z.equal(0.0);
    tip.where_(0.0, x / tip.where_(1.0, z))
}

/// y = xⁿ,  dy/dx = n xⁿ⁻¹
///
/// Right for negative x and at x = 0, to every order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Powi {
    /// The exponent.
    pub n: i32,
}

impl Powi {
    /// n xⁿ⁻¹, without a negative power of an x that may be 0.
    fn derivative<'t>(&self, x: Var<'t>) -> Var<'t> {
        match self.n {
            0 => x.full_like(0.0),
            1 => x.full_like(1.0),
            2 => 2.0 * x,
            n => n as f64 * x.powi(n.saturating_sub(1)),
        }
    }
}

impl Rule for Powi {
    fn name(&self) -> &'static str {
        "powi"
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        float("powi", x)
    }

    fn is_elementwise(&self) -> bool {
        true
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        each::map("powi", x, out, &|x, out| powi(self.n, x, out))
    }

    fn bind(&self, x: &[(DType, &Layout)], _: &Type) -> Option<Bound> {
        let n = self.n;
        each::bind(x, move |x, out| powi(n, x, out))
    }

    fn jvp<'t>(&self, x: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        Some(dx[0]? * self.derivative(x[0]))
    }

    fn vjp<'t>(&self, _: usize, x: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        Some(ybar * self.derivative(x[0]))
    }

    fn batch<'t>(&self, x: &[Var<'t>], _: &[bool], _: usize) -> Var<'t> {
        x[0].powi(self.n)
    }

    #[inline]
    fn examples() -> Vec<Example> {
        let x = Tensor::from([0.5, -2.0, 1.5]);
        [3, 2, 1, 0, -1, -2].map(|n| Example::new(Powi { n }, [x.clone()])).into()
    }
}

impl<'t> Var<'t> {
    /// y = xⁿ for an integer n, for any x, also with all derivatives at 0.
    #[track_caller]
    pub fn powi(self, n: i32) -> Self {
        self.tape().record(Powi { n }, &[self])
    }

    /// y = xᵖ for a fixed p; NaN for a negative x unless p is an integer.
    #[track_caller]
    pub fn powf(self, p: f64) -> Self {
        match p as i32 {
            // Repeated squaring loses digits in proportion to n.
            n if n as f64 == p && n.unsigned_abs() <= 64 => self.powi(n),
            _ => self.pow(p),
        }
    }
}

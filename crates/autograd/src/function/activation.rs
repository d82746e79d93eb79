//! Activation functions. Beside these, `sigmoid`, `tanh` and `softplus` are operations.
//!
//! At a kink the derivative is that of one side, the lower or flat one: 0 for [`relu`](Var::relu).

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use crate::tape::Var;

impl<'t> Var<'t> {
    /// x where x > 0, else 0.
    #[track_caller]
    pub fn relu(self) -> Self {
        // The comparison lets a NaN through.
        self.less_equal(0.0).where_(0.0, self)
    }

    /// x between 0 and 6, else the nearer of them.
    #[track_caller]
    pub fn relu6(self) -> Self {
        self.hardtanh(0.0, 6.0)
    }

    /// x between `lo` and `hi`, else the nearer of them; the derivative on them is 0, unlike that of
    /// [`clamp`](Self::clamp).
    #[track_caller]
    pub fn hardtanh(self, lo: f64, hi: f64) -> Self {
        self.less_equal(lo).where_(lo, self.greater_equal(hi).where_(hi, self))
    }

    /// x where x > `threshold`, else `value`.
    #[track_caller]
    pub fn threshold(self, threshold: f64, value: f64) -> Self {
        self.less_equal(threshold).where_(value, self)
    }

    /// x where x > 0, else `slope` x.
    #[track_caller]
    pub fn leaky_relu(self, slope: f64) -> Self {
        self.greater(0.0).where_(self, slope * self)
    }

    /// x where x > 0, else `weight` x. The weight is one number, or one for each index of axis 1.
    #[track_caller]
    pub fn prelu(self, weight: Var<'t>) -> Self {
        let (rank, n) = (self.rank(), weight.shape().numel());
        let weight = match rank {
            _ if n == 1 => weight.reshape([0usize; 0]),
            0 | 1 => weight,
            _ => {
                let mut sizes = vec![1; rank];
                sizes[1] = n;
                weight.reshape(&sizes[..])
            }
        };
        self.greater(0.0).where_(self, weight * self)
    }

    /// x where x > 0, else `alpha` (eˣ - 1).
    ///
    /// D.-A. Clevert, T. Unterthiner and S. Hochreiter, "Fast and accurate deep network learning by
    /// exponential linear units" (2016).
    #[track_caller]
    pub fn elu(self, alpha: f64) -> Self {
        let positive = self.greater(0.0);
        let x = self.wide();
        positive.where_(x, alpha * positive.where_(0.0, x).exp_m1()).narrowed(self)
    }

    /// x where x > 0, else `alpha` (e^(x / alpha) - 1): differentiable at 0 for every alpha.
    #[track_caller]
    pub fn celu(self, alpha: f64) -> Self {
        let positive = self.greater(0.0);
        let x = self.wide();
        positive.where_(x, alpha * (positive.where_(0.0, x) / alpha).exp_m1()).narrowed(self)
    }

    /// λ [`elu`](Self::elu)(α), which keeps mean 0 and variance 1 from layer to layer.
    ///
    /// G. Klambauer et al., "Self-normalizing neural networks" (2017).
    #[track_caller]
    pub fn selu(self) -> Self {
        const ALPHA: f64 = 1.673_263_242_354_377_2;
        const SCALE: f64 = 1.050_700_987_355_480_5;
        (SCALE * self.wide().elu(ALPHA)).narrowed(self)
    }

    /// x Φ(x), with Φ the distribution of the normal law.
    ///
    /// D. Hendrycks and K. Gimpel, "Gaussian error linear units" (2016).
    #[track_caller]
    pub fn gelu(self) -> Self {
        // 1 + erf would cancel for negative x.
        let x = self.wide();
        (0.5 * x * (-FRAC_1_SQRT_2 * x).erfc()).narrowed(self)
    }

    /// The approximation of [`gelu`](Self::gelu) by x (1 + tanh u) / 2 with u = √(2/π) (x + 0.044715 x³).
    #[doc(alias("gelu"))]
    #[track_caller]
    pub fn gelu_tanh(self) -> Self {
        const SCALE: f64 = FRAC_2_SQRT_PI * FRAC_1_SQRT_2;
        let x = self.wide();
        let u = SCALE * (x + 0.044715 * x.powi(3));
        // 1 + tanh would cancel for negative x.
        (x * (2.0 * u).sigmoid()).narrowed(self)
    }

    /// x / (1 + e⁻ˣ).
    #[doc(alias = "swish")]
    #[track_caller]
    pub fn silu(self) -> Self {
        let x = self.wide();
        (x * x.sigmoid()).narrowed(self)
    }

    /// x tanh ln(1 + eˣ).
    #[track_caller]
    pub fn mish(self) -> Self {
        let x = self.wide();
        (x * x.softplus().tanh()).narrowed(self)
    }

    /// ln(1 + e^(`beta` x)) / `beta`, or x where `beta` x > `threshold`.
    #[doc(alias("softplus"))]
    #[track_caller]
    pub fn softplus_with(self, beta: f64, threshold: f64) -> Self {
        let x = beta * self;
        x.greater(threshold).where_(self, x.softplus() / beta)
    }

    /// -ln(1 + e⁻ˣ), the logarithm of the sigmoid.
    #[track_caller]
    pub fn logsigmoid(self) -> Self {
        -(-self).softplus()
    }

    /// x / (1 + |x|).
    #[track_caller]
    pub fn softsign(self) -> Self {
        self / (1.0 + self.abs())
    }

    /// (x + 3) / 6 between 0 and 1, else the nearer of them.
    #[track_caller]
    pub fn hardsigmoid(self) -> Self {
        (self + 3.0).relu6() / 6.0
    }

    /// x [`hardsigmoid`](Self::hardsigmoid)(x).
    #[track_caller]
    pub fn hardswish(self) -> Self {
        self * self.hardsigmoid()
    }

    /// x where |x| > `bound`, else 0.
    #[track_caller]
    pub fn hardshrink(self, bound: f64) -> Self {
        self.abs().less_equal(bound).where_(0.0, self)
    }

    /// x brought nearer to 0 by `bound` where |x| > `bound`, else 0.
    #[track_caller]
    pub fn softshrink(self, bound: f64) -> Self {
        self.abs().less_equal(bound).where_(0.0, self - bound * self.sign())
    }

    /// x - tanh x.
    #[track_caller]
    pub fn tanhshrink(self) -> Self {
        self - self.tanh()
    }

    /// The first half along `axis` times the sigmoid of the second.
    ///
    /// Y. Dauphin et al., "Language modeling with gated convolutional networks" (2017).
    #[track_caller]
    pub fn glu(self, axis: isize) -> Self {
        let at = match self.axis("glu", axis) {
            Ok(at) => at,
            Err(poisoned) => return poisoned,
        };
        let (shape, half) = (self.shape(), self.shape()[at] / 2);
        if shape[at] % 2 == 1 {
            let sentence = format!("glu: axis {at} of shape {shape} has no two halves");
            return self.tape().error(wengert_tensor::Error::shape(sentence));
        }
        self.narrow(axis, 0, half) * self.narrow(axis, half, half).sigmoid()
    }
}

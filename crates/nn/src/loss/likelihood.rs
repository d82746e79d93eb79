//! Losses between distributions: the Kullback-Leibler divergence, and the negative logarithms of densities.

use std::f64::consts::PI;

use wengert_autograd::Var;
use wengert_tensor::Error;

use super::{Reduction, defined, fit};

/// The mean of Σ p (ln p - x) over distributions, which lie along the last axis: the divergence of the model, whose
/// log-probabilities are `x`, from probabilities `p`, both of shape `[.., classes]`.
///
/// Where p is 0 so is its term. The mean is over distributions, as with PyTorch's reduction "batchmean", not over their
/// terms. S. Kullback and R. Leibler, "On information and sufficiency", Annals of Mathematical Statistics
/// 22(1), 1951.
///
/// ```
/// use wengert_autograd::Tape;
/// use wengert_nn::loss::kl_div;
/// use wengert_tensor::Tensor;
///
/// let tape = Tape::new();
/// let x = tape.input(&Tensor::from([[0.5f64, 0.5]])).ln();
/// assert_eq!(kl_div(x, tape.input(&Tensor::from([[1.0, 0.0]]))).item()?, 2f64.ln());
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[doc(alias("KLDivLoss", "relative entropy"))]
#[inline]
#[track_caller]
pub fn kl_div<'t>(x: Var<'t>, p: Var<'t>) -> Var<'t> {
    kl_div_with(x, p, Reduction::Mean)
}

/// As [`kl_div`], reduced as said.
#[inline]
#[track_caller]
pub fn kl_div_with<'t>(x: Var<'t>, p: Var<'t>, reduction: Reduction) -> Var<'t> {
    if let Err(poisoned) = distributions(x, p) {
        return poisoned;
    }
    let terms = p.xlogy(p) - p * p.equal(0.0).where_(0.0, x);
    reduction.of(terms.sum_axes(-1))
}

/// As [`kl_div`], for logarithms `y` of probabilities: the mean of Σ e^y (y - x).
#[doc(alias = "log_target")]
#[inline]
#[track_caller]
pub fn kl_div_of_logs<'t>(x: Var<'t>, y: Var<'t>) -> Var<'t> {
    kl_div_of_logs_with(x, y, Reduction::Mean)
}

/// As [`kl_div_of_logs`], reduced as said.
#[inline]
#[track_caller]
pub fn kl_div_of_logs_with<'t>(x: Var<'t>, y: Var<'t>, reduction: Reduction) -> Var<'t> {
    if let Err(poisoned) = distributions(x, y) {
        return poisoned;
    }
    let impossible = y.equal(f64::NEG_INFINITY);
    reduction.of((y.exp() * impossible.where_(0.0, y - x)).sum_axes(-1))
}

#[inline]
#[track_caller]
fn distributions<'t>(x: Var<'t>, y: Var<'t>) -> Result<(), Var<'t>> {
    fit("kl_div", x, y)?;
    match x.rank() {
        0 => Err(x.tape().error(Error::shape("kl_div: distributions have an axis of classes, [] has none"))),
        _ => Ok(()),
    }
}

/// The mean of e^x - y x: the negative log-likelihood of counts `y` under Poisson distributions whose rates have the
/// logarithms `x`, less ln y!, which does not depend on them. See [`PoissonNll`] for rates themselves.
#[doc(alias = "poisson_nll_loss")]
#[inline]
#[track_caller]
pub fn poisson_nll<'t>(x: Var<'t>, y: Var<'t>) -> Var<'t> {
    PoissonNll::new().of(x, y)
}

/// [`poisson_nll`] with options.
///
/// ```
/// use wengert_autograd::Tape;
/// use wengert_nn::loss::PoissonNll;
/// use wengert_tensor::Tensor;
///
/// let tape = Tape::new();
/// let (rate, count) = (tape.input(&Tensor::from([1.0])), tape.input(&Tensor::from([3.0])));
/// assert_eq!(PoissonNll::new().rates(0.0).of(rate, count).item()?, 1.0);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[doc(alias = "PoissonNLLLoss")]
pub struct PoissonNll {
    /// What is added to rates, where they are given instead of their logarithms.
    rates: Option<f64>,
    full: bool,
    reduction: Reduction,
}

impl PoissonNll {
    /// For logarithms of rates, without ln y!, reduced to the mean.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same for rates themselves: x - y ln(x + eps). PyTorch's `eps` is 1e-8.
    #[doc(alias = "log_input")]
    pub fn rates(self, eps: f64) -> Self {
        Self { rates: Some(eps), ..self }
    }

    /// The same with ln y! for y > 1, by Stirling's formula.
    pub fn full(self) -> Self {
        Self { full: true, ..self }
    }

    /// The same, reduced as said.
    pub fn reduction(self, reduction: Reduction) -> Self {
        Self { reduction, ..self }
    }

    /// The loss of rates or their logarithms `x` and counts `y`, which are floats.
    #[inline]
    #[track_caller]
    pub fn of<'t>(&self, x: Var<'t>, y: Var<'t>) -> Var<'t> {
        if let Err(poisoned) = fit("poisson_nll", x, y) {
            return poisoned;
        }
        let losses = match self.rates {
            Some(eps) => x - y * (x + eps).ln(),
            None => x.exp() - y * x,
        };
        if !self.full {
            return self.reduction.of(losses);
        }
        let few = y.less_equal(1.0);
        let many = few.where_(1.0, y);
        let ln_factorial = many * many.ln() - many + 0.5 * (2.0 * PI * many).ln();
        self.reduction.of(losses + few.where_(0.0, ln_factorial))
    }
}

/// The mean of (ln v + (x - y)^2 / v) / 2: the negative log-likelihood of `y` under normal distributions of mean `x`
/// and variance `v`, less ln(2 π) / 2. See [`GaussianNll`].
#[doc(alias = "gaussian_nll_loss")]
#[inline]
#[track_caller]
pub fn gaussian_nll<'t>(x: Var<'t>, y: Var<'t>, v: Var<'t>) -> Var<'t> {
    GaussianNll::new().of(x, y, v)
}

/// [`gaussian_nll`] with options.
///
/// D. Nix and A. Weigend, "Estimating the mean and variance of the target probability distribution", ICNN 1994.
///
/// ```
/// use wengert_autograd::Tape;
/// use wengert_nn::loss::GaussianNll;
/// use wengert_tensor::Tensor;
///
/// let tape = Tape::new();
/// let (x, y) = (tape.input(&Tensor::from([1.0, 2.0])), tape.input(&Tensor::from([3.0, 2.0])));
/// assert_eq!(GaussianNll::new().of(x, y, tape.full((), 1.0)).item()?, 1.0);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
#[doc(alias = "GaussianNLLLoss")]
pub struct GaussianNll {
    eps: f64,
    full: bool,
    reduction: Reduction,
}

impl Default for GaussianNll {
    fn default() -> Self {
        Self { eps: 1e-6, full: false, reduction: Reduction::Mean }
    }
}

impl GaussianNll {
    /// With variances of at least 1e-6, without the constant, reduced to the mean.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with another least variance. A variance below it counts as that, but keeps its gradient.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }

    /// The same with the constant ln(2 π) / 2.
    pub fn full(self) -> Self {
        Self { full: true, ..self }
    }

    /// The same, reduced as said.
    pub fn reduction(self, reduction: Reduction) -> Self {
        Self { reduction, ..self }
    }

    /// The loss of means `x`, targets `y` of the same shape, and variances `v` that are repeated to that shape.
    #[inline]
    #[track_caller]
    pub fn of<'t>(&self, x: Var<'t>, y: Var<'t>, v: Var<'t>) -> Var<'t> {
        if let Err(poisoned) = fit("gaussian_nll", x, y).and(defined(&[v])) {
            return poisoned;
        }
        let v = v.broadcast_to(x.shape());
        let v = v + (v.clamp_min(self.eps) - v).detach();
        let losses = 0.5 * (v.ln() + (x - y).square() / v);
        self.reduction.of(if self.full { losses + 0.5 * (2.0 * PI).ln() } else { losses })
    }
}

//! Elementwise functions between layers.

use std::fmt;
use std::str::FromStr;

use wengert_autograd::Var;
use wengert_tensor::{Error, Result};

use super::Layer;
use crate::init::Init;
use crate::{Module, Visitor};

/// Makes [`Activation`] of lines `Variant, "name", |x| formula, init;`.
macro_rules! activations {
    ($($(#[$doc:meta])* $Name:ident, $name:literal, |$x:ident| $formula:expr, $init:expr;)*) => {
        /// An elementwise function between layers. Written and parsed by its name in lower case, such as
        /// `leaky_relu`.
        ///
        /// ```
        /// use wengert_nn::Activation;
        /// let activation: Activation = "tanh".parse()?;
        /// assert_eq!(activation, Activation::Tanh);
        /// # Ok::<(), wengert_tensor::Error>(())
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Activation {
            $($(#[$doc])* $Name,)*
        }

        impl Activation {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$Name),*];

            /// The name, in lower case.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$Name => $name,)*
                }
            }

            /// How weights start that lead into this activation.
            pub fn init(self) -> Init {
                match self {
                    $(Self::$Name => $init,)*
                }
            }
        }

        impl Layer for Activation {
            #[track_caller]
            fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
                match self {
                    $(Self::$Name => {
                        let $x = x;
                        $formula
                    })*
                }
            }
        }
    };
}

const XAVIER: Init = Init::XavierUniform { gain: 1.0 };
const KAIMING: Init = Init::KaimingUniform { slope: 0.0 };
const LEAKY_SLOPE: f64 = 0.01;

activations! {
    /// y = x
    Identity, "identity", |x| x, XAVIER;
    /// y = 1 / (1 + e^-x)
    Sigmoid, "sigmoid", |x| x.sigmoid(), XAVIER;
    /// y = tanh x
    Tanh, "tanh", |x| x.tanh(), XAVIER;
    /// y = x where x > 0, else 0
    Relu, "relu", |x| x.relu(), KAIMING;
    /// y = x between 0 and 6, else the nearer of them
    Relu6, "relu6", |x| x.relu6(), KAIMING;
    /// y = x where x > 0, else x / 100
    LeakyRelu, "leaky_relu", |x| x.leaky_relu(LEAKY_SLOPE), Init::KaimingUniform { slope: LEAKY_SLOPE };
    /// y = x where x > 0, else e^x - 1
    Elu, "elu", |x| x.elu(1.0), KAIMING;
    /// The continuously differentiable exponential linear unit, which is ELU for its parameter of 1
    Celu, "celu", |x| x.celu(1.0), KAIMING;
    /// The scaled exponential linear unit, which keeps mean 0 and variance 1
    Selu, "selu", |x| x.selu(), Init::KaimingNormal { slope: 1.0 };
    /// y = x P(x), with P the normal distribution's
    Gelu, "gelu", |x| x.gelu(), KAIMING;
    /// GELU approximated by a tanh
    GeluTanh, "gelu_tanh", |x| x.gelu_tanh(), KAIMING;
    /// y = x / (1 + e^-x)
    #[doc(alias = "swish")]
    Silu, "silu", |x| x.silu(), KAIMING;
    /// y = x tanh ln(1 + e^x)
    Mish, "mish", |x| x.mish(), KAIMING;
    /// y = ln(1 + e^x)
    Softplus, "softplus", |x| x.softplus(), XAVIER;
    /// y = x / (1 + |x|)
    Softsign, "softsign", |x| x.softsign(), XAVIER;
    /// y = -ln(1 + e^-x), the logarithm of the sigmoid
    Logsigmoid, "logsigmoid", |x| x.logsigmoid(), XAVIER;
    /// y = (x + 3) / 6 between 0 and 1, else the nearer of them
    Hardsigmoid, "hardsigmoid", |x| x.hardsigmoid(), XAVIER;
    /// y = x between -1 and 1, else the nearer of them
    Hardtanh, "hardtanh", |x| x.hardtanh(-1.0, 1.0), XAVIER;
    /// y = x (x + 3) / 6 between -3 and 3, 0 below and x above
    Hardswish, "hardswish", |x| x.hardswish(), KAIMING;
    /// y = x where |x| > 1/2, else 0
    Hardshrink, "hardshrink", |x| x.hardshrink(0.5), XAVIER;
    /// y = x brought nearer to 0 by 1/2 where |x| > 1/2, else 0
    Softshrink, "softshrink", |x| x.softshrink(0.5), XAVIER;
    /// y = x - tanh x
    Tanhshrink, "tanhshrink", |x| x.tanhshrink(), XAVIER;
    /// y = x^2 where x > 0, else 0
    ReluSquared, "relu_squared", |x| x.relu().square(), KAIMING;
}

impl Module for Activation {
    fn visit(&self, _: &mut Visitor) {}
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Activation {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.iter().copied().find(|activation| activation.name() == name).ok_or_else(|| {
            let all: Vec<_> = Self::ALL.iter().map(|activation| activation.name()).collect();
            Error::value(format!("activation: there is no {name:?}, only {}", all.join(", ")))
        })
    }
}

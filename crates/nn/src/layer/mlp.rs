//! The multilayer perceptron.

use wengert_autograd::Var;
use wengert_tensor::{Error, Result, Rng};

use super::{Activation, Layer, Linear};
use crate::Module;
use crate::init::Init;

/// Dense layers with an activation after each, the last included.
///
/// ```
/// use wengert_nn::{Activation, Layer, Mlp};
/// use wengert_tensor::{Rng, Tensor};
///
/// let mlp = Mlp::new(&[2, 4, 1], Activation::Tanh, &mut Rng::seed(1))?.with_output(Activation::Identity);
/// assert_eq!(mlp.predict(&Tensor::from([[0f32, 1.0]]))?.shape()[..], [1, 1]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Module)]
pub struct Mlp {
    /// The dense layers.
    pub layers: Vec<Linear>,
    /// What follows every layer but the last.
    pub activation: Activation,
    /// What follows the last layer.
    pub output: Activation,
}

impl Mlp {
    /// Layers between neighbours of `sizes`, in f32, with weights that suit the activation
    /// ([`Activation::init`]) and biases of zeros.
    ///
    /// # Errors
    /// Fewer than two sizes; weights that cannot be allocated.
    pub fn new(sizes: &[usize], activation: Activation, rng: &mut Rng) -> Result<Self> {
        Self::new_with(sizes, activation, activation.init(), rng)
    }

    /// As [`new`](Self::new), with weights that start as `init` says.
    ///
    /// # Errors
    /// Also a number of `init` that is out of range.
    pub fn new_with(sizes: &[usize], activation: Activation, init: Init, rng: &mut Rng) -> Result<Self> {
        if sizes.len() < 2 {
            return Err(Error::value(format!("mlp: sizes {sizes:?} must name the inputs and the outputs at least")));
        }
        let layers = sizes.windows(2).map(|pair| Linear::new_with(pair[0], pair[1], init, rng));
        Ok(Self { layers: layers.collect::<Result<_>>()?, activation, output: activation })
    }

    /// The same network with another activation after the last layer.
    pub fn with_output(self, output: Activation) -> Self {
        Self { output, ..self }
    }
}

impl Layer for Mlp {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        let mut y = x;
        for (i, layer) in self.layers.iter().enumerate() {
            let activation = if i + 1 == self.layers.len() { self.output } else { self.activation };
            y = activation.forward(layer.forward(y));
        }
        y
    }
}

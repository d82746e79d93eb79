//! What goes around a layer.

use wengert_autograd::Var;

use super::{Activation, Layer};
use crate::Module;

/// y = f(x) + x, a layer with a way around it; or f(x) + g(x), where f changes the shape and g follows.
///
/// K. He, X. Zhang, S. Ren and J. Sun, "Deep residual learning for image recognition", CVPR 2016.
///
/// ```
/// use wengert_nn::{Activation, Layer, Linear, Residual, Sequential};
/// use wengert_tensor::{Rng, Tensor};
///
/// let mut rng = Rng::seed(0);
/// let inside = Sequential::new().then(Linear::new(3, 3, &mut rng)?).then(Activation::Relu);
/// let net = Sequential::new()
///     .then(Residual::new(inside))
///     .then(Residual::with_shortcut(Linear::new(3, 2, &mut rng)?, Linear::new(3, 2, &mut rng)?));
/// assert_eq!(net.predict(&Tensor::from([[1f32, 2.0, 3.0]]))?.shape()[..], [1, 2]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Module)]
#[doc(alias("skip connection", "ResNet"))]
pub struct Residual<L, S = Activation> {
    /// f, the layer that one can go around.
    pub layer: L,
    /// g, the way around.
    pub shortcut: S,
}

impl<L: Layer> Residual<L> {
    /// `layer`, and its input added.
    pub fn new(layer: L) -> Self {
        Self { layer, shortcut: Activation::Identity }
    }
}

impl<L: Layer, S: Layer> Residual<L, S> {
    /// The sum of two layers of one input.
    pub fn with_shortcut(layer: L, shortcut: S) -> Self {
        Self { layer, shortcut }
    }
}

impl<L: Layer, S: Layer> Layer for Residual<L, S> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        self.layer.forward(x) + self.shortcut.forward(x)
    }
}

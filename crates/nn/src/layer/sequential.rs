//! Layers one after another.

use std::fmt;

use wengert_autograd::Var;

use super::Layer;
use crate::{Module, Visitor};

/// Layers one after another, named by their numbers: `0.weight`, `0.bias`, `2.weight`, …
///
/// ```
/// use wengert_nn::{Activation, Layer, Linear, Sequential};
/// use wengert_tensor::{Rng, Tensor};
///
/// let mut rng = Rng::seed(0);
/// let net = Sequential::new()
///     .then(Linear::new(2, 8, &mut rng)?)
///     .then(Activation::Tanh)
///     .then(Linear::new(8, 1, &mut rng)?)
///     .then_apply(|y| 2.0 * y);
/// assert_eq!(net.predict(&Tensor::from([[1f32, 2.0]]))?.shape()[..], [1, 1]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Default, Module)]
pub struct Sequential(Vec<Box<dyn Layer>>);

impl Sequential {
    /// No layers: the identity.
    pub fn new() -> Self {
        Self::default()
    }

    /// These layers, then `layer`.
    pub fn then(mut self, layer: impl Layer + 'static) -> Self {
        self.0.push(Box::new(layer));
        self
    }

    /// These layers, then a function without parameters.
    pub fn then_apply<F>(self, f: F) -> Self
    where
        F: for<'t> Fn(Var<'t>) -> Var<'t> + Send + Sync + 'static,
    {
        self.then(Function(f))
    }

    /// The number of layers.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no layers.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Sequential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sequential of {} layers with ", self.len())?;
        self.params().fmt(f)
    }
}

impl FromIterator<Box<dyn Layer>> for Sequential {
    fn from_iter<I: IntoIterator<Item = Box<dyn Layer>>>(layers: I) -> Self {
        Self(layers.into_iter().collect())
    }
}

impl Layer for Sequential {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        let mut y = x;
        for layer in &self.0 {
            y = layer.forward(y);
        }
        y
    }
}

struct Function<F>(F);

impl<F: Send + Sync> Module for Function<F> {
    fn visit(&self, _: &mut Visitor) {}
}

impl<F: for<'t> Fn(Var<'t>) -> Var<'t> + Send + Sync> Layer for Function<F> {
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        (self.0)(x)
    }
}

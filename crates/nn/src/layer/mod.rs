//! Layers: modules with one input and one output.

mod activation;
mod linear;
mod mlp;
mod recurrent;
mod sequential;

use wengert_autograd::{Tape, Var};
use wengert_tensor::{Result, Tensor};

pub use activation::Activation;
pub use linear::Linear;
pub use mlp::Mlp;
pub use recurrent::{Gru, Lstm, Recurrence, Rnn};
pub use sequential::Sequential;

use crate::Module;

/// A module with one input and one output.
///
/// ```
/// extern crate wengert_nn as wengert; // Not needed by users of the crate `wengert`.
/// use wengert_autograd::Var;
/// use wengert_nn::{Layer, Linear, Module};
/// use wengert_tensor::{Rng, Tensor};
///
/// #[derive(Module)]
/// struct Residual {
///     inside: Linear,
/// }
///
/// impl Layer for Residual {
///     fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
///         x + self.inside.forward(x).tanh()
///     }
/// }
///
/// let layer = Residual { inside: Linear::new(3, 3, &mut Rng::seed(0))? };
/// let y = layer.predict(&Tensor::from([[1f32, 2.0, 3.0]]))?;
/// assert_eq!(y.shape()[..], [1, 3]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
pub trait Layer: Module {
    /// Records the layer's output for an input. Mistakes are kept on the tape.
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t>;

    /// The layer's output for an input, on a tape of its own.
    ///
    /// # Errors
    /// An input whose shape or dtype the layer does not take.
    #[track_caller]
    fn predict(&self, x: &Tensor) -> Result<Tensor> {
        let tape = Tape::new();
        self.forward(tape.input(x)).value()
    }
}

/// A layer that is chosen at run time. Its mistakes name the line that calls it.
impl<L: Layer + ?Sized> Layer for Box<L> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        // The compiler does not tell a function behind a pointer who called it.
        x.tape().originating(x.tape().here(), || (**self).forward(x))
    }
}

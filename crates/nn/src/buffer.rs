//! [`Buffer`]: state of a model that is not trained, such as running statistics.

use std::fmt;

use wengert_autograd::{Tape, Type, Var};
use wengert_tensor::{Result, Tensor};

use crate::param::Param;

/// A shared handle to a tensor that belongs to a model's state and is not trained. A training step may
/// [update](Self::update) it along with the parameters.
///
/// ```
/// extern crate wengert_nn as wengert; // Not needed by users of the crate `wengert`.
/// use wengert_autograd::Var;
/// use wengert_nn::{Buffer, Layer, Module, Param, Sgd, Train};
/// use wengert_tensor::Tensor;
///
/// /// A scale, and how many batches it was trained on.
/// #[derive(Module)]
/// struct Scale {
///     scale: Param,
///     batches: Buffer,
/// }
///
/// impl Layer for Scale {
///     fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
///         if x.tape().is_training() {
///             self.batches.update(self.batches.on(x.tape()) + 1.0);
///         }
///         self.scale.on(x.tape()) * x
///     }
/// }
///
/// let layer = Scale { scale: Param::new(Tensor::from(2.0)), batches: Buffer::new(Tensor::from(0.0)) };
/// let mut train = Train::new(&layer, Sgd::new(0.1));
/// train.step(|t| layer.forward(t.full((), 1.0)))?;
/// train.step(|t| layer.forward(t.full((), 1.0)))?;
/// layer.predict(&Tensor::from(1.0))?;
/// assert_eq!(layer.batches.value(), Tensor::from(2.0));
/// assert_eq!((layer.params().len(), layer.state().len()), (1, 2));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Clone)]
pub struct Buffer(pub(crate) Param);

impl Buffer {
    /// What a buffer becomes has a key of its own on a tape.
    const UPDATED: u64 = 1 << 63;

    /// A new buffer, which starts from `value`.
    pub fn new(value: Tensor) -> Self {
        Self(Param::new(value))
    }

    /// The buffer as a variable: its value, or what it was last [updated](Self::update) to on this tape.
    #[track_caller]
    pub fn on<'t>(&self, tape: &'t Tape) -> Var<'t> {
        self.updated_on(tape).unwrap_or_else(|| self.0.on(tape))
    }

    /// Records that it becomes `value`, of its own type, once the training step of this tape is made. No derivative passes
    /// through it. On a tape that is not a training step's, nothing comes of it.
    #[track_caller]
    pub fn update(&self, value: Var<'_>) {
        let tape = value.tape();
        // The step needs the value from before as a variable.
        self.0.on(tape);
        tape.set_keyed(self.0.key() | Self::UPDATED, value.detach());
    }

    /// What it becomes.
    pub(crate) fn updated_on<'t>(&self, tape: &'t Tape) -> Option<Var<'t>> {
        tape.keyed(self.0.key() | Self::UPDATED)
    }

    /// The value. It shares memory with the buffer until that is changed.
    pub fn value(&self) -> Tensor {
        self.0.value()
    }

    /// The dtype and shape of the value.
    pub fn ty(&self) -> Type {
        self.0.ty()
    }

    /// Replaces the value by one of the same shape and dtype.
    ///
    /// # Errors
    /// A value of another shape or dtype; the buffer is then unchanged.
    pub fn set(&self, value: Tensor) -> Result<()> {
        self.0.set(value)
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({})", self.ty())
    }
}

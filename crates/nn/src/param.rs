//! [`Param`]: a shared handle to a trainable tensor.
//!
//! Always true: the value's shape and dtype change only by [`Module::to`](crate::Module::to), for every
//! handle at once. Two handles are the same parameter exactly where one was cloned from the other.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use wengert_autograd::{Tape, Type, Var};
use wengert_tensor::{Error, Result, Tensor};

/// A shared handle to a trainable tensor.
///
/// A clone is another handle to the same tensor: a model that holds both has *tied* weights, whose
/// gradient is the sum over all places where they are used.
///
/// ```
/// use wengert_autograd::Tape;
/// use wengert_nn::Param;
/// use wengert_tensor::Tensor;
///
/// let w = Param::new(Tensor::from([1.0, 2.0]));
/// let tape = Tape::new();
/// let y = (w.on(&tape) * w.on(&tape)).sum();
/// assert_eq!(y.grad(w.on(&tape)).value()?, Tensor::from([2.0, 4.0]));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Clone)]
#[doc(alias = "Parameter")]
pub struct Param(Arc<Shared>);

struct Shared {
    key: u64,
    value: RwLock<Tensor>,
    frozen: AtomicBool,
}

impl Param {
    /// A new parameter, which starts from `value` and is not frozen.
    pub fn new(value: Tensor) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let key = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(Arc::new(Shared { key, value: RwLock::new(value), frozen: AtomicBool::new(false) }))
    }

    /// The parameter as a variable: the same one however often it is asked for on one tape, with the
    /// value that it had the first time.
    #[track_caller]
    pub fn on<'t>(&self, tape: &'t Tape) -> Var<'t> {
        tape.keyed_input(self.0.key, &self.0.value.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What [`on`](Self::on) made on this tape, if it was asked to.
    pub(crate) fn found_on<'t>(&self, tape: &'t Tape) -> Option<Var<'t>> {
        tape.keyed(self.0.key)
    }

    /// The value. It shares memory with the parameter until that is changed.
    pub fn value(&self) -> Tensor {
        // A panic elsewhere cannot leave a value half written: it is replaced as a whole.
        self.0.value.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The dtype and shape of the value.
    pub fn ty(&self) -> Type {
        let value = self.value();
        Type::new(value.dtype(), value.shape())
    }

    /// Replaces the value by one of the same shape and dtype.
    ///
    /// # Errors
    /// A value of another shape or dtype; the parameter is then unchanged.
    pub fn set(&self, value: Tensor) -> Result<()> {
        let (old, new) = (self.ty(), Type::new(value.dtype(), value.shape()));
        if old.dtype != new.dtype {
            return Err(Error::dtype(format!("set: a parameter of {old} cannot become {new}")));
        }
        if old.shape != new.shape {
            return Err(Error::shape(format!("set: a parameter of {old} cannot become {new}")));
        }
        self.replace(value);
        Ok(())
    }

    /// As [`set`](Self::set), for a value that is known to fit or meant to change the type.
    pub(crate) fn replace(&self, value: Tensor) {
        *self.0.value.write().unwrap_or_else(PoisonError::into_inner) = value;
    }

    /// Excludes the parameter from training: it keeps its value, and a loss need not reach it.
    #[doc(alias = "requires_grad")]
    pub fn freeze(&self) {
        self.0.frozen.store(true, Ordering::Relaxed);
    }

    /// Includes the parameter in training again.
    pub fn unfreeze(&self) {
        self.0.frozen.store(false, Ordering::Relaxed);
    }

    /// Whether the parameter is excluded from training.
    pub fn is_frozen(&self) -> bool {
        self.0.frozen.load(Ordering::Relaxed)
    }

    /// Whether this and `other` are handles to the same tensor.
    pub fn is_tied_to(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn key(&self) -> u64 {
        self.0.key
    }
}

impl fmt::Debug for Param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Param({}{})", self.ty(), if self.is_frozen() { ", frozen" } else { "" })
    }
}

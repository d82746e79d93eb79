//! [`Param`]: a shared handle to a trainable tensor.
//!
//! Always true: the value's shape and dtype change only by [`Module::to`](crate::Module::to), for every
//! handle at once. Two handles are the same parameter exactly where one was cloned from the other.
//!
//! A compiled training step updates parameters in place, in memory of its own. So a parameter is *lent* to it, and
//! takes its value back when somebody asks for it; the step borrows it again when it runs next. Whoever needs both locks
//! takes the parameter's before the program's.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use wengert_autograd::{Compiled, Tape, Type, Var};
use wengert_tensor::{DType, Error, Result, Tensor};

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
    value: RwLock<Value>,
    frozen: AtomicBool,
}

/// Where the value is.
enum Value {
    Here(Tensor),
    /// A state of a program, by its number.
    Lent(Arc<Home>, usize),
}

/// A program to whose states parameters can be lent.
pub(crate) struct Home(Mutex<Compiled>);

impl Home {
    pub fn new(program: Compiled) -> Arc<Self> {
        Arc::new(Self(Mutex::new(program)))
    }

    /// The program, while nobody else uses it.
    pub fn program(&self) -> MutexGuard<'_, Compiled> {
        // A program withstands a panic in the middle of a run.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_back(&self, state: usize) -> Tensor {
        self.program().take_state(state).expect("what was lent to a program is there")
    }
}

impl Value {
    /// The value here, taken back from where it is lent.
    fn back(&mut self) -> &mut Tensor {
        if let Self::Lent(home, state) = self {
            *self = Self::Here(home.give_back(*state));
        }
        match self {
            Self::Here(tensor) => tensor,
            Self::Lent(..) => unreachable!("it is here now"),
        }
    }
}

impl Param {
    /// A new parameter, which starts from `value` and is not frozen.
    pub fn new(value: Tensor) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let key = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(Arc::new(Shared { key, value: RwLock::new(Value::Here(value)), frozen: AtomicBool::new(false) }))
    }

    /// The parameter as a variable: the same one however often it is asked for on one tape, with the
    /// value that it had the first time.
    #[track_caller]
    pub fn on<'t>(&self, tape: &'t Tape) -> Var<'t> {
        if let Value::Here(value) = &*self.read() {
            return tape.keyed_input(self.0.key, value);
        }
        tape.keyed_input(self.0.key, &self.value())
    }

    /// The parameter beside `x`, on its tape: as [`on`](Self::on), and where `x` is of half precision an `f32` parameter is
    /// rounded to that. So a layer that is given halves computes with them, while its parameters stay in `f32` to be
    /// trained.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_nn::Param;
    /// use wengert_tensor::{DType, Tensor};
    ///
    /// let w = Param::new(Tensor::from([0.1f32, 1.0]));
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([1.0f32, 2.0]));
    /// assert_eq!(w.beside(x).dtype(), DType::F32);
    /// assert_eq!(w.beside(x.cast(DType::BF16)).dtype(), DType::BF16);
    /// // Its gradient is of the parameter's own dtype.
    /// let loss = (w.beside(x.cast(DType::BF16)) * x.cast(DType::BF16)).sum();
    /// assert_eq!(loss.grad(w.on(&tape)).value()?, Tensor::from([1.0f32, 2.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias = "autocast")]
    #[track_caller]
    pub fn beside<'t>(&self, x: Var<'t>) -> Var<'t> {
        let param = self.on(x.tape());
        match x.dtype() {
            half if half.is_half() && param.dtype() == DType::F32 => param.cast(half),
            _ => param,
        }
    }

    /// What [`on`](Self::on) made on this tape, if it was asked to.
    pub(crate) fn found_on<'t>(&self, tape: &'t Tape) -> Option<Var<'t>> {
        tape.keyed(self.0.key)
    }

    /// The value. It shares memory with the parameter until that is changed.
    pub fn value(&self) -> Tensor {
        if let Value::Here(value) = &*self.read() {
            return value.clone();
        }
        self.write().back().clone()
    }

    // A panic elsewhere cannot leave a value half written: it is replaced as a whole.
    fn read(&self) -> RwLockReadGuard<'_, Value> {
        self.0.value.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Value> {
        self.0.value.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lends the value to a program as its state number `state`, from where it is now.
    ///
    /// # Errors
    /// A value of another type than the state's. It stays where it is.
    pub(crate) fn lend(&self, home: &Arc<Home>, state: usize) -> Result<()> {
        let mut value = self.write();
        if matches!(&*value, Value::Lent(to, k) if Arc::ptr_eq(to, home) && *k == state) {
            return Ok(());
        }
        let tensor = value.back();
        // Only one tensor may hold the memory, or it is copied.
        let lent = std::mem::replace(tensor, Tensor::from(false));
        match home.program().set_state(state, lent.clone()) {
            Ok(()) => *value = Value::Lent(home.clone(), state),
            Err(error) => {
                *tensor = lent;
                return Err(error);
            }
        }
        Ok(())
    }

    /// Whether it is lent to this program, or is of the type to be.
    pub(crate) fn fits(&self, home: &Arc<Home>, state: usize) -> bool {
        let mut value = self.write();
        if matches!(&*value, Value::Lent(to, k) if Arc::ptr_eq(to, home) && *k == state) {
            return true;
        }
        let value = value.back();
        home.program().state_type(state) == Some(&Type::new(value.dtype(), value.shape()))
    }

    /// Takes the value back, if it is lent to this program.
    pub(crate) fn leave(&self, home: &Arc<Home>) {
        let mut value = self.write();
        if matches!(&*value, Value::Lent(to, _) if Arc::ptr_eq(to, home)) {
            value.back();
        }
    }

    /// The dtype and shape of the value.
    pub fn ty(&self) -> Type {
        if let Value::Here(value) = &*self.read() {
            return Type::new(value.dtype(), value.shape());
        }
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
    pub(crate) fn replace(&self, mut value: Tensor) {
        self.swap(&mut value);
    }

    /// As [`replace`](Self::replace); the value before comes in place of the new one.
    pub(crate) fn swap(&self, value: &mut Tensor) {
        std::mem::swap(self.write().back(), value);
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

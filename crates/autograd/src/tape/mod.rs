//! The tape: equations in the order they were recorded, and the values known so far.
//!
//! Always true: the operands of an equation come before it; an equation never changes once it is
//! recorded; a value, once known, stays. A mistake is kept, with the line of the user's program, and
//! the variable it would have defined is *poisoned*: everything computed from it is poisoned too,
//! and asking for a value of it returns the mistake.

mod check;
mod eqn;
mod lines;
mod nowhere;
pub(crate) mod pool;
mod print;
mod training;
mod values;
mod var;

use std::cell::{Cell, RefCell};
use std::mem::take;
use std::panic::Location;
use std::ptr;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use wengert_tensor::{DType, Error, Result, Scalar, Shape, Tensor};

pub use eqn::{Eqn, VarId};
pub(crate) use lines::{Lines, Pullback, Request};
pub(crate) use nowhere::nowhere;
pub(crate) use values::Values;
pub use var::Var;

use crate::op::{Full, Input, Op};
use crate::program::{cache, interpret};
use crate::ty::Type;

/// A Wengert list: the flat list of elementary operations that a program performs
/// (R. E. Wengert, "A simple automatic derivative evaluation program", CACM 7(8), 1964).
///
/// Recording computes nothing: shapes and dtypes are checked at once, values are computed when
/// somebody asks, and only those needed.
///
/// ```
/// use wengert_autograd::Tape;
/// use wengert_tensor::Tensor;
///
/// let tape = Tape::new();
/// let x = tape.input(&Tensor::from([[1.0, 2.0]]));
/// let y = x.matmul(x.t());
/// assert_eq!(y.item()?, 5.0);
///
/// let bad = (x.matmul(x) + 1.0).exp();
/// let err = bad.value().unwrap_err();
/// assert!(err.to_string().starts_with("matmul: [1, 2] x [1, 2]: inner dimensions 2 and 1 differ, at "));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
pub struct Tape {
    pub(crate) inner: RefCell<Inner>,
    eager: Cell<bool>,
    /// Where equations recorded by a rule are said to come from: the equation they derive from.
    origin: Cell<Option<&'static Location<'static>>>,
    training: Cell<Option<training::Keys>>,
}

/// What a tape holds. It is handed on to tapes to come when the tape is dropped: see [`pool`].
#[derive(Default)]
pub(crate) struct Inner {
    pub(crate) eqns: Lines,
    pub(crate) values: Values,
    /// Whether more than inputs may have values.
    pub(crate) evaluated: bool,
    /// The first mistake.
    error: Option<Error>,
    /// Variables of inputs that were given a key.
    keyed: FxHashMap<u64, VarId>,
    /// The equations that the last request needs, in tape order.
    pub(crate) order: Vec<usize>,
    /// The place of each equation in that order, or [`Inner::UNSEEN`].
    pub(crate) places: Vec<u32>,
}

impl Inner {
    const UNSEEN: u32 = u32::MAX;

    /// Records an equation, unless there are more than can be numbered.
    #[inline]
    fn append(&mut self, eqn: Eqn) -> Option<VarId> {
        let id = VarId::new(self.eqns.len())?;
        if !self.eqns.has_precedent() || !pool::diverge(self, &eqn) {
            self.eqns.push(eqn);
        }
        Some(id)
    }

    /// Nothing recorded; the equations there were are a precedent.
    fn clear(&mut self) {
        self.eqns.rewind();
        self.values.clear();
        self.keyed.clear();
        (self.error, self.evaluated) = (None, false);
    }

    /// As [`reach`](Self::reach), in one sweep over the tape: for a tape's last request, which may take time in proportion to
    /// its length.
    pub(crate) fn sweep(&mut self, ids: &[VarId]) {
        self.order.drain(..).for_each(|i| self.places[i] = Self::UNSEEN);
        self.places.resize(self.eqns.len(), Self::UNSEEN);
        let Some(last) = ids.iter().map(|id| id.index()).max() else { return };
        ids.iter().for_each(|id| self.places[id.index()] = 0);
        for i in (0..=last).rev() {
            if self.places[i] != Self::UNSEEN {
                self.order.push(i);
                if self.values[i].is_none() {
                    self.eqns[i].operands.iter().for_each(|x| self.places[x.index()] = 0);
                }
            }
        }
        self.order.reverse();
        for (place, &i) in (0..).zip(&self.order) {
            self.places[i] = place;
        }
    }

    /// Finds the equations that `ids` need, up to those that have values, these included.
    pub(crate) fn reach(&mut self, ids: &[VarId]) {
        self.order.drain(..).for_each(|i| self.places[i] = Self::UNSEEN);
        self.places.resize(self.eqns.len(), Self::UNSEEN);
        let mut stack: SmallVec<[usize; 16]> = ids.iter().map(|id| id.index()).collect();
        while let Some(i) = stack.pop() {
            if self.places[i] == Self::UNSEEN {
                self.places[i] = 0;
                self.order.push(i);
                if self.values[i].is_none() {
                    stack.extend(self.eqns[i].operands.iter().map(|x| x.index()));
                }
            }
        }
        self.order.sort_unstable();
        for (place, &i) in (0..).zip(&self.order) {
            self.places[i] = place;
        }
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        if !self.eager.get() {
            pool::give(take(self.inner.get_mut()));
        }
    }
}

impl Default for Tape {
    fn default() -> Self {
        Self::new()
    }
}

impl Tape {
    /// An empty tape.
    pub fn new() -> Self {
        Self::with(pool::take(), false)
    }

    /// An empty tape that evaluates every equation as it is recorded and stops at the first that
    /// makes a NaN or an infinity out of finite numbers, naming its line: for debugging.
    ///
    /// The rules and the results are those of a tape made by [`new`](Self::new).
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::eager();
    /// let x = tape.input(&Tensor::from([1.0, 0.0]));
    /// let loss = (x.ln() * 0.0).sum();
    /// let err = loss.value().unwrap_err();
    /// assert!(err.to_string().starts_with("ln: made the first infinity"), "{err}");
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    pub fn eager() -> Self {
        Self::with(Inner::default(), true)
    }

    fn with(inner: Inner, eager: bool) -> Self {
        let (inner, eager) = (RefCell::new(inner), Cell::new(eager));
        Self { inner, eager, origin: Cell::default(), training: Cell::default() }
    }

    /// A variable with a known value.
    #[track_caller]
    pub fn input(&self, value: &Tensor) -> Var<'_> {
        let var = self.leaf(value.dtype(), value.shape(), self.here());
        if !var.is_poisoned() {
            self.inner.borrow_mut().values.set(var.id.index(), value.clone());
        }
        if self.eager.get() { self.checked(var) } else { var }
    }

    /// As [`input`](Self::input), and the same variable whenever the key was seen on this tape
    /// before: how a model's parameters become variables, however often they are used.
    #[track_caller]
    pub fn keyed_input(&self, key: u64, value: &Tensor) -> Var<'_> {
        match self.keyed(key) {
            Some(known) => known,
            None => {
                let var = self.input(value);
                self.inner.borrow_mut().keyed.insert(key, var.id);
                var
            }
        }
    }

    /// The variable that [`keyed_input`](Self::keyed_input) made for a key, if it did.
    pub fn keyed(&self, key: u64) -> Option<Var<'_>> {
        let id = *self.inner.borrow().keyed.get(&key)?;
        Some(Var { tape: self, id })
    }

    /// A variable of which only the type is known: an argument of a function that is recorded to be
    /// transformed. It and what is computed from it cannot be evaluated.
    #[track_caller]
    pub(crate) fn placeholder(&self, ty: Type) -> Var<'_> {
        self.leaf(ty.dtype, &ty.shape, self.here())
    }

    /// Gives a placeholder its value.
    pub(crate) fn know(&self, placeholder: Var<'_>, value: &Tensor) {
        if !placeholder.is_poisoned() {
            self.inner.borrow_mut().values.set(placeholder.id.index(), value.clone());
        }
    }

    /// An input without a value.
    fn leaf(&self, dtype: DType, shape: &Shape, at: &'static Location<'static>) -> Var<'_> {
        let mut inner = self.inner.borrow_mut();
        let same = |eqn: &Eqn| {
            matches!(eqn.op, Op::Input(_)) && eqn.ty.dtype == dtype && eqn.ty.shape == *shape && ptr::eq(eqn.at, at)
        };
        let id = inner.eqns.follow(same).or_else(|| {
            let ty = Type::new(dtype, shape);
            inner.append(Eqn { op: Input.into(), operands: SmallVec::new(), ty, at })
        });
        drop(inner);
        self.numbered(id, at)
    }

    /// A variable whose every element is `value`. It takes no memory per element.
    #[track_caller]
    pub fn full(&self, shape: impl Into<Shape>, value: impl Into<Scalar>) -> Var<'_> {
        self.record(Full { value: value.into(), shape: shape.into() }, &[])
    }

    /// Records one equation and returns the variable that it defines.
    ///
    /// Operators and methods of [`Var`] are the usual way; this is the way for an operation of one's own.
    #[track_caller]
    pub fn record<'t>(&'t self, op: impl Into<Op>, operands: &[Var<'t>]) -> Var<'t> {
        self.record_op(op.into(), operands)
    }

    /// [`record`](Self::record), compiled once for all operations.
    #[track_caller]
    fn record_op<'t>(&'t self, op: Op, operands: &[Var<'t>]) -> Var<'t> {
        let at = self.here();
        let (mut ids, mut foreign) = (SmallVec::new(), false);
        for x in operands {
            if x.is_poisoned() {
                return *x;
            }
            foreign |= !ptr::eq(x.tape, self);
            ids.push(x.id);
        }
        if foreign {
            return self.fail(Error::tape(format!("{}: its operands are on different tapes", op.rule().name())).at(at));
        }
        let mut inner = self.inner.borrow_mut();
        let same = |eqn: &Eqn| eqn.op == op && eqn.operands == ids && ptr::eq(eqn.at, at);
        let id = match inner.eqns.follow(same) {
            Some(id) => Some(id),
            None => match inferred(&op, &ids, &inner.eqns) {
                Ok(ty) if widens(&op, &ids, &inner.eqns) => {
                    drop(inner);
                    return self.widened(op, operands, ty.dtype);
                }
                Ok(ty) => inner.append(Eqn { op, operands: ids, ty, at }),
                Err(error) => {
                    drop(inner);
                    return self.fail(error.at(at));
                }
            },
        };
        drop(inner);
        let var = self.numbered(id, at);
        if self.eager.get() { self.checked(var) } else { var }
    }

    /// Records an operation on operands of half precision, of which it makes a result of `dtype`: it is computed in f32.
    #[track_caller]
    fn widened<'t>(&'t self, op: Op, operands: &[Var<'t>], dtype: DType) -> Var<'t> {
        let mut wide: SmallVec<[Var<'t>; 4]> = SmallVec::new();
        for x in operands {
            wide.push(x.wide());
        }
        let y = self.record_op(op, &wide);
        if dtype.is_half() { y.cast(dtype) } else { y }
    }

    /// The variable of a number, if there was one left for it.
    fn numbered(&self, id: Option<VarId>, at: &'static Location<'static>) -> Var<'_> {
        match id {
            Some(id) => Var { tape: self, id },
            None => self.fail(Error::memory("tape: more equations than a tape can number").at(at)),
        }
    }

    /// The eager switch's work for one new variable.
    fn checked<'t>(&'t self, var: Var<'t>) -> Var<'t> {
        if var.is_poisoned() {
            return var;
        }
        let outcome = interpret::run_one(&mut self.inner.borrow_mut(), var.id);
        match outcome {
            Ok(()) => var,
            Err(error) => self.fail(error),
        }
    }

    /// Keeps a mistake, unless there already is one, and returns a poisoned variable.
    pub(crate) fn fail(&self, error: Error) -> Var<'_> {
        self.inner.borrow_mut().error.get_or_insert(error);
        Var { tape: self, id: VarId::POISONED }
    }

    /// A poisoned variable: the mistake `error`, said to have been made by the caller.
    ///
    /// How a function of variables reports bad arguments without returning a `Result`.
    #[track_caller]
    pub fn error(&self, error: Error) -> Var<'_> {
        self.fail(error.at(self.here()))
    }

    /// The line that what is recorded now is said to come from: the caller's, or within
    /// [`originating`](Self::originating) the one given there.
    #[track_caller]
    pub fn here(&self) -> &'static Location<'static> {
        self.origin.get().unwrap_or(Location::caller())
    }

    /// Runs `f`; what it records is said to come from `at`: for functions that record for their caller.
    pub fn originating<R>(&self, at: &'static Location<'static>, f: impl FnOnce() -> R) -> R {
        let _restore = Restore { cell: &self.origin, before: self.origin.replace(Some(at)) };
        f()
    }

    /// Runs `f`; what it records is not evaluated at once, even on an eager tape: for what may never be run.
    pub(crate) fn lazily<R>(&self, f: impl FnOnce() -> R) -> R {
        let _restore = Restore { cell: &self.eager, before: self.eager.replace(false) };
        f()
    }

    /// The values of variables: what is not yet known, and only that, is computed.
    ///
    /// # Errors
    /// Where one of them is poisoned, the first mistake that was made on this tape; what a kernel refuses.
    pub fn evaluate(&self, vars: &[Var<'_>]) -> Result<Vec<Tensor>> {
        let ids = self.ids(vars)?;
        let mut inner = self.inner.borrow_mut();
        inner.evaluated = true;
        interpret::run(&mut inner, &ids)
    }

    /// The values of variables, as [`evaluate`](Self::evaluate) gives them, for the last request of a tape: nothing
    /// else gets a value, so a planned program can run it, and programs are kept for tapes of the same
    /// structure to come. Asking again computes everything again.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    pub fn finish(&self, vars: &[Var<'_>]) -> Result<Vec<Tensor>> {
        match self.eager.get() {
            true => self.evaluate(vars),
            false => {
                let ids = self.ids(vars)?;
                cache::run(&mut self.inner.borrow_mut(), &ids)
            }
        }
    }

    /// As [`finish`](Self::finish), in place of the values of an earlier request, whose memory is used again where there are
    /// as many and nobody shares it. For loops: what a round does not keep, the next need not allocate.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let mut values = Vec::new();
    /// for i in 0..3 {
    ///     let tape = Tape::new();
    ///     let x = tape.input(&Tensor::from([i as f64, 1.0]));
    ///     tape.finish_into(&[x.exp(), x + 1.0], &mut values)?;
    /// }
    /// assert_eq!(values[1], Tensor::from([3.0, 2.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate). What the tensors hold then is not said.
    pub fn finish_into(&self, vars: &[Var<'_>], values: &mut Vec<Tensor>) -> Result<()> {
        match self.eager.get() {
            true => self.evaluate(vars).map(|made| *values = made),
            false => {
                let ids = self.ids(vars)?;
                cache::run_into(&mut self.inner.borrow_mut(), &ids, values)
            }
        }
    }

    /// The positions of variables of this tape that are not poisoned.
    pub(crate) fn ids(&self, vars: &[Var<'_>]) -> Result<SmallVec<[VarId; 8]>> {
        for var in vars {
            if var.is_poisoned() {
                let unknown = || Error::tape("evaluate: a variable that was never defined");
                return Err(var.tape.first_error().unwrap_or_else(unknown));
            }
            if !ptr::eq(var.tape, self) {
                return Err(Error::tape("evaluate: a variable of another tape"));
            }
        }
        Ok(vars.iter().map(|x| x.id).collect())
    }

    /// The first mistake made on this tape, if there was one.
    pub fn first_error(&self) -> Option<Error> {
        self.inner.borrow().error.clone()
    }

    /// The number of equations.
    pub fn len(&self) -> usize {
        self.inner.borrow().eqns.len()
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The variable of a position on this tape, such as those that an equation lists as its operands.
    pub fn var(&self, id: VarId) -> Option<Var<'_>> {
        (id.index() < self.len()).then_some(Var { tape: self, id })
    }

    /// A copy of the equation that defines `var`, or `None` for a variable that is poisoned or of another tape.
    pub fn eqn(&self, var: Var<'_>) -> Option<Eqn> {
        let eqn = self.inner.borrow().eqns.get(var.id.index()).cloned();
        eqn.filter(|_| ptr::eq(var.tape, self))
    }

    pub(crate) fn with_eqns<R>(&self, f: impl FnOnce(&[Eqn]) -> R) -> R {
        f(&self.inner.borrow().eqns)
    }
}

/// The type of an operation's result, of which as many elements can be addressed.
fn inferred(op: &Op, operands: &[VarId], eqns: &[Eqn]) -> Result<Type> {
    let ty = |x: &VarId| &eqns[x.index()].ty;
    let ty = match operands {
        [x] => op.rule().infer(&[ty(x)]),
        [x, y] => op.rule().infer(&[ty(x), ty(y)]),
        _ => op.rule().infer(&operands.iter().map(ty).collect::<SmallVec<[&Type; 4]>>()),
    }?;
    match ty.shape.numel_checked() {
        Ok(_) => Ok(ty),
        Err(error) => Err(error.within(op.rule().name())),
    }
}

/// Whether an operation computes with operands of half precision, which its kernel does not take.
fn widens(op: &Op, operands: &[VarId], eqns: &[Eqn]) -> bool {
    operands.iter().any(|x| eqns[x.index()].ty.dtype.is_half()) && !op.rule().takes_halves()
}

/// Puts a switch back as it was, also when what it was set for panics.
struct Restore<'a, T: Copy> {
    cell: &'a Cell<T>,
    before: T,
}

impl<T: Copy> Drop for Restore<'_, T> {
    fn drop(&mut self) {
        self.cell.set(self.before);
    }
}

//! The body of a loop or a branch: a function with types, which has programs to run it.
//!
//! Two are equal where their equations are. Programs are made when they are first needed, and kept with the body;
//! they are no part of what it is.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use wengert_tensor::{DType, Error, Result, Scalar, Tensor, View, kernel};

use super::super::recorded::Recorded;
use super::super::{Span, batched};
use crate::op::Op;
use crate::program::Compiled;
use crate::tape::{Tape, Var, VarId};
use crate::ty::Type;

/// A function of a list of variables with a list of results, all of known types.
pub(super) struct Body {
    recorded: Recorded,
    /// The types of its operands.
    pub operands: Vec<Type>,
    /// The types of its results.
    pub results: Vec<Type>,
    /// Values that its rules brought with them, further operands of the equations.
    values: Vec<Tensor>,
    /// Programs that do not run now.
    programs: Mutex<Vec<Compiled>>,
}

/// Records a function's equations on a tape of its own.
type Recording<'f> = &'f dyn for<'b> Fn(&'b Tape, &[Var<'b>]) -> Vec<Var<'b>>;

impl Body {
    #[inline]
    fn new(recorded: Recorded, operands: &[Var<'_>], results: &[Var<'_>], values: Vec<Tensor>) -> Arc<Self> {
        let (operands, results) = (types(operands), types(results));
        Arc::new(Self { recorded, operands, results, values, programs: Mutex::default() })
    }

    /// `ys`, recorded on their tape from `start` on, as a function of `given` and of what else they use: all
    /// operands, the given ones first. Everything recorded from there is inside.
    #[inline]
    pub fn cut<'t>(tape: &'t Tape, ys: &[Var<'t>], given: &[Var<'t>], start: usize) -> (Arc<Self>, Vec<Var<'t>>) {
        let (recorded, operands) = Recorded::cut(tape, ys, given, |id| id.index() >= start);
        (Self::new(recorded, &operands, ys, Vec::new()), operands)
    }

    /// As [`cut`](Self::cut), for a body that runs again and again: what depends on none of `given` is computed
    /// before the loop, once, but for constants and broadcasts, which are cheaper to make than to pass.
    #[inline]
    pub fn cut_loop<'t>(tape: &'t Tape, ys: &[Var<'t>], given: &[Var<'t>]) -> (Arc<Self>, Vec<Var<'t>>) {
        let span = Span::between(given, ys);
        let varies = span.dependents(given);
        let cheap = |id: VarId| tape.with_eqns(|eqns| matches!(eqns[id.index()].op, Op::Full(_) | Op::Broadcast(_)));
        let inside = |id| span.place(id).is_some_and(|i| varies[i]) || cheap(id);
        let (recorded, operands) = Recorded::cut(tape, ys, given, inside);
        (Self::new(recorded, &operands, ys, Vec::new()), operands)
    }

    /// The body that `record` writes for operands of these types.
    ///
    /// # Errors
    /// The first mistake that it makes.
    #[inline]
    pub fn build(operands: &[Type], record: Recording<'_>) -> Result<Arc<Self>> {
        let tape = Tape::new();
        let given: Vec<Var<'_>> = operands.iter().map(|ty| tape.placeholder(ty.clone())).collect();
        let results = record(&tape, &given);
        if results.iter().any(|result| result.is_poisoned()) {
            return Err(tape.first_error().unwrap_or_else(|| Error::tape("loop: a variable that was never defined")));
        }
        let (recorded, used) = Recorded::cut(&tape, &results, &given, |_| true);
        let values = used[given.len()..].iter().map(|value| value.value()).collect::<Result<_>>()?;
        Ok(Self::new(recorded, &given, &results, values))
    }

    /// Its results, recorded on a tape.
    #[inline]
    pub fn on<'t>(&self, tape: &'t Tape, operands: &[Var<'t>]) -> Vec<Var<'t>> {
        let values = self.values.iter().map(|value| tape.input(value));
        self.recorded.replay(tape, &operands.iter().copied().chain(values).collect::<Vec<_>>())
    }

    /// Some of its results, as a function of some of its operands, on no others of which they depend.
    #[inline]
    pub fn part(&self, results: &[usize], operands: &[usize]) -> Result<Arc<Self>> {
        let types: Vec<Type> = operands.iter().map(|&i| self.operands[i].clone()).collect();
        Self::build(&types, &|tape, given| {
            // What is left out needs a type to be recorded with, and is then used by nothing.
            let mut all: Vec<Var<'_>> = self.operands.iter().map(|ty| tape.placeholder(ty.clone())).collect();
            operands.iter().zip(given).for_each(|(&i, &var)| all[i] = var);
            let answers = self.on(tape, &all);
            results.iter().map(|&i| answers[i]).collect()
        })
    }

    /// Which results depend on the operands that are marked.
    #[inline]
    pub fn dependents(&self, operands: &[bool]) -> Vec<bool> {
        self.recorded.dependents(&[operands, &vec![false; self.values.len()]].concat())
    }

    /// Which operands the results that are marked depend on.
    #[inline]
    pub fn ancestors(&self, results: &[bool]) -> Vec<bool> {
        let mut marks = self.recorded.ancestors(results, self.operands.len() + self.values.len());
        marks.truncate(self.operands.len());
        marks
    }

    /// The body for `n` at once: the operands that are marked have a leading axis, and so have the results that
    /// depend on them.
    #[inline]
    pub fn batched(&self, marked: &[bool], n: usize) -> Result<Arc<Self>> {
        let many = |(ty, &marked): (&Type, &bool)| if marked { lifted(ty, n) } else { ty.clone() };
        let operands: Vec<Type> = self.operands.iter().zip(marked).map(many).collect();
        let depends = self.dependents(marked);
        Self::build(&operands, &|tape, all| {
            let mut one = all.to_vec();
            let marked: Vec<usize> = (0..all.len()).filter(|&i| marked[i]).collect();
            marked.iter().for_each(|&i| one[i] = tape.placeholder(self.operands[i].clone()));
            let ys = self.on(tape, &one);
            let (xs, arguments): (Vec<_>, Vec<_>) = marked.iter().map(|&i| (one[i], all[i])).unzip();
            let lifted = batched(&ys, &xs, &arguments, n);
            (0..ys.len()).map(|i| if depends[i] { lifted[i] } else { ys[i] }).collect()
        })
    }

    /// Lends a program that gives the results for operands.
    ///
    /// # Errors
    /// Where the program cannot be made, and those of `run`.
    #[inline]
    pub fn run<R>(&self, run: impl FnOnce(&mut Compiled) -> Result<R>) -> Result<R> {
        // A program is only put back whole, so a panic elsewhere leaves the list in order.
        let kept = || self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept().pop();
        let mut program = match known {
            Some(program) => program,
            None => self.compile()?,
        };
        let outcome = run(&mut program);
        kept().push(program);
        outcome
    }

    /// Something in the place of answers, for a program to put them into.
    ///
    /// # Errors
    /// Where there is no memory for a number.
    #[inline]
    pub fn answers(&self) -> Result<Vec<Tensor>> {
        self.results.iter().map(|ty| zero(ty.dtype)).collect()
    }

    /// The bytes that a program of it keeps, with what it answers into. One that cannot be made says so when it is to run.
    #[inline]
    pub fn workspace(&self) -> usize {
        let planned = self.run(|program| Ok(program.footprint().planned)).unwrap_or(0);
        let types = self.results.iter().chain(&self.operands);
        types.map(|ty| ty.shape.numel().saturating_mul(ty.dtype.size())).fold(planned, usize::saturating_add)
    }

    #[inline]
    fn compile(&self) -> Result<Compiled> {
        let tape = Tape::new();
        let mut inputs = Vec::with_capacity(self.operands.len());
        for ty in &self.operands {
            inputs.push(tape.input(&zero(ty.dtype)?.broadcast_to(&ty.shape)?));
        }
        tape.compile(&inputs, &self.on(&tape, &inputs))
    }

    /// How many operations on numbers all its equations are.
    #[inline]
    pub fn flops(&self) -> u64 {
        let values = self.values.iter().map(|value| Type::new(value.dtype(), value.shape()));
        self.recorded.flops(&self.operands.iter().cloned().chain(values).collect::<Vec<_>>())
    }

    /// Its equations, a line each, as a printed tape shows them beneath the operation.
    #[inline]
    pub fn lines(&self) -> Vec<String> {
        let tape = Tape::new();
        let given: Vec<Var<'_>> = self.operands.iter().map(|ty| tape.placeholder(ty.clone())).collect();
        let results = self.on(&tape, &given);
        let results: Vec<String> = results.iter().map(|result| result.id().to_string()).collect();
        let mut lines: Vec<String> = tape.to_string().lines().map(str::to_string).collect();
        lines.push(format!("-> {}", results.join(" ")));
        lines
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        self.operands == other.operands && self.recorded == other.recorded && self.values == other.values
    }
}

impl Eq for Body {}

impl Hash for Body {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.operands, &self.recorded).hash(state);
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} operands, {} results", self.operands.len(), self.results.len())
    }
}

/// A body's lines beneath a heading.
#[inline]
pub(super) fn headed(heading: &str, body: &Body) -> impl Iterator<Item = String> {
    let lines = body.lines().into_iter().map(|line| format!("  {line}"));
    [format!("{heading}:")].into_iter().chain(lines)
}

/// The types of variables.
#[inline]
pub(super) fn types(vars: &[Var<'_>]) -> Vec<Type> {
    vars.iter().map(|var| var.ty()).collect()
}

/// The type of `n` along a new leading axis.
#[inline]
pub(super) fn lifted(ty: &Type, n: usize) -> Type {
    ty.with_shape(ty.shape.with_axis(0, n))
}

/// Refuses operands of other types than are wanted, or not so many.
#[inline]
pub(super) fn expect(name: &str, got: &[&Type], wanted: impl ExactSizeIterator<Item = Type>) -> Result<()> {
    if got.len() != wanted.len() {
        return Err(Error::value(format!("{name}: takes {} operands, got {}", wanted.len(), got.len())));
    }
    match got.iter().zip(wanted).enumerate().find(|(_, (got, wanted))| **got != wanted) {
        Some((i, (got, wanted))) => Err(Error::shape(format!("{name}: operand {i} is {got}, and {wanted} is wanted"))),
        None => Ok(()),
    }
}

/// A tensor of a view's elements.
#[inline]
pub(super) fn owned(x: View) -> Result<Tensor> {
    Tensor::build(x.dtype(), x.shape(), |out| kernel::copy::copy(x, out))
}

/// The number zero, or `false`.
#[inline]
pub(super) fn zero(dtype: DType) -> Result<Tensor> {
    Tensor::full((), Scalar::F64(0.0).cast(dtype))
}

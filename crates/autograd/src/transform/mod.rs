//! Transformations: functions from equations to equations.
//!
//! - `reverse`: vector-Jacobian products, walking the tape backwards.
//! - `forward`: Jacobian-vector products, walking it forwards.
//! - `batching`: the same equations with one more axis.
//! - `functional`, `several`, `vmap`: what people ask of a closure, made of the three.
//! - `linear_map`: a function's derivative, to be applied many times.
//! - `custom`: derivatives that the user says; `checkpoint`, `segments`: computing again instead of
//!   keeping.
//! - `control`: loops and branches that are equations.
//! - `lost`: why there is no derivative; `recorded`: equations cut out of a tape, a function as data.
//!
//! They append to the tape and never edit it, use no rule but those of `op/`, and loop over it
//! without recursion, so depth costs no stack.

mod args;
mod attention;
mod batching;
mod checkpoint;
mod control;
mod custom;
mod forward;
mod functional;
mod linear_map;
mod lost;
mod parts;
mod products;
mod recorded;
mod reverse;
mod segments;
mod several;
mod vmap;

pub use args::{Args, Function, Tensors};
pub use batching::batched;
pub use checkpoint::{checkpoint, remat};
pub use control::{Reversed, Sequence, Vars, cond, scan, while_loop, while_loop_within};
pub use custom::{custom_jvp, custom_vjp, straight_through};
pub use forward::pushforward;
pub use functional::{grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp};
pub use linear_map::{LinearMap, linearize, linearize_several};
pub use lost::{Obstacle, obstacle};
pub(crate) use reverse::gradients;
pub use reverse::pullback;
pub use several::{jacobian_several, jvp_several};
pub use vmap::{vmap, vmap_axes, vmap_several};

use std::panic::Location;

use smallvec::SmallVec;
use wengert_tensor::{Error, Shape};

use crate::op::Op;
use crate::tape::{Eqn, Tape, Var, VarId};

/// Why variables cannot be transformed together, as a poisoned variable: one of them is poisoned, or
/// two are on different tapes, where a position means something else.
#[track_caller]
fn unusable<'t>(op: &str, mut vars: impl Iterator<Item = Var<'t>> + Clone) -> Option<Var<'t>> {
    if let Some(poisoned) = vars.clone().find(|v| v.is_poisoned()) {
        return Some(poisoned);
    }
    let first = vars.clone().next()?;
    match vars.any(|v| !std::ptr::eq(v.tape, first.tape)) {
        true => Some(first.tape.error(Error::tape(format!("{op}: its variables are on different tapes")))),
        false => None,
    }
}

/// A copy of an equation, to record others by its rules.
struct Line<'t> {
    op: Op,
    at: &'static Location<'static>,
    operands: SmallVec<[Var<'t>; 4]>,
    y: Var<'t>,
}

/// The stretch of a tape between the first of `xs` and the last of `ys`, and what lies on it.
struct Span<'t> {
    /// None where there are no `ys`, nor then equations.
    tape: Option<&'t Tape>,
    start: usize,
    len: usize,
}

impl<'t> Span<'t> {
    fn between(xs: &[Var<'t>], ys: &[Var<'t>]) -> Self {
        let start = xs.iter().map(|x| x.id.index()).min().unwrap_or(0);
        let stop = ys.iter().map(|y| y.id.index() + 1).max().unwrap_or(0).max(start);
        Self { tape: ys.first().map(|y| y.tape), start, len: stop - start }
    }

    /// The place of a variable on the stretch, if it lies on it.
    fn place(&self, id: VarId) -> Option<usize> {
        id.index().checked_sub(self.start).filter(|&i| i < self.len)
    }

    /// The shape of the result at a place.
    fn shape(&self, i: usize) -> Shape {
        let shape = |tape: &Tape| tape.with_eqns(|eqns| eqns.get(self.start + i).map(|eqn| eqn.ty.shape.clone()));
        self.tape.and_then(shape).unwrap_or_default()
    }

    /// The equation at a place: its operation, its line, its operands and its result.
    fn line(&self, i: usize) -> Option<Line<'t>> {
        let tape = self.tape?;
        let y = VarId::new(self.start + i)?;
        tape.with_eqns(|eqns| {
            let eqn = eqns.get(y.index())?;
            let operands = eqn.operands.iter().map(|&id| Var { tape, id }).collect();
            Some(Line { op: eqn.op.clone(), at: eqn.at, operands, y: Var { tape, id: y } })
        })
    }

    /// The place of the matrix that the one at a place is the transpose of.
    fn transposed(&self, i: usize) -> Option<usize> {
        match self.line(i)? {
            Line { op: Op::Permute(permute), operands, .. } if permute.order[..] == [1, 0] => {
                self.place(operands[0].id)
            }
            _ => None,
        }
    }

    /// Which equations depend on `xs`, these included.
    fn dependents(&self, xs: &[Var<'_>]) -> Vec<bool> {
        let mut marks = self.marks(xs);
        self.with_eqns(|eqns| {
            for (i, eqn) in eqns.iter().enumerate() {
                marks[i] = marks[i] || eqn.operands.iter().any(|&x| self.place(x).is_some_and(|x| marks[x]));
            }
        });
        marks
    }

    /// Which equations `ys` depend on, these included.
    fn ancestors(&self, ys: &[Var<'_>]) -> Vec<bool> {
        let mut marks = self.marks(ys);
        self.with_eqns(|eqns| {
            for (i, eqn) in eqns.iter().enumerate().rev() {
                if marks[i] {
                    eqn.operands.iter().filter_map(|&x| self.place(x)).for_each(|x| marks[x] = true);
                }
            }
        });
        marks
    }

    fn marks(&self, vars: &[Var<'_>]) -> Vec<bool> {
        let mut marks = vec![false; self.len];
        vars.iter().filter_map(|x| self.place(x.id)).for_each(|i| marks[i] = true);
        marks
    }

    fn with_eqns(&self, f: impl FnOnce(&[Eqn])) {
        if let Some(tape) = self.tape {
            tape.with_eqns(|eqns| f(&eqns[self.start..self.start + self.len]));
        }
    }
}

//! Transformations: functions from equations to equations.
//!
//! - `reverse`: vector-Jacobian products, walking the tape backwards.
//! - `forward`: Jacobian-vector products, walking it forwards.
//! - `batching`: the same equations with one more axis.
//! - `functional`, `vmap`: what people ask of a closure, made of the three.
//! - `linear_map`: a function's derivative, to be applied many times.
//! - `custom`: derivatives that the user says; `checkpoint`, `segments`: computing again instead of
//!   keeping.
//! - `control`: loops and branches that are equations.
//! - `lost`: why there is no derivative; `recorded`: equations cut out of a tape, a function as data.
//!
//! They append to the tape and never edit it, use no rule but those of `op/`, and loop over it
//! without recursion, so depth costs no stack.

mod args;
mod batching;
mod checkpoint;
mod control;
mod custom;
mod forward;
mod functional;
mod linear_map;
mod lost;
mod recorded;
mod reverse;
mod segments;
mod vmap;

pub use args::{Args, Function, Tensors};
pub use batching::batched;
pub use checkpoint::{checkpoint, remat};
pub use control::{Reversed, Sequence, Vars, cond, scan, while_loop, while_loop_within};
pub use custom::{custom_jvp, custom_vjp, straight_through};
pub use forward::pushforward;
pub use functional::{grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp};
pub use linear_map::{LinearMap, linearize};
pub use lost::{Obstacle, obstacle};
pub(crate) use reverse::gradients;
pub use reverse::pullback;
pub use vmap::{vmap, vmap_axes};

use wengert_tensor::Error;

use crate::tape::{Eqn, Var, VarId};

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

/// The stretch of a tape between the first of `xs` and the last of `ys`, and what lies on it.
struct Span {
    start: usize,
    eqns: Vec<Eqn>,
}

impl Span {
    fn between(xs: &[Var<'_>], ys: &[Var<'_>]) -> Self {
        let start = xs.iter().map(|x| x.id.index()).min().unwrap_or(0);
        let stop = ys.iter().map(|y| y.id.index() + 1).max().unwrap_or(0).max(start);
        let eqns = ys.first().map(|y| y.tape.with_eqns(|eqns| eqns[start..stop].to_vec()));
        Self { start, eqns: eqns.unwrap_or_default() }
    }

    /// The place of a variable on the stretch, if it lies on it.
    fn place(&self, id: VarId) -> Option<usize> {
        id.index().checked_sub(self.start).filter(|&i| i < self.eqns.len())
    }

    /// Which equations depend on `xs`, these included.
    fn dependents(&self, xs: &[Var<'_>]) -> Vec<bool> {
        let mut marks = vec![false; self.eqns.len()];
        xs.iter().filter_map(|x| self.place(x.id)).for_each(|i| marks[i] = true);
        for (i, eqn) in self.eqns.iter().enumerate() {
            marks[i] |= eqn.operands.iter().any(|&x| self.place(x).is_some_and(|x| marks[x]));
        }
        marks
    }

    /// Which equations `ys` depend on, these included.
    fn ancestors(&self, ys: &[Var<'_>]) -> Vec<bool> {
        let mut marks = vec![false; self.eqns.len()];
        ys.iter().filter_map(|y| self.place(y.id)).for_each(|i| marks[i] = true);
        for (i, eqn) in self.eqns.iter().enumerate().rev() {
            if marks[i] {
                eqn.operands.iter().filter_map(|&x| self.place(x)).for_each(|x| marks[x] = true);
            }
        }
        marks
    }

    /// The operands and the result of the equation at a place, as variables.
    fn vars<'t>(&self, i: usize, like: Var<'t>) -> (smallvec::SmallVec<[Var<'t>; 4]>, Var<'t>) {
        let var = |id: VarId| Var { tape: like.tape, id };
        let y = VarId::new(self.start + i).map_or(like, var);
        (self.eqns[i].operands.iter().map(|&x| var(x)).collect(), y)
    }
}

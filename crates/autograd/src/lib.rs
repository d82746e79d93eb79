//! Automatic differentiation on a tape: a flat list of equations that is recorded by ordinary
//! Rust, and that every transformation reads and extends.
//!
//! - [`Tape`] and [`Var`]: recording, and asking for values.
//! - [`op`]: the operations, each with its rules, in one table.
//! - [`transform`]: reverse mode, forward mode and batching, from equations to equations, and the
//!   functions over closures made of them: [`grad`], [`jvp`], [`vjp`], [`hvp`], [`jacobian`],
//!   [`hessian`], [`vmap`], [`vmap_axes`].
//! - [`check`]: whether derivatives are right, by differences of values: [`gradcheck`], [`gradgradcheck`].
//!
//! Nothing here recurses over a tape, and no operation's gradient is written anywhere but beside
//! the operation.
//!
//! ```
//! use wengert_autograd::{grad, Tape};
//! use wengert_tensor::Tensor;
//!
//! let x = Tensor::from([0.5, 1.5]);
//! let g = grad(|x| (x.sin() * x).sum(), &x)?;
//!
//! let tape = Tape::new();
//! let v = tape.input(&x);
//! let by_hand = v.cos() * v + v.sin();
//! assert!(g.allclose(&by_hand.value()?, 1e-12, 0.0)?);
//! # Ok::<(), wengert_tensor::Error>(())
//! ```

#![forbid(unsafe_code)]

pub mod check;
mod function;
pub mod op;
mod program;
mod tape;
pub mod transform;
mod ty;

pub use check::{gradcheck, gradgradcheck};
pub use function::{
    GridSample, Interpolation, LocalResponseNorm, Mask, Outside, PadMode, Resize, clip_by_norm, clip_by_value,
};
pub use op::Operand;
pub use program::{
    Compiled, CompiledFunction, Cost, Footprint, Profile, ProfiledStep, ProgramCache, clear_program_cache, compile,
    program_cache,
};
pub use tape::{Eqn, Tape, Var, VarId};
pub use transform::{
    Args, LinearMap, Reversed, Sequence, Vars, checkpoint, cond, custom_jvp, custom_vjp, grad, hessian, hvp, jacobian,
    jacobian_several, jvp, jvp_several, linearize, linearize_several, remat, scan, straight_through, value_and_grad,
    vjp, vmap, vmap_axes, vmap_several, while_loop, while_loop_within,
};
pub use ty::Type;

//! Control flow as equations: loops and branches whose bodies are recorded once.
//!
//! Ordinary Rust `if`, `for` and `while` record what they do. Where that would be too much, or where it depends on
//! values, [`scan`], [`while_loop`] and [`cond`] record their bodies once and are each an equation with them.
//!
//! - `vars`: what loops carry and go over; `body`: a recorded function with the programs that run it.
//! - `flat`: how several results are one; `steps`: the equation of a scan; `apart`: one whose steps threads share.
//!
//! Bodies are recorded on the tape of what they use, of arguments without a value, and cut out of it as data; derivatives of
//! bodies are recorded on tapes of their own.

mod apart;
mod body;
mod cond;
mod flat;
mod scan;
mod steps;
mod vars;
mod while_loop;

pub use cond::cond;
pub use scan::scan;
pub use vars::{Reversed, Sequence, Vars};
pub use while_loop::{while_loop, while_loop_within};

//! Why there is no derivative: the sentence of an error, so that none is lost in silence.

use std::panic::Location;

use wengert_tensor::Error;

use super::reverse::walk;
use crate::tape::Var;

/// An equation that a derivative reaches and does not pass: its operation and its line.
pub type Obstacle = (&'static str, &'static Location<'static>);

/// What stops the derivative of `y` by `x` that [`pullback`](super::pullback) does not find; `None` where `y` does not
/// depend on `x` at all.
///
/// ```
/// use wengert_autograd::{Tape, transform::obstacle};
/// use wengert_tensor::Tensor;
///
/// let tape = Tape::new();
/// let x = tape.input(&Tensor::from(1.5));
/// assert_eq!(obstacle(x.floor() * 2.0, x).map(|(op, _)| op), Some("floor"));
/// assert!(obstacle(x, x.exp()).is_none());
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[track_caller]
pub fn obstacle(y: Var<'_>, x: Var<'_>) -> Option<Obstacle> {
    if y.is_poisoned() || !y.dtype().is_float() {
        return None;
    }
    walk(&[y], &[Some(y.tape().placeholder(y.ty()))], &[x]).blocked
}

/// Why `function` finds no derivative of any of `ys` by any of `xs`, which a sentence calls `which`.
#[track_caller]
pub(super) fn lost(function: &str, ys: &[Var<'_>], xs: &[Var<'_>], which: &str) -> Error {
    let integer = |x: &&Var<'_>| !x.is_poisoned() && !x.dtype().is_float();
    if let Some(x) = xs.iter().find(integer) {
        return integral(function, "with respect to", *x);
    }
    let floats: Vec<Var<'_>> = ys.iter().filter(|y| !integer(y)).copied().collect();
    if let (true, Some(y)) = (floats.is_empty(), ys.first()) {
        return integral(function, "of", *y);
    }
    let ybars: Vec<_> = floats.iter().map(|y| Some(y.tape().placeholder(y.ty()))).collect();
    unreached(function, which, walk(&floats, &ybars, xs).blocked)
}

/// That a variable is of no dtype that has derivatives.
pub(super) fn integral(function: &str, how: &str, x: Var<'_>) -> Error {
    Error::gradient(format!("{function}: {how} {}: only floats have derivatives", x.ty()))
}

/// That no derivative leads from a result to `which` arguments, and what stops it.
fn unreached(function: &str, which: &str, obstacle: Option<Obstacle>) -> Error {
    let why = match obstacle {
        Some((op, at)) => format!("depends on {which} only through {op} at {at}, which has no derivative"),
        None => format!("does not depend on {which}"),
    };
    Error::gradient(format!("{function}: the result {why}"))
}

//! Functions composed of operations: plain methods of [`Var`](crate::Var), one file for each topic.
//!
//! They have no rules of their own: what they record has, to every order. A mistake is said to be
//! made by the caller. Where a function is singular beside a choice, its operand is kept away from
//! there: a cotangent of 0 times an infinite derivative would be NaN. Of variables of half precision they are computed in
//! f32 from end to end, except that every product of matrices rounds.

mod activation;
mod arithmetic;
mod attention;
mod axes;
mod clamp;
mod clip;
mod cross;
mod difference;
mod distance;
mod einsum;
mod grid_sample;
mod im2col;
mod index;
mod interpolate;
mod join;
mod linear;
mod logarithm;
mod matrix;
mod multi_dot;
mod norm;
mod normalize;
mod order;
mod pad;
mod pixel_shuffle;
mod pool;
mod product;
mod repeat;
mod scatter;
mod softmax;
mod special;
mod split;
mod statistics;
mod turn;

pub use attention::Mask;
pub(crate) use attention::{attend, shared, sharers};
pub use clip::{clip_by_norm, clip_by_value};
pub use grid_sample::{GridSample, Interpolation, Outside};
pub use interpolate::Resize;
pub use normalize::LocalResponseNorm;
pub use pad::PadMode;

use wengert_tensor::{Error, Result};

use crate::op;
use crate::tape::Var;

/// What `f` makes of variables, recorded for the caller's line: a closure would hide it. A mistake becomes a poisoned
/// variable, and its sentence begins with `function`.
#[inline]
#[track_caller]
fn compose<'t, const N: usize>(
    function: &str,
    xs: [Var<'t>; N],
    f: impl FnOnce([Var<'t>; N]) -> Result<Var<'t>>,
) -> Var<'t> {
    let [y] = op::compose(xs[0].tape().here(), xs, |xs| Ok([f(xs).map_err(|error| error.within(function))?]));
    y
}

/// All [wide](Var::wide), which would hide that their dtypes differ: that is an error.
#[track_caller]
fn wide<'t, const N: usize>(xs: [Var<'t>; N]) -> Result<[Var<'t>; N]> {
    if let Some(other) = xs.iter().find(|x| x.dtype() != xs[0].dtype()) {
        return Err(Error::dtype(format!("dtypes {} and {} differ", xs[0].dtype(), other.dtype())));
    }
    Ok(xs.map(|x| x.wide()))
}

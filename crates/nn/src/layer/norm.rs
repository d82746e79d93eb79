//! What normalizing layers share.

use wengert_autograd::Var;
use wengert_tensor::{AxisList, Error, Shape};

use super::images::per_channel;
use crate::param::Param;

/// The last axes of `x`, which are to have the sizes `shape`.
#[inline]
#[track_caller]
pub(super) fn last_axes<'t>(layer: &str, x: Var<'t>, shape: &Shape) -> Result<AxisList, Var<'t>> {
    if x.is_poisoned() {
        return Err(x);
    }
    let of_x = x.shape();
    match of_x.ends_with(shape) {
        true => Ok((of_x.rank() - shape.rank()..of_x.rank()).collect()),
        false => Err(x.tape().error(Error::shape(format!("{layer}: {of_x} does not end in {shape}")))),
    }
}

/// That `x` is [N, channels, ..], with so many channels where their number is known.
#[inline]
#[track_caller]
pub(super) fn channels_of<'t>(layer: &str, x: Var<'t>, channels: Option<usize>) -> Result<(), Var<'t>> {
    if x.is_poisoned() {
        return Err(x);
    }
    let shape = x.shape();
    match shape.get(1) {
        Some(&found) if channels.is_none_or(|channels| channels == found) => Ok(()),
        _ => {
            let wanted = channels.map_or_else(|| "channels".to_string(), |channels| channels.to_string());
            Err(x.tape().error(Error::shape(format!("{layer}: takes [N, {wanted}, ..], got {shape}"))))
        }
    }
}

/// A parameter that a layer may lack, on the tape of `x`.
#[inline]
#[track_caller]
pub(super) fn on<'t>(param: &Option<Param>, x: Var<'t>) -> Option<Var<'t>> {
    // A closure would not know whose line it is on.
    Some(param.as_ref()?.on(x.tape()))
}

/// w y + b in the dtype of x, for y [N, channels, ..] computed of x in f32, with one weight and one bias for each channel.
#[inline]
#[track_caller]
pub(super) fn affine<'t>(x: Var<'t>, y: Var<'t>, weight: &Option<Param>, bias: &Option<Param>) -> Var<'t> {
    let mut y = y;
    if let Some(weight) = on(weight, x) {
        y = y * per_channel(wide(weight), x.rank());
    }
    if let Some(bias) = on(bias, x) {
        y = y + per_channel(wide(bias), x.rank());
    }
    y.cast(x.dtype())
}

/// In f32 where it is of half precision: normalization computes in that from end to end.
#[inline]
#[track_caller]
pub(super) fn wide(x: Var<'_>) -> Var<'_> {
    x.cast(x.dtype().computed())
}

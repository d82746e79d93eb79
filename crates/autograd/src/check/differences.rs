//! Derivatives from values alone: central differences, extrapolated to a step of zero.
//!
//! Nothing here uses a rule's derivative, so what it says is evidence about the rules.

use wengert_tensor::{DType, Result, Shape, Tensor};

use crate::tape::{Tape, Var};

/// A function of a list of variables.
pub type Flat<'f> = &'f dyn for<'t> Fn(&[Var<'t>]) -> Var<'t>;

/// A derivative that was measured.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The shape of the function's value.
    pub shape: Shape,
    /// The derivative of each element of the value, in row-major order.
    pub derivative: Vec<f64>,
    /// How far the best two extrapolations differ: an estimate of the error.
    pub error: f64,
}

/// The derivative of `f` at `x` along `dx`, from values of `f` alone. What is no float stays as it is.
///
/// Central differences for a step that is halved again and again, extrapolated to a step of zero;
/// kept is the extrapolation that differs least from those it was made of (C. J. F. Ridders,
/// "Accurate computation of F'(x) and F'(x)F''(x)", Advances in Engineering Software 4(2), 1982).
/// The first step moves no element by more than 1/16, in `f32` 1/4; steps that leave the function's
/// domain are passed over.
///
/// # Errors
/// The mistake that `f` makes; tangents not of the type of their arguments.
#[inline]
pub fn differences(f: Flat<'_>, x: &[Tensor], dx: &[Tensor]) -> Result<Measured> {
    let narrow = x.iter().any(|x| x.dtype() == DType::F32);
    let (first, levels) = if narrow { (0.25, 6) } else { (0.0625, 10) };
    let largest = dx.iter().filter(|dx| dx.dtype().is_float()).map(largest).fold(0.0, f64::max);
    let mut step = if largest > 0.0 { first / largest } else { first };
    let (shape, centre) = at(f, x, dx, 0.0)?;
    let mut best = Measured { shape, derivative: vec![f64::NAN; centre.len()], error: f64::INFINITY };
    let mut coarser: Vec<Vec<f64>> = Vec::new();
    for _ in 0..levels {
        let (after, before) = (at(f, x, dx, step)?.1, at(f, x, dx, -step)?.1);
        let mut row = vec![combined(&after, &before, |a, b| (a - b) / (2.0 * step))];
        for (k, coarse) in coarser.iter().enumerate() {
            // Cancels the error's term in the step to the power 2k + 2.
            let power = 4f64.powi(k as i32 + 1);
            let next = combined(&row[k], coarse, |fine, coarse| (power * fine - coarse) / (power - 1.0));
            let error = distance(&next, &row[k]).max(distance(&next, coarse));
            if error < best.error {
                (best.derivative, best.error) = (next.clone(), error);
            }
            row.push(next);
        }
        // Nothing better is to be had: the digits are all there, or rounding has taken over.
        let size = best.derivative.iter().fold(0.0, |m: f64, d| d.abs().max(m));
        let worse = match (row.last(), coarser.last()) {
            (Some(now), Some(then)) => distance(now, then) > 4.0 * best.error,
            _ => false,
        };
        if best.error <= 4.0 * f64::EPSILON * size || (worse && best.error <= 1e-6 * size) {
            break;
        }
        coarser = row;
        step /= 2.0;
    }
    Ok(best)
}

/// The shape and the elements of `f` at `x + step dx`.
#[inline]
fn at(f: Flat<'_>, x: &[Tensor], dx: &[Tensor], step: f64) -> Result<(Shape, Vec<f64>)> {
    let tape = Tape::new();
    let moved = |(x, dx): (&Tensor, &Tensor)| match x.dtype().is_float() {
        true => tape.input(x) + step * tape.input(dx),
        false => tape.input(x),
    };
    let value = f(&x.iter().zip(dx).map(moved).collect::<Vec<_>>()).value()?;
    Ok((value.shape().clone(), numbers(&value)?))
}

/// The elements in row-major order, as `f64`.
#[inline]
pub(super) fn numbers(x: &Tensor) -> Result<Vec<f64>> {
    x.cast(DType::F64)?.to_vec()
}

#[inline]
fn largest(x: &Tensor) -> f64 {
    numbers(x).unwrap_or_default().iter().fold(0.0, |m, x| x.abs().max(m))
}

#[inline]
fn combined(a: &[f64], b: &[f64], f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect()
}

/// The largest distance of two elements; infinite where one is not a number.
#[inline]
fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, |m, d| if d.is_nan() { f64::INFINITY } else { d.max(m) })
}

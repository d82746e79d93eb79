//! Where in a sequence a vector is: [`LearnedPositions`] and [`SinusoidalPositions`] are added to the vectors,
//! [`Rotary`] turns queries and keys.
//!
//! Each is told the number of the first position, so that a sequence can be handed over in parts.

mod learned;
mod rotary;
mod sinusoidal;

use wengert_autograd::Var;
use wengert_tensor::{Error, Tensor};

pub use learned::LearnedPositions;
pub use rotary::Rotary;
pub use sinusoidal::SinusoidalPositions;

/// The sizes of x `[.., steps, width]`, or a poisoned variable where the width is another or the last step would be
/// beyond `most`.
#[inline]
#[track_caller]
fn steps<'t>(name: &str, x: Var<'t>, start: usize, most: usize, width: usize) -> Result<usize, Var<'t>> {
    if x.is_poisoned() {
        return Err(x);
    }
    let (shape, dtype) = (x.shape(), x.dtype());
    if shape.rank() < 2 || shape[shape.rank() - 1] != width {
        return Err(x.tape().error(Error::shape(format!("{name}: takes [.., steps, {width}], not {shape}"))));
    }
    if !dtype.is_float() {
        return Err(x.tape().error(Error::dtype(format!("{name}: takes floats, which {dtype} is not"))));
    }
    let steps = shape[shape.rank() - 2];
    match start.checked_add(steps) {
        Some(end) if end <= most => Ok(steps),
        _ => {
            let sentence =
                format!("{name}: {steps} steps from position {start} on are beyond the {most} that there are");
            Err(x.tape().error(Error::index(sentence)))
        }
    }
}

/// The angles t base^(-2 i / width) of the positions t below `most`, for i below width / 2: `[most, width / 2]` in f64.
#[inline]
fn angles(name: &str, most: usize, width: usize, base: f64) -> wengert_tensor::Result<Tensor> {
    if !width.is_multiple_of(2) {
        return Err(Error::value(format!("{name}: needs an even width, not {width}")));
    }
    let half = width / 2;
    let rates = (0..half).map(|i| base.powf(-2.0 * i as f64 / width as f64)).collect::<Vec<_>>();
    let times = Tensor::arange(0.0, most as f64, 1.0)?.reshape([most, 1])?;
    times.mul(&Tensor::from_vec(rates, [1, half])?)
}

/// Rows of a table of constants, in the dtype of x.
#[inline]
#[track_caller]
fn rows<'t>(table: &Tensor, start: usize, steps: usize, x: Var<'t>) -> Var<'t> {
    match table.narrow(0, start, steps).and_then(|rows| rows.cast(x.dtype())) {
        Ok(rows) => x.tape().input(&rows),
        Err(error) => x.tape().error(error),
    }
}

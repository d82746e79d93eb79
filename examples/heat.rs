//! A network that obeys the heat equation: second derivatives by the inputs within the loss, and the
//! gradient of that loss by the weights (M. Raissi et al., "Physics-informed neural networks", 2019).
//!
//! u_t = κ u_xx on 0 ≤ x ≤ 1, held at 0 at both ends, starting as sin πx: u = exp(-κ π² t) sin πx.

mod shared;

use std::f64::consts::PI;
use std::process::ExitCode;

use shared::{Curve, Outcome, agrees};
use wengert::prelude::*;

const KAPPA: f64 = 0.1;
const STEPS: usize = 1500;
/// Along each axis, so many points at which the equation is to hold, and at which the answer is compared.
const POINTS: usize = 12;

fn main() -> ExitCode {
    shared::main("Trains a network to solve the heat equation u_t = 0.1 u_xx.", run)
}

/// The ansatz: the network, made to keep the boundary and initial values whatever it says.
fn temperature<'t>(network: &Mlp, x: Var<'t>, t: Var<'t>) -> Var<'t> {
    (PI * x).sin() + t * x * (1.0 - x) * network.forward(Var::concat(&[x, t], 1))
}

/// The mean square of u_t - κ u_xx. Every row of u depends on its own row of x and t alone, so that one tangent of
/// ones gives the derivative at every point.
fn residual<'t>(network: &Mlp, x: Var<'t>, t: Var<'t>) -> Var<'t> {
    let ones = x.full_like(1.0);
    let (_, u_t) = jvp(|t| temperature(network, x, t), t, ones);
    let (_, u_xx) = jvp(|x| jvp(|x| temperature(network, x, t), x, ones).1, x, ones);
    (u_t - KAPPA * u_xx).square().mean()
}

fn run() -> Outcome<(bool, Vec<Curve>)> {
    let network = Mlp::new(&[2, 16, 16, 1], Activation::Tanh, &mut Rng::seed(1))?.with_output(Activation::Identity);
    network.to(DType::F64)?;
    let (x, t) = grid()?;
    let mut train = Train::new(&network, Adam::new(0.01));
    for step in 0..STEPS {
        train.set_lr(0.01 * (1.0 - step as f64 / STEPS as f64));
        let loss = train.step(|tape| residual(&network, tape.input(&x), tape.input(&t)))?;
        if step % (STEPS / 10) == 0 {
            println!("step {step:>5}: mean squared residual {loss:.3e}");
        }
    }
    let at = |x: &Tensor, t: &Tensor| -> Outcome<Vec<f64>> {
        let tape = Tape::new();
        Ok(temperature(&network, tape.input(x), tape.input(t)).value()?.to_vec()?)
    };
    let exact = |x: f64, t: f64| (-KAPPA * PI * PI * t).exp() * (PI * x).sin();
    let points = x.to_vec::<f64>()?.into_iter().zip(t.to_vec::<f64>()?);
    let worst = at(&x, &t)?.iter().zip(points).map(|(u, (x, t))| (u - exact(x, t)).abs()).fold(0.0, f64::max);
    println!();
    let found = agrees("largest error of u", worst, 0.0, 3e-3);

    let line = Tensor::linspace(0.0, 1.0, 51)?.reshape([51, 1])?;
    let mut curves = Vec::new();
    for (time, learned, known) in [(0.5, "learned, t = 0.5", "exact"), (1.0, "learned, t = 1", "exact")] {
        let x = line.to_vec::<f64>()?;
        let u = at(&line, &Tensor::full([51, 1], time)?)?;
        curves.push(Curve::new(known, '-', x.iter().map(|&x| (x, exact(x, time)))));
        curves.push(Curve::new(learned, 'o', x.into_iter().zip(u)));
    }
    Ok((found, curves))
}

/// The points of a grid over 0 ≤ x, t ≤ 1: two columns.
fn grid() -> Result<(Tensor, Tensor)> {
    let line = Tensor::linspace(0.0, 1.0, POINTS)?;
    let column = |x: Tensor| x.broadcast_to([POINTS, POINTS])?.reshape([POINTS * POINTS, 1]);
    Ok((column(line.clone())?, column(line.reshape([POINTS, 1])?)?))
}

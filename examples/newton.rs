//! Newton's method: the minimum of a curved valley, by gradients and Hessians of one formula.

#[path = "shared/dense.rs"]
mod dense;
mod shared;

use std::process::ExitCode;

use shared::{Curve, Outcome, agrees};
use wengert::prelude::*;

fn main() -> ExitCode {
    shared::main("Minimises Rosenbrock's function in 6 dimensions by Newton's method.", run)
}

/// Σ 100 (x_{i+1} - x_i²)² + (1 - x_i)² (H. H. Rosenbrock, 1960): a minimum of 0 where every x is 1.
fn rosenbrock(x: Var<'_>) -> Var<'_> {
    let n = x.shape().numel();
    let (here, next) = (x.narrow(0, 0, n - 1), x.narrow(0, 1, n - 1));
    (100.0 * (next - here * here).square() + (1.0 - here).square()).sum()
}

fn run() -> Outcome<(bool, Vec<Curve>)> {
    let mut x: Vec<f64> = vec![-1.2, 1.0, 0.5, 1.5, 0.8, 1.3];
    let mut distances = Vec::new();
    println!("{:>4}  {:>14}  {:>12}", "step", "value", "|gradient|");
    for step in 0..50 {
        let at = Tensor::from(x.clone());
        let (value, g) = value_and_grad(rosenbrock, &at)?;
        let (value, g) = (value.item()?, g.to_vec::<f64>()?);
        let size = g.iter().map(|g| g * g).sum::<f64>().sqrt();
        println!("{step:>4}  {value:>14.6e}  {size:>12.3e}");
        distances.push((f64::from(step), x.iter().map(|x| (x - 1.0).abs()).fold(0.0, f64::max)));
        if size < 1e-12 {
            break;
        }
        let h = hessian(rosenbrock, &at)?.to_vec::<f64>()?;
        x = descend(&x, value, &g, &h)?;
    }
    println!();
    let worst = distances.last().map_or(f64::NAN, |(_, distance)| *distance);
    let h = hessian(rosenbrock, &Tensor::from([1.0; 6]))?;
    let found = [
        agrees("largest |x - 1|", worst, 0.0, 1e-12),
        agrees("d²f/dx1² at the minimum", h.get(&[0, 0])?, 802.0, 1e-10),
        agrees("d²f/dx1dx2 at the minimum", h.get(&[0, 1])?, -400.0, 1e-10),
    ];
    let digits = distances.into_iter().map(|(step, distance)| (step, distance.max(1e-17).log10()));
    Ok((found.iter().all(|found| *found), vec![Curve::new("log10 of the distance by step", '-', digits)]))
}

/// Newton's step -H⁻¹ g where it goes down, else along -g, halved until the value falls enough.
fn descend(x: &[f64], value: f64, g: &[f64], h: &[f64]) -> Outcome<Vec<f64>> {
    let rows: Vec<Vec<f64>> = h.chunks(x.len()).map(<[f64]>::to_vec).collect();
    let mut step: Vec<f64> = dense::solve(&rows, g)?.iter().map(|s| -s).collect();
    let slope = |step: &[f64]| step.iter().zip(g).map(|(s, g)| s * g).sum::<f64>();
    if slope(&step) >= 0.0 {
        step = g.iter().map(|g| -g).collect();
    }
    let slope = slope(&step);
    let mut part = 1.0;
    loop {
        let moved: Vec<f64> = x.iter().zip(&step).map(|(x, s)| x + part * s).collect();
        let tape = Tape::new();
        let there = rosenbrock(tape.input(&Tensor::from(moved.clone()))).item()?;
        // Below rounding there is nothing to compare.
        if there <= value + 1e-4 * part * slope || value < 1e-20 || part < 1e-12 {
            return Ok(moved);
        }
        part /= 2.0;
    }
}

//! A curve fitted to measurements by the method of Levenberg and Marquardt, with a Jacobian that nobody derived.
//!
//! The data and the certified answer are "Misra1a" of the NIST Statistical Reference Datasets: the adsorption of
//! a gas by its pressure, y = b1 (1 - exp(-b2 x)).

#[path = "shared/dense.rs"]
mod dense;
mod shared;

use std::process::ExitCode;

use shared::{Curve, Outcome, agrees};
use wengert::prelude::*;

const X: [f64; 14] = [77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0];
const Y: [f64; 14] = [10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78];

fn main() -> ExitCode {
    shared::main("Fits y = b1 (1 - exp(-b2 x)) to 14 measurements, from a bad start.", run)
}

/// The model at every x of the data.
fn model(b: Var<'_>) -> Var<'_> {
    let x = b.tape().input(&Tensor::from(X));
    b.select_axis(0, 0) * (1.0 - (-(b.select_axis(0, 1) * x)).exp())
}

fn residuals(b: Var<'_>) -> Var<'_> {
    model(b) - b.tape().input(&Tensor::from(Y))
}

fn run() -> Outcome<(bool, Vec<Curve>)> {
    let (b, steps) = levenberg_marquardt(residuals, vec![500.0, 1e-4])?;
    println!("{steps} steps");
    let found = [
        agrees("b1", b[0], 238.94212918, 1e-6),
        agrees("b2 / 10^-4", b[1] * 1e4, 5.5015643181, 1e-8),
        agrees("sum of squared residuals", squares(&values(residuals, &b)?), 0.12455138894, 1e-9),
    ];
    let curve = (0..=100).map(|i| f64::from(i) * 8.0).map(|x| (x, b[0] * (1.0 - (-b[1] * x).exp())));
    let curves = vec![Curve::new("measured", 'o', X.into_iter().zip(Y)), Curve::new("fitted", '-', curve)];
    Ok((found.iter().all(|found| *found), curves))
}

/// The b with the least sum of squared residuals near the start: steps of (J'J + λ diag J'J) db = -J'r, with λ
/// smaller after a step that helped and larger after one that did not (D. Marquardt, 1963).
fn levenberg_marquardt(r: for<'t> fn(Var<'t>) -> Var<'t>, start: Vec<f64>) -> Outcome<(Vec<f64>, usize)> {
    let (mut b, mut lambda) = (start, 1e-3);
    for step in 0..200 {
        let now = values(r, &b)?;
        let j = jacobian(r, &Tensor::from(b.clone()))?.to_vec::<f64>()?;
        let n = b.len();
        let product = |p: usize, q: usize| j.chunks(n).map(|row| row[p] * row[q]).sum::<f64>();
        let rhs: Vec<f64> = (0..n).map(|p| -j.chunks(n).zip(&now).map(|(row, r)| row[p] * r).sum::<f64>()).collect();
        loop {
            let scaled = |p: usize, q: usize| product(p, q) * if p == q { 1.0 + lambda } else { 1.0 };
            let matrix: Vec<Vec<f64>> = (0..n).map(|p| (0..n).map(|q| scaled(p, q)).collect()).collect();
            let db = dense::solve(&matrix, &rhs)?;
            if b.iter().zip(&db).all(|(b, db)| db.abs() <= 1e-13 * b.abs()) || lambda > 1e12 {
                return Ok((b, step));
            }
            let moved: Vec<f64> = b.iter().zip(&db).map(|(b, db)| b + db).collect();
            if squares(&values(r, &moved)?) <= squares(&now) {
                (b, lambda) = (moved, lambda / 10.0);
                break;
            }
            lambda *= 10.0;
        }
    }
    Err("no minimum after 200 steps".into())
}

fn values(r: for<'t> fn(Var<'t>) -> Var<'t>, b: &[f64]) -> Outcome<Vec<f64>> {
    let tape = Tape::new();
    Ok(r(tape.input(&Tensor::from(b.to_vec()))).value()?.to_vec()?)
}

fn squares(r: &[f64]) -> f64 {
    r.iter().map(|r| r * r).sum()
}

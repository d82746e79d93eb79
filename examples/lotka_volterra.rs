//! The laws of predators and prey, found again from what was counted: derivatives through a solver of
//! differential equations, whose steps are one equation on the tape, however many they are.
//!
//! x' = a x - b x y, y' = c x y - d y (A. J. Lotka, 1925; V. Volterra, 1926).

#[path = "shared/dense.rs"]
mod dense;
mod shared;

use std::process::ExitCode;

use shared::{Curve, Outcome, agrees};
use wengert::prelude::*;

/// a, b, c, d.
const TRUTH: [f64; 4] = [1.5, 1.0, 0.75, 3.0];
const START: [f64; 2] = [2.0, 1.0];
const STEP: f64 = 0.05;
const STEPS: usize = 80;

fn main() -> ExitCode {
    shared::main("Fits the four rates of a predator-prey equation through a Runge-Kutta solver.", run)
}

/// The state's rate of change, for rates p.
fn field<'t>(p: [Var<'t>; 4], [x, y]: [Var<'t>; 2]) -> [Var<'t>; 2] {
    let [a, b, c, d] = p;
    [a * x - b * x * y, c * x * y - d * y]
}

/// The state after every step of the classic Runge-Kutta method, as a matrix [steps, 2].
fn solve<'t>(p: Var<'t>) -> Var<'t> {
    let rates = std::array::from_fn(|i| p.select_axis(0, i as isize));
    let step = |state: [Var<'t>; 2], _| {
        let along = |k: [Var<'t>; 2], part: f64| [state[0] + part * STEP * k[0], state[1] + part * STEP * k[1]];
        let k1 = field(rates, state);
        let k2 = field(rates, along(k1, 0.5));
        let k3 = field(rates, along(k2, 0.5));
        let k4 = field(rates, along(k3, 1.0));
        let next = |i| state[i] + STEP / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]);
        let state = [next(0), next(1)];
        (state, Var::stack(&state, 0))
    };
    scan(step, START.map(|x| p.tape().full((), x)), STEPS).1
}

fn run() -> Outcome<(bool, Vec<Curve>)> {
    let counted = Tensor::from_vec(counted(), [STEPS, 2])?;
    let mut p = vec![1.3, 0.9, 0.9, 2.7];
    println!("step 0: {p:.4?}");
    for step in 1..=12 {
        // Gauss-Newton: J'J dp = -J'r. Four parameters and many results: the Jacobian goes forwards, all at once.
        let at = Tensor::from(p.clone());
        let j = jacobian(solve, &at)?.to_vec::<f64>()?;
        let r = jvp(|p| solve(p) - p.tape().input(&counted), &at, &at)?.0.to_vec::<f64>()?;
        let product = |a: usize, b: usize| j.chunks(4).map(|row| row[a] * row[b]).sum::<f64>();
        let matrix: Vec<Vec<f64>> = (0..4).map(|a| (0..4).map(|b| product(a, b)).collect()).collect();
        let rhs: Vec<f64> = (0..4).map(|a| -j.chunks(4).zip(&r).map(|(row, r)| row[a] * r).sum::<f64>()).collect();
        let dp = dense::solve(&matrix, &rhs)?;
        p.iter_mut().zip(&dp).for_each(|(p, dp)| *p += dp);
        println!("step {step}: {p:.4?}");
        if dp.iter().all(|dp| dp.abs() < 1e-10) {
            break;
        }
    }
    println!();
    let names = ["prey are born", "prey are eaten", "predators are fed", "predators die"];
    let found: Vec<bool> =
        names.iter().zip(&p).zip(TRUTH).map(|((name, &p), truth)| agrees(name, p, truth, 1e-4)).collect();

    let tape = Tape::new();
    let fitted = solve(tape.input(&Tensor::from(p))).value()?;
    let series = |states: &Tensor, i: usize| -> Outcome<Vec<(f64, f64)>> {
        let numbers = states.to_vec::<f64>()?;
        Ok((1..=STEPS).map(|k| k as f64 * STEP).zip(numbers.into_iter().skip(i).step_by(2)).collect())
    };
    let curves = vec![
        Curve::new("prey counted", 'o', series(&counted, 0)?),
        Curve::new("predators counted", 'o', series(&counted, 1)?),
        Curve::new("prey fitted", '-', series(&fitted, 0)?),
        Curve::new("predators fitted", '-', series(&fitted, 1)?),
    ];
    Ok((found.iter().all(|found| *found), curves))
}

/// What a finer solver says, in plain numbers, of the true rates.
fn counted() -> Vec<f64> {
    let [a, b, c, d] = TRUTH;
    let field = |[x, y]: [f64; 2]| [a * x - b * x * y, c * x * y - d * y];
    let (fine, mut state, mut states) = (20, START, Vec::new());
    for step in 1..=STEPS * fine {
        let h = STEP / fine as f64;
        let along = |k: [f64; 2], part: f64| [state[0] + part * h * k[0], state[1] + part * h * k[1]];
        let k1 = field(state);
        let k2 = field(along(k1, 0.5));
        let k3 = field(along(k2, 0.5));
        let k4 = field(along(k3, 1.0));
        state = std::array::from_fn(|i| state[i] + h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]));
        if step % fine == 0 {
            states.extend(state);
        }
    }
    states
}

//! The gradient of every example of a batch by itself: `vmap` of `grad`, against a loop.
//!
//! Averages hide which examples pull where. Private training clips each example's gradient before it averages
//! (M. Abadi et al., "Deep learning with differential privacy", 2016), which needs them one by one.

mod shared;

use std::process::ExitCode;
use std::time::Instant;

use shared::{Curve, Outcome, agrees};
use wengert::prelude::*;

const INPUTS: usize = 8;
const HIDDEN: usize = 16;
const WEIGHTS: usize = INPUTS * HIDDEN + HIDDEN;
const EXAMPLES: usize = 64;

fn main() -> ExitCode {
    shared::main("Computes 64 gradients of a network, one an example, at once and in a loop.", run)
}

/// The squared error of a small network with all its weights in one vector, for one example.
fn loss<'t>(w: Var<'t>, x: Var<'t>, y: Var<'t>) -> Var<'t> {
    let first = w.narrow(0, 0, INPUTS * HIDDEN).reshape([INPUTS, HIDDEN]);
    let last = w.narrow(0, INPUTS * HIDDEN, HIDDEN).reshape([HIDDEN, 1]);
    let output = x.reshape([1, INPUTS]).matmul(first).tanh().matmul(last).sum();
    (output - y).square()
}

fn run() -> Outcome<(bool, Vec<Curve>)> {
    let rng = &mut Rng::seed(1);
    let w = Tensor::uniform([WEIGHTS], -0.5, 0.5, DType::F64, rng)?;
    let x = Tensor::randn([EXAMPLES, INPUTS], DType::F64, rng)?;
    let y = Tensor::randn([EXAMPLES], DType::F64, rng)?;

    let at_once = || vmap(|(x, y)| grad(|w| loss(w, x, y), x.tape().input(&w)), (&x, &y));
    let one = |i: isize| -> Result<Tensor> {
        let (x, y) = (x.select_axis(0, i)?, y.select_axis(0, i)?);
        grad(|w| loss(w, w.tape().input(&x), w.tape().input(&y)), &w)
    };
    let start = Instant::now();
    let together = at_once()?;
    let batch = start.elapsed();
    let start = Instant::now();
    let alone = (0..EXAMPLES as isize).map(one).collect::<Result<Vec<_>>>()?;
    println!("at once {batch:.1?}, in a loop {:.1?}", start.elapsed());

    let mut off = 0.0f64;
    for (i, g) in alone.iter().enumerate() {
        let row = together.select_axis(0, i as isize)?.to_vec::<f64>()?;
        off = row.iter().zip(g.to_vec::<f64>()?).map(|(a, b)| (a - b).abs()).fold(off, f64::max);
    }
    // The gradient of the mean is the mean of the gradients.
    let mean = grad(|w| vmap(|(x, y)| loss(w, x, y), (w.tape().input(&x), w.tape().input(&y))).mean(), &w)?;
    let tape = Tape::new();
    let difference = (tape.input(&together).mean_axes(0) - tape.input(&mean)).norm(2.0).item()?;
    let found = [
        agrees("largest difference to a loop", off, 0.0, 1e-12),
        agrees("difference of the means", difference, 0.0, 1e-12),
    ];
    let norms = tape.input(&together).norm_axes(2.0, 1).value()?.to_vec::<f64>()?;
    let clipped = norms.iter().filter(|norm| **norm > 1.0).count();
    println!("{clipped} of {EXAMPLES} gradients are longer than 1");
    let dots = norms.into_iter().enumerate().map(|(i, norm)| (i as f64, norm));
    Ok((found.iter().all(|found| *found), vec![Curve::new("length of an example's gradient", 'o', dots)]))
}

//! Linear regression by gradient descent, checked against the exact least-squares solution.

use std::process::ExitCode;

use clap::Parser;
use wengert::prelude::*;
use wengert_data::{Loader, Standardize, Tensors};
use wengert_train::{Every, Metric, R2, Trainer};
use wengert_training_examples::{Run, at_least, at_most, exit, finished, table};

/// Predicts how diabetes progresses, from ten measures of 442 patients.
#[derive(Debug, Parser)]
#[command(name = "linear_regression")]
struct Options {
    #[command(flatten)]
    run: Run,
    /// Steps, each on all patients
    #[arg(long, default_value_t = 600)]
    epochs: u64,
    /// The learning rate
    #[arg(long, default_value_t = 0.1)]
    lr: f64,
    /// The momentum, which is Nesterov's
    #[arg(long, default_value_t = 0.92)]
    momentum: f64,
}

fn main() -> ExitCode {
    exit(run(Options::parse()))
}

fn run(mut options: Options) -> Result<()> {
    if options.run.small {
        options.epochs = options.epochs.min(100);
    }
    let folder = options.run.folder("linear_regression")?;
    let table = table("diabetes")?;
    let measures: Vec<&str> = table.names().filter(|name| *name != "target").collect();
    let x = table.numbers(&measures, DType::F64)?;
    let x = Standardize::fit(&x)?.apply(&x)?;
    let y = table.numbers(["target"], DType::F64)?;

    let model = Linear::new(measures.len(), 1, &mut Rng::seed(options.run.seed))?;
    model.to(DType::F64)?;
    let loader = Loader::new(Tensors::new((x.clone(), y.clone()))?, table.rows())?;
    let train = Train::new(&model, Sgd::new(options.lr).momentum(options.momentum).nesterov());
    let mut trainer = options.run.prepare(Trainer::new(&model, train), &folder, Every::Epochs(100))?;
    let outcome = trainer.fit(
        &loader,
        options.epochs,
        |tape, (x, y)| mse(model.forward(tape.input(x)), tape.input(y)),
        || Ok(vec![("r2".to_string(), r2(&model.predict(&x)?, &y)?)]),
    )?;
    if !finished(&outcome) {
        return Ok(());
    }

    // The intercept is the weight of a column of ones.
    let ones = Tensor::ones([table.rows(), 1], DType::F64)?;
    let exact = least_squares(&Tensor::concat(&[&x, &ones], 1)?, &y)?;
    let learned = [model.weight.value().to_vec::<f64>()?, bias(&model)?].concat();
    println!("{:>9} {:>10} {:>10}", "", "learned", "exact");
    for ((name, learned), exact) in measures.iter().chain(&["intercept"]).zip(&learned).zip(&exact) {
        println!("{name:>9} {learned:>10.4} {exact:>10.4}");
    }
    let distance = learned.iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    at_most("the largest distance from the exact solution", distance, if options.run.small { 50.0 } else { 1e-6 })?;
    at_least("R^2", r2(&model.predict(&x)?, &y)?, if options.run.small { 0.4 } else { 0.5177 })
}

fn bias(model: &Linear) -> Result<Vec<f64>> {
    model.bias.as_ref().map_or(Ok(vec![]), |bias| bias.value().to_vec())
}

fn r2(prediction: &Tensor, target: &Tensor) -> Result<f64> {
    let mut r2 = R2::new();
    r2.update(prediction, target)?;
    Ok(r2.value())
}

/// The w of least |x w - y|², by the normal equations x' x w = x' y and Gaussian elimination. They are positive definite, so no
/// pivots have to be looked for.
fn least_squares(x: &Tensor, y: &Tensor) -> Result<Vec<f64>> {
    let n = x.shape()[1];
    let system = Tensor::concat(&[&x.t().matmul(x)?, &x.t().matmul(y)?], 1)?.to_vec::<f64>()?;
    let mut rows: Vec<Vec<f64>> = system.chunks(n + 1).map(<[f64]>::to_vec).collect();
    for i in 0..n {
        let pivot: Vec<f64> = rows[i].iter().map(|value| value / rows[i][i]).collect();
        for (j, row) in rows.iter_mut().enumerate() {
            let factor = row[i];
            if j == i {
                row.clone_from(&pivot);
            } else {
                row.iter_mut().zip(&pivot).for_each(|(value, pivot)| *value -= factor * pivot);
            }
        }
    }
    Ok(rows.iter().map(|row| row[n]).collect())
}

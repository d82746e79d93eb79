//! The tutorial's run, from NumPy's initial weights and beside what NumPy recorded.

use std::io::Write;

use wengert::prelude::*;

use crate::numpy::{RUNS, Record, Run};
use crate::training::Verdict;
use crate::{Outcome, POINTS, TARGETS, tensor};

/// The tutorial's learning rate.
const RATE: f64 = 0.1;
/// How far the tutorial trains.
const TUTORIAL_EPOCHS: usize = 1000;

/// Trains from the initial weights of `run` and calls `seen` with what is found at each epoch that NumPy
/// recorded, and with NumPy's record of it.
///
/// # Errors
/// Of the engine, and what `seen` returns.
fn train(run: &Run, mut seen: impl FnMut(&Record, f64, &[f64]) -> Outcome<()>) -> Outcome<()> {
    let mlp = Mlp::new(&[2, 4, 1], Activation::Sigmoid, &mut Rng::seed(0))?;
    mlp.to(DType::F64)?;
    mlp.layers[0].weight.set(Tensor::from(run.w1))?;
    mlp.layers[1].weight.set(Tensor::from(run.w2))?;

    let (x, y) = (tensor(&POINTS, DType::F64)?, tensor(&TARGETS, DType::F64)?);
    let mut train = Train::new(&mlp, Sgd::new(RATE));
    let mut epoch = 0;
    for record in run.trace {
        let mut step = || train.step(|t| 0.5 * mse_with(mlp.forward(t.input(&x)), t.input(&y), Reduction::Sum));
        while epoch < record.epoch {
            step()?;
            epoch += 1;
        }
        let outputs = mlp.predict(&x)?.to_vec::<f64>()?;
        let loss = step()?;
        epoch += 1;
        seen(record, loss, &outputs)?;
    }
    Ok(())
}

/// How far this run is from NumPy's record.
fn difference(record: &Record, loss: f64, outputs: &[f64]) -> f64 {
    let outputs = outputs.iter().zip(record.outputs).map(|(ours, theirs)| (ours - theirs).abs());
    outputs.chain([(loss - record.loss).abs()]).fold(0.0, f64::max)
}

/// Repeats the three runs and prints them; whether all came to NumPy's numbers.
///
/// # Errors
/// Of the engine or of `out`.
pub fn run(out: &mut impl Write) -> Outcome<bool> {
    writeln!(
        out,
        "The tutorial's XOR: 2-4-1 sigmoids in f64, half the sum of squared errors, gradient descent at rate {RATE},\n\
         from NumPy's initial weights for seeds 1, 2 and 3."
    )?;
    let (mut largest, mut solved) = (0.0_f64, Vec::new());
    for run in &RUNS {
        writeln!(out, "\nseed {}\n{:>6}  {:>21}  outputs for 00, 01, 10, 11", run.seed, "epoch", "loss")?;
        let mut ends = Vec::new();
        train(run, |record, loss, outputs| {
            let listed: Vec<String> = outputs.iter().map(|output| format!("{output:.15}")).collect();
            writeln!(out, "{:>6}  {loss:>21.15e}  {}", record.epoch, listed.join("  "))?;
            largest = largest.max(difference(record, loss, outputs));
            if record.epoch >= TUTORIAL_EPOCHS {
                ends.push((record.epoch, Verdict::of(outputs)));
            }
            Ok(())
        })?;
        solved.push((run.seed, ends));
    }

    writeln!(out, "\nThe largest difference from NumPy's record is {largest:.1e}.\n")?;
    for (seed, ends) in &solved {
        for (epoch, verdict) in ends.iter().take(1).chain(ends.iter().skip(1).last()) {
            writeln!(out, "seed {seed} after {epoch} epochs: {verdict}")?;
        }
    }
    let at_the_end = |i: usize| solved[i].1.first().is_some_and(|(_, verdict)| verdict.learned());
    let count = (0..solved.len()).filter(|&i| at_the_end(i)).count();
    writeln!(
        out,
        "\nThese settings {} solve XOR for seed {} in {TUTORIAL_EPOCHS} epochs; they do for {count} of the {} seeds.\n\
         The default settings of this example learn it in {} epochs: run it without --tutorial.",
        if at_the_end(0) { "do" } else { "do not" },
        solved[0].0,
        solved.len(),
        crate::options::Options::default().epochs,
    )?;
    Ok(largest <= 1e-12)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::{env, fs};

    use super::*;

    #[test]
    fn numpys_runs_are_repeated_to_the_last_digits() -> Outcome<()> {
        for run in &RUNS {
            train(run, |record, loss, outputs| {
                let difference = difference(record, loss, outputs);
                assert!(difference < 1e-12, "seed {}, epoch {}: {difference}", run.seed, record.epoch);
                Ok(())
            })?;
        }
        Ok(())
    }

    #[test]
    fn the_tutorials_epochs_solve_seed_2_alone() -> Outcome<()> {
        for run in &RUNS {
            train(run, |record, _, outputs| {
                if record.epoch == TUTORIAL_EPOCHS {
                    assert_eq!(Verdict::of(outputs).learned(), run.seed == 2, "seed {}", run.seed);
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// All numbers of a JSON text that follow `"name":`, an array's as one item.
    fn numbers_after(json: &str, name: &str) -> Vec<Vec<f64>> {
        let name = format!("\"{name}\":");
        let parts = json.split(&name).skip(1);
        let list = |part: &str| {
            let rest = part.trim_start().trim_start_matches('[');
            let end = if rest.len() < part.trim_start().len() { "]" } else { ",}" };
            let end = rest.find(|c| end.contains(c)).unwrap_or(rest.len());
            rest[..end].split(',').filter_map(|number| number.trim().parse().ok()).collect()
        };
        parts.map(list).collect()
    }

    /// The carried excerpt is what was recorded, where the record is at hand.
    #[test]
    fn the_excerpt_is_numpys_record() -> Outcome<()> {
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/golden/xor_numpy.json");
        let path = env::var_os("WENGERT_XOR_GOLDEN").map_or(beside, Into::into);
        let Ok(json) = fs::read_to_string(&path) else {
            eprintln!("skipped: there is no {}", path.display());
            return Ok(());
        };
        let records: Vec<&Record> = RUNS.iter().flat_map(|run| run.trace).collect();
        let epochs: Vec<Vec<f64>> = records.iter().map(|record| vec![record.epoch as f64]).collect();
        let losses: Vec<Vec<f64>> = records.iter().map(|record| vec![record.loss]).collect();
        let outputs: Vec<Vec<f64>> = records.iter().map(|record| record.outputs.to_vec()).collect();
        assert_eq!(numbers_after(&json, "epoch"), epochs);
        assert_eq!(numbers_after(&json, "loss"), losses);
        assert_eq!(numbers_after(&json, "outputs"), outputs);
        Ok(())
    }
}

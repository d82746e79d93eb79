//! XOR, learned by a small network from the gradients that the tape makes.
//!
//! No gradient is written here: the program states the network and the loss, and [`training`] is all
//! there is to it. `--help` lists what can be varied; `--tutorial` repeats a run that NumPy recorded.

mod numpy;
mod options;
mod plot;
mod training;
mod tutorial;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use options::{Command, Options};
use training::{Training, Verdict};
use wengert::prelude::*;
use wengert_examples::AtomicFile;

/// A result whose error is a sentence for the user.
type Outcome<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// All inputs.
const POINTS: [[f64; 2]; 4] = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
/// Their exclusive or.
const TARGETS: [[f64; 1]; 4] = [[0.0], [1.0], [1.0], [0.0]];

fn main() -> ExitCode {
    match options::parse(std::env::args_os().skip(1)).and_then(run) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        // Whoever reads the output has read enough.
        Err(error) if error.downcast_ref().is_some_and(is_closed_pipe) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xor: {error}\nTry --help.");
            ExitCode::from(2)
        }
    }
}

fn is_closed_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

/// Does what was asked; whether everything was learned.
fn run(command: Command) -> Outcome<bool> {
    let out = &mut io::stdout().lock();
    match command {
        Command::Help => {
            writeln!(out, "{}", options::help())?;
            Ok(true)
        }
        Command::Tutorial => tutorial::run(out),
        Command::Train(options) => train_one(out, &options),
        Command::Seeds(options, count) => train_many(out, &options, count),
    }
}

fn train_one(out: &mut impl Write, options: &Options) -> Outcome<bool> {
    // Files that cannot be written are reported before the work is done.
    let plot = options.plot.as_deref().map(open).transpose()?;
    let graph = options.graph.as_deref().map(open).transpose()?;

    let mut training = Training::new(options)?;
    writeln!(out, "{}\n", training.describe())?;
    writeln!(out, "{:>8}  {:>12}", "epoch", "loss")?;
    let mut losses = Vec::new();
    let (tenth, thousandth) = (options.epochs.div_ceil(10), options.epochs.div_ceil(1000));
    for epoch in 0..options.epochs {
        let loss = training.step()?;
        if epoch % thousandth == 0 {
            losses.push((epoch, loss));
        }
        if epoch % tenth == 0 {
            writeln!(out, "{epoch:>8}  {loss:>12.6}")?;
        }
        if !loss.is_finite() {
            writeln!(out, "\nnot learned: the loss became {loss} in epoch {epoch}; a smaller --lr may help")?;
            return Ok(false);
        }
    }
    let loss = training.loss()?;
    losses.push((options.epochs, loss));
    writeln!(out, "{:>8}  {loss:>12.6}\n", options.epochs)?;

    let verdict = Verdict::of(&training.predict(&POINTS)?);
    write!(out, "{}", verdict.table())?;
    writeln!(out, "\n{verdict}")?;

    if let Some((file, path)) = plot {
        file.write(&plot::svg(&losses, |points| Ok(training.predict(points)?))?).map_err(|e| unwritable(path, e))?;
        writeln!(out, "plot: {}", path.display())?;
    }
    if let Some((file, path)) = graph {
        file.write(&training.dot()?).map_err(|e| unwritable(path, e))?;
        writeln!(out, "graph: {}", path.display())?;
    }
    Ok(verdict.learned())
}

fn train_many(out: &mut impl Write, options: &Options, count: u64) -> Outcome<bool> {
    let seeds = options.seed..options.seed + count;
    writeln!(out, "{}", Training::new(options)?.describe_many(&seeds))?;
    let (mut learned, mut worst) = (0, None);
    for (seed, verdict) in training::verdicts(options, seeds)? {
        match verdict.learned() {
            true => learned += 1,
            false => writeln!(out, "seed {seed}: {verdict}")?,
        }
        if worst.as_ref().is_none_or(|(_, other): &(u64, Verdict)| verdict.distance() > other.distance()) {
            worst = Some((seed, verdict));
        }
    }
    if let Some((seed, verdict)) = worst {
        writeln!(out, "the worst output is {:.4} away from its target, for seed {seed}", verdict.distance())?;
    }
    writeln!(out, "learned {learned} of {count} seeds")?;
    Ok(learned == count)
}

fn open(path: &Path) -> Outcome<(AtomicFile, &Path)> {
    let file = AtomicFile::create(path).map_err(|error| unwritable(path, error))?;
    Ok((file, path))
}

fn unwritable(path: &Path, error: io::Error) -> String {
    format!("cannot write {}: {error}", path.display())
}

/// Numbers in the dtype that is trained in.
fn tensor<const COLUMNS: usize>(rows: &[[f64; COLUMNS]], dtype: DType) -> Result<Tensor> {
    Tensor::from_vec(rows.as_flattened().to_vec(), [rows.len(), COLUMNS])?.cast(dtype)
}

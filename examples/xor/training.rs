//! The network, its training, and the verdict on what it learned.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use wengert::prelude::*;

use crate::options::{Loss, Method, Options};
use crate::{POINTS, TARGETS, tensor};

/// With this the sigmoids start nearly linear: of 20000 such networks none was seen to get stuck.
const GAIN: f64 = 0.7;

/// Mean losses below this prove every output right: one squared error, at most four times the mean,
/// is then below 0.1², and a cross-entropy below 0.01 bounds the error by as much.
const CLEARLY_LEARNED: f64 = 0.0025;

/// A network being trained on all four points at once.
pub struct Training<'o> {
    options: &'o Options,
    mlp: Mlp,
    train: Train,
    x: Tensor,
    y: Tensor,
}

impl<'o> Training<'o> {
    /// A fresh network with the options' settings.
    ///
    /// # Errors
    /// Settings that the engine refuses.
    pub fn new(options: &'o Options) -> Result<Self> {
        let sizes: Vec<usize> = [2].into_iter().chain(options.hidden.iter().copied()).chain([1]).collect();
        let init = match options.activation {
            Activation::Sigmoid => Init::XavierUniform { gain: GAIN },
            other => other.init(),
        };
        // The last layer gives logits: the loss decides what to do with them.
        let mlp = Mlp::new_with(&sizes, options.activation, init, &mut Rng::seed(options.seed))?
            .with_output(Activation::Identity);
        mlp.to(options.dtype)?;
        let train = Train::new(&mlp, optimizer(options.method, options.rate));
        let (x, y) = (tensor(&POINTS, options.dtype)?, tensor(&TARGETS, options.dtype)?);
        Ok(Self { options, mlp, train, x, y })
    }

    /// The loss as an equation on a tape.
    fn record<'t>(&self, tape: &'t Tape) -> Var<'t> {
        record(&self.mlp, self.options.loss, tape.input(&self.x), tape.input(&self.y))
    }

    /// One update; the loss before it.
    ///
    /// # Errors
    /// Of the engine.
    pub fn step(&mut self) -> Result<f64> {
        let (mlp, loss, x, y) = (&self.mlp, self.options.loss, &self.x, &self.y);
        self.train.step(|tape| record(mlp, loss, tape.input(x), tape.input(y)))
    }

    /// The loss.
    ///
    /// # Errors
    /// Of the engine.
    pub fn loss(&self) -> Result<f64> {
        self.record(&Tape::new()).item()
    }

    /// The outputs for points of the plane.
    ///
    /// # Errors
    /// Of the engine.
    pub fn predict(&self, points: &[[f64; 2]]) -> Result<Vec<f64>> {
        let tape = Tape::new();
        let outputs = self.mlp.forward(tape.input(&tensor(points, self.options.dtype)?)).sigmoid();
        outputs.value()?.cast(DType::F64)?.to_vec()
    }

    /// A training step's tape, for Graphviz.
    ///
    /// # Errors
    /// Of the engine.
    pub fn dot(&self) -> Result<String> {
        self.train.dot(|tape| self.record(tape))
    }

    /// What is trained how, in two lines.
    pub fn describe(&self) -> String {
        format!("{}, seed {}\n{}", self.network(), self.options.seed, self.method())
    }

    /// As [`describe`](Self::describe), for several seeds.
    pub fn describe_many(&self, seeds: &Range<u64>) -> String {
        let last = seeds.end - 1;
        format!("{}, seeds {} to {last}\n{}", self.network(), seeds.start, self.method())
    }

    fn network(&self) -> String {
        let options = self.options;
        let hidden: Vec<String> = options.hidden.iter().map(usize::to_string).collect();
        format!(
            "XOR by a 2-{}-1 network: {} and a sigmoid at the end, {} parameters in {}",
            hidden.join("-"),
            options.activation,
            self.mlp.count(),
            options.dtype,
        )
    }

    fn method(&self) -> String {
        let options = self.options;
        let loss = match options.loss {
            Loss::Mse => "mean squared error",
            Loss::Bce => "binary cross-entropy",
        };
        format!("{loss}, {} at rate {}, {} epochs", options.method, options.rate, options.epochs)
    }
}

fn record<'t>(mlp: &Mlp, loss: Loss, x: Var<'t>, y: Var<'t>) -> Var<'t> {
    let logits = mlp.forward(x);
    match loss {
        Loss::Mse => mse(logits.sigmoid(), y),
        Loss::Bce => bce_with_logits(logits, y),
    }
}

fn optimizer(method: Method, rate: f64) -> Box<dyn Optimizer> {
    match method {
        Method::Sgd => Box::new(Sgd::new(rate)),
        Method::Momentum => Box::new(Sgd::new(rate).momentum(0.9)),
        Method::Nesterov => Box::new(Sgd::new(rate).momentum(0.9).nesterov()),
        Method::Adam => Box::new(Adam::new(rate)),
        Method::AdamW => Box::new(AdamW::new(rate)),
    }
}

/// Trains a network from each seed; the verdicts, in the seeds' order.
///
/// Networks know nothing of each other, so they are shared out to the machine's processors.
///
/// # Errors
/// Of the engine.
pub fn verdicts(options: &Options, seeds: Range<u64>) -> Result<Vec<(u64, Verdict)>> {
    let next = AtomicU64::new(seeds.start);
    let work = || -> Result<Vec<(u64, Verdict)>> {
        let mut found = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if !seeds.contains(&seed) {
                return Ok(found);
            }
            found.push((seed, verdict(&Options { seed, ..options.clone() })?));
        }
    };
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let mut all = thread::scope(|scope| {
        let workers: Vec<_> = (0..processors).map(|_| scope.spawn(work)).collect();
        let found = workers.into_iter().map(|worker| worker.join().expect("a worker does not panic"));
        found.collect::<Result<Vec<_>>>()
    })?
    .concat();
    all.sort_by_key(|(seed, _)| *seed);
    Ok(all)
}

/// Trains one network, no longer than until it has clearly learned.
fn verdict(options: &Options) -> Result<Verdict> {
    let mut training = Training::new(options)?;
    for _ in 0..options.epochs {
        if training.step()? < CLEARLY_LEARNED {
            break;
        }
    }
    Ok(Verdict::of(&training.predict(&POINTS)?))
}

/// What a network says about the four points.
#[derive(Debug, Clone)]
pub struct Verdict {
    outputs: Vec<f64>,
}

impl Verdict {
    /// Of the outputs for the four points, in their order.
    pub fn of(outputs: &[f64]) -> Self {
        Self { outputs: outputs.to_vec() }
    }

    fn distances(&self) -> impl Iterator<Item = f64> + '_ {
        self.outputs.iter().zip(TARGETS).map(|(output, [target])| (output - target).abs())
    }

    /// How far the worst output is from its target; NaN where one is.
    pub fn distance(&self) -> f64 {
        self.distances().fold(0.0, |worst, d| if d > worst || d.is_nan() { d } else { worst })
    }

    /// Whether all outputs are on the right side of 0.5.
    pub fn learned(&self) -> bool {
        self.distances().all(|distance| distance < 0.5)
    }

    /// Inputs, targets and outputs, a line each.
    pub fn table(&self) -> String {
        let mut table = format!("{:>4}  {:>4}  {:>7}  {:>8}  {:>8}\n", "x1", "x2", "x1 xor x2", "output", "off by");
        for (([x1, x2], [target]), (output, distance)) in
            POINTS.iter().zip(TARGETS).zip(self.outputs.iter().zip(self.distances()))
        {
            table += &format!("{x1:>4}  {x2:>4}  {target:>9}  {output:>8.5}  {distance:>8.5}\n");
        }
        table
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wrong = TARGETS.len() - self.distances().filter(|distance| *distance < 0.5).count();
        match wrong {
            0 => write!(f, "learned: all four outputs are on the right side of 0.5")?,
            1 => write!(f, "not learned: one output is on the wrong side of 0.5")?,
            n => write!(f, "not learned: {n} outputs are on the wrong side of 0.5")?,
        }
        write!(f, ", the worst {:.4} away from its target", self.distance())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_needs_every_output_on_its_side() {
        assert!(Verdict::of(&[0.49, 0.51, 0.9, 0.1]).learned());
        assert!(!Verdict::of(&[0.49, 0.5, 0.9, 0.1]).learned());
        assert!(!Verdict::of(&[0.0, 1.0, f64::NAN, 0.0]).learned());
        assert!(Verdict::of(&[0.0, f64::NAN, 1.0, 0.0]).distance().is_nan());
    }

    #[test]
    fn the_loss_that_stops_a_training_bounds_every_output() -> Result<()> {
        for loss in [Loss::Mse, Loss::Bce] {
            let options = Options { loss, ..Options::default() };
            let verdict = verdict(&options)?;
            assert!(verdict.distance() < 0.1, "{loss:?}: {verdict}");
        }
        Ok(())
    }

    #[test]
    fn seeds_are_reported_once_each_and_in_order() -> Result<()> {
        let options = Options { epochs: 1, ..Options::default() };
        let seeds: Vec<u64> = verdicts(&options, 5..25)?.into_iter().map(|(seed, _)| seed).collect();
        assert_eq!(seeds, (5..25).collect::<Vec<_>>());
        Ok(())
    }
}

//! A forecast by a long short-term memory: carbon dioxide in the air over Mauna Loa, a year ahead.
//!
//! What the network learns is by how much the seasonal forecast will be wrong: the months of the last year, moved by
//! its growth. So it starts as good as that, and is only worth something where it becomes better.

use std::process::ExitCode;

use clap::Parser;
use wengert::prelude::*;
use wengert::{Lstm, Recurrence};
use wengert_data::{Dataset, Loader, Standardize};
use wengert_train::{Best, Every, Goal, Trainer, load};
use wengert_training_examples::{Run, at_most, curves, exit, finished, table};

/// Forecasts the carbon dioxide of the next twelve months.
#[derive(Debug, Parser)]
#[command(name = "lstm_series")]
struct Options {
    #[command(flatten)]
    run: Run,
    /// Months that the network sees
    #[arg(long, default_value_t = 48)]
    months: usize,
    /// Width of its memory
    #[arg(long, default_value_t = 32)]
    hidden: usize,
    /// Layers
    #[arg(long, default_value_t = 1)]
    layers: usize,
    /// Most times that training goes over the windows
    #[arg(long, default_value_t = 100)]
    epochs: u64,
    /// Windows in a batch
    #[arg(long, default_value_t = 32)]
    batch: usize,
    /// The learning rate at first, which falls to 0 along a cosine
    #[arg(long, default_value_t = 2e-3)]
    lr: f64,
}

/// How many months are forecast.
const AHEAD: usize = 12;

/// The last months, of which nothing is learned: for testing, and before those for validation.
const TEST: usize = 120;
const VALIDATION: usize = 60;

/// The windows of a series whose forecast months lie in a range.
#[derive(Clone)]
struct Forecasts {
    /// Of every month: how much more there is than in the month before, and where it is in the year.
    features: Tensor,
    series: Vec<f64>,
    months: usize,
    /// The first months that are forecast, one for each window.
    starts: std::ops::Range<usize>,
}

impl Forecasts {
    /// The same months of the year before, moved by the growth of that year.
    fn seasonal(&self, start: usize) -> Vec<f64> {
        let growth = self.series[start - 1] - self.series[start - 1 - AHEAD];
        (start..start + AHEAD).map(|month| self.series[month - AHEAD] + growth).collect()
    }
}

impl Dataset for Forecasts {
    /// The months before, and by how much the seasonal forecast falls short.
    type Sample = (Tensor, Tensor);

    fn len(&self) -> usize {
        self.starts.len()
    }

    fn get(&self, index: usize) -> Result<Self::Sample> {
        let start = self.starts.start + index;
        let short = self.series[start..start + AHEAD].iter().zip(self.seasonal(start)).map(|(y, p)| (y - p) as f32);
        let features = self.features.narrow(0, start - self.months, self.months)?;
        Ok((features, Tensor::from(Vec::from_iter(short))))
    }
}

/// A memory that reads the months, and a dense layer that says what comes.
#[derive(Module)]
struct Forecaster {
    memory: Lstm,
    head: Linear,
}

impl Layer for Forecaster {
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        let (states, _) = self.memory.run(x, None);
        self.head.forward(states.slice(1, -1.., 1).squeeze(1))
    }
}

fn main() -> ExitCode {
    exit(run(Options::parse()))
}

fn run(mut options: Options) -> Result<()> {
    if options.run.small {
        (options.hidden, options.epochs) = (8, options.epochs.min(2));
    }
    let folder = options.run.folder("lstm_series")?;
    let series = table("co2")?.numbers(["co2"], DType::F64)?.to_vec::<f64>()?;
    // The first month that can be forecast; the seasonal forecast needs a year and a month.
    let (n, first) = (series.len(), options.months.max(AHEAD).saturating_add(1));
    if options.months == 0 || first > n - AHEAD - TEST - VALIDATION {
        return Err(Error::value(format!("{} months to see of a series of {n}", options.months)));
    }
    let learned = n - TEST - VALIDATION;
    let part = |features: &Tensor, from: usize, to: usize| Forecasts {
        features: features.clone(),
        series: series.clone(),
        months: options.months,
        starts: from.max(first)..to + 1 - AHEAD,
    };
    let features = features(&series, learned)?;
    let train = part(&features, 0, learned);
    let validation = part(&features, learned, n - TEST);
    let test = part(&features, n - TEST, n);
    let loader = Loader::new(train, options.batch)?.shuffle(options.run.seed);

    let rng = &mut Rng::seed(options.run.seed);
    let memory = Lstm::new_with(Recurrence::new(3, options.hidden).layers(options.layers), rng)?;
    let model = Forecaster { memory, head: Linear::new_with(options.hidden, AHEAD, Init::Zeros, rng)? };
    println!("{n} months; {} windows; {} parameters", loader.dataset().len(), model.count());

    let rate = Schedule::cosine(options.lr, 0.0, options.epochs * loader.batches());
    let best = folder.join("best.safetensors");
    let trainer = Trainer::new(&model, Train::new(&model, AdamW::new(options.lr)).clip_norm(1.0))
        .schedule(move |update| rate.at(update))
        .observe(Best::new("validation_rmse", Goal::Min).patience(30).keep(&best));
    let mut trainer = options.run.prepare(trainer, &folder, Every::Epochs(10))?;
    let outcome = trainer.fit(
        &loader,
        options.epochs,
        |tape, (x, y)| mse(model.forward(tape.input(x)), tape.input(y)),
        || Ok(vec![("validation_rmse".to_string(), errors(&model, &validation)?[0])]),
    )?;
    if !finished(&outcome) {
        return Ok(());
    }

    model.load(&load(&best)?)?;
    curves(&folder, "what the seasonal forecast misses", &["epoch_loss", "validation_rmse"])?;
    let [network, seasonal, naive] = errors(&model, &test)?;
    println!("root mean squared errors of forecasts of the last {TEST} months, in parts per million:");
    println!("  {naive:.3} of the same month a year before");
    println!("  {seasonal:.3} of that, moved by the growth of the last year");
    println!("  {network:.3} of the network");
    at_most(
        "the network's error over the better of the others",
        network / seasonal.min(naive),
        if options.run.small { 1.1 } else { 0.95 },
    )
}

/// What the network sees of each month: the change since the month before, standardized by the months that are learned from, and the
/// place in the year as a point of a circle.
fn features(series: &[f64], learned: usize) -> Result<Tensor> {
    let n = series.len();
    let changes = (0..n).map(|i| if i == 0 { 0.0 } else { series[i] - series[i - 1] });
    let changes = Tensor::from_vec(changes.collect::<Vec<f64>>(), [n, 1])?;
    let changes = Standardize::fit(&changes.narrow(0, 0, learned)?)?.apply(&changes)?;
    let circle = (0..n).flat_map(|i| {
        let (sin, cos) = (std::f64::consts::TAU * i as f64 / 12.0).sin_cos();
        [sin, cos]
    });
    let circle = Tensor::from_vec(circle.collect::<Vec<f64>>(), [n, 2])?;
    Tensor::concat(&[&changes, &circle], 1)?.cast(DType::F32)
}

/// The root mean squared errors of the network, of the seasonal forecast, and of the year before.
fn errors(model: &Forecaster, data: &Forecasts) -> Result<[f64; 3]> {
    let (x, y) = data.gather(&Vec::from_iter(0..data.len()))?;
    let predicted = model.predict(&x)?.to_vec::<f32>()?;
    let mut sums = [0.0; 3];
    for (i, (p, y)) in predicted.iter().zip(y.iter::<f32>()?).enumerate() {
        let month = data.starts.start + i / AHEAD + i % AHEAD;
        let year = data.series[month] - data.series[month - AHEAD];
        for (sum, error) in sums.iter_mut().zip([f64::from(y - p), f64::from(y), year]) {
            *sum += error * error;
        }
    }
    Ok(sums.map(|sum| (sum / predicted.len() as f64).sqrt()))
}

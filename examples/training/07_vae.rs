//! A variational autoencoder: pictures of digits as a few numbers each, and new pictures from such numbers.
//!
//! D. P. Kingma and M. Welling, "Auto-encoding variational Bayes", ICLR 2014.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use wengert::prelude::*;
use wengert_data::{Loader, Tensors};
use wengert_train::{Best, Every, Goal, Shades, Trainer, image_grid, load};
use wengert_training_examples::{Digits, Run, at_least, at_most, curves, exit, finished, in_batches};

/// Learns to describe digits by a few numbers, and to draw them.
#[derive(Debug, Parser)]
#[command(name = "vae")]
struct Options {
    #[command(flatten)]
    run: Run,
    /// The folder of MNIST's four IDX files; without one, the bundled 8x8 digits
    #[arg(long, value_name = "FOLDER")]
    mnist: Option<PathBuf>,
    /// Numbers that describe a picture
    #[arg(long, default_value_t = 8)]
    latent: usize,
    /// Width of the hidden layers
    #[arg(long, default_value_t = 256)]
    hidden: usize,
    /// Times that training goes over the pictures [default: 200, or 10 of MNIST]
    #[arg(long)]
    epochs: Option<u64>,
    /// Pictures in a batch
    #[arg(long, default_value_t = 64)]
    batch: usize,
    /// The learning rate
    #[arg(long, default_value_t = 1e-3)]
    lr: f64,
}

/// From a picture to a normal distribution of descriptions, and from a description to the pixels' logits.
#[derive(Module)]
struct Vae {
    encoder: Mlp,
    decoder: Mlp,
    latent: usize,
    pixels: usize,
}

impl Vae {
    fn new(side: usize, options: &Options) -> Result<Self> {
        let (rng, pixels, latent) = (&mut Rng::seed(options.run.seed), side * side, options.latent);
        let mlp = |sizes: &[usize], rng: &mut Rng| {
            Ok::<_, Error>(Mlp::new(sizes, Activation::Relu, rng)?.with_output(Activation::Identity))
        };
        Ok(Self {
            encoder: mlp(&[pixels, options.hidden, latent.saturating_mul(2)], rng)?,
            decoder: mlp(&[latent, options.hidden, pixels], rng)?,
            latent,
            pixels,
        })
    }

    /// The means and the logarithms of the variances of pictures' descriptions.
    fn encode<'t>(&self, x: Var<'t>) -> (Var<'t>, Var<'t>) {
        let both = self.encoder.forward(x.reshape([-1, self.pixels as isize]));
        (both.narrow(1, 0, self.latent), both.narrow(1, self.latent, self.latent))
    }

    /// What is minimized, in nats a picture: -ln p(x | z) for a z drawn from q(z | x), and the divergence of q(z | x) from
    /// the standard normal distribution. Their sum is at least -ln p(x). Grey pixels count as chances of ink.
    fn loss<'t>(&self, x: Var<'t>) -> Var<'t> {
        let (mean, log_variance) = self.encode(x);
        // Outside of training, the mean stands for all.
        let z = match x.tape().next_key() {
            Some(key) => mean + (0.5 * log_variance).exp() * key.normal(mean.shape(), DType::F32),
            None => mean,
        };
        let divergence = 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).sum();
        let logits = self.decoder.forward(z);
        let missed = bce_with_logits_with(logits, x.reshape([-1, self.pixels as isize]), Reduction::Sum);
        (missed + divergence) / x.shape().first().copied().unwrap_or(1) as f64
    }

    /// The pictures of descriptions.
    fn draw(&self, z: &Tensor, side: usize) -> Result<Tensor> {
        self.decoder.predict(z)?.sigmoid()?.reshape([-1, side as isize, side as isize])
    }

    /// Pictures as they come back from their descriptions.
    fn again(&self, x: &Tensor, side: usize) -> Result<Tensor> {
        let tape = Tape::new();
        self.draw(&self.encode(tape.input(x)).0.value()?, side)
    }
}

fn main() -> ExitCode {
    exit(run(Options::parse()))
}

fn run(options: Options) -> Result<()> {
    let folder = options.run.folder("vae")?;
    let mut digits = Digits::load(options.mnist.as_deref())?;
    let (mut epochs, mut bound) = if options.mnist.is_some() { (10, 0.6) } else { (200, 0.5) };
    if options.run.small {
        (digits, epochs, bound) = (digits.at_most(1000)?, 3, -0.5);
    }
    let (epochs, side) = (options.epochs.unwrap_or(epochs), digits.side);
    let loader = Loader::new(digits.train.clone(), options.batch)?.shuffle(options.run.seed).drop_last();

    let vae = Vae::new(side, &options)?;
    println!("{} pictures; {} parameters", digits.train.tensors().1.numel(), vae.count());
    let best = folder.join("best.safetensors");
    let trainer = Trainer::new(&vae, Train::new(&vae, Adam::new(options.lr)).seed(options.run.seed))
        .observe(Best::new("validation_nats", Goal::Min).keep(&best));
    let mut trainer = options.run.prepare(trainer, &folder, Every::Epochs(5))?;
    let outcome = trainer.fit(
        &loader,
        epochs,
        |tape, (x, _)| vae.loss(tape.input(x)),
        || Ok(vec![("validation_nats".to_string(), nats(&vae, &digits.validation)?)]),
    )?;
    if !finished(&outcome) {
        return Ok(());
    }

    vae.load(&load(&best)?)?;
    // Above, twelve pictures that were not learned from; below, what comes back. Then pictures of random descriptions.
    let originals = digits.test.tensors().0.narrow(0, 0, 12)?;
    let pairs = Tensor::concat(&[&originals.squeeze(1)?, &vae.again(&originals, side)?], 0)?;
    image_grid(folder.join("reconstructions.png"), &pairs, 12, Shades::Image)?;
    let z = Tensor::randn([96, options.latent], DType::F32, &mut Rng::seed(options.run.seed))?;
    image_grid(folder.join("samples.png"), &vae.draw(&z, side)?, 12, Shades::Image)?;
    curves(&folder, "nats a picture", &["epoch_loss", "validation_nats"])?;
    println!("pictures: {0}/reconstructions.png and {0}/samples.png", folder.display());

    let (nats, independent) = (nats(&vae, &digits.test)?, independent(&digits)?);
    println!(
        "nats a picture that was not learned from: {nats:.2}; with pixels that know nothing of each other: {independent:.2}"
    );
    at_most("the nats, as a share of those", nats / independent, if options.run.small { 1.2 } else { 0.95 })?;
    at_least("the share of the pixels' variance that comes back", explained(&vae, &digits)?, bound)
}

/// The share of the pixels' variance that reconstructions explain, on pictures that were not learned from.
fn explained(vae: &Vae, digits: &Digits) -> Result<f64> {
    let x = &digits.test.tensors().0;
    let missed = vae.again(x, digits.side)?.sub(&x.squeeze(1)?)?.square()?.sum()?.item()?;
    let all = x.sub(&digits.train.tensors().0.mean_axes(0)?)?.square()?.sum()?.item()?;
    Ok(1.0 - missed / all)
}

/// The mean loss on a data set.
fn nats(vae: &Vae, data: &Tensors<(Tensor, Tensor)>) -> Result<f64> {
    let mut sum = 0.0;
    in_batches(data, |x, y| {
        // For training, so that descriptions are drawn; always the same ones.
        let tape = Tape::new();
        tape.set_training(1);
        sum += vae.loss(tape.input(x)).item()? * y.numel() as f64;
        Ok(())
    })?;
    Ok(sum / data.tensors().1.numel() as f64)
}

/// The same of a model in which every pixel has the probability that it has on average.
fn independent(digits: &Digits) -> Result<f64> {
    let tape = Tape::new();
    let p = tape.input(&digits.train.tensors().0.mean_axes(0)?).clamp(1e-4, 1.0 - 1e-4);
    let x = &digits.test.tensors().0;
    let sum = bce_with(p.broadcast_to(x.shape().clone()), tape.input(x), Reduction::Sum).item()?;
    Ok(sum / x.shape()[0] as f64)
}

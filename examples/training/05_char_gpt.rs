//! A GPT that learns a text character by character, and then writes some of its own.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use wengert::prelude::*;
use wengert::{Cache, LearnedPositions, Mask, Seen, TransformerEncoder, TransformerOptions};
use wengert_data::{Chars, Loader, Tokenizer, Windows};
use wengert_train::{Best, Every, Goal, Trainer, load};
use wengert_training_examples::{Run, at_most, exit, finished, show};

/// Trains a small GPT on a text and generates more of it.
#[derive(Debug, Parser)]
#[command(name = "char_gpt")]
struct Options {
    #[command(flatten)]
    run: Run,
    /// The text; without one, the beginning of Coriolanus, which is bundled
    #[arg(long, value_name = "FILE")]
    text: Option<PathBuf>,
    /// Characters that the model sees at once
    #[arg(long, default_value_t = 128)]
    context: usize,
    /// Width of the vectors
    #[arg(long, default_value_t = 128)]
    width: usize,
    /// Attention heads
    #[arg(long, default_value_t = 4)]
    heads: usize,
    /// Blocks
    #[arg(long, default_value_t = 4)]
    blocks: usize,
    /// Dropout
    #[arg(long, default_value_t = 0.1)]
    dropout: f64,
    /// Windows in a batch
    #[arg(long, default_value_t = 32)]
    batch: usize,
    /// Times that training goes over the text
    #[arg(long, default_value_t = 5)]
    epochs: u64,
    /// Largest learning rate
    #[arg(long, default_value_t = 1e-3)]
    lr: f64,
    /// Characters to generate afterwards
    #[arg(long, default_value_t = 500)]
    generate: usize,
    /// How bold the generated text is: 0 always takes the likeliest character
    #[arg(long, default_value_t = 0.8)]
    temperature: f64,
    /// What the generated text begins with
    #[arg(long, default_value = "\n")]
    prompt: String,
}

/// Embeddings of characters and places, causal blocks, and a score for every character.
#[derive(Module)]
struct Gpt {
    tokens: Embedding,
    places: LearnedPositions,
    blocks: TransformerEncoder,
    head: Linear,
}

impl Gpt {
    fn new(vocabulary: usize, options: &Options) -> Result<Self> {
        let rng = &mut Rng::seed(options.run.seed);
        let sizes = TransformerOptions::new(options.width, options.heads).causal().dropout(options.dropout);
        Ok(Self {
            tokens: Embedding::new_with(vocabulary, options.width, Init::Normal { std: 0.02 }, rng)?,
            places: LearnedPositions::new(options.context, options.width, rng)?,
            blocks: TransformerEncoder::new(options.blocks, &sizes, rng)?,
            head: Linear::new(options.width, vocabulary, rng)?,
        })
    }

    /// The scores of the next characters of one more part of a text.
    fn next<'t>(&self, tokens: Var<'t>, seen: &mut Seen<'t>) -> Var<'t> {
        let x = self.places.forward_at(self.tokens.forward(tokens), seen.position());
        self.head.forward(self.blocks.forward_cached(x, Mask::none(), seen))
    }
}

impl Layer for Gpt {
    fn forward<'t>(&self, tokens: Var<'t>) -> Var<'t> {
        self.head.forward(self.blocks.forward(self.places.forward(self.tokens.forward(tokens))))
    }
}

fn main() -> ExitCode {
    exit(run(Options::parse()))
}

fn run(mut options: Options) -> Result<()> {
    if options.run.small {
        (options.context, options.width, options.blocks, options.batch) = (32, 32, 2, 16);
        (options.epochs, options.generate) = (options.epochs.min(1), options.generate.min(60));
    }
    let folder = options.run.folder("char_gpt")?;
    let text = match &options.text {
        Some(path) => {
            std::fs::read_to_string(path).map_err(|error| Error::file(format!("read {}: {error}", path.display())))?
        }
        None => include_str!("../data/shakespeare.txt").to_string(),
    };
    let chars = Chars::of(&text);
    let tokens = chars.encode(&text)?;
    // The last tenth is not learned from.
    let (n, learned) = (tokens.numel(), tokens.numel() / 10 * 9);
    let training = Windows::new(tokens.narrow(0, 0, learned)?, options.context, (options.context / 4).max(1))?;
    let validation = Windows::new(tokens.narrow(0, learned, n - learned)?, options.context, options.context)?;
    let loader = Loader::new(training, options.batch)?.shuffle(options.run.seed).drop_last().workers(1);
    let validation = Loader::new(validation, options.batch)?;

    let gpt = Gpt::new(chars.size(), &options)?;
    println!(
        "{n} characters, {} of them different; {} parameters; {} steps an epoch",
        chars.size(),
        gpt.count(),
        loader.batches()
    );
    // The rate rises over the first twentieth of the updates and then falls to a tenth.
    let updates = loader.batches() * options.epochs;
    let warm = (updates / 20).max(1);
    let rate = Schedule::linear(options.lr / warm as f64, options.lr, warm).then(Schedule::cosine(
        options.lr,
        0.1 * options.lr,
        updates.saturating_sub(warm).max(1),
    ));
    let train = Train::new(&gpt, AdamW::new(options.lr).betas(0.9, 0.99).weight_decay(0.1))
        .group(AdamW::new(options.lr).betas(0.9, 0.99).weight_decay(0.0), |name| !name.ends_with("weight"))
        .clip_norm(1.0)
        .seed(options.run.seed);
    let best = folder.join("best.safetensors");
    let trainer = Trainer::new(&gpt, train)
        .schedule(move |update| rate.at(update))
        .observe(Best::new("bits per character", Goal::Min).keep(&best));
    let mut trainer = options.run.prepare(trainer, &folder, Every::Steps(100))?;
    let outcome = trainer.fit(
        &loader,
        options.epochs,
        |tape, (x, y)| loss(&gpt, tape.input(x), tape.input(y)),
        || {
            let bits = bits(&gpt, &validation)?;
            Ok(vec![("bits per character".to_string(), bits)])
        },
    )?;
    if !finished(&outcome) {
        return Ok(());
    }
    gpt.load(&load(&best)?)?;
    let reached = bits(&gpt, &validation)?;
    println!("the best model has {reached:.3} bits per character on the last tenth of the text");
    generate(&gpt, &chars, &options)?;
    // With characters that know nothing of each other, those would be the entropy.
    at_most("bits per character, as a share of the characters' entropy", reached / entropy(&tokens)?, 1.0)
}

/// The mean of -ln p over all characters of a batch.
fn loss<'t>(gpt: &Gpt, x: Var<'t>, y: Var<'t>) -> Var<'t> {
    cross_entropy(gpt.forward(x), y)
}

/// Bits per character on text that was not learned from.
fn bits(gpt: &Gpt, validation: &Loader<Windows>) -> Result<f64> {
    let (mut sum, mut count) = (0.0, 0);
    for batch in validation {
        let (x, y) = batch?;
        let tape = Tape::new();
        sum += loss(gpt, tape.input(&x), tape.input(&y)).item()? * y.numel() as f64;
        count += y.numel();
    }
    Ok(sum / count as f64 / std::f64::consts::LN_2)
}

/// The bits per character of a model that knows how frequent each is.
fn entropy(tokens: &Tensor) -> Result<f64> {
    let mut counts = BTreeMap::new();
    tokens.iter::<i64>()?.for_each(|token| *counts.entry(token).or_insert(0.0) += 1.0);
    let n = tokens.numel() as f64;
    Ok(counts.values().map(|count: &f64| -count / n * (count / n).log2()).sum())
}

/// Writes characters one after another, each drawn from what the model expects.
fn generate(gpt: &Gpt, chars: &Chars, options: &Options) -> Result<()> {
    let mut rng = Rng::seed(options.run.seed);
    let mut tokens = chars.encode(&options.prompt)?.to_vec::<i64>()?;
    show(&options.prompt);
    let mut cache = Cache::new();
    let mut part = tokens.len().min(options.context);
    for _ in 0..options.generate {
        if cache.len() + part > options.context {
            // No place is left: the model begins anew with the second half of what it saw.
            cache = Cache::new();
            part = (options.context / 2).min(tokens.len());
        }
        let next = Tensor::from_vec(tokens[tokens.len() - part..].to_vec(), [1, part])?;
        let scores = cache.extend(|tape, seen| gpt.next(tape.input(&next), seen))?;
        let scores = scores.narrow(1, part - 1, 1)?.cast(DType::F64)?.to_vec::<f64>()?;
        let token = draw(&scores, options.temperature, &mut rng)?;
        tokens.push(token as i64);
        show(&chars.decode(&Tensor::from([token as i64]))?);
        part = 1;
    }
    println!();
    Ok(())
}

/// An index, with probabilities that are the softmax of scores over the temperature.
fn draw(scores: &[f64], temperature: f64, rng: &mut Rng) -> Result<usize> {
    let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weight = |score: &f64| ((score - most) / temperature.max(1e-6)).exp();
    let mut rest = Tensor::uniform((), 0.0, 1.0, DType::F64, rng)?.item()? * scores.iter().map(weight).sum::<f64>();
    for (i, score) in scores.iter().enumerate() {
        rest -= weight(score);
        if rest <= 0.0 {
            return Ok(i);
        }
    }
    Ok(scores.len() - 1)
}

//! The command line: every option checked before any work is done.

use std::ffi::OsString;
use std::fmt::{self, Display};
use std::path::PathBuf;
use std::str::FromStr;

use lexopt::prelude::*;
use wengert::prelude::*;

use crate::Outcome;

/// What `--help` prints.
pub fn help() -> String {
    let activations = Activation::ALL.iter().map(|activation| activation.name()).collect::<Vec<_>>().join(", ");
    HELP.replace("ACTIVATIONS", &activations)
}

const HELP: &str = "\
Trains a small network to compute XOR, by gradients from the tape.

Usage: cargo run --release --example xor -- [OPTIONS]

Network:
  --hidden SIZES      sizes of the hidden layers, separated by commas [4]
  --activation NAME   of the hidden layers; the output is always a sigmoid [sigmoid]
                      ACTIVATIONS
  --dtype NAME        f32, f64 [f32]
  --seed N            of the initial weights [0]

Training, over all four points at once:
  --loss NAME         mse (mean squared error), bce (binary cross-entropy) [mse]
  --optimizer NAME    sgd, momentum, nesterov, adam, adamw [sgd]
  --lr RATE           learning rate [by optimizer: 7, 1, 1, 0.01, 0.01]
  --epochs N          updates [3000]

Output:
  --plot FILE.svg     the loss by epoch, and the output over the plane
  --graph FILE.dot    the training step's tape, for Graphviz
  --seeds N           trains N networks, from --seed on, and prints how many learned.
                      Each stops early, at a loss at which every output must be within 0.1
  --tutorial          the tutorial's run instead: NumPy's initial weights for seeds 1, 2 and 3, rate 0.1,
                      compared with what NumPy recorded
  -h, --help          this text

XOR is learned when all four outputs are on the right side of 0.5. With the defaults every seed from 0 to 999
does; with other settings some may not.
Exit code: 0 learned (with --tutorial: NumPy's numbers repeated), 1 not, 2 for an option or a file that cannot be used.";

/// What to do.
pub enum Command {
    /// Print [`help`].
    Help,
    /// Repeat NumPy's runs.
    Tutorial,
    /// Train one network.
    Train(Options),
    /// Train this many, from the options' seed on.
    Seeds(Options, u64),
}

/// The loss to minimise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loss {
    /// The mean squared error.
    Mse,
    /// The binary cross-entropy.
    Bce,
}

/// How to minimise it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// Plain gradient descent.
    Sgd,
    /// With momentum 0.9.
    Momentum,
    /// With Nesterov's momentum 0.9.
    Nesterov,
    /// Adam.
    Adam,
    /// Adam with decoupled weight decay.
    AdamW,
}

const DTYPES: [(&str, DType); 2] = [("f32", DType::F32), ("f64", DType::F64)];
const LOSSES: [(&str, Loss); 2] = [("mse", Loss::Mse), ("bce", Loss::Bce)];
const METHODS: [(&str, Method); 5] = [
    ("sgd", Method::Sgd),
    ("momentum", Method::Momentum),
    ("nesterov", Method::Nesterov),
    ("adam", Method::Adam),
    ("adamw", Method::AdamW),
];

/// Larger networks than these are surely a slip, and would take all memory.
const MOST_LAYERS: usize = 16;
const LARGEST_LAYER: usize = 1024;

/// A network and its training.
#[derive(Debug, Clone)]
pub struct Options {
    pub hidden: Vec<usize>,
    pub activation: Activation,
    pub dtype: DType,
    pub seed: u64,
    pub loss: Loss,
    pub method: Method,
    pub rate: f64,
    pub epochs: usize,
    pub plot: Option<PathBuf>,
    pub graph: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            hidden: vec![4],
            activation: Activation::Sigmoid,
            dtype: DType::F32,
            seed: 0,
            loss: Loss::Mse,
            method: Method::Sgd,
            rate: Method::Sgd.usual_rate(),
            epochs: 3000,
            plot: None,
            graph: None,
        }
    }
}

impl Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sgd => "gradient descent",
            Self::Momentum => "gradient descent with momentum 0.9",
            Self::Nesterov => "gradient descent with Nesterov momentum 0.9",
            Self::Adam => "Adam",
            Self::AdamW => "AdamW",
        })
    }
}

impl Method {
    /// The default learning rate.
    fn usual_rate(self) -> f64 {
        match self {
            Self::Sgd => 7.0,
            Self::Momentum | Self::Nesterov => 1.0,
            Self::Adam | Self::AdamW => 0.01,
        }
    }
}

/// Reads the command line, without the program's name.
///
/// # Errors
/// A sentence about the first option that cannot be used.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Outcome<Command> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut options = Options::default();
    let (mut rate, mut seeds, mut tutorial) = (None, None, false);
    // The options that go only with a training of one's own, in the order seen.
    let mut given = Vec::new();
    while let Some(argument) = parser.next()? {
        let option = match argument {
            Short('h') | Long("help") => return Ok(Command::Help),
            Long("tutorial") => {
                tutorial = true;
                continue;
            }
            Long(option) => format!("--{option}"),
            other => return Err(other.unexpected().into()),
        };
        let known = [
            "--hidden",
            "--activation",
            "--dtype",
            "--seed",
            "--loss",
            "--optimizer",
            "--lr",
            "--epochs",
            "--plot",
            "--graph",
            "--seeds",
        ];
        if !known.contains(&option.as_str()) {
            return Err(format!("there is no option {option}").into());
        }
        let value = parser.value().map_err(|_| format!("{option} needs a value"))?;
        let text = || value.clone().into_string().map_err(|raw| format!("{option}: {raw:?} is not text"));
        match option.as_str() {
            "--hidden" => options.hidden = sizes(&option, &text()?)?,
            "--activation" => options.activation = text()?.parse()?,
            "--dtype" => options.dtype = choice(&option, &text()?, &DTYPES)?,
            "--seed" => options.seed = number(&option, &text()?, 0, u64::MAX)?,
            "--loss" => options.loss = choice(&option, &text()?, &LOSSES)?,
            "--optimizer" => options.method = choice(&option, &text()?, &METHODS)?,
            "--lr" => rate = Some(positive(&option, &text()?)?),
            "--epochs" => options.epochs = number(&option, &text()?, 1, 100_000_000)?,
            "--plot" => options.plot = Some(path(&option, &value, &["svg"])?),
            "--graph" => options.graph = Some(path(&option, &value, &["dot", "gv"])?),
            _ => seeds = Some(number(&option, &text()?, 1, 1_000_000)?),
        }
        given.push(option);
    }
    options.rate = rate.unwrap_or(options.method.usual_rate());
    match (tutorial, given.first(), seeds) {
        (true, Some(other), _) => Err(format!("--tutorial has its own settings and does not take {other}").into()),
        (true, None, _) => Ok(Command::Tutorial),
        (false, _, None) => Ok(Command::Train(options)),
        (false, _, Some(_)) if options.plot.is_some() || options.graph.is_some() => {
            Err("--plot and --graph show a single training: leave out --seeds".into())
        }
        (false, _, Some(n)) if options.seed.checked_add(n).is_none() => {
            Err(format!("--seeds: {n} seeds from {} on are more than there are", options.seed).into())
        }
        (false, _, Some(n)) => Ok(Command::Seeds(options, n)),
    }
}

fn choice<T: Copy>(option: &str, text: &str, choices: &[(&str, T)]) -> Outcome<T> {
    let found = choices.iter().find(|(name, _)| *name == text);
    let names = || choices.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    found.map(|(_, value)| *value).ok_or_else(|| format!("{option}: '{text}' is none of {}", names()).into())
}

fn number<T: FromStr + PartialOrd + Display>(option: &str, text: &str, least: T, most: T) -> Outcome<T> {
    match text.parse() {
        Ok(n) if n >= least && n <= most => Ok(n),
        _ => Err(format!("{option}: '{text}' is not a whole number from {least} to {most}").into()),
    }
}

fn positive(option: &str, text: &str) -> Outcome<f64> {
    match text.parse::<f64>() {
        Ok(x) if x > 0.0 && x <= 1e6 => Ok(x),
        _ => Err(format!("{option}: '{text}' is not a number above 0 and up to 1000000").into()),
    }
}

fn sizes(option: &str, text: &str) -> Outcome<Vec<usize>> {
    let sizes: Vec<usize> =
        text.split(',').map(|size| number(option, size.trim(), 1, LARGEST_LAYER)).collect::<Outcome<_>>()?;
    match sizes.len() {
        0..=MOST_LAYERS => Ok(sizes),
        n => Err(format!("{option}: {n} hidden layers are more than {MOST_LAYERS}").into()),
    }
}

fn path(option: &str, value: &OsString, extensions: &[&str]) -> Outcome<PathBuf> {
    let path = PathBuf::from(value);
    match path.extension().and_then(|extension| extension.to_str()) {
        Some(extension) if extensions.iter().any(|known| known.eq_ignore_ascii_case(extension)) => Ok(path),
        _ => {
            let wanted = extensions.iter().map(|extension| format!(".{extension}")).collect::<Vec<_>>().join(" or ");
            Err(format!("{option}: '{}' does not end in {wanted}", path.display()).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Outcome<Command> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn the_options_are_read() {
        let Ok(Command::Train(o)) = parsed("--hidden 4,3 --lr=0.5 --optimizer adam --loss bce --dtype f64 --seed 7")
        else {
            panic!("a valid line was refused")
        };
        assert_eq!((o.hidden, o.rate, o.method, o.loss), (vec![4, 3], 0.5, Method::Adam, Loss::Bce));
        assert_eq!((o.dtype, o.seed, o.epochs), (DType::F64, 7, 3000));
        assert!(matches!(parsed("--seeds 10 --epochs 5"), Ok(Command::Seeds(o, 10)) if o.epochs == 5));
        assert!(matches!(parsed("--tutorial"), Ok(Command::Tutorial)));
        assert!(parsed("--lr x --help").is_err());
        assert!(matches!(parsed("-h"), Ok(Command::Help)));
    }

    #[test]
    fn the_rate_follows_the_optimizer_in_either_order() {
        for line in ["--optimizer adam", "--lr 0.01 --optimizer adam", "--optimizer adam --lr 0.01"] {
            assert!(matches!(parsed(line), Ok(Command::Train(o)) if o.rate == 0.01), "{line}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (line, named) in [
            ("--fast", "--fast"),
            ("-x", "-x"),
            ("please", "please"),
            ("--lr", "--lr needs a value"),
            ("--lr -1", "'-1'"),
            ("--lr 0", "'0'"),
            ("--lr NaN", "'NaN'"),
            ("--lr inf", "'inf'"),
            ("--epochs 0", "'0'"),
            ("--epochs 1e3", "'1e3'"),
            ("--hidden 4,0", "'0'"),
            ("--hidden ,", "''"),
            ("--hidden 99999999999999999999", "1024"),
            ("--hidden 1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", "17 hidden layers"),
            ("--activation sine", "sigmoid, tanh"),
            ("--loss huber", "mse, bce"),
            ("--dtype f16", "f32, f64"),
            ("--seed -1", "'-1'"),
            ("--seeds 0", "'0'"),
            ("--seed 18446744073709551615 --seeds 2", "2 seeds"),
            ("--seeds 3 --plot a.svg", "--seeds"),
            ("--plot a.png", ".svg"),
            ("--graph a", ".dot or .gv"),
            ("--tutorial --lr 1", "--lr"),
            ("--tutorial=1", "tutorial"),
        ] {
            let message = parsed(line).err().unwrap_or_else(|| panic!("{line} was accepted")).to_string();
            assert!(message.contains(named), "{line}: {message}");
        }
    }
}

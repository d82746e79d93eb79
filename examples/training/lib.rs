//! What the training programs share: the options that all of them have, and what follows from those.

#![forbid(unsafe_code)]

mod cart_pole;
mod check;
mod digits;
mod pictures;
mod table;

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use wengert::prelude::*;
use wengert_train::{Control, CsvLog, EpochEvent, Every, Observer, Outcome, Progress, Snapshots, StepEvent, Trainer};

pub use cart_pole::CartPole;
pub use check::{at_least, at_most};
pub use digits::{Digits, in_batches, train_and_test};
pub use pictures::curves;
pub use table::table;

/// Options of every program.
#[derive(Debug, Clone, Args)]
pub struct Run {
    /// The folder for snapshots, logs, pictures and the trained model [default: runs/NAME, after the program]
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Go on from the last snapshot in that folder
    #[arg(long)]
    pub resume: bool,
    /// The seed of all random numbers
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many threads compute; all cores where it is not said
    #[arg(long)]
    pub threads: Option<usize>,
    /// A run of seconds that only shows that all parts work
    #[arg(long)]
    pub small: bool,
}

impl Run {
    /// The folder for what `program` makes, which is made if it is not there.
    ///
    /// # Errors
    /// What the file system refuses.
    pub fn folder(&self, program: &str) -> Result<PathBuf> {
        let folder = self.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(program));
        std::fs::create_dir_all(&folder).map_err(|error| Error::file(format!("make {}: {error}", folder.display())))?;
        if let Some(threads) = self.threads {
            wengert::set_threads(threads);
        }
        println!("everything goes to {}", folder.display());
        Ok(folder)
    }

    /// The last three snapshots in `folder`. Those of an earlier run that does not go on are put aside, as `snapshots.earlier`.
    ///
    /// # Errors
    /// What the file system refuses.
    pub fn snapshots(&self, folder: &Path) -> Result<Snapshots> {
        let (own, aside) = (folder.join("snapshots"), folder.join("snapshots.earlier"));
        if !self.resume && own.exists() {
            let put = || {
                if aside.exists() {
                    std::fs::remove_dir_all(&aside)?;
                }
                std::fs::rename(&own, &aside)
            };
            put().map_err(|error| Error::file(format!("move {}: {error}", own.display())))?;
        }
        Snapshots::new(own, 3)
    }

    /// The trainer with snapshots and the log `log.csv` in `folder`, its progress shown, and Ctrl-C as a way to stop;
    /// resumed, where that was asked for.
    ///
    /// # Errors
    /// What the file system refuses; a snapshot of another model.
    pub fn prepare<'m>(&self, trainer: Trainer<'m>, folder: &Path, every: Every) -> Result<Trainer<'m>> {
        let mut trainer = trainer
            .observe(CsvLog::new(folder.join("log.csv")))
            .observe(Shown(Progress::new()))
            .snapshots(self.snapshots(folder)?, every)
            .interruptible();
        if self.resume {
            let found = trainer.resume()?;
            found.damaged.iter().for_each(|error| eprintln!("not used: {error}"));
            match found.snapshot {
                Some((step, _)) => println!("going on after step {step}"),
                None => println!("there is no snapshot yet: starting from the beginning"),
            }
        }
        Ok(trainer)
    }
}

/// Progress with at most twenty epochs that leave a line.
struct Shown(Progress);

impl Observer for Shown {
    fn step(&mut self, event: &StepEvent) -> Result<()> {
        self.0.step(event)
    }

    fn epoch(&mut self, event: &EpochEvent<'_>, control: &mut Control) -> Result<()> {
        let done = event.epoch + 1;
        let shown = done == event.epochs || done.is_multiple_of(event.epochs.div_ceil(20).max(1));
        if shown { self.0.epoch(event, control) } else { Ok(()) }
    }
}

/// Whether training came to its end, which is said; where it was interrupted, how to go on.
pub fn finished(outcome: &Outcome) -> bool {
    println!("{outcome}");
    if matches!(outcome, Outcome::Interrupted(..)) {
        println!("the same command with --resume goes on");
        return false;
    }
    true
}

/// Prints without a new line, at once.
pub fn show(text: &str) {
    print!("{text}");
    // Nothing can be done where nobody reads.
    let _ = std::io::stdout().flush();
}

/// What a program's `main` returns: its mistake on standard error, and an exit status.
pub fn exit(outcome: Result<()>) -> std::process::ExitCode {
    match outcome {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

//! What the training programs share: the options that all of them have, and what follows from those.

#![forbid(unsafe_code)]

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use wengert::prelude::*;
use wengert_train::{Every, Snapshots, Trainer};

/// Options of every program.
#[derive(Debug, Clone, Args)]
pub struct Run {
    /// The folder for snapshots, logs, pictures and the trained model [default: runs/<program>]
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

    /// The trainer with snapshots in `folder`, and with Ctrl-C as a way to stop; resumed, where that was asked for.
    ///
    /// # Errors
    /// What the file system refuses; a snapshot of another model.
    pub fn prepare<'m>(&self, trainer: Trainer<'m>, folder: &std::path::Path, every: Every) -> Result<Trainer<'m>> {
        let mut trainer = trainer.snapshots(Snapshots::new(folder.join("snapshots"), 3)?, every).interruptible();
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

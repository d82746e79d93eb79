//! The course: the same workloads that other engines are measured on, one JSON line each.
//!
//! Every workload runs in a process of its own, so that none inherits another's caches or memory.

mod data;
mod measure;
mod workload;

use std::process::{Command, ExitCode};

use lexopt::prelude::*;
use measure::Course;
use workload::{WORKLOADS, Workload};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const HELP: &str = "\
Runs the course's workloads and prints one JSON line for each.

Usage: cargo run --release --example course -- [OPTIONS] [WORKLOAD...]

  --threads N   threads to spread large operations over [1]
  --check       prints the values that every engine must agree on, to standard error, and times nothing:
                check wengert WORKLOAD WHAT VALUE
  --list        prints the workloads' names
  -h, --help    this text

Without a WORKLOAD, all of them. Exit code: 0, 1 where a workload failed, 2 for a bad option.";

struct Options {
    threads: usize,
    checking: bool,
    /// This process runs its one workload itself.
    child: bool,
    workloads: Vec<&'static Workload>,
}

fn main() -> ExitCode {
    let options = match parse(lexopt::Parser::from_env()) {
        Ok(Some(options)) => options,
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("course: {error}; --help says more");
            return ExitCode::from(2);
        }
    };
    let mut failed = false;
    for workload in &options.workloads {
        if let Err(error) = if options.child { run(workload, &options) } else { delegate(workload, &options) } {
            eprintln!("course: {}: {error}", workload.name);
            failed = true;
        }
    }
    ExitCode::from(u8::from(failed))
}

/// Reads the command line; `None` where there is nothing left to do.
fn parse(mut parser: lexopt::Parser) -> Outcome<Option<Options>> {
    let mut options = Options { threads: 1, checking: false, child: false, workloads: Vec::new() };
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => {
                println!("{HELP}");
                return Ok(None);
            }
            Long("list") => {
                WORKLOADS.iter().for_each(|workload| println!("{}", workload.name));
                return Ok(None);
            }
            Long("check") => options.checking = true,
            Long("child") => options.child = true,
            Long("threads") => {
                options.threads = match parser.value()?.parse() {
                    Ok(n @ 1..=256) => n,
                    _ => return Err("--threads: takes a whole number from 1 to 256".into()),
                }
            }
            Value(name) => {
                let found = WORKLOADS.iter().find(|workload| name == workload.name);
                options.workloads.push(found.ok_or_else(|| format!("there is no workload {}", name.display()))?);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if options.workloads.is_empty() {
        // The checks of the course that are not workloads are run only when checking.
        let wanted = |workload: &&Workload| options.checking || !workload.only_check;
        options.workloads = WORKLOADS.iter().filter(wanted).collect();
    }
    Ok(Some(options))
}

fn run(workload: &Workload, options: &Options) -> Outcome<()> {
    wengert::set_threads(options.threads);
    let course = Course {
        workload: workload.name,
        unit: workload.unit,
        threads: options.threads,
        checking: options.checking,
        calls: workload.calls,
    };
    Ok((workload.run)(&course)?)
}

/// Runs a workload in a process of its own.
fn delegate(workload: &Workload, options: &Options) -> Outcome<()> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--child").arg("--threads").arg(options.threads.to_string()).arg(workload.name);
    if options.checking {
        command.arg("--check");
    }
    match command.status()? {
        status if status.success() => Ok(()),
        status => Err(format!("its process ended with {status}").into()),
    }
}

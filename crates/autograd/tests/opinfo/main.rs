//! Every operation that the library can express, against reference samples of PyTorch's.
//!
//! The samples lie in the folder that `WENGERT_OPINFO` names, by default `../shared/opinfo` beside the
//! workspace; without them the test is skipped and says so. For each sample the value, the VJP, the
//! JVP and the gradient of the VJP are compared (`check`); how a sample's arguments become a call is
//! one line for each operation, in the tables of `map`. An operation passes when all its samples do.
//!
//! This target has a `main` of its own instead of the standard harness, because that one shows the
//! output of a passing test only with `--nocapture`, and the tally is worth reading when all is well.
//! It behaves as a libtest binary with one test, `opinfo`: it lists it, runs it where the filters select
//! it, prints libtest's summary before the tally and exits with 101 where it failed. A filter may go on
//! with an operation's name: `cargo test --test opinfo opinfo::softmax`.

mod args;
mod check;
mod map;
mod sample;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sample::File;

/// What became of one operation.
enum Outcome {
    Passed { samples: usize, skipped: Option<&'static str> },
    Failed { samples: usize, failed: usize, first: String },
    NotMapped(&'static str),
}

fn main() -> ExitCode {
    let request = Request::parse(std::env::args().skip(1));
    let folder = folder();
    if request.list {
        if request.selects("opinfo") && !request.ignored {
            println!("opinfo: test");
        }
        return ExitCode::SUCCESS;
    }
    if request.ignored || !request.selects_any() {
        return summary(0, 0, 0, 1);
    }
    println!("\nrunning 1 test");
    let files = match files(&folder) {
        Ok(files) => files,
        Err(why) => {
            println!("test opinfo ... ignored");
            let code = summary(0, 0, 1, 0);
            println!("opinfo: skipped: {why}");
            return code;
        }
    };
    // A panic is one operation's failure, reported with its sentence; the trace would bury the report.
    std::panic::set_hook(Box::new(|_| ()));
    let (mut passed, mut failed, mut unmapped) = (0, 0, 0);
    for path in files.iter().filter(|path| request.selects(&format!("opinfo::{}", stem(path)))) {
        let name = stem(path);
        match run(path) {
            Outcome::Passed { samples, skipped: None } => {
                passed += 1;
                println!("{name}: passed ({samples})");
            }
            Outcome::Passed { samples, skipped: Some(why) } => {
                passed += 1;
                println!("{name}: passed ({samples}; others skipped: {why})");
            }
            Outcome::Failed { samples, failed: wrong, first } => {
                failed += 1;
                println!("{name}: failed ({wrong} of {samples}): {first}");
            }
            Outcome::NotMapped(why) => {
                unmapped += 1;
                println!("{name}: not mapped: {why}");
            }
        }
    }
    println!("test opinfo ... {}", if failed == 0 { "ok" } else { "FAILED" });
    let code = if failed == 0 { summary(1, 0, 0, 0) } else { summary(0, 1, 0, 0) };
    println!("opinfo: {passed} passed, {failed} failed, {unmapped} unmapped");
    code
}

fn run(path: &Path) -> Outcome {
    let name = stem(path);
    let Some(operation) = map::find(&name) else {
        return Outcome::NotMapped(map::why_not(&name));
    };
    let whole = |first| Outcome::Failed { samples: 1, failed: 1, first };
    let file = match File::read(path) {
        Ok(file) => file,
        Err(error) => return whole(error.to_string()),
    };
    let (mut samples, mut failures, mut skipped) = (0, Vec::new(), None);
    for (i, sample) in file.samples.iter().enumerate() {
        if let Some(why) = map::unfit(&name, sample) {
            skipped = Some(why);
            continue;
        }
        samples += 1;
        if let Err(why) = check::sample(operation, &file, sample) {
            failures.push(format!("sample {i}: {why}"));
        }
    }
    match (failures.first(), skipped) {
        (None, Some(why)) if samples == 0 => Outcome::NotMapped(why),
        (None, None) if samples == 0 => whole("has no samples".to_string()),
        (None, _) => Outcome::Passed { samples, skipped },
        (Some(first), _) => Outcome::Failed { samples, failed: failures.len(), first: first.clone() },
    }
}

/// The folder of the samples.
fn folder() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    match std::env::var_os("WENGERT_OPINFO") {
        Some(folder) => root.join(folder),
        None => root.join("../shared/opinfo"),
    }
}

/// The files of a folder, by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let absent = |why: &dyn std::fmt::Display| format!("no samples in {}: {why}", folder.display());
    let entries = std::fs::read_dir(folder).map_err(|error| absent(&error))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "safetensors"));
    files.sort();
    if files.is_empty() { Err(absent(&"no safetensors files")) } else { Ok(files) }
}

/// The operation of which a file holds samples.
fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// libtest's summary, and the exit code that goes with it.
fn summary(passed: usize, failed: usize, ignored: usize, filtered: usize) -> ExitCode {
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {verdict}. {passed} passed; {failed} failed; {ignored} ignored; 0 measured; \
         {filtered} filtered out\n"
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(101) }
}

/// libtest's arguments, as far as they mean something for one test.
#[derive(Default)]
struct Request {
    filters: Vec<String>,
    skips: Vec<String>,
    exact: bool,
    list: bool,
    ignored: bool,
}

impl Request {
    fn parse(mut args: impl Iterator<Item = String>) -> Self {
        let mut request = Self::default();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--list" => request.list = true,
                "--ignored" => request.ignored = true,
                "--exact" => request.exact = true,
                "--skip" => request.skips.extend(args.next()),
                "--test-threads" | "--format" | "--color" | "--logfile" | "--shuffle-seed" | "-Z" => {
                    args.next();
                }
                other => match other.strip_prefix("--skip=") {
                    Some(skip) => request.skips.push(skip.to_string()),
                    None if other.starts_with('-') => {}
                    None => request.filters.push(arg),
                },
            }
        }
        request
    }

    /// Whether the filters select `name`: the test's own, or with an operation's after it. A filter
    /// without the test's name in it is about other tests.
    fn selects(&self, name: &str) -> bool {
        let matches = |filter: &String| match self.exact {
            true => *filter == name || filter == "opinfo",
            false => {
                name.contains(filter.as_str()) && (filter.contains("opinfo") || "opinfo".contains(filter.as_str()))
            }
        };
        (self.filters.is_empty() || self.filters.iter().any(matches)) && !self.skips.iter().any(matches)
    }

    fn selects_any(&self) -> bool {
        self.selects("opinfo") || self.filters.iter().any(|filter| filter.starts_with("opinfo::"))
    }
}

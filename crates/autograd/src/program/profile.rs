//! [`Profile`]: where the time of a program goes.
//!
//! The clock is read around every step of runs of their own, so that other runs do not pay for it.

use std::fmt::{self, Write as _};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use wengert_tensor::{Error, ErrorKind, Result, Tensor};

use super::{Compiled, Cost, Program, Step};
use crate::ty::Type;

/// No more events than this are kept: a file of them is of some hundred megabytes.
const EVENTS: usize = 1 << 20;

/// The time that each step of a program took: see [`Compiled::profile`].
///
/// It prints as a table, the longest step first. Its numbers are of the times of steps; what a run does besides, such as
/// making arguments contiguous, is in [`elapsed`](Self::elapsed) alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// How often the program was run.
    pub runs: usize,
    /// The time from the beginning of the first run to the end of the last.
    pub elapsed: Duration,
    /// The steps, in the order in which they run.
    pub steps: Vec<ProfiledStep>,
    events: Vec<Event>,
}

/// A step of a [`Profile`].
#[derive(Debug, Clone, PartialEq)]
pub struct ProfiledStep {
    /// The name of its operation, or the names of all that were fused, in brackets.
    pub name: String,
    /// The line that it comes from, `file:line:column`: the first, where operations of several lines were fused.
    pub at: String,
    /// What it makes for others to read.
    pub results: Vec<Type>,
    /// How often it ran.
    pub calls: usize,
    /// The time of all calls.
    pub time: Duration,
    /// Its part of the time of all steps, from 0 to 1.
    pub share: f64,
    /// The work of a call.
    pub cost: Cost,
    /// Bytes read and written in a second; 0 where no time passed.
    pub bytes_per_second: f64,
    /// Operations on numbers in a second; 0 where no time passed.
    pub flops_per_second: f64,
}

/// A call of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Event {
    step: usize,
    run: usize,
    /// Since the beginning of the first run.
    start: Duration,
    time: Duration,
}

impl Compiled {
    /// Runs the program so many times with a clock around every step. The first run finds no memory in the cache: a few
    /// runs show better what a loop does.
    ///
    /// The runs are as good as others: each gives its states their next values. The answers are not kept.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::{DType, Rng, Tensor};
    ///
    /// let x = Tensor::randn([64, 64], DType::F32, &mut Rng::seed(1))?;
    /// let tape = Tape::new();
    /// let v = tape.input(&x);
    /// let mut program = tape.compile(&[v], &[(v.matmul(v).sin() * 2.0).sum()])?;
    ///
    /// let profile = program.profile(&[&x], 10)?;
    /// println!("{profile}");
    /// let matmul = profile.steps.iter().find(|step| step.name == "matmul").unwrap();
    /// assert_eq!((matmul.calls, matmul.cost.flops), (10, 2 * 64 * 64 * 64));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`run`](Self::run); no runs at all.
    pub fn profile(&mut self, arguments: &[&Tensor], runs: usize) -> Result<Profile> {
        if runs == 0 {
            return Err(Error::value("profile: takes 1 run at least, got 0"));
        }
        self.prepare(arguments)?;
        self.program.profile(arguments, runs)
    }
}

impl Program {
    fn profile(&mut self, arguments: &[&Tensor], runs: usize) -> Result<Profile> {
        let mut times = vec![Duration::ZERO; self.steps.len()];
        let mut events = Vec::new();
        let begin = Instant::now();
        let outcome = self.in_order(arguments, |program, arguments| {
            (0..runs).try_for_each(|run| {
                let mut i = 0;
                program.compute_by(arguments, |step, memory| {
                    let start = Instant::now();
                    let outcome = step.run(memory);
                    let time = start.elapsed();
                    times[i] += time;
                    if step.note().is_some() && events.len() < EVENTS {
                        events.push(Event { step: i, run, start: start.duration_since(begin), time });
                    }
                    i += 1;
                    outcome
                })
            })
        });
        let elapsed = begin.elapsed();
        self.forget_answers();
        outcome?;
        // Steps that only cut memory into other pieces are no work to show.
        let mut number = vec![0; self.steps.len()];
        let mut steps = Vec::new();
        for (i, (step, time)) in self.steps.iter().zip(times).enumerate() {
            if let Some(step) = step.profiled(runs, time) {
                number[i] = steps.len();
                steps.push(step);
            }
        }
        events.iter_mut().for_each(|event| event.step = number[event.step]);
        let mut profile = Profile { runs, elapsed, steps, events };
        profile.divide();
        Ok(profile)
    }
}

impl Step {
    fn profiled(&self, calls: usize, time: Duration) -> Option<ProfiledStep> {
        let note = self.note()?;
        Some(ProfiledStep {
            name: self.name(),
            at: note.lines.first().map(ToString::to_string).unwrap_or_default(),
            results: note.results.iter().map(|(ty, _)| ty.clone()).collect(),
            calls,
            time,
            share: 0.0,
            cost: note.cost,
            bytes_per_second: 0.0,
            flops_per_second: 0.0,
        })
    }
}

impl Profile {
    /// The time of all steps.
    pub fn time(&self) -> Duration {
        self.steps.iter().map(|step| step.time).sum()
    }

    /// The work of all runs.
    pub fn cost(&self) -> Cost {
        self.steps.iter().map(ProfiledStep::total).sum()
    }

    /// Takes in a later profile of the same program, as if its runs had followed at once.
    ///
    /// # Errors
    /// A profile of another program.
    pub fn append(&mut self, later: Self) -> Result<()> {
        let same = |(a, b): (&ProfiledStep, &ProfiledStep)| (&a.name, &a.at, a.cost) == (&b.name, &b.at, b.cost);
        if self.steps.len() != later.steps.len() || !self.steps.iter().zip(&later.steps).all(same) {
            return Err(Error::value("append: profiles of two programs"));
        }
        for (step, more) in self.steps.iter_mut().zip(&later.steps) {
            step.calls += more.calls;
            step.time += more.time;
        }
        let (elapsed, runs) = (self.elapsed, self.runs);
        let moved = |event: Event| Event { start: event.start + elapsed, run: event.run + runs, ..event };
        let room = EVENTS.saturating_sub(self.events.len());
        self.events.extend(later.events.into_iter().take(room).map(moved));
        self.elapsed += later.elapsed;
        self.runs += later.runs;
        self.divide();
        Ok(())
    }

    /// Computes shares and rates from times.
    fn divide(&mut self) {
        let all = self.time();
        for step in &mut self.steps {
            let total = step.total();
            step.share = if all.is_zero() { 0.0 } else { step.time.as_secs_f64() / all.as_secs_f64() };
            step.bytes_per_second = per_second(total.bytes(), step.time);
            step.flops_per_second = per_second(total.flops, step.time);
        }
    }

    /// Writes the calls of all steps, one after another, as a trace that `chrome://tracing` and
    /// [Perfetto](https://ui.perfetto.dev) open: JSON in the [Trace Event Format]. Of more than a million calls, the
    /// first are written.
    ///
    /// The file is there as a whole or not at all: it is written under another name in the same directory, and takes
    /// the place of an earlier one once it is complete.
    ///
    /// [Trace Event Format]: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([1.0, 2.0]));
    /// let profile = tape.compile(&[x], &[x.sin()])?.profile(&[&Tensor::from([3.0, 4.0])], 1)?;
    /// # let path = std::env::temp_dir().join(format!("wengert-trace-{}.json", std::process::id()));
    /// profile.write_trace(&path)?;
    /// assert!(std::fs::read_to_string(&path).unwrap().contains(r#""name":"[sin]""#));
    /// # std::fs::remove_file(&path).unwrap();
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// A file that cannot be written ([`ErrorKind::File`]).
    pub fn write_trace(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let text = self.trace();
        replace(path, text.as_bytes())
            .map_err(|error| Error::new(ErrorKind::File, format!("write_trace: {}: {error}", path.display())))
    }

    fn trace(&self) -> String {
        // What is the same for all calls of a step.
        let parts = self.steps.iter().map(|step| {
            let Cost { read, written, flops } = step.cost;
            let (name, at, results) = (Json(&step.name), Json(&step.at), step.made());
            let args = format!(
                r#""at":{at},"results":{},"bytes_read":{read},"bytes_written":{written},"flops":{flops}"#,
                Json(&results)
            );
            (name.to_string(), args)
        });
        let parts: Vec<(String, String)> = parts.collect();
        let mut text = String::from(r#"{"displayTimeUnit":"ns","traceEvents":["#);
        text.push_str(r#"{"ph":"M","name":"process_name","pid":1,"tid":1,"args":{"name":"program"}}"#);
        for &Event { step, run, start, time } in &self.events {
            let ((name, args), start, time) = (&parts[step], Micros(start), Micros(time));
            let head = r#""ph":"X","cat":"step","pid":1,"tid":1"#;
            let written = write!(
                text,
                ",\n{{{head},\"name\":{name},\"ts\":{start},\"dur\":{time},\"args\":{{\"run\":{run},{args}}}}}"
            );
            debug_assert!(written.is_ok(), "a string takes everything");
        }
        text.push_str("]}\n");
        text
    }
}

impl ProfiledStep {
    /// The work of all calls.
    fn total(&self) -> Cost {
        let times = |x: u64| x.saturating_mul(self.calls as u64);
        let Cost { read, written, flops } = self.cost;
        Cost { read: times(read), written: times(written), flops: times(flops) }
    }

    /// The types of its results, as text.
    fn made(&self) -> String {
        self.results.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

fn per_second(count: u64, time: Duration) -> f64 {
    if time.is_zero() { 0.0 } else { count as f64 / time.as_secs_f64() }
}

/// Puts a file in the place of another, or leaves that alone.
fn replace(path: &Path, contents: &[u8]) -> std::io::Result<()> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().ok_or_else(|| std::io::Error::other("not the name of a file"))?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut other = std::ffi::OsString::from(".");
    other.push(name);
    other.push(format!(".{}-{}.tmp", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed)));
    let other = directory.join(other);
    let mut file = File::create_new(&other)?;
    let outcome = file.write_all(contents).and_then(|()| file.sync_all());
    drop(file);
    let outcome = outcome.and_then(|()| fs::rename(&other, path));
    if outcome.is_err() {
        // What went wrong first is what is reported.
        let _ = fs::remove_file(&other);
        return outcome;
    }
    // The new name is on the disk once the directory is; not every system lets one ask for that.
    if let Ok(directory) = File::open(directory) {
        let _ = directory.sync_all();
    }
    Ok(())
}

/// A string in JSON.
struct Json<'a>(&'a str);

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                '\0'..='\x1f' => write!(f, "\\u{:04x}", u32::from(c))?,
                _ => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

/// A time in microseconds, to the nanosecond.
struct Micros(Duration);

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        write!(f, "{}.{:03}", nanos / 1000, nanos % 1000)
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs = if self.runs == 1 { "run" } else { "runs" };
        writeln!(f, "{} {runs} in {:.3?}, steps of which took {:.3?}", self.runs, self.elapsed, self.time())?;
        writeln!(
            f,
            "{:>7} {:>11} {:>8} {:>11} {:>8} {:>8}  step",
            "share", "time", "calls", "a call", "GB/s", "GFLOP/s"
        )?;
        let mut sorted: Vec<&ProfiledStep> = self.steps.iter().collect();
        sorted.sort_by_key(|step| std::cmp::Reverse(step.time));
        for step in sorted {
            let row = Row { share: step.share, time: step.time, calls: step.calls, total: step.total() };
            writeln!(f, "{row}  {} -> {}  # {}", step.name, step.made(), step.at)?;
        }
        let share = self.steps.iter().map(|step| step.share).sum();
        let calls = self.steps.iter().map(|step| step.calls).sum();
        writeln!(f, "{}  total", Row { share, time: self.time(), calls, total: self.cost() })
    }
}

/// The numbers of a row of the table.
struct Row {
    share: f64,
    time: Duration,
    calls: usize,
    total: Cost,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { share, time, calls, total } = *self;
        let each = time.div_f64(calls.max(1) as f64);
        let [bytes, flops] = [total.bytes(), total.flops].map(|count| per_second(count, time) / 1e9);
        // Durations do not heed a width.
        let (time, each) = (format!("{time:.2?}"), format!("{each:.2?}"));
        write!(f, "{:>6.1}% {time:>11} {calls:>8} {each:>11} {bytes:>8.2} {flops:>8.2}", 100.0 * share)
    }
}

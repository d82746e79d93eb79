//! Timing a workload and reporting it.
//!
//! A result is the median of several blocks of calls, each long enough that neither the clock nor the
//! scheduler's slices matter; the best block and the processor time are given beside it, for a
//! machine that is shared.

use std::time::{Duration, Instant};
use std::{fs, hint, thread};

use wengert::prelude::*;

/// In what a workload's result is given.
#[derive(Debug, Clone, Copy)]
pub enum Unit {
    /// Microseconds a call.
    Micros,
    /// Milliseconds a call.
    Millis,
    /// Billions of operations a second, for this many operations a call.
    Gflops(f64),
    /// MiB of memory.
    MiB,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Micros => "us",
            Self::Millis => "ms",
            Self::Gflops(_) => "GFLOP/s",
            Self::MiB => "MiB",
        }
    }

    fn of(self, seconds: f64) -> f64 {
        match self {
            Self::Micros => seconds * 1e6,
            Self::Millis => seconds * 1e3,
            Self::Gflops(operations) => operations / seconds / 1e9,
            Self::MiB => f64::NAN,
        }
    }
}

/// One workload being run: where it says what it found.
pub struct Course {
    pub workload: &'static str,
    pub unit: Unit,
    pub threads: usize,
    /// Print the numbers that show whether the arithmetic is right, and time nothing.
    pub checking: bool,
    /// Calls in a block, where the workload fixes them; otherwise blocks have a least duration.
    pub calls: Option<usize>,
}

/// The least duration of a block.
const BLOCK: Duration = Duration::from_millis(250);
const BLOCKS: usize = 9;
/// A call longer than this is a block by itself, and there are fewer.
const LONG: Duration = Duration::from_millis(500);
const LONG_BLOCKS: usize = 7;
const WARM_UP: usize = 5;

impl Course {
    /// Reports a number that every engine must agree on.
    pub fn check(&self, what: &str, value: f64) {
        if self.checking {
            eprintln!("check wengert {} {what} {value:.9e}", self.workload);
        }
    }

    /// Reports the sum of a tensor's absolute values.
    pub fn check_size(&self, what: &str, x: &Tensor) -> Result<()> {
        if self.checking {
            self.check(what, x.cast(DType::F64)?.iter::<f64>()?.map(f64::abs).sum());
        }
        Ok(())
    }

    /// Times `call` and reports the result.
    ///
    /// # Errors
    /// The first that `call` returns.
    pub fn time<T>(&self, mut call: impl FnMut() -> Result<T>) -> Result<()> {
        if self.checking {
            return Ok(());
        }
        let (shortest, mut measured) = (self.warm_up(&mut call)?, Vec::new());
        for _ in 0..if shortest > LONG { LONG_BLOCKS } else { BLOCKS } {
            let (processor, start) = (processor_time(), Instant::now());
            let mut calls = 0;
            // The clock is read only now and then: a call can be shorter than reading it.
            let stretch = self.calls.unwrap_or((BLOCK.as_secs_f64() / 50.0 / shortest.as_secs_f64()) as usize).max(1);
            while calls == 0 || (self.calls.is_none() && start.elapsed() < BLOCK) {
                for _ in 0..stretch {
                    hint::black_box(call()?);
                }
                calls += stretch;
            }
            let wall = start.elapsed().as_secs_f64() / calls as f64;
            let spent = processor.zip(processor_time()).map(|(before, after)| (after - before) / calls as f64);
            measured.push((wall, spent));
        }
        let best = measured.iter().map(|(wall, _)| *wall).fold(f64::INFINITY, f64::min);
        let mut extra = format!(", \"min\": {}", significant(self.unit.of(best)));
        let spent: Option<Vec<f64>> = measured.iter().map(|(_, spent)| *spent).collect();
        if let Some(spent) = spent {
            extra += &format!(", \"cpu\": {}", significant(self.unit.of(median(spent))));
        }
        self.report(self.unit.of(median(measured.into_iter().map(|(wall, _)| wall).collect())), &extra);
        Ok(())
    }

    /// Calls until caches are warm; how long the shortest call took.
    fn warm_up<T>(&self, call: &mut impl FnMut() -> Result<T>) -> Result<Duration> {
        let start = Instant::now();
        let (mut calls, mut shortest) = (0, Duration::MAX);
        while calls < self.calls.unwrap_or(WARM_UP) || (start.elapsed() < BLOCK && shortest < BLOCK) {
            let call_start = Instant::now();
            hint::black_box(call()?);
            shortest = shortest.min(call_start.elapsed());
            calls += 1;
        }
        Ok(shortest.max(Duration::from_nanos(1)))
    }

    /// Calls a few times and reports the most memory that the process ever held.
    ///
    /// # Errors
    /// The first that `call` returns, or that the system does not tell.
    pub fn peak_memory<T>(&self, mut call: impl FnMut() -> Result<T>) -> Result<()> {
        if self.checking {
            return Ok(());
        }
        for _ in 0..2 * WARM_UP {
            hint::black_box(call()?);
        }
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let kib =
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB")?.trim().parse().ok());
        let kib: f64 = kib.ok_or_else(|| Error::file("gpt_rss: this system does not tell a process's peak memory"))?;
        self.report(kib / 1024.0, "");
        Ok(())
    }

    fn report(&self, value: f64, extra: &str) {
        println!(
            r#"{{"engine": "wengert", "version": "{}", "mode": "-", "threads": {}, "workload": "{}", "value": {}, "unit": "{}"{extra}}}"#,
            env!("CARGO_PKG_VERSION"),
            self.threads,
            self.workload,
            significant(value),
            self.unit.name(),
        );
    }
}

/// Five significant digits, in a form that JSON has.
fn significant(value: f64) -> String {
    let rounded: f64 = format!("{value:.4e}").parse().unwrap_or(value);
    rounded.to_string()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The processor time that the threads of this process have had, in seconds, where Linux tells.
fn processor_time() -> Option<f64> {
    // The system brings a running thread's count up to date only when it schedules.
    thread::yield_now();
    let mut nanoseconds = 0;
    for thread in fs::read_dir("/proc/self/task").ok()? {
        let times = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        nanoseconds += times.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    Some(nanoseconds as f64 / 1e9)
}

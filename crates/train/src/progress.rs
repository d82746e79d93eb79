//! Progress to look at: a bar on a terminal, lines elsewhere, or nothing.
//!
//! What must always hold: where the output is no terminal, it has no control characters, and not more lines than somebody reads.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use wengert_tensor::Result;

use crate::observer::{Control, EpochEvent, Observer, StepEvent};
use crate::report::{Report, short};

/// How often a bar changes.
const FRAME: Duration = Duration::from_millis(50);

/// How often there is a line within an epoch.
const LINE: Duration = Duration::from_secs(10);

/// Shows how training goes: the epoch, the loss, the rate, samples a second, the time that is left, and at the end of each epoch what
/// validation gave.
///
/// ```
/// use wengert_train::{Observer, Progress, StepEvent};
///
/// # #[derive(Clone, Default)]
/// # struct Text(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);
/// # impl std::io::Write for Text {
/// #     fn write(&mut self, b: &[u8]) -> std::io::Result<usize> { self.0.lock().unwrap().write(b) }
/// #     fn flush(&mut self) -> std::io::Result<()> { Ok(()) }
/// # }
/// # let text = Text::default();
/// let mut progress = Progress::lines(text.clone());
/// progress.step(&StepEvent { step: 1, epoch: 0, batch: 0, batches: 50, epochs: 4, loss: 0.7, lr: 0.1, samples: 8 })?;
/// # let text = String::from_utf8(text.0.lock().unwrap().clone()).unwrap();
/// assert!(text.starts_with("epoch 1/4, step 1/200: loss 0.7, lr 0.1"));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
///
/// What cannot be shown is not shown: a closed pipe ends no training.
pub struct Progress {
    output: Output,
    pace: Pace,
    shown: Option<Instant>,
}

enum Output {
    Bar(ProgressBar),
    Lines(Box<dyn Write + Send>),
    Quiet,
}

impl Progress {
    /// On the standard error stream: a bar if that is a terminal, else lines.
    pub fn new() -> Self {
        let stderr = std::io::stderr();
        if !stderr.is_terminal() {
            return Self::lines(stderr);
        }
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        // The template is constant and right; without it the bar is only less pretty.
        if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:24} {pos}/{len}  {wide_msg}") {
            bar.set_style(style.progress_chars("━╸─"));
        }
        Self::with(Output::Bar(bar))
    }

    /// Lines of text without control characters: one at the first step, one every ten seconds, one an epoch.
    pub fn lines(output: impl Write + Send + 'static) -> Self {
        Self::with(Output::Lines(Box::new(output)))
    }

    /// Nothing: for programs that have an option for it.
    pub fn quiet() -> Self {
        Self::with(Output::Quiet)
    }

    fn with(output: Output) -> Self {
        Self { output, pace: Pace::default(), shown: None }
    }

    /// Writes a line of its own, above the bar if there is one.
    pub fn say(&mut self, line: &str) {
        match &mut self.output {
            Output::Bar(bar) => bar.println(line),
            Output::Lines(output) => drop(writeln!(output, "{line}").and_then(|()| output.flush())),
            Output::Quiet => {}
        }
    }

    fn step_at(&mut self, event: &StepEvent, now: Instant) {
        self.pace.step(event, now);
        let every = if matches!(self.output, Output::Bar(_)) { FRAME } else { LINE };
        let total = event.epochs.saturating_mul(event.batches);
        let due = self.shown.is_none_or(|shown| now.duration_since(shown) >= every);
        if matches!(self.output, Output::Quiet) || !due && event.step != total {
            return;
        }
        self.shown = Some(now);
        let epoch = format!("epoch {}/{}", event.epoch + 1, event.epochs);
        let text = format!("{}{}", Report::from(event), self.pace.text(total.saturating_sub(event.step)));
        match &mut self.output {
            Output::Bar(bar) => {
                bar.set_length(total);
                bar.set_prefix(epoch);
                bar.set_position(event.step);
                bar.set_message(text);
            }
            _ => self.say(&format!("{epoch}, step {}/{total}: {text}", event.step)),
        }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Observer for Progress {
    fn step(&mut self, event: &StepEvent) -> Result<()> {
        self.step_at(event, Instant::now());
        Ok(())
    }

    fn epoch(&mut self, event: &EpochEvent<'_>, _: &mut Control) -> Result<()> {
        self.say(&format!("epoch {}/{}: {}", event.epoch + 1, event.epochs, Report::from(event)));
        Ok(())
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Output::Bar(bar) = &self.output {
            // The bar stays where it is, and the prompt comes below it.
            bar.abandon();
        }
    }
}

/// How fast it goes, over the time since the first step that was seen, validation included.
#[derive(Debug, Default)]
struct Pace {
    start: Option<Instant>,
    elapsed: Duration,
    steps: u64,
    samples: u64,
}

impl Pace {
    fn step(&mut self, event: &StepEvent, now: Instant) {
        let Some(start) = self.start else {
            // How long the first one took is not known; it is the longest, for it makes the program.
            self.start = Some(now);
            return;
        };
        self.elapsed = now.duration_since(start);
        self.steps += 1;
        self.samples += event.samples as u64;
    }

    /// `, 3200 samples/s, 1:20 left`, if it is known.
    fn text(&self, steps_left: u64) -> String {
        let seconds = self.elapsed.as_secs_f64();
        if self.steps == 0 || seconds == 0.0 {
            return String::new();
        }
        let left = steps_left as f64 * seconds / self.steps as f64;
        format!(", {} samples/s, {} left", short(self.samples as f64 / seconds), clock(left))
    }
}

/// Seconds as `0:07`, `12:34` or `1:02:03`.
fn clock(seconds: f64) -> String {
    let seconds = seconds.ceil() as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Text(Arc<Mutex<Vec<u8>>>);

    impl Write for Text {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn event(step: u64) -> StepEvent {
        let (epoch, batch) = ((step - 1) / 100, (step - 1) % 100);
        StepEvent { step, epoch, batch, batches: 100, epochs: 3, loss: 1.0 / step as f64, lr: 0.001, samples: 32 }
    }

    #[test]
    fn lines_are_few_and_plain_and_tell_the_time_left() {
        let text = Text::default();
        let mut progress = Progress::lines(text.clone());
        let start = Instant::now();
        // Half a second a step, resumed after the first hundred.
        for step in 101..=300 {
            progress.step_at(&event(step), start + Duration::from_millis(500 * (step - 101)));
        }
        progress.say("done");
        let text = String::from_utf8(text.0.lock().unwrap().clone()).unwrap();
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 12, "{text}");
        assert_eq!(lines[0], "epoch 2/3, step 101/300: loss 0.009901, lr 0.001");
        assert_eq!(lines[1], "epoch 2/3, step 121/300: loss 0.008264, lr 0.001, 64 samples/s, 1:30 left");
        assert_eq!(lines[10], "epoch 3/3, step 300/300: loss 0.003333, lr 0.001, 64 samples/s, 0:00 left");
    }

    #[test]
    fn a_closed_pipe_ends_no_training() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }

            fn flush(&mut self) -> std::io::Result<()> {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
        }
        Progress::lines(Closed).step(&event(1)).unwrap();
        Progress::quiet().step(&event(1)).unwrap();
    }

    #[test]
    fn clocks() {
        assert_eq!([0.0, 6.2, 754.0, 3723.0].map(clock), ["0:00", "0:07", "12:34", "1:02:03"]);
        assert_eq!(clock(f64::INFINITY).matches(':').count(), 2);
    }
}

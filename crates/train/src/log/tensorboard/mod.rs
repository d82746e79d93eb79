//! Event files, which TensorBoard shows: scalars, histograms, pictures, texts.
//!
//! A file is a sequence of frames (`record.rs`) with one message each (`message.rs`). Both formats are small and frozen,
//! so they are written here rather than by a Protocol Buffers compiler. Checked with TensorBoard 2.21: its `EventAccumulator` reads
//! back what `tests/tensorboard.rs` writes (`tests/read_events.py` says how); the tests decode the files by themselves.

mod message;
mod record;

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use message::Message;
use wengert_tensor::{DType, Result, Tensor};

use crate::atomic::file_error;
use crate::png::Pixels;
use crate::report::{Log, Report};

/// What the names of event files begin with.
const PREFIX: &str = "events.out.tfevents.";

/// The number of buckets of a histogram.
const BUCKETS: usize = 64;

/// A log for TensorBoard, in a directory: `tensorboard --logdir runs` shows every directory below `runs` as a run.
///
/// Each number of a report is a scalar with its name as the tag; names with slashes, `train/loss`, are grouped.
/// TensorBoard keeps scalars as `f32`.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let runs = dir.path();
/// use wengert_tensor::Tensor;
/// use wengert_train::{Log, Report, TensorBoard};
///
/// let mut board = TensorBoard::new(runs.join("first"));
/// board.report(&Report::new(1, 0).with("train/loss", 0.5))?;
/// board.histogram(1, "weights", &Tensor::from([0.1, -0.2, 0.3]))?;
/// board.image(1, "digit", &Tensor::from([[0.0, 1.0], [1.0, 0.0]]))?;
/// board.text(1, "note", "a **small** rate")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TensorBoard {
    dir: PathBuf,
    /// This run's own file, from the first event on.
    file: Option<File>,
}

impl TensorBoard {
    /// A log in the directory `dir`, which is made if it is not there.
    ///
    /// Event files that lie there already stay, but TensorBoard does not show them any more; where the log is resumed it shows
    /// them up to that step, also if it is watching now.
    pub fn new(dir: impl AsRef<Path>) -> Self {
        Self { dir: dir.as_ref().into(), file: None }
    }

    /// Begins a file that takes back what earlier ones say of `step` and later.
    fn begin(&mut self, step: i64) -> Result<()> {
        let make = || {
            fs::create_dir_all(&self.dir)?;
            // Files are read in the order of their names, which begin with a time in seconds: later than all there are.
            let mut latest = 0_u64;
            for entry in fs::read_dir(&self.dir)? {
                let name = entry?.file_name();
                let seconds = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('.').next()?.parse().ok());
                latest = latest.max(seconds.unwrap_or(0));
            }
            let seconds = (now() as u64).max(latest.saturating_add(1));
            let path = self.dir.join(format!("{PREFIX}{seconds:010}.{}", std::process::id()));
            OpenOptions::new().append(true).create_new(true).open(&path)
        };
        self.file = Some(make().map_err(|e: std::io::Error| file_error("write event files in", &self.dir, e))?);
        self.write(&message::version(now()))?;
        self.write(&message::start(now(), step))
    }

    /// How the numbers of a tensor, of any shape and dtype, are distributed: counts in 64 buckets of one width. NaN and
    /// infinities are not counted.
    ///
    /// # Errors
    /// [`ErrorKind::File`](wengert_tensor::ErrorKind::File) where it cannot be written.
    pub fn histogram(&mut self, step: u64, tag: &str, values: &Tensor) -> Result<()> {
        let values = values.cast(DType::F64)?.to_vec::<f64>()?;
        self.show(step, message::histogram(tag, &values, BUCKETS))
    }

    /// A picture: a tensor `[height, width]`, or `[channels, height, width]` with 1 (grey) or 3 channels (red, green,
    /// blue), of floats from 0 to 1.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`](wengert_tensor::ErrorKind::Shape) or [`ErrorKind::DType`](wengert_tensor::ErrorKind::DType) where
    /// the tensor is no such picture; [`ErrorKind::File`](wengert_tensor::ErrorKind::File) where it cannot be written.
    pub fn image(&mut self, step: u64, tag: &str, image: &Tensor) -> Result<()> {
        let pixels = Pixels::of("image", image)?;
        self.show(step, message::image(tag, (pixels.width, pixels.height), pixels.channels, &pixels.png()?))
    }

    /// A text, in Markdown.
    ///
    /// # Errors
    /// [`ErrorKind::File`](wengert_tensor::ErrorKind::File) where it cannot be written.
    pub fn text(&mut self, step: u64, tag: &str, text: &str) -> Result<()> {
        self.show(step, message::text(tag, text))
    }

    fn show(&mut self, step: u64, value: Message) -> Result<()> {
        self.write(&message::summary(now(), number(step), &[value]))
    }

    fn write(&mut self, message: &Message) -> Result<()> {
        if self.file.is_none() {
            self.begin(0)?;
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        // One `write` a record: a killed process leaves whole records.
        file.write_all(&record::frame(&message.0)).map_err(|e| file_error("write event files in", &self.dir, e))
    }
}

impl Log for TensorBoard {
    fn report(&mut self, report: &Report) -> Result<()> {
        report.check()?;
        let values: Vec<_> = report.values.iter().map(|(name, value)| message::scalar(name, *value)).collect();
        self.write(&message::summary(now(), number(report.step), &values))
    }

    fn resume(&mut self, step: u64) -> Result<()> {
        self.begin(number(step).saturating_add(1))
    }
}

fn number(step: u64) -> i64 {
    i64::try_from(step).unwrap_or(i64::MAX)
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |t| t.as_secs_f64())
}

//! A report a line, as JSON: `{"step": 10, "epoch": 0, "loss": 0.5}`.

use std::fmt::Write;
use std::path::Path;

use serde_json::Value;
use wengert_tensor::Result;

use super::lines::{Lines, kept};
use crate::atomic::file_error;
use crate::report::{Log, Report};

/// A log of JSON lines.
///
/// Every line is one object: `step`, `epoch`, then the report's numbers. JSON has no NaN and no infinities; they are the
/// strings `"NaN"`, `"inf"` and `"-inf"`, which Python's `float` reads.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("log.jsonl");
/// use wengert_train::{JsonlLog, Log, Report};
/// let mut log = JsonlLog::new(&path);
/// log.report(&Report::new(1, 0).with("loss", 0.5))?;
/// assert_eq!(std::fs::read_to_string(&path)?, "{\"step\": 1, \"epoch\": 0, \"loss\": 0.5}\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct JsonlLog {
    lines: Lines,
}

impl JsonlLog {
    /// A log in the file at `path`.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { lines: Lines::new(path.as_ref()) }
    }
}

impl Log for JsonlLog {
    fn report(&mut self, report: &Report) -> Result<()> {
        report.check()?;
        let mut line = format!("{{\"step\": {}, \"epoch\": {}", report.step, report.epoch);
        for (name, value) in &report.values {
            // Writing to a string does not fail.
            let quote = if value.is_finite() { "" } else { "\"" };
            let _ = write!(line, ", {}: {quote}{value:?}{quote}", Value::from(name.as_str()));
        }
        line.push_str("}\n");
        self.lines.write(line.as_bytes())
    }

    fn resume(&mut self, step: u64) -> Result<()> {
        let path = self.lines.path();
        let mut number = 0;
        let bytes = kept(path, |line| {
            number += 1;
            let object: Option<Value> = serde_json::from_slice(line).ok();
            match object.as_ref().and_then(|o| o.get("step")?.as_u64()) {
                Some(at) => Ok(at <= step),
                None => Err(file_error("resume", path, format!("line {number} is no JSON object with a step"))),
            }
        })?;
        self.lines.cut(bytes)
    }
}

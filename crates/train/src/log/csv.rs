//! A report a row, as comma-separated values with a header: `step,epoch,loss,…`.

use std::fs::File;
use std::path::{Path, PathBuf};

use csv::{ByteRecord, Reader, ReaderBuilder, WriterBuilder};
use wengert_tensor::Result;

use super::lines::{Lines, kept};
use crate::atomic::{file_error, write_atomically};
use crate::report::{Log, Report};

/// A log of comma-separated values.
///
/// The columns are `step`, `epoch` and one for each name, in the order in which names appear; a number that a report does not
/// have is an empty cell. Nobody says beforehand which columns there are: a report with a new name adds one, and
/// the rows before get empty cells there (the file is then written again, atomically; this happens once a name).
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("log.csv");
/// use wengert_train::{CsvLog, Log, Report};
/// let mut log = CsvLog::new(&path);
/// log.report(&Report::new(1, 0).with("loss", 0.5))?;
/// log.report(&Report::new(2, 0).with("loss", 0.25).with("accuracy", 1.0))?;
/// assert_eq!(std::fs::read_to_string(&path)?, "step,epoch,loss,accuracy\n1,0,0.5,\n2,0,0.25,1.0\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct CsvLog {
    lines: Lines,
    names: Vec<String>,
    headed: bool,
}

impl CsvLog {
    /// A log in the file at `path`.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { lines: Lines::new(path.as_ref()), names: Vec::new(), headed: false }
    }

    /// Writes the whole file again with the columns of now.
    fn widen(&mut self) -> Result<()> {
        let path: PathBuf = self.lines.path().into();
        if !self.headed {
            self.lines.cut(0)?;
        }
        let columns = self.names.len() + 2;
        let mut old = reader().from_path(&path).map_err(|e| file_error("read", &path, e))?;
        write_atomically(&path, |file| copy_rows(&mut old, &header(&self.names), columns, file))?;
        let bytes = path.metadata().map_err(|e| file_error("read", &path, e))?.len();
        self.lines.cut(bytes)
    }
}

impl Log for CsvLog {
    fn report(&mut self, report: &Report) -> Result<()> {
        report.check()?;
        let known = self.names.len();
        for name in report.values.keys() {
            if !self.names.contains(name) {
                self.names.push(name.clone());
            }
        }
        if self.names.len() > known || !self.headed {
            self.widen().inspect_err(|_| self.names.truncate(known))?;
            self.headed = true;
        }
        let cells = [report.step.to_string(), report.epoch.to_string()].into_iter();
        let values = self.names.iter().map(|name| report.get(name).map_or(String::new(), |x| format!("{x:?}")));
        self.lines.write(&row(cells.chain(values)))
    }

    /// Columns that only later reports had stay, empty.
    fn resume(&mut self, step: u64) -> Result<()> {
        let path = self.lines.path();
        let (mut names, mut number) = (None, 0);
        let bytes = kept(path, |line| {
            number += 1;
            let strange = || file_error("resume", path, format!("line {number} is no row of this log"));
            let cells = cells(line).ok_or_else(strange)?;
            if names.is_none() {
                let known = cells.starts_with(&["step".into(), "epoch".into()]);
                names = known.then(|| cells[2..].to_vec());
                return if known { Ok(true) } else { Err(strange()) };
            }
            let at: Option<u64> = cells.first().and_then(|cell| cell.parse().ok());
            Ok(at.ok_or_else(strange)? <= step)
        })?;
        self.lines.cut(bytes)?;
        (self.headed, self.names) = (names.is_some(), names.unwrap_or_default());
        Ok(())
    }
}

fn reader() -> ReaderBuilder {
    let mut builder = ReaderBuilder::new();
    builder.has_headers(false).flexible(true);
    builder
}

/// The cells of one line; none where it is not text.
fn cells(line: &[u8]) -> Option<Vec<String>> {
    let record = reader().from_reader(line).into_records().next()?.ok()?;
    Some(record.iter().map(String::from).collect())
}

/// One line of cells.
fn row(cells: impl IntoIterator<Item = String>) -> Vec<u8> {
    let mut writer = WriterBuilder::new().from_writer(Vec::new());
    // Writing to memory does not fail.
    let _ = writer.write_record(cells.into_iter().collect::<Vec<_>>());
    writer.into_inner().unwrap_or_default()
}

fn header(names: &[String]) -> Vec<u8> {
    row(["step".into(), "epoch".into()].into_iter().chain(names.iter().cloned()))
}

/// Copies all rows but the header, filled up with empty cells to `columns`.
fn copy_rows(
    old: &mut Reader<File>,
    header: &[u8],
    columns: usize,
    file: &mut dyn std::io::Write,
) -> std::io::Result<()> {
    file.write_all(header)?;
    let mut writer = WriterBuilder::new().from_writer(file);
    let mut record = ByteRecord::new();
    let mut first = true;
    while old.read_byte_record(&mut record)? {
        if !std::mem::take(&mut first) {
            for _ in record.len()..columns {
                record.push_field(b"");
            }
            writer.write_byte_record(&record)?;
        }
    }
    writer.flush()
}

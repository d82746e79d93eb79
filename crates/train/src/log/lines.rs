//! A file of lines to which lines are appended: what the CSV and the JSON log share.
//!
//! A line goes to the operating system by one `write`, so a killed process leaves whole lines, and a machine that
//! loses power at most one line that has no end, which `resume` cuts off.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use wengert_tensor::Result;

use crate::atomic::file_error;

pub struct Lines {
    path: PathBuf,
    file: File,
}

impl Lines {
    /// An empty file in place of whatever was there.
    pub fn new(path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(|e| file_error("write", path, e))?;
        Ok(Self { path: path.into(), file })
    }

    /// The file at `path`, made if it is not there, cut after its first `bytes`.
    pub fn cut(path: &Path, bytes: u64) -> Result<Self> {
        let open = || {
            let file = OpenOptions::new().append(true).create(true).open(path)?;
            file.set_len(bytes)?;
            Ok(file)
        };
        let file = open().map_err(|e: std::io::Error| file_error("resume", path, e))?;
        Ok(Self { path: path.into(), file })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends `line`, which ends with its line feed.
    pub fn write(&mut self, line: &[u8]) -> Result<()> {
        self.file.write_all(line).map_err(|e| file_error("write", &self.path, e))
    }
}

/// How many bytes the leading lines of the file at `path` have that end with a line feed and that `keep` accepts;
/// none where there is no file.
pub fn kept(path: &Path, mut keep: impl FnMut(&[u8]) -> Result<bool>) -> Result<u64> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(e) => return Err(file_error("resume", path, e)),
    };
    let (mut file, mut line, mut bytes) = (BufReader::new(file), Vec::new(), 0);
    loop {
        line.clear();
        file.read_until(b'\n', &mut line).map_err(|e| file_error("resume", path, e))?;
        if !line.ends_with(b"\n") || !keep(&line)? {
            return Ok(bytes);
        }
        bytes += line.len() as u64;
    }
}

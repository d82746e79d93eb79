//! A file of lines to which lines are appended: what the CSV and the JSON log share.
//!
//! A line goes to the operating system by one `write`, so a killed process leaves whole lines, and a machine that
//! loses power at most one line that has no end, which `resume` cuts off.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use wengert_tensor::Result;

use crate::atomic::{file_error, folder_of};

pub struct Lines {
    path: PathBuf,
    /// Open from the first line on.
    file: Option<File>,
}

impl Lines {
    /// The lines of the file at `path`, which is not touched yet.
    pub fn new(path: &Path) -> Self {
        Self { path: path.into(), file: None }
    }

    /// Goes on with the file, made if it is not there, after its first `bytes`.
    pub fn cut(&mut self, bytes: u64) -> Result<()> {
        let open = || {
            std::fs::create_dir_all(folder_of(&self.path))?;
            let file = OpenOptions::new().append(true).create(true).open(&self.path)?;
            file.set_len(bytes)?;
            Ok(file)
        };
        self.file = Some(open().map_err(|e: std::io::Error| file_error("open", &self.path, e))?);
        Ok(())
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends `line`, which ends with its line feed; the first one, unless the file was cut, to an empty file.
    pub fn write(&mut self, line: &[u8]) -> Result<()> {
        if self.file.is_none() {
            self.cut(0)?;
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        file.write_all(line).map_err(|e| file_error("write", &self.path, e))
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

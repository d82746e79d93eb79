//! What the examples share: files that are either whole or not there.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file that takes its name only when it is complete.
///
/// It is written beside its destination and renamed by [`write`](Self::write), so that no reader ever
/// sees half of it and a failure leaves what was there before. Making one finds out whether the
/// destination can be written, before any work is done.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// # let folder = std::env::temp_dir().join(format!("wengert-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// let file = wengert_examples::AtomicFile::create(&folder.join("note.txt"))?;
/// assert!(!folder.join("note.txt").exists());
/// file.write("done")?;
/// assert_eq!(std::fs::read_to_string(folder.join("note.txt"))?, "done");
/// # std::fs::remove_dir_all(&folder)
/// # }
/// ```
#[derive(Debug)]
pub struct AtomicFile {
    destination: PathBuf,
    temporary: PathBuf,
    file: File,
}

impl AtomicFile {
    /// Makes the temporary file.
    ///
    /// # Errors
    /// Where the folder does not exist or cannot be written, or the destination is a folder.
    pub fn create(destination: &Path) -> io::Result<Self> {
        let name = match destination.file_name() {
            Some(name) if !destination.is_dir() => name,
            _ => return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder")),
        };
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}.tmp", std::process::id()));
        let temporary = destination.with_file_name(hidden);
        let file = File::create(&temporary)?;
        Ok(Self { destination: destination.to_owned(), temporary, file })
    }

    /// Writes the whole content and gives the file its name.
    ///
    /// # Errors
    /// What the system reports; the destination is then as it was.
    pub fn write(mut self, content: &str) -> io::Result<()> {
        self.file.write_all(content.as_bytes())?;
        self.file.sync_all()?;
        fs::rename(&self.temporary, &self.destination)
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        // After a successful write it is already gone.
        let _ = fs::remove_file(&self.temporary);
    }
}

//! Files that are there whole or not at all.
//!
//! What must always hold: whoever opens `path`, at any moment and after any crash, finds the old contents or the new ones,
//! never a part. So the contents go to a temporary file in the same directory (another one may lie on another
//! device), are flushed to the disk, and take the name by `rename`, which is then made durable by flushing the directory.
//! On Linux the temporary file has no name until it is whole, so a process that is killed leaves nothing behind.

use std::fmt::Display;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use atomic_write_file::AtomicWriteFile;
use wengert_tensor::{Error, Result};

/// Replaces the file at `path`, or makes it, by what `write` writes: all of it or, on any error, nothing.
///
/// Returns after the contents and the name are on the disk. A symbolic link at `path` is replaced, not followed; the
/// permissions of a replaced file stay. The writer is buffered. The directory must exist.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("notes.txt");
/// use std::io::{self, Write};
/// use wengert_train::write_atomically;
///
/// write_atomically(&path, |file| writeln!(file, "whole"))?;
/// assert!(write_atomically(&path, |file| {
///     file.write_all(b"half of")?;
///     Err(io::Error::other("the power is out"))
/// }).is_err());
/// assert_eq!(std::fs::read_to_string(&path)?, "whole\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`ErrorKind::File`](wengert_tensor::ErrorKind::File), with the path, if the file cannot be made, written, flushed or
/// renamed, or if `write` fails; the file at `path` is then as it was.
pub fn write_atomically(path: impl AsRef<Path>, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let path = path.as_ref();
    replace(path, write).map_err(|e| cannot("write", path, e))
}

fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut file = BufWriter::new(AtomicWriteFile::open(path)?);
    write(&mut file)?;
    file.into_inner()?.commit()
}

/// The sentence of an error about a file.
pub(crate) fn cannot(verb: &str, path: &Path, why: impl Display) -> Error {
    Error::file(format!("cannot {verb} {}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_failed_write_changes_nothing_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let half = |file: &mut dyn Write| {
            file.write_all(&[7; 100_000])?;
            Err(io::Error::other("stopped"))
        };
        let error = write_atomically(&path, half).unwrap_err();
        assert!(error.sentence().ends_with("file: stopped"), "{error}");
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);

        write_atomically(&path, |file| file.write_all(b"old")).unwrap();
        write_atomically(&path, half).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        write_atomically(&path, |file| file.write_all(b"new")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
    }

    #[test]
    fn readers_see_old_or_new_and_never_a_part() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let contents = |byte| vec![byte; 50_000];
        write_atomically(&path, |file| file.write_all(&contents(0))).unwrap();
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for byte in 1..50 {
                    write_atomically(&path, |file| file.write_all(&contents(byte))).unwrap();
                }
            });
            while !writer.is_finished() {
                let seen = fs::read(&path).unwrap();
                assert_eq!(seen, contents(seen[0]));
            }
        });
    }

    #[test]
    fn impossible_paths_are_errors() {
        for path in ["/", "", "/nowhere/at/all", "/proc/version/file"] {
            assert!(write_atomically(path, |_| Ok(())).is_err(), "{path}");
        }
    }
}

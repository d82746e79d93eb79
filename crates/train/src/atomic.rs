//! Files that are written whole or not at all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use wengert_tensor::{Error, Result};

/// Writes a file so that whoever opens it, at whatever moment and after whatever crash, finds it as it was or as it is to be:
/// into a temporary file of the same folder, made if it is not there, which is synchronised with the disk and then takes the place of the old one.
///
/// ```
/// use std::io::Write;
/// use wengert_train::write_atomically;
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("notes.txt");
/// write_atomically(&path, |file| file.write_all(b"done\n"))?;
/// assert_eq!(std::fs::read(&path).unwrap(), b"done\n");
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
///
/// # Errors
/// What the file system or `write` refuses, with the path. The old file is as it was then, and nothing else is left.
pub fn write_atomically(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<()> {
    let path = path.as_ref();
    let folder = folder_of(path);
    let attempt = || -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new().prefix(".unfinished-").tempfile_in(folder)?;
        let mut buffer = BufWriter::new(file.as_file_mut());
        write(&mut buffer)?;
        buffer.flush()?;
        drop(buffer);
        readable(file.as_file())?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        synchronise(folder)
    };
    attempt().map_err(|error| file_error("write", path, &error))
}

/// The folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Temporary files are for their owner alone; what takes the place of a file is for whom new files are.
#[cfg(unix)]
fn readable(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_: &File) -> std::io::Result<()> {
    Ok(())
}

/// Makes sure that the names in a folder are on the disk.
#[cfg(unix)]
pub(crate) fn synchronise(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
pub(crate) fn synchronise(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// The mistake of the file system in a sentence.
pub(crate) fn file_error(action: &str, path: &Path, error: impl std::fmt::Display) -> Error {
    Error::file(format!("{action} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, io};

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
        for path in ["/", "", "/proc/version/file"] {
            assert!(write_atomically(path, |_| Ok(())).is_err(), "{path}");
        }
    }
}

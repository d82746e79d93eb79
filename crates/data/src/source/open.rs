//! Opening files, and reading no more of them than there is.

use std::fmt::Display;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Read};
use std::path::Path;

use wengert_tensor::{Error, Result};

/// The error of a file: `name: what`.
pub(crate) fn failed(name: impl Display, what: impl Display) -> Error {
    Error::file(format!("{name}: {what}"))
}

/// A file to read.
pub(crate) fn open(path: &Path) -> Result<BufReader<File>> {
    let file = File::open(path).map_err(|e| failed(path.display(), e))?;
    // Opening a folder succeeds on some systems, and reading it fails with a message that names no folder.
    match file.metadata() {
        Ok(m) if m.is_dir() => Err(failed(path.display(), "is a folder, not a file")),
        _ => Ok(BufReader::new(file)),
    }
}

/// What a stream holds, uncompressed where it is compressed by gzip.
pub(crate) fn unzipped<'a>(from: impl Read + 'a, name: &str) -> Result<Box<dyn Read + 'a>> {
    let mut from = BufReader::new(from);
    let start = from.fill_buf().map_err(|e| failed(name, e))?;
    if !start.starts_with(&[0x1f, 0x8b]) {
        return Ok(Box::new(from));
    }
    #[cfg(feature = "gzip")]
    return Ok(Box::new(flate2::bufread::MultiGzDecoder::new(from)));
    #[cfg(not(feature = "gzip"))]
    Err(failed(name, "is compressed by gzip, and wengert-data was built without its feature `gzip`"))
}

/// What `read` returns; a panic of a foreign decoder is an error.
#[cfg(any(feature = "image", feature = "parquet"))]
pub(crate) fn guarded<T>(name: &str, read: impl FnOnce() -> Result<T>) -> Result<T> {
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(read));
    done.unwrap_or_else(|_| Err(failed(name, "is damaged: its decoder panicked")))
}

/// A file to write, new or emptied.
pub(crate) fn create(path: &Path) -> Result<BufWriter<File>> {
    File::create(path).map(BufWriter::new).map_err(|e| failed(path.display(), e))
}

/// `len` bytes, read piece by piece: memory is taken for what is there, whatever length a header claims.
pub(crate) fn bytes(from: &mut impl Read, len: usize, name: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(len as u64).read_to_end(&mut bytes).map_err(|e| match e.kind() {
        ErrorKind::OutOfMemory => Error::memory(format!("{name}: no memory for {len} bytes")),
        _ => failed(name, e),
    })?;
    if bytes.len() < len {
        return Err(failed(name, format!("ends after {} of {len} bytes of elements", bytes.len())));
    }
    Ok(bytes)
}

/// `N` bytes of a header.
pub(crate) fn array<const N: usize>(from: &mut impl Read, name: &str) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes).map_err(|e| match e.kind() {
        ErrorKind::UnexpectedEof => failed(name, "ends within its header"),
        _ => failed(name, e),
    })?;
    Ok(bytes)
}

/// That nothing follows the elements.
pub(crate) fn end(from: &mut impl Read, name: &str) -> Result<()> {
    match from.read(&mut [0]) {
        Ok(0) => Ok(()),
        Ok(_) => Err(failed(name, "has more bytes than its header says")),
        Err(e) => Err(failed(name, e)),
    }
}

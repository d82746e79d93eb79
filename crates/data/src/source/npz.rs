//! NPZ: several arrays by name, an NPY file each, in a zip archive.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::Path;

use indexmap::IndexMap;
use wengert_tensor::{Result, Tensor};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::npy;
use super::open::{failed, open};

/// The arrays of a file by their names, in the file's order. Compressed ones (`savez_compressed`) too.
///
/// # Errors
/// A file that cannot be read or is no zip archive, and those of [`npy::read`], with the array's name.
pub fn read(path: impl AsRef<Path>) -> Result<IndexMap<String, Tensor>> {
    let path = path.as_ref();
    read_from(open(path)?, &path.display().to_string())
}

/// As [`read`], from anything; `name` is for errors.
///
/// # Errors
/// As [`read`].
pub fn read_from(from: impl Read + Seek, name: &str) -> Result<IndexMap<String, Tensor>> {
    let mut archive = ZipArchive::new(from).map_err(|e| failed(name, e))?;
    let mut arrays = IndexMap::new();
    for i in 0..archive.len() {
        let member = archive.by_index(i).map_err(|e| failed(name, format!("member {i}: {e}")))?;
        let file = member.name().map_err(|e| failed(name, format!("member {i}: {e}")))?.to_string();
        let key = file.strip_suffix(".npy").unwrap_or(&file).to_string();
        let x = npy::read_from(member, &format!("{name}: {file}"))?;
        if arrays.insert(key, x).is_some() {
            return Err(failed(name, format!("holds `{file}` twice")));
        }
    }
    Ok(arrays)
}

/// Writes arrays with names to a file, new or overwritten, without compression, as NumPy's `savez`: a model's state, for one.
///
/// # Errors
/// A file that cannot be written, or a name that occurs twice.
pub fn write<N, T>(path: impl AsRef<Path>, arrays: impl IntoIterator<Item = (N, T)>) -> Result<()>
where
    N: AsRef<str>,
    T: std::borrow::Borrow<Tensor>,
{
    let path = path.as_ref();
    let file = File::create(path).map_err(|e| failed(path.display(), e))?;
    let name = path.display().to_string();
    let mut archive = ZipWriter::new(file);
    // Sizes are not known before an array is written, so the entries are large ones from the start.
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
    for (key, x) in arrays {
        let key = key.as_ref();
        archive.start_file(format!("{key}.npy"), options).map_err(|e| failed(&name, format!("array `{key}`: {e}")))?;
        npy::write_to(&mut archive, x.borrow(), &format!("{name}: {key}"))?;
    }
    let mut file = archive.finish().map_err(|e| failed(&name, e))?;
    file.flush().map_err(|e| failed(&name, e))
}

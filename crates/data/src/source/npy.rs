//! NPY: one array in NumPy's own format (NEP 1, versions 1.0 to 3.0).
//!
//! A header, which is a Python dictionary of three keys, and the elements. This crate reads it itself: the formats' crates parse all
//! of Python's literals, with twenty dependencies, one of them C.

mod header;

use std::io::{Read, Write};
use std::path::Path;

use wengert_tensor::{Axes, Result, Shape, Tensor};

use super::open::{array, bytes, create, failed, open};
use super::raw;
use header::Header;

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// The array of a file. Floats, 64-bit integers and truth values stay what they are; smaller integers become `i64`.
///
/// # Errors
/// A file that cannot be read, is no NPY file, ends too early or goes on too long; other element types; a `uint64` beyond `i64`.
#[doc(alias = "load")]
pub fn read(path: impl AsRef<Path>) -> Result<Tensor> {
    let path = path.as_ref();
    read_from(open(path)?, &path.display().to_string())
}

/// As [`read`], from anything; `name` is for errors.
///
/// ```
/// use wengert_data::npy;
/// use wengert_tensor::Tensor;
/// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
/// let mut file = Vec::new();
/// npy::write_to(&mut file, &x, "x.npy")?;
/// assert_eq!(npy::read_from(&file[..], "x.npy")?, x);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
///
/// # Errors
/// As [`read`].
pub fn read_from(mut from: impl Read, name: &str) -> Result<Tensor> {
    if array::<6>(&mut from, name)? != *MAGIC {
        return Err(failed(name, "is no NPY file: it does not start with `\\x93NUMPY`"));
    }
    let len = match array(&mut from, name)? {
        [1, _] => u16::from_le_bytes(array(&mut from, name)?).into(),
        [2 | 3, _] => u32::from_le_bytes(array(&mut from, name)?),
        [major, minor] => return Err(failed(name, format!("is of NPY version {major}.{minor}; known are 1 to 3"))),
    };
    let text = bytes(&mut from, len as usize, name)?;
    let header = Header::parse(&text).map_err(|e| e.within(name))?;
    let Header { raw, big_endian, fortran, shape } = header;
    if !fortran {
        return raw::read(&mut from, raw, big_endian, shape.into(), raw.dtype(), name);
    }
    // Column-major elements are row-major ones of the reversed shape.
    let reversed: Shape = shape.iter().rev().copied().collect();
    let x = raw::read(&mut from, raw, big_endian, reversed, raw.dtype(), name)?;
    let axes: Vec<usize> = (0..x.rank()).rev().collect();
    x.permute(Axes::from(&axes[..]))?.contiguous()
}

/// Writes an array to a file, new or overwritten.
///
/// # Errors
/// A file that cannot be written.
#[doc(alias = "save")]
pub fn write(path: impl AsRef<Path>, x: &Tensor) -> Result<()> {
    let path = path.as_ref();
    let mut file = create(path)?;
    write_to(&mut file, x, &path.display().to_string())?;
    file.flush().map_err(|e| failed(path.display(), e))
}

/// As [`write()`], to anything; `name` is for errors.
///
/// # Errors
/// What `to` returns.
pub fn write_to(mut to: impl Write, x: &Tensor, name: &str) -> Result<()> {
    let text = header::text(x).map_err(|e| e.within(name))?;
    let mut sink = |bytes: &[u8]| to.write_all(bytes).map_err(|e| failed(name, e));
    sink(MAGIC)?;
    sink(&[1, 0])?;
    sink(&(text.len() as u16).to_le_bytes())?;
    sink(text.as_bytes())?;
    raw::write(x, &mut sink)
}

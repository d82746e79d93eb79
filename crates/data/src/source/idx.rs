//! IDX, the format of MNIST and of the data sets made in its image: numbers of one type with a shape, big-endian, often compressed
//! by gzip.
//!
//! A file is two zero bytes, the element type, the rank, a 32-bit size for every axis, and the elements. (The format is described at
//! the end of Y. LeCun, C. Cortes and C. J. C. Burges, "The MNIST database of handwritten digits".)

use std::io::{Read, Write};
use std::path::Path;

use wengert_tensor::{DType, Error, Result, Shape, Tensor};

use super::open::{array, create, failed, open, unzipped};
use super::raw::{self, Raw};

/// The numbers of a file, compressed or not, as a tensor of `dtype`: `F32` for images, `I64` for labels.
///
/// The values stay: bytes are from 0 to 255. They are converted as [`Tensor::cast`] does.
///
/// # Errors
/// A file that cannot be read, is no IDX file, ends too early or goes on too long. Compressed files need the feature `gzip`.
pub fn read(path: impl AsRef<Path>, dtype: DType) -> Result<Tensor> {
    let path = path.as_ref();
    read_from(open(path)?, dtype, &path.display().to_string())
}

/// As [`read`], from anything; `name` is for errors.
///
/// ```
/// use wengert_data::idx;
/// use wengert_tensor::{DType, Tensor};
/// let file = [0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 4];
/// assert_eq!(idx::read_from(&file[..], DType::I64, "labels")?, Tensor::from([5, 0, 4]));
/// assert!(idx::read_from(&file[..9], DType::I64, "labels").is_err());
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
///
/// # Errors
/// As [`read`].
pub fn read_from(from: impl Read, dtype: DType, name: &str) -> Result<Tensor> {
    let from = &mut unzipped(from, name)?;
    let [a, b, code, rank] = array(from, name)?;
    let raw = match (a, b, code) {
        (0, 0, 0x08) => Raw::U8,
        (0, 0, 0x09) => Raw::I8,
        (0, 0, 0x0b) => Raw::I16,
        (0, 0, 0x0c) => Raw::I32,
        (0, 0, 0x0d) => Raw::F32,
        (0, 0, 0x0e) => Raw::F64,
        _ => return Err(failed(name, format!("is no IDX file: it starts with the bytes {a} {b} {code} {rank}"))),
    };
    let sizes = (0..rank).map(|_| Ok(u32::from_be_bytes(array(from, name)?) as usize));
    let shape: Shape = sizes.collect::<Result<Vec<_>>>()?.into();
    raw::read(from, raw, true, shape, dtype, name)
}

/// Writes a tensor of floats, or of integers from 0 to 255, which become bytes. Not compressed.
///
/// # Errors
/// A file that cannot be written, another dtype, other integers, sizes of 2^32 and more.
pub fn write(path: impl AsRef<Path>, x: &Tensor) -> Result<()> {
    let path = path.as_ref();
    let name = path.display().to_string();
    let bytes = encode(x).map_err(|e| e.within(&name))?;
    let mut file = create(path)?;
    file.write_all(&bytes).and_then(|()| file.flush()).map_err(|e| failed(&name, e))
}

fn encode(x: &Tensor) -> Result<Vec<u8>> {
    let code = match x.dtype() {
        DType::I64 => 0x08,
        DType::F32 => 0x0d,
        DType::F64 => 0x0e,
        other => return Err(Error::dtype(format!("idx: a tensor of {other}; expected floats or bytes"))),
    };
    let rank = u8::try_from(x.rank()).map_err(|_| Error::shape(format!("idx: rank {}", x.rank())))?;
    let mut out = vec![0, 0, code, rank];
    for &size in x.shape().iter() {
        let size = u32::try_from(size).map_err(|_| Error::shape(format!("idx: shape {} is too large", x.shape())))?;
        out.extend(size.to_be_bytes());
    }
    match x.dtype() {
        DType::F32 => out.extend(x.iter::<f32>()?.flat_map(f32::to_be_bytes)),
        DType::F64 => out.extend(x.iter::<f64>()?.flat_map(f64::to_be_bytes)),
        _ => {
            for n in x.iter::<i64>()? {
                out.push(u8::try_from(n).map_err(|_| Error::value(format!("idx: {n} is no byte")))?);
            }
        }
    }
    Ok(out)
}

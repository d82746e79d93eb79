//! Tensors by name in safetensors files, which Python and many other programs read as well.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use indexmap::IndexMap;
use safetensors::{Dtype, SafeTensors, View};
use wengert_tensor::{Bf16, DType, Error, F16, Result, Shape, Tensor};

use crate::atomic::{file_error, write_atomically};

/// Notes that a file has beside its tensors.
pub type Notes = HashMap<String, String>;

/// Writes tensors to a safetensors file, atomically: what [`Module::state`](wengert_nn::Module::state) gives.
///
/// ```
/// use wengert_nn::{Linear, Module};
/// use wengert_tensor::Rng;
/// use wengert_train::{load, save};
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("model.safetensors");
/// let layer = Linear::new(3, 2, &mut Rng::seed(1))?;
/// save(&path, &layer.state())?;
///
/// let other = Linear::new(3, 2, &mut Rng::seed(2))?;
/// other.load(&load(&path)?)?;
/// assert_eq!(other.state(), layer.state());
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
///
/// # Errors
/// What the file system refuses, with the path.
#[doc(alias = "save_file")]
pub fn save(path: impl AsRef<Path>, tensors: &IndexMap<String, Tensor>) -> Result<()> {
    save_with(path.as_ref(), tensors, None)
}

/// As [`save`], with notes.
pub(crate) fn save_with(path: &Path, tensors: &IndexMap<String, Tensor>, notes: Option<Notes>) -> Result<()> {
    let views = tensors.iter().map(|(name, tensor)| Ok((name, Bytes::of(tensor)?)));
    let views = views.collect::<Result<Vec<_>>>()?;
    let file = safetensors::serialize(views, notes);
    let file = file.map_err(|error| Error::file(format!("save {}: {error}", path.display())))?;
    write_atomically(path, |out| out.write_all(&file))
}

/// Reads the tensors of a safetensors file, of the dtypes that there are here, in the order of the file.
///
/// # Errors
/// A file that cannot be read, is cut short or is no safetensors file; a tensor of a dtype that there is not here, by name.
#[doc(alias = "load_file")]
pub fn load(path: impl AsRef<Path>) -> Result<IndexMap<String, Tensor>> {
    load_with(path.as_ref()).map(|(tensors, _)| tensors)
}

/// As [`load`], with the notes.
pub(crate) fn load_with(path: &Path) -> Result<(IndexMap<String, Tensor>, Notes)> {
    let bytes = std::fs::read(path).map_err(|error| file_error("load", path, &error))?;
    let damaged = |error: &dyn std::fmt::Display| Error::file(format!("load {}: {error}", path.display()));
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| damaged(&error))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| damaged(&error))?;
    let infos = header.tensors();
    let mut names: Vec<&String> = infos.keys().collect();
    names.sort_by_key(|name| (infos[*name].data_offsets, *name));
    let mut tensors = IndexMap::with_capacity(names.len());
    for name in names {
        let view = file.tensor(name).map_err(|error| damaged(&error))?;
        let tensor = tensor(view.dtype(), view.shape(), view.data());
        tensors.insert(name.to_string(), tensor.map_err(|error| error.within(format!("{}: {name}", path.display())))?);
    }
    Ok((tensors, header.metadata().clone().unwrap_or_default()))
}

/// A tensor as the format wants it: row-major, little-endian.
pub(crate) struct Bytes {
    dtype: Dtype,
    shape: Vec<usize>,
    pub data: Vec<u8>,
}

impl Bytes {
    pub fn of(tensor: &Tensor) -> Result<Self> {
        let (dtype, data) = match tensor.dtype() {
            DType::F32 => (Dtype::F32, tensor.to_vec::<f32>()?.into_iter().flat_map(f32::to_le_bytes).collect()),
            DType::F64 => (Dtype::F64, tensor.to_vec::<f64>()?.into_iter().flat_map(f64::to_le_bytes).collect()),
            DType::I64 => (Dtype::I64, tensor.to_vec::<i64>()?.into_iter().flat_map(i64::to_le_bytes).collect()),
            DType::Bool => (Dtype::BOOL, tensor.to_vec::<bool>()?.into_iter().map(u8::from).collect()),
            DType::BF16 => {
                (Dtype::BF16, tensor.to_vec::<Bf16>()?.into_iter().flat_map(|x| x.to_bits().to_le_bytes()).collect())
            }
            DType::F16 => {
                (Dtype::F16, tensor.to_vec::<F16>()?.into_iter().flat_map(|x| x.to_bits().to_le_bytes()).collect())
            }
            other => return Err(Error::dtype(format!("save: tensors of {other} have no place in a file"))),
        };
        Ok(Self { dtype, shape: tensor.shape().to_vec(), data })
    }
}

impl View for Bytes {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.data)
    }

    fn data_len(&self) -> usize {
        self.data.len()
    }
}

fn tensor(dtype: Dtype, shape: &[usize], data: &[u8]) -> Result<Tensor> {
    fn numbers<T, const N: usize>(data: &[u8], from: fn([u8; N]) -> T) -> Vec<T> {
        data.as_chunks().0.iter().map(|&bytes| from(bytes)).collect()
    }
    let shape = Shape::from(shape);
    match dtype {
        Dtype::F32 => Tensor::from_vec(numbers(data, f32::from_le_bytes), shape),
        Dtype::F64 => Tensor::from_vec(numbers(data, f64::from_le_bytes), shape),
        Dtype::I64 => Tensor::from_vec(numbers(data, i64::from_le_bytes), shape),
        Dtype::BOOL => Tensor::from_vec(data.iter().map(|&byte| byte != 0).collect::<Vec<bool>>(), shape),
        Dtype::BF16 => Tensor::from_vec(numbers(data, |bytes| Bf16::from_bits(u16::from_le_bytes(bytes))), shape),
        Dtype::F16 => Tensor::from_vec(numbers(data, |bytes| F16::from_bits(u16::from_le_bytes(bytes))), shape),
        other => Err(Error::dtype(format!("load: there is no dtype {other:?} here"))),
    }
}

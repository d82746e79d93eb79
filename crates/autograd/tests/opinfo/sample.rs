//! A file of samples: tensors by name, and the records that say what each is.

use std::path::Path;

use safetensors::{Dtype, SafeTensors};
use serde_json::{Map, Value};
use wengert_tensor::{Error, Result, Tensor};

/// The samples of one operation.
pub struct File {
    bytes: Vec<u8>,
    /// What the file's metadata says of each sample.
    pub samples: Vec<Sample>,
}

/// The record of one sample; the format is described beside the samples.
pub struct Sample(Map<String, Value>);

fn wrong(what: impl std::fmt::Display) -> Error {
    Error::value(format!("the file of samples: {what}"))
}

impl File {
    /// # Errors
    /// Where the file cannot be read or is not as described.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(wrong)?;
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(wrong)?;
        let metadata = header.metadata().as_ref().and_then(|m| m.get("samples")).ok_or_else(|| wrong("no samples"))?;
        let records: Vec<Map<String, Value>> = serde_json::from_str(metadata).map_err(wrong)?;
        Ok(Self { bytes, samples: records.into_iter().map(Sample).collect() })
    }

    /// A tensor by name. Integers become `i64`, the library's only integer dtype.
    ///
    /// # Errors
    /// Where there is no such tensor, or its dtype is not one of the library's.
    pub fn tensor(&self, name: &str) -> Result<Tensor> {
        fn numbers<const N: usize, T>(data: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
            data.chunks_exact(N).map(|bytes| read(bytes.try_into().expect("chunks of N bytes"))).collect()
        }
        let tensors = SafeTensors::deserialize(&self.bytes).map_err(wrong)?;
        let tensor = tensors.tensor(name).map_err(wrong)?;
        let (data, shape) = (tensor.data(), tensor.shape());
        match tensor.dtype() {
            Dtype::F64 => Tensor::from_vec(numbers(data, f64::from_le_bytes), shape),
            Dtype::F32 => Tensor::from_vec(numbers(data, f32::from_le_bytes), shape),
            Dtype::I64 => Tensor::from_vec(numbers(data, i64::from_le_bytes), shape),
            Dtype::I32 => Tensor::from_vec(numbers(data, |x| i64::from(i32::from_le_bytes(x))), shape),
            Dtype::I16 => Tensor::from_vec(numbers(data, |x| i64::from(i16::from_le_bytes(x))), shape),
            Dtype::I8 => Tensor::from_vec(numbers(data, |x| i64::from(i8::from_le_bytes(x))), shape),
            Dtype::U8 => Tensor::from_vec(numbers(data, |x| i64::from(u8::from_le_bytes(x))), shape),
            Dtype::BOOL => Tensor::from_vec(numbers(data, |[x]| x != 0), shape),
            other => Err(wrong(format!("dtype {other:?}"))),
        }
    }
}

impl Sample {
    /// A field that is a list; empty where the sample has none.
    pub fn list(&self, field: &str) -> &[Value] {
        self.0.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Whether the sample has a field and it is not null.
    pub fn has(&self, field: &str) -> bool {
        self.0.get(field).is_some_and(|value| !value.is_null())
    }

    /// A field that is a list of positions.
    pub fn positions(&self, field: &str) -> Vec<usize> {
        self.list(field).iter().filter_map(|i| Some(i.as_u64()? as usize)).collect()
    }

    /// The keyword arguments, in order.
    pub fn keywords(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0.get("kwargs").and_then(Value::as_object).into_iter().flatten()
    }

    /// A keyword argument that is a number.
    pub fn number(&self, keyword: &str) -> Option<f64> {
        self.keywords().find(|(name, _)| *name == keyword)?.1.get("value")?.as_f64()
    }
}

//! Parquet and Arrow files, by the crates of Apache Arrow.

use std::fs::{self, File};
use std::path::Path;

use arrow_array::{Array, RecordBatch, cast::AsArray, types};
use arrow_buffer::Buffer;
use arrow_cast::{CastOptions, cast_with_options};
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::{FileDecoder, read_footer_length};
use arrow_schema::{DataType, Schema};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use wengert_tensor::{Error, Result};

use super::Table;
use super::column::{Column, Texts};
use crate::source::{failed, guarded, open};

/// How many fields a byte of a file may stand for. Repeated values take next to none, so a file could claim any number of them.
const FIELDS_A_BYTE: u64 = 1 << 12;

impl Table {
    /// All of a Parquet file. Integers, floats, truth values (0 and 1), dates, texts and categories can be used; columns of other
    /// types are there, and are an error when they are asked for. Compression: none, Snappy, gzip.
    ///
    /// Needs the feature `parquet`.
    ///
    /// # Errors
    /// A file that cannot be read, is damaged, or claims more rows than one of its size can hold.
    #[doc(alias = "read_parquet")]
    pub fn parquet(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let file: File = open(path)?.into_inner();
        let bytes = file.metadata().map_err(|e| failed(&name, e))?.len();
        guarded(&name, || {
            let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| failed(&name, e))?;
            let mut table = Builder::new(&name, builder.schema(), bytes);
            let claimed = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(u64::MAX);
            table.check(claimed)?;
            for batch in builder.build().map_err(|e| failed(&name, e))? {
                table.push(&batch.map_err(|e| failed(&name, e))?)?;
            }
            Ok(table.finish())
        })
    }

    /// All of an Arrow file (the IPC file format, also called Feather 2), not compressed; as [`parquet`](Self::parquet) otherwise.
    ///
    /// # Errors
    /// As [`parquet`](Self::parquet).
    #[doc(alias = "read_feather")]
    pub fn arrow(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let name = path.display().to_string();
        // In memory as it is: what it claims of itself are then places in these bytes, and takes no memory.
        let bytes = fs::read(path).map_err(|e| failed(&name, e))?;
        guarded(&name, || read_arrow(bytes.into(), &name))
    }
}

fn read_arrow(bytes: Buffer, name: &str) -> Result<Table> {
    let damaged = || failed(name, "is no whole Arrow file");
    let end = bytes.len().checked_sub(10).filter(|_| bytes.starts_with(b"ARROW1")).ok_or_else(damaged)?;
    let tail = bytes[end..].try_into().map_err(|_| damaged())?;
    let footer = read_footer_length(tail).map_err(|e| failed(name, e))?;
    let start = end.checked_sub(footer).ok_or_else(damaged)?;
    let footer = arrow_ipc::root_as_footer(&bytes[start..end]).map_err(|e| failed(name, e))?;
    let schema = try_fb_to_schema(footer.schema().ok_or_else(damaged)?).map_err(|e| failed(name, e))?;
    let mut table = Builder::new(name, &schema, bytes.len() as u64);
    let mut decoder = FileDecoder::new(schema.into(), footer.version());
    // Where a block of the file is, if it is within it.
    let piece = |block: &arrow_ipc::Block| {
        let start = usize::try_from(block.offset()).ok()?;
        let body = usize::try_from(block.bodyLength()).ok()?;
        let len = usize::try_from(block.metaDataLength()).ok()?.checked_add(body)?;
        start.checked_add(len).filter(|&end| end <= bytes.len()).map(|_| bytes.slice_with_length(start, len))
    };
    for block in footer.dictionaries().iter().flatten() {
        decoder.read_dictionary(block, &piece(block).ok_or_else(damaged)?).map_err(|e| failed(name, e))?;
    }
    for block in footer.recordBatches().iter().flatten() {
        let batch = decoder.read_record_batch(block, &piece(block).ok_or_else(damaged)?);
        if let Some(batch) = batch.map_err(|e| failed(name, e))? {
            table.push(&batch)?;
        }
    }
    Ok(table.finish())
}

/// A table that grows by batches of rows.
struct Builder<'a> {
    name: &'a str,
    bytes: u64,
    rows: usize,
    columns: Vec<(String, Column)>,
}

impl<'a> Builder<'a> {
    fn new(name: &'a str, schema: &Schema, bytes: u64) -> Self {
        let columns = schema.fields().iter().map(|field| (field.name().clone(), empty(field.data_type())));
        Self { name, bytes, rows: 0, columns: columns.collect() }
    }

    /// That a file of this size may have so many rows.
    fn check(&self, rows: u64) -> Result<()> {
        let fields = rows.saturating_mul(self.columns.len() as u64);
        if fields <= self.bytes.saturating_mul(FIELDS_A_BYTE) {
            return Ok(());
        }
        let (columns, bytes) = (self.columns.len(), self.bytes);
        Err(failed(self.name, format!("claims {rows} rows of {columns} columns, which {bytes} bytes do not hold")))
    }

    fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows = self.rows.saturating_add(batch.num_rows());
        self.check(self.rows as u64)?;
        for ((column, into), array) in self.columns.iter_mut().zip(batch.columns()) {
            extend(into, array).map_err(|e| e.within(format!("{}: column `{column}`", self.name)))?;
        }
        Ok(())
    }

    fn finish(self) -> Table {
        Table { name: self.name.into(), rows: self.rows, columns: self.columns, lines: None }
    }
}

/// The column that holds fields of a type.
fn empty(of: &DataType) -> Column {
    match of {
        DataType::Dictionary(_, values) => empty(values),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Column::Text(Texts::default()),
        DataType::Boolean | DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => {
            Column::Integers(Vec::new())
        }
        of if of.is_integer() => Column::Integers(Vec::new()),
        of if of.is_floating() || of.is_decimal() => Column::Floats(Vec::new()),
        other => Column::Other(other.to_string()),
    }
}

/// Adds the fields of an array, converted without a loss or not at all.
fn extend(column: &mut Column, array: &dyn Array) -> Result<()> {
    let exact = CastOptions { safe: false, ..CastOptions::default() };
    let cast = |to| cast_with_options(array, &to, &exact).map_err(|e| Error::value(e.to_string()));
    let full = |_| Error::memory(format!("no memory for {} more fields", array.len()));
    match column {
        Column::Text(texts) => {
            let array = cast(DataType::LargeUtf8)?;
            array.as_string::<i64>().iter().for_each(|text| texts.push(text.unwrap_or_default()));
        }
        Column::Floats(floats) => {
            floats.try_reserve(array.len()).map_err(full)?;
            floats.extend(cast(DataType::Float64)?.as_primitive::<types::Float64Type>());
        }
        Column::Integers(integers) => {
            integers.try_reserve(array.len()).map_err(full)?;
            integers.extend(cast(DataType::Int64)?.as_primitive::<types::Int64Type>());
        }
        Column::Other(_) => {}
    }
    Ok(())
}

//! Tables: named columns from CSV, Parquet and Arrow files, and what becomes of them: tensors of numbers and of classes.

mod classes;
mod column;
#[cfg(feature = "csv")]
mod csv;
#[cfg(feature = "parquet")]
mod parquet;

#[cfg(feature = "csv")]
pub use self::csv::Csv;

use std::fmt;

use wengert_tensor::{DType, Error, Result, Shape, Tensor};

use crate::fill::filled;
use column::{Cell, Column};

/// Named columns of one length, in memory.
///
/// ```
/// # #[cfg(feature = "csv")] {
/// use wengert_data::Csv;
/// use wengert_tensor::{DType, Tensor};
///
/// let file = "height,width,kind\n1.5,2,oak\n3,0.5,elm\n2,1,oak\n";
/// let table = Csv::new().read_from(file.as_bytes(), "trees.csv")?;
/// let x = table.numbers(["height", "width"], DType::F32)?;
/// let (y, kinds) = table.labels("kind")?;
///
/// assert_eq!(x, Tensor::from([[1.5f32, 2.0], [3.0, 0.5], [2.0, 1.0]]));
/// assert_eq!(y, Tensor::from([1, 0, 1]));
/// assert_eq!(kinds, ["elm", "oak"]);
///
/// let wrong = table.numbers(["kind"], DType::F32).unwrap_err();
/// assert_eq!(wrong.to_string(), "trees.csv: line 2, column `kind`: `oak` is no number");
/// # }
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[doc(alias = "DataFrame")]
pub struct Table {
    name: String,
    rows: usize,
    columns: Vec<(String, Column)>,
    /// Where each row is in a text file.
    lines: Option<Vec<u64>>,
}

impl Table {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The names of the columns, in their order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }

    /// These columns' numbers, of `dtype` and shape [rows, columns].
    ///
    /// # Errors
    /// A column that does not exist, or a field that is missing, no number, or no integer where `dtype` is `I64`, with its line; a
    /// dtype that is neither float nor `I64`.
    pub fn numbers<S: AsRef<str>>(&self, columns: impl AsRef<[S]>, dtype: DType) -> Result<Tensor> {
        self.table_of(columns.as_ref(), dtype, None)
    }

    /// As [`numbers`](Self::numbers), with `missing` where a field is missing: where it is empty, `NA`, `NaN`, `null` or `?`.
    ///
    /// # Errors
    /// As [`numbers`](Self::numbers).
    pub fn numbers_or<S: AsRef<str>>(&self, columns: impl AsRef<[S]>, dtype: DType, missing: f64) -> Result<Tensor> {
        self.table_of(columns.as_ref(), dtype, Some(missing))
    }

    /// All fields of a column as text, `None` where one is missing.
    ///
    /// # Errors
    /// A column that does not exist or holds something else than text and numbers.
    pub fn text(&self, column: &str) -> Result<Vec<Option<String>>> {
        let (_, column) = self.readable(column)?;
        Ok((0..self.rows).map(|row| column.cell(row).text().map(Into::into)).collect())
    }

    fn table_of<S: AsRef<str>>(&self, names: &[S], dtype: DType, missing: Option<f64>) -> Result<Tensor> {
        let columns = names.iter().map(|name| self.readable(name.as_ref())).collect::<Result<Vec<_>>>()?;
        let shape = Shape::from([self.rows, columns.len()]);
        let float = |cell: Cell| match (&cell, missing) {
            (Cell::Missing, Some(missing)) => Ok(missing),
            _ => cell.float(),
        };
        let integer = |cell: Cell| match (&cell, missing) {
            (Cell::Missing, Some(missing)) => Cell::Float(missing).integer(),
            _ => cell.integer(),
        };
        let places = (0..self.rows).flat_map(|row| columns.iter().map(move |column| (row, column)));
        let at = |row: usize, name: &str, what: String| self.at(row, name, what);
        match dtype {
            DType::F32 => filled(
                shape,
                places.map(|(row, (name, c))| float(c.cell(row)).map(|x| x as f32).map_err(|e| at(row, name, e))),
            ),
            DType::F64 => {
                filled(shape, places.map(|(row, (name, c))| float(c.cell(row)).map_err(|e| at(row, name, e))))
            }
            DType::I64 => {
                filled(shape, places.map(|(row, (name, c))| integer(c.cell(row)).map_err(|e| at(row, name, e))))
            }
            other => Err(Error::dtype(format!("{}: numbers as {other}; expected f32, f64 or i64", self.name))),
        }
    }

    /// A column by its name.
    fn readable(&self, name: &str) -> Result<(&str, &Column)> {
        let mut found = self.columns.iter().filter(|(own, _)| own == name);
        match (found.next(), found.next()) {
            (Some((_, Column::Other(what))), None) => {
                Err(Error::dtype(format!("{}: column `{name}` holds {what}, neither text nor numbers", self.name)))
            }
            (Some((name, column)), None) => Ok((name, column)),
            (Some(_), Some(_)) => Err(Error::value(format!("{}: column `{name}` occurs twice", self.name))),
            (None, _) => {
                let names: Vec<&str> = self.names().take(20).collect();
                Err(Error::index(format!("{}: no column `{name}`; it has {names:?}", self.name)))
            }
        }
    }

    /// The error of one field.
    fn at(&self, row: usize, column: &str, what: impl fmt::Display) -> Error {
        let place = match self.lines.as_ref().and_then(|lines| lines.get(row)) {
            Some(line) => format!("line {line}"),
            None => format!("row {row}"),
        };
        Error::value(format!("{}: {place}, column `{column}`: {what}", self.name))
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.names().collect();
        f.debug_struct("Table").field("name", &self.name).field("rows", &self.rows).field("columns", &names).finish()
    }
}

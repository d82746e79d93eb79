//! Comma-separated values, by the `csv` crate.

use std::io::Read;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};
use wengert_tensor::Result;

use super::Table;
use super::column::{Column, Texts};
use crate::source::{failed, open, unzipped};

/// How a text file holds a table. Quoted fields may hold separators and line breaks.
///
/// ```
/// use wengert_data::Csv;
/// let file = "1;2\n3;4\n";
/// let table = Csv::new().delimiter(b';').no_header().read_from(file.as_bytes(), "numbers")?;
/// assert!(table.names().eq(["0", "1"]) && table.rows() == 2);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Csv {
    delimiter: u8,
    header: bool,
    comment: Option<u8>,
}

impl Default for Csv {
    fn default() -> Self {
        Self { delimiter: b',', header: true, comment: None }
    }
}

impl Csv {
    /// Commas, and a first line of names.
    pub fn new() -> Self {
        Self::default()
    }

    /// Fields separated by another byte: `b'\t'`, `b';'`.
    pub fn delimiter(mut self, byte: u8) -> Self {
        self.delimiter = byte;
        self
    }

    /// The first line is data. The columns are named by their places: `0`, `1`, ….
    pub fn no_header(mut self) -> Self {
        self.header = false;
        self
    }

    /// Lines that begin with this byte are skipped.
    pub fn comment(mut self, byte: u8) -> Self {
        self.comment = Some(byte);
        self
    }

    /// All of a file, which may be compressed by gzip. Fields are trimmed, and what they hold is decided when it is asked for.
    ///
    /// # Errors
    /// A file that cannot be read, is no UTF-8, or whose lines have different numbers of fields, with the line.
    #[doc(alias = "read_csv")]
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Table> {
        let path = path.as_ref();
        self.read_from(open(path)?, &path.display().to_string())
    }

    /// As [`read`](Self::read), from anything; `name` is for errors.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_from(&self, from: impl Read, name: &str) -> Result<Table> {
        let mut bytes = Vec::new();
        unzipped(from, name)?.read_to_end(&mut bytes).map_err(|e| failed(name, e))?;
        let mut reader = ReaderBuilder::new()
            .delimiter(self.delimiter)
            .has_headers(self.header)
            .comment(self.comment)
            .trim(Trim::All)
            .from_reader(&bytes[..]);
        // Without a header, these are the first row's fields, which are read again as a row.
        let first = reader.headers().map_err(|e| failed(name, e))?.clone();
        let named = |(i, text): (usize, &str)| if self.header { text.to_string() } else { i.to_string() };
        let names: Vec<String> = first.iter().enumerate().map(named).collect();
        let mut columns: Vec<Texts> = names.iter().map(|_| Texts::default()).collect();
        let mut place = Place { bytes: &bytes, comment: self.comment, at: 0, line: 1 };
        let (mut lines, mut record) = (Vec::new(), StringRecord::new());
        while reader.read_record(&mut record).map_err(|e| failed(name, e))? {
            columns.iter_mut().zip(&record).for_each(|(column, field)| column.push(field));
            lines.push(place.line(record.position().map_or(0, |p| p.byte() as usize)));
        }
        let columns = names.into_iter().zip(columns.into_iter().map(Column::Text)).collect();
        Ok(Table { name: name.into(), rows: lines.len(), columns, lines: Some(lines) })
    }
}

/// Where rows are in a text. The `csv` crate says where it begins to look for one: before line breaks, empty lines and
/// comments, which are no part of it.
struct Place<'a> {
    bytes: &'a [u8],
    comment: Option<u8>,
    at: usize,
    line: u64,
}

impl Place<'_> {
    /// The line of the row that is looked for from byte `from` on; no earlier than that of the call before.
    fn line(&mut self, from: usize) -> u64 {
        let mut start = from.clamp(self.at, self.bytes.len());
        while let Some(&byte) = self.bytes.get(start) {
            if matches!(byte, b'\r' | b'\n') {
                start += 1;
            } else if Some(byte) == self.comment {
                let rest = &self.bytes[start..];
                start += rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
            } else {
                break;
            }
        }
        self.line += self.bytes[self.at..start].iter().filter(|&&b| b == b'\n').count() as u64;
        self.at = start;
        self.line
    }
}

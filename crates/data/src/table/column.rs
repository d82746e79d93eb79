//! One column: its fields, and what a field is as text, as a float and as an integer.

use std::borrow::Cow;

/// All fields of a column.
pub(super) enum Column {
    Text(Texts),
    #[cfg_attr(not(feature = "parquet"), expect(dead_code, reason = "text files hold text"))]
    Floats(Vec<Option<f64>>),
    #[cfg_attr(not(feature = "parquet"), expect(dead_code, reason = "text files hold text"))]
    Integers(Vec<Option<i64>>),
    /// What no tensor is made of: the name of its type.
    #[cfg_attr(not(feature = "parquet"), expect(dead_code, reason = "text files hold text"))]
    Other(String),
}

/// Many short texts in one piece of memory.
#[derive(Default)]
pub(super) struct Texts {
    all: String,
    ends: Vec<usize>,
}

impl Texts {
    pub fn push(&mut self, text: &str) {
        self.all.push_str(text);
        self.ends.push(self.all.len());
    }

    fn get(&self, i: usize) -> &str {
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.all[start..self.ends[i]]
    }
}

impl Column {
    /// The field of a row, which there is.
    pub fn cell(&self, row: usize) -> Cell<'_> {
        match self {
            Self::Text(texts) => match texts.get(row) {
                "" | "NA" | "NaN" | "nan" | "null" | "?" => Cell::Missing,
                text => Cell::Text(text),
            },
            Self::Floats(floats) => floats[row].map_or(Cell::Missing, Cell::Float),
            Self::Integers(integers) => integers[row].map_or(Cell::Missing, Cell::Integer),
            Self::Other(_) => Cell::Missing,
        }
    }
}

/// One field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell<'a> {
    Missing,
    Text(&'a str),
    Float(f64),
    Integer(i64),
}

impl<'a> Cell<'a> {
    /// The field as text, unless it is missing.
    pub fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Missing => None,
            Self::Text(text) => Some(text.into()),
            Self::Float(x) => Some(x.to_string().into()),
            Self::Integer(n) => Some(n.to_string().into()),
        }
    }

    /// The field as a float, or what is wrong.
    pub fn float(self) -> Result<f64, String> {
        match self {
            Self::Missing => Err("a number is missing".into()),
            Self::Text(text) => text.parse().map_err(|_| format!("`{}` is no number", short(text))),
            Self::Float(x) => Ok(x),
            Self::Integer(n) => Ok(n as f64),
        }
    }

    /// The field as an integer, or what is wrong. `2.0` is one.
    pub fn integer(self) -> Result<i64, String> {
        if let Self::Integer(n) = self {
            return Ok(n);
        }
        if let Self::Text(text) = self
            && let Ok(n) = text.parse()
        {
            return Ok(n);
        }
        let x = self.float()?;
        // 2^63 is a float, and the first that is no `i64`.
        let fits = x.fract() == 0.0 && (-(2f64.powi(63))..2f64.powi(63)).contains(&x);
        if fits { Ok(x as i64) } else { Err(format!("{x} is no integer of 64 bits")) }
    }
}

/// The beginning of a text that may be long.
fn short(text: &str) -> &str {
    text.char_indices().nth(40).map_or(text, |(end, _)| &text[..end])
}

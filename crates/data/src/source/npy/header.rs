//! The header of an NPY file: `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`.

use wengert_tensor::{Error, Result, Tensor};

use crate::source::raw::{Raw, raw_of};

#[derive(Debug)]
pub struct Header {
    pub raw: Raw,
    pub big_endian: bool,
    pub fortran: bool,
    pub shape: Vec<usize>,
}

impl Header {
    /// Reads a header: three keys in any order, with a comma after each or between them.
    pub fn parse(text: &[u8]) -> Result<Self> {
        let text = str::from_utf8(text).map_err(|_| wrong("it is no text"))?;
        let mut rest = Rest(text.trim());
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        rest.expect('{')?;
        while !rest.take('}') {
            let key = rest.string()?;
            rest.expect(':')?;
            match key {
                "descr" => descr = Some(rest.string()?),
                "fortran_order" => fortran = Some(rest.truth()?),
                "shape" => shape = Some(rest.shape()?),
                key => return Err(wrong(format!("a key `{key}`"))),
            }
            if !rest.take(',') {
                rest.expect('}')?;
                break;
            }
        }
        if !rest.0.is_empty() {
            return Err(wrong(format!("`{}` behind its end", start(rest.0))));
        }
        let missing = |key: &str| wrong(format!("no `{key}`"));
        let (raw, big_endian) = element(descr.ok_or_else(|| missing("descr"))?)?;
        let fortran = fortran.ok_or_else(|| missing("fortran_order"))?;
        Ok(Self { raw, big_endian, fortran, shape: shape.ok_or_else(|| missing("shape"))? })
    }
}

/// An element type by NumPy's name: the order of bytes, the kind and the size.
fn element(descr: &str) -> Result<(Raw, bool)> {
    let unknown =
        || wrong(format!("elements of type `{}`; known are b1, u1 to u8, i1 to i8, f2, f4, f8", start(descr)));
    let (order, kind) = descr.split_at_checked(1).ok_or_else(unknown)?;
    let raw = match kind {
        "b1" => Raw::Bool,
        "u1" => Raw::U8,
        "u2" => Raw::U16,
        "u4" => Raw::U32,
        "u8" => Raw::U64,
        "i1" => Raw::I8,
        "i2" => Raw::I16,
        "i4" => Raw::I32,
        "i8" => Raw::I64,
        "f2" => Raw::F16,
        "f4" => Raw::F32,
        "f8" => Raw::F64,
        _ => return Err(unknown()),
    };
    match order {
        "<" | "|" => Ok((raw, false)),
        ">" => Ok((raw, true)),
        _ => Err(unknown()),
    }
}

fn wrong(what: impl std::fmt::Display) -> Error {
    Error::file(format!("a damaged NPY header: {what}"))
}

/// The first characters of what may be long.
fn start(text: &str) -> &str {
    text.char_indices().nth(20).map_or(text, |(end, _)| &text[..end])
}

/// What is left to parse.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn take(&mut self, c: char) -> bool {
        let rest = self.0.trim_start();
        match rest.strip_prefix(c) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, c: char) -> Result<()> {
        if self.take(c) { Ok(()) } else { Err(wrong(format!("`{c}` expected at `{}`", start(self.0)))) }
    }

    fn string(&mut self) -> Result<&'a str> {
        let quote = if self.take('\'') { '\'' } else { '"' };
        if quote == '"' {
            self.expect('"')?;
        }
        let (text, rest) = self.0.split_once(quote).ok_or_else(|| wrong("a string without an end"))?;
        self.0 = rest;
        Ok(text)
    }

    fn truth(&mut self) -> Result<bool> {
        let rest = self.0.trim_start();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = rest.strip_prefix(word) {
                self.0 = rest;
                return Ok(value);
            }
        }
        Err(wrong(format!("True or False expected at `{}`", start(rest))))
    }

    fn shape(&mut self) -> Result<Vec<usize>> {
        let mut shape = Vec::new();
        self.expect('(')?;
        while !self.take(')') {
            self.0 = self.0.trim_start();
            let end = self.0.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.0.len());
            let (digits, rest) = self.0.split_at(end);
            shape.push(digits.parse().map_err(|_| wrong(format!("a size expected at `{}`", start(self.0))))?);
            self.0 = rest;
            if !self.take(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(shape)
    }
}

/// The header of a tensor, padded so that the elements start at a multiple of 64 bytes.
pub fn text(x: &Tensor) -> Result<String> {
    let descr = match raw_of(x.dtype())? {
        Raw::F32 => "<f4",
        Raw::F64 => "<f8",
        Raw::I64 => "<i8",
        Raw::F16 => "<f2",
        _ => "|b1",
    };
    let sizes: String = x.shape().iter().map(|n| format!("{n}, ")).collect();
    let sizes = if x.rank() == 1 { sizes.trim_end() } else { sizes.trim_end_matches(", ") };
    let dict = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sizes}), }}");
    // 10 bytes come before, and a line break is the last.
    let padding = (64 - (dict.len() + 11) % 64) % 64;
    let text = format!("{dict}{:padding$}\n", "");
    if text.len() > usize::from(u16::MAX) {
        return Err(Error::shape(format!("npy: a shape of rank {} is too long for the header", x.rank())));
    }
    Ok(text)
}

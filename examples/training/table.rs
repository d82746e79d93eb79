//! Bundled tables.

use wengert::prelude::*;
use wengert_data::{Csv, Table};

/// A table of `examples/data`, which is part of the program: it needs no file when it runs.
///
/// # Errors
/// A name that is not bundled.
pub fn table(name: &str) -> Result<Table> {
    let file: &[u8] = match name {
        "breast_cancer" => include_bytes!("../data/breast_cancer.csv.gz"),
        "co2" => include_bytes!("../data/co2.csv"),
        "diabetes" => include_bytes!("../data/diabetes.csv"),
        "digits" => include_bytes!("../data/digits.csv.gz"),
        _ => return Err(Error::file(format!("table: {name} is not bundled"))),
    };
    Csv::new().read_from(file, name)
}

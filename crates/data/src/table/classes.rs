//! Categories as numbers.

use std::collections::{BTreeSet, HashMap};

use wengert_tensor::{DType, Error, Result, Tensor};

use super::Table;
use crate::fill::filled;

impl Table {
    /// A column's categories as `i64` from 0 up, of shape `[rows]`, and their names. They are sorted, as numbers where all are
    /// integers, so the numbering depends on the set of names alone.
    ///
    /// # Errors
    /// A column that does not exist; a field that is missing, with its line.
    #[doc(alias("LabelEncoder", "factorize"))]
    pub fn labels(&self, column: &str) -> Result<(Tensor, Vec<String>)> {
        let classes = self.classes(column)?;
        Ok((self.labels_in(column, &classes)?, classes))
    }

    /// As [`labels`](Self::labels), numbered by their place in `classes`: those of the training data, for other data.
    ///
    /// # Errors
    /// Also a category that is not among `classes`, with its line.
    pub fn labels_in<S: AsRef<str>>(&self, column: &str, classes: &[S]) -> Result<Tensor> {
        let (name, column) = self.readable(column)?;
        let numbers: HashMap<&str, i64> = classes.iter().map(AsRef::as_ref).zip(0..).collect();
        if numbers.len() < classes.len() {
            return Err(Error::value(format!("labels: a class of column `{name}` is given twice")));
        }
        let label = |row| {
            let text = column.cell(row).text().ok_or_else(|| self.at(row, name, "a category is missing"))?;
            let known = || self.at(row, name, format!("`{text}` is none of {} classes", classes.len()));
            numbers.get(&*text).copied().ok_or_else(known)
        };
        filled([self.rows].into(), (0..self.rows).map(label))
    }

    /// A column's categories as rows of one one and else zeros, of `dtype` and shape [rows, categories], and their names in the
    /// order of [`labels`](Self::labels).
    ///
    /// # Errors
    /// As [`labels`](Self::labels).
    #[doc(alias = "get_dummies")]
    pub fn one_hot(&self, column: &str, dtype: DType) -> Result<(Tensor, Vec<String>)> {
        let (labels, classes) = self.labels(column)?;
        Ok((Tensor::one_hot(&labels, classes.len(), dtype)?, classes))
    }

    fn classes(&self, column: &str) -> Result<Vec<String>> {
        let (_, column) = self.readable(column)?;
        let names: BTreeSet<_> = (0..self.rows).filter_map(|row| column.cell(row).text()).collect();
        let mut names: Vec<String> = names.into_iter().map(Into::into).collect();
        if names.iter().all(|name| name.parse::<i64>().is_ok()) {
            names.sort_by_key(|name| name.parse::<i64>().unwrap_or_default());
        }
        Ok(names)
    }
}

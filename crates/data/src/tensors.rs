//! Data sets in memory: tensors whose rows are the samples.

use wengert_tensor::{Error, Result, Tensor};

use crate::collate::Collate;
use crate::dataset::{Dataset, outside};

/// Tensors that have as many rows (the entries of the first axis): one, or tuples and arrays of them.
pub trait Rows: Collate<Batch = Self> + Sync {
    /// How many rows there are.
    ///
    /// # Errors
    /// A tensor of rank 0, or tensors with different numbers of rows.
    fn rows(&self) -> Result<usize>;

    /// The row at `index`, without its first axis: a view, no copy.
    ///
    /// # Errors
    /// A row that does not exist.
    fn row(&self, index: usize) -> Result<Self>;

    /// The rows at `indices`, of `i64` and rank 1.
    ///
    /// # Errors
    /// A row that does not exist.
    fn select(&self, indices: &Tensor) -> Result<Self>;
}

impl Rows for Tensor {
    fn rows(&self) -> Result<usize> {
        let rows = self.shape().first().copied();
        rows.ok_or_else(|| Error::shape("tensors: a tensor of rank 0 has no rows"))
    }

    fn row(&self, index: usize) -> Result<Self> {
        self.select_axis(0, isize::try_from(index).unwrap_or(isize::MAX))
    }

    fn select(&self, indices: &Tensor) -> Result<Self> {
        self.index_select(0, indices)
    }
}

/// The one number of rows of all `parts`.
fn agreed(parts: impl IntoIterator<Item = Result<usize>>) -> Result<usize> {
    let counts = parts.into_iter().collect::<Result<Vec<_>>>()?;
    match counts.split_first() {
        Some((&first, rest)) if rest.iter().all(|&n| n == first) => Ok(first),
        _ => Err(Error::shape(format!("tensors: {counts:?} rows; each must have as many"))),
    }
}

impl<R: Rows, const N: usize> Rows for [R; N] {
    fn rows(&self) -> Result<usize> {
        agreed(self.iter().map(R::rows))
    }

    fn row(&self, index: usize) -> Result<Self> {
        each(self, |part| part.row(index))
    }

    fn select(&self, indices: &Tensor) -> Result<Self> {
        each(self, |part| part.select(indices))
    }
}

fn each<R, const N: usize>(parts: &[R; N], f: impl Fn(&R) -> Result<R>) -> Result<[R; N]> {
    let parts = parts.iter().map(f).collect::<Result<Vec<_>>>()?;
    parts.try_into().map_err(|_| Error::shape("tensors: another number of parts"))
}

macro_rules! tuples {
    ($($name:ident . $i:tt),*) => {
        impl<$($name: Rows),*> Rows for ($($name,)*) {
            fn rows(&self) -> Result<usize> {
                agreed([$(self.$i.rows()),*])
            }

            fn row(&self, index: usize) -> Result<Self> {
                Ok(($(self.$i.row(index)?,)*))
            }

            fn select(&self, indices: &Tensor) -> Result<Self> {
                Ok(($(self.$i.select(indices)?,)*))
            }
        }
    };
}

tuples!(A.0);
tuples!(A.0, B.1);
tuples!(A.0, B.1, C.2);
tuples!(A.0, B.1, C.2, D.3);

/// Samples that are the rows of tensors in memory.
///
/// ```
/// use wengert_data::{Dataset, Tensors};
/// use wengert_tensor::Tensor;
///
/// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
/// let y = Tensor::from([0, 1, 0]);
/// let data = Tensors::new((x, y))?;
/// assert_eq!(data.len(), 3);
/// assert_eq!(data.get(1)?, (Tensor::from([3.0, 4.0]), Tensor::from(1i64)));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone)]
#[doc(alias = "TensorDataset")]
pub struct Tensors<R> {
    tensors: R,
    len: usize,
}

impl<R: Rows> Tensors<R> {
    /// The rows of a tensor, or of a tuple or array of tensors: `(x, y)`.
    ///
    /// # Errors
    /// A tensor of rank 0, or tensors with different numbers of rows.
    pub fn new(tensors: R) -> Result<Self> {
        Ok(Self { len: tensors.rows()?, tensors })
    }

    /// The tensors.
    pub fn tensors(&self) -> &R {
        &self.tensors
    }
}

impl<R: Rows> Dataset for Tensors<R> {
    type Sample = R;

    fn len(&self) -> usize {
        self.len
    }

    fn get(&self, index: usize) -> Result<R> {
        if index >= self.len {
            return Err(outside("tensors", index, self.len));
        }
        self.tensors.row(index)
    }

    fn gather(&self, indices: &[usize]) -> Result<R> {
        if let Some(&index) = indices.iter().find(|&&index| index >= self.len) {
            return Err(outside("tensors", index, self.len));
        }
        let indices: Vec<i64> = indices.iter().map(|&i| i as i64).collect();
        self.tensors.select(&Tensor::from(indices))
    }
}

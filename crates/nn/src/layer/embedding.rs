//! A trained vector for each of so many things.

use wengert_autograd::Var;
use wengert_tensor::{DType, Error, Result, Rng, Tensor};

use super::Layer;
use crate::Module;
use crate::init::{Fans, Init};
use crate::param::Param;

/// y = w(id): the rows that `ids`, of i64 and any shape, name, from `[..]` to `[.., width]`.
///
/// Rows start normally distributed, of mean 0 and variance 1. An id out of range is an error when the value is asked
/// for. A clone shares its parameters with the original.
///
/// Y. Bengio, R. Ducharme, P. Vincent and C. Jauvin, "A neural probabilistic language model", JMLR 3, 2003.
///
/// ```
/// use wengert_nn::{Embedding, Layer};
/// use wengert_tensor::{DType, Rng, Tensor};
///
/// let words = Embedding::new(1000, 16, &mut Rng::seed(0))?.padding(0)?;
/// let y = words.predict(&Tensor::from([[5, 7, 0], [9, 0, 0]]))?;
/// assert_eq!(y.shape()[..], [2, 3, 16]);
/// assert_eq!(y.get::<f32>(&[1, 2, 0])?, 0.0);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Module)]
pub struct Embedding {
    /// w, of shape `[count, width]`.
    pub weight: Param,
    /// The id whose row is not trained.
    padding: Option<usize>,
}

impl Embedding {
    /// So many vectors of `width` numbers in f32.
    ///
    /// # Errors
    /// Vectors that cannot be allocated.
    #[inline]
    pub fn new(count: usize, width: usize, rng: &mut Rng) -> Result<Self> {
        Self::new_with(count, width, Init::Normal { std: 1.0 }, rng)
    }

    /// As [`new`](Self::new), with vectors that start as `init` says.
    ///
    /// # Errors
    /// Also a number of `init` that is out of range.
    #[inline]
    pub fn new_with(count: usize, width: usize, init: Init, rng: &mut Rng) -> Result<Self> {
        Self::of(init.draw([count, width], Fans::of_matrix(count, width), DType::F32, rng)?)
    }

    /// The rows of a table that is known, `[count, width]`.
    ///
    /// # Errors
    /// A table that has not two axes.
    #[doc(alias = "from_pretrained")]
    #[inline]
    pub fn of(table: Tensor) -> Result<Self> {
        match table.rank() {
            2 => Ok(Self { weight: Param::new(table), padding: None }),
            _ => Err(Error::shape(format!("embedding: a table has two axes, not {}", table.shape()))),
        }
    }

    /// The same layer in which `id` fills up what is too short: its row becomes zero and is not trained.
    ///
    /// # Errors
    /// An id that is no row.
    #[doc(alias = "padding_idx")]
    #[inline]
    pub fn padding(self, id: usize) -> Result<Self> {
        let table = self.weight.value();
        let count = table.shape()[0];
        if id >= count {
            return Err(Error::index(format!("embedding: there is no row {id} for padding among {count}")));
        }
        let others = Tensor::arange(0, count as i64, 1)?.not_equal(&Tensor::from(id as i64))?.reshape([count, 1])?;
        // Not a product: what is not finite goes too.
        self.weight.set(others.where_(&table, &Tensor::zeros((), table.dtype())?)?)?;
        Ok(Self { padding: Some(id), ..self })
    }
}

impl Layer for Embedding {
    #[inline]
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        let table = self.weight.on(x.tape());
        match self.padding {
            Some(id) => table.embedding_with_padding(x, id),
            None => table.embedding(x),
        }
    }
}

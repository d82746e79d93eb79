//! From samples to a batch: tensors are stacked, tuples and arrays of samples become tuples and arrays of batches.

use wengert_tensor::{Error, Result, Tensor};

/// What a sample is: something of which several make a batch.
///
/// Tensors of one shape are stacked along a new first axis; numbers make a tensor of rank 1 (`usize` as `i64`), strings a
/// `Vec`; tuples, arrays and vectors do this for each of their parts. Structs do it as they say:
///
/// ```
/// use wengert_data::Collate;
/// use wengert_tensor::{Result, Tensor};
///
/// /// One picture with its class, and a batch of them.
/// struct Labelled {
///     picture: Tensor,
///     class: Tensor,
/// }
///
/// impl Collate for Labelled {
///     type Batch = Labelled;
///
///     fn collate(samples: Vec<Self>) -> Result<Self> {
///         let pairs = samples.into_iter().map(|s| (s.picture, s.class)).collect();
///         let (picture, class) = Collate::collate(pairs)?;
///         Ok(Labelled { picture, class })
///     }
/// }
/// ```
#[doc(alias = "collate_fn")]
pub trait Collate: Sized + Send {
    /// What several samples are together.
    type Batch: Send;

    /// The batch of `samples`, in their order.
    ///
    /// # Errors
    /// Samples that do not fit together, as tensors of different shapes; none, where a batch cannot say of what.
    fn collate(samples: Vec<Self>) -> Result<Self::Batch>;
}

impl Collate for Tensor {
    type Batch = Self;

    fn collate(samples: Vec<Self>) -> Result<Self> {
        Self::stack(&samples.iter().collect::<Vec<_>>(), 0).map_err(|e| e.within("collate"))
    }
}

macro_rules! numbers {
    ($($t:ty),*) => {$(
        impl Collate for $t {
            type Batch = Tensor;

            fn collate(samples: Vec<Self>) -> Result<Tensor> {
                let n = samples.len();
                Tensor::from_vec(samples, [n])
            }
        }
    )*};
}

numbers!(f32, f64, i64, bool);

impl Collate for usize {
    type Batch = Tensor;

    fn collate(samples: Vec<Self>) -> Result<Tensor> {
        let number = |n| i64::try_from(n).map_err(|_| Error::value(format!("collate: {n} is too large for i64")));
        i64::collate(samples.into_iter().map(number).collect::<Result<_>>()?)
    }
}

impl Collate for String {
    type Batch = Vec<Self>;

    fn collate(samples: Vec<Self>) -> Result<Vec<Self>> {
        Ok(samples)
    }
}

/// A vector of batches, one for each place: the samples are of one length.
impl<S: Collate> Collate for Vec<S> {
    type Batch = Vec<S::Batch>;

    fn collate(samples: Vec<Self>) -> Result<Self::Batch> {
        let len = samples.first().map_or(0, Vec::len);
        let mut columns: Vec<Vec<S>> = (0..len).map(|_| Vec::with_capacity(samples.len())).collect();
        for sample in samples {
            if sample.len() != len {
                return Err(Error::shape(format!("collate: samples of {len} and of {} parts", sample.len())));
            }
            columns.iter_mut().zip(sample).for_each(|(column, part)| column.push(part));
        }
        columns.into_iter().map(S::collate).collect()
    }
}

impl<S: Collate, const N: usize> Collate for [S; N] {
    type Batch = [S::Batch; N];

    fn collate(samples: Vec<Self>) -> Result<Self::Batch> {
        let mut columns: [Vec<S>; N] = std::array::from_fn(|_| Vec::with_capacity(samples.len()));
        for sample in samples {
            columns.iter_mut().zip(sample).for_each(|(column, part)| column.push(part));
        }
        let batches = columns.into_iter().map(S::collate).collect::<Result<Vec<_>>>()?;
        batches.try_into().map_err(|_| Error::shape("collate: another number of parts"))
    }
}

macro_rules! tuples {
    ($($name:ident . $i:tt),*) => {
        impl<$($name: Collate),*> Collate for ($($name,)*) {
            type Batch = ($($name::Batch,)*);

            fn collate(samples: Vec<Self>) -> Result<Self::Batch> {
                let mut columns = ($(Vec::<$name>::with_capacity(samples.len()),)*);
                for sample in samples {
                    $(columns.$i.push(sample.$i);)*
                }
                Ok(($($name::collate(columns.$i)?,)*))
            }
        }
    };
}

tuples!(A.0);
tuples!(A.0, B.1);
tuples!(A.0, B.1, C.2);
tuples!(A.0, B.1, C.2, D.3);

//! Joining tensors.

use crate::error::{Error, Result};
use crate::kernel::concat;
use crate::tensor::Tensor;
use crate::view::View;

impl Tensor {
    /// Tensors one after another along an axis they have. Their shapes agree but for that axis.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let (a, b) = (Tensor::from([[1, 2]]), Tensor::from([[3, 4], [5, 6]]));
    /// assert_eq!(Tensor::concat(&[&a, &b], 0)?, Tensor::from([[1, 2], [3, 4], [5, 6]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where there are none, or shapes or dtypes do not fit.
    #[doc(alias("cat", "concatenate"))]
    pub fn concat(xs: &[&Self], axis: isize) -> Result<Self> {
        let first = xs.first().ok_or_else(|| Error::shape("concat: nothing to join"))?;
        let axis = first.shape().axis(axis).map_err(|e| e.within("concat"))?;
        let shape = concat::shape(xs.iter().map(|x| x.shape()), axis)?;
        let views: Vec<View> = xs.iter().map(|x| x.view()).collect();
        Self::build(first.dtype(), shape, |out| concat::concat(&views, axis, out))
    }

    /// Tensors of one shape along a new axis, which is `axis` of the result.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let (a, b) = (Tensor::from([1, 2]), Tensor::from([3, 4]));
    /// assert_eq!(Tensor::stack(&[&a, &b], -1)?, Tensor::from([[1, 3], [2, 4]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where there are none, or shapes or dtypes differ.
    pub fn stack(xs: &[&Self], axis: isize) -> Result<Self> {
        let first = xs.first().ok_or_else(|| Error::shape("stack: nothing to join"))?;
        if let Some(other) = xs.iter().find(|x| x.shape() != first.shape()) {
            return Err(Error::shape(format!("stack: shapes {} and {} differ", first.shape(), other.shape())));
        }
        let layers = xs.iter().map(|x| x.unsqueeze(axis)).collect::<Result<Vec<_>>>();
        let layers = layers.map_err(|e| e.within("stack"))?;
        Self::concat(&layers.iter().collect::<Vec<_>>(), axis)
    }
}

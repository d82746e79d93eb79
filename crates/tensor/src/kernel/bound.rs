//! Kernels made ready: what is known before operands are there is decided once.

use std::fmt;

use crate::error::Result;
use crate::view::{Data, DataMut};

type Kernel = dyn Fn(&[Data], DataMut) -> Result<()> + Send + Sync;

/// A kernel for operands of known dtypes and layouts, which are not looked at again: it takes the data that
/// the layouts find their elements in, and memory for a row-major result.
pub struct Bound(Box<Kernel>);

impl Bound {
    /// A kernel from a function. One that is no closure costs no memory.
    pub fn new(kernel: impl Fn(&[Data], DataMut) -> Result<()> + Send + Sync + 'static) -> Self {
        Self(Box::new(kernel))
    }

    /// Fills `out`.
    ///
    /// # Errors
    /// Data of other dtypes or of too few elements, and values that the operation does not take.
    #[inline]
    pub fn call(&self, x: &[Data], out: DataMut) -> Result<()> {
        (self.0)(x, out)
    }
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bound")
    }
}

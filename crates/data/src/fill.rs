//! Tensors from elements that may fail.

use wengert_tensor::{Element, Error, Result, Shape, Tensor};

/// The tensor of `shape` of as many elements, written once, where they will stay.
pub(crate) fn filled<T: Element>(shape: Shape, elements: impl Iterator<Item = Result<T>>) -> Result<Tensor> {
    let mut elements = elements.fuse();
    let tensor = Tensor::build(T::DTYPE, &shape, |out| {
        for place in out.typed::<T>("fill")? {
            *place = elements.next().ok_or_else(|| Error::shape(format!("too few elements for shape {shape}")))??;
        }
        Ok(())
    })?;
    Ok(tensor)
}

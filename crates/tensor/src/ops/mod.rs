//! The methods of [`Tensor`](crate::Tensor), one file a family, named as its kernels.

mod binary;
mod compare;
mod concat;
mod conv;
mod gather;
mod matmul;
mod pad;
mod pool;
mod reduce;
mod scan;
mod select;
mod sort;
mod unary;
mod views;
mod window;

use crate::dtype::DType;
use crate::error::Result;
use crate::tensor::Tensor;

/// What `f` computes of operands of one type of half precision: it is given them in `f32`, and its result is rounded to their
/// dtype, if it is one of `f32`. `None` for all other operands, which are computed with as they are.
fn halves(x: &[&Tensor], f: &dyn Fn(&[Tensor]) -> Result<Tensor>) -> Option<Result<Tensor>> {
    let dtype = x.first()?.dtype();
    if !dtype.is_half() || x.iter().any(|x| x.dtype() != dtype) {
        return None;
    }
    let compute = || {
        let wide: Vec<Tensor> = x.iter().map(|x| x.cast(DType::F32)).collect::<Result<_>>()?;
        let y = f(&wide)?;
        if y.dtype() == DType::F32 { y.cast(dtype) } else { Ok(y) }
    };
    Some(compute())
}

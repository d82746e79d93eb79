//! What tests of operations share.

use wengert_autograd::{Tape, Var};
use wengert_tensor::{DType, Result, Rng, Shape, Tensor};

/// A fixed, irregular tensor.
pub fn random(shape: impl Into<Shape>, seed: u64) -> Tensor {
    Tensor::randn(shape, DType::F64, &mut Rng::seed(seed)).unwrap()
}

/// Equal shapes, and elements equal to ten digits.
pub fn assert_close(a: &Tensor, b: &Tensor) {
    assert_eq!(a.shape(), b.shape());
    assert!(a.allclose(b, 1e-10, 1e-10).unwrap(), "{a}\nand\n{b}\ndiffer");
}

/// The value of a function of variables at tensors.
pub fn value(x: &[&Tensor], f: impl for<'t> Fn(&[Var<'t>]) -> Var<'t>) -> Result<Tensor> {
    let tape = Tape::new();
    f(&x.iter().map(|x| tape.input(x)).collect::<Vec<_>>()).value()
}

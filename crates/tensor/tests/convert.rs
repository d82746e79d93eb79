//! Values go into tensors and come back unchanged; what does not fit is an error.

use wengert_tensor::{DType, ErrorKind, Scalar, Tensor};

#[test]
fn nested_arrays_of_every_rank_and_dtype() {
    assert_eq!(Tensor::from(2.0).shape()[..], []);
    assert_eq!(Tensor::from([[0., 1.], [2., 3.]]).dtype(), DType::F64);
    assert_eq!(Tensor::from([1f32, 2.]).dtype(), DType::F32);
    assert_eq!(Tensor::from([[[1, 2, 3]]]).dtype(), DType::I64);
    let x = Tensor::from([[[[true], [false]]]]);
    assert_eq!((x.dtype(), &x.shape()[..]), (DType::Bool, &[1, 1, 2, 1][..]));
    assert_eq!(x.to_vec::<bool>().unwrap(), [true, false]);
    assert_eq!(Tensor::from([[0f64; 0]; 3]).shape()[..], [3, 0]);
    assert_eq!(Tensor::from(vec![1, 2]), Tensor::from(&[1, 2][..]));
    assert_eq!(Tensor::from(Scalar::Bool(true)), Tensor::from(true));
}

#[test]
fn elements_come_back() {
    let x = Tensor::from_vec(vec![1.5, f64::INFINITY, -0.0, 4.0, 5.0, 6.0], [3, 2]).unwrap();
    assert_eq!(x.to_vec::<f64>().unwrap(), [1.5, f64::INFINITY, -0.0, 4.0, 5.0, 6.0]);
    assert_eq!(x.get::<f64>(&[2, 0]).unwrap(), 5.0);
    assert_eq!(x.t().get::<f64>(&[0, 2]).unwrap(), 5.0);
    assert_eq!(x.t().to_vec::<f64>().unwrap(), x.t().iter::<f64>().unwrap().collect::<Vec<_>>());
    assert_eq!(x.t().iter::<f64>().unwrap().len(), 6);
    assert_eq!(x.as_slice::<f64>().unwrap().len(), 6);
    assert!(x.t().as_slice::<f64>().is_none() && x.as_slice::<f32>().is_none());
    assert_eq!(x.t().contiguous().unwrap(), x.t());
    assert!(x.contiguous().unwrap().shares_storage(&x));
}

#[test]
fn one_element_of_any_dtype() {
    assert_eq!(Tensor::from([[3f32]]).item().unwrap(), 3.0);
    assert_eq!(Tensor::from([[3f32]]).scalar().unwrap(), Scalar::F32(3.0));
    assert_eq!(Tensor::from(true).item().unwrap(), 1.0);
    let err = Tensor::from([1, 2]).item().unwrap_err();
    assert_eq!(err.to_string(), "item: expected one element, got 2 of shape [2]");
}

#[test]
fn casts_truncate_and_clamp() {
    let x = Tensor::from([-1.9, 0.0, 2.5, f64::NAN, 1e300]);
    assert_eq!(x.cast(DType::I64).unwrap(), Tensor::from([-1, 0, 2, 0, i64::MAX]));
    assert_eq!(x.cast(DType::Bool).unwrap(), Tensor::from([true, false, true, true, true]));
    assert!(x.cast(DType::F64).unwrap().shares_storage(&x));
}

#[test]
fn mistakes_are_sentences() {
    let x = Tensor::from([[1.0, 2.0]]);
    let kind = |e: wengert_tensor::Error| e.kind();
    assert_eq!(x.to_vec::<f32>().unwrap_err().to_string(), "to_vec: expected f32, got f64");
    assert_eq!(x.iter::<i64>().map(|_| ()).map_err(kind), Err(ErrorKind::DType));
    assert_eq!(x.get::<f64>(&[0, 2]).unwrap_err().to_string(), "get: index [0, 2] is outside shape [1, 2]");
    assert_eq!(x.get::<f64>(&[0]).map_err(kind), Err(ErrorKind::Index));
    let err = Tensor::from_slice(&[1, 2, 3], [2, 2]).unwrap_err();
    assert_eq!(err.to_string(), "from_slice: 3 elements for shape [2, 2] of 4");
    let huge = Tensor::from(1.0).broadcast_to([1 << 30, 1 << 29]).unwrap();
    assert_eq!(huge.to_vec::<f64>().map_err(kind), Err(ErrorKind::Memory));
}

#[test]
fn equality_is_of_values_not_of_layouts() {
    let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
    assert_eq!(x.t(), Tensor::from([[1.0, 3.0], [2.0, 4.0]]));
    assert_ne!(x, x.cast(DType::F32).unwrap());
    assert_ne!(x, x.flatten().unwrap());
    assert_ne!(Tensor::from(f64::NAN), Tensor::from(f64::NAN));
    assert_eq!(Tensor::from(0.0), Tensor::from(-0.0));
    assert_eq!(Tensor::from([[0f64; 0]; 3]), Tensor::from([[0f64; 3]; 0]).t());
}

#[test]
fn closeness() {
    let near = |a: f64, b: f64, rtol, atol| Tensor::from([a]).allclose(&Tensor::from([b]), rtol, atol);
    assert!(near(1.0, 1.0 + 1e-9, 1e-8, 0.0).unwrap());
    assert!(!near(1.0, 1.0 + 1e-7, 1e-8, 0.0).unwrap());
    assert!(near(0.0, 1e-9, 0.0, 1e-8).unwrap());
    assert!(near(f64::INFINITY, f64::INFINITY, 0.0, 0.0).unwrap());
    assert!(!near(f64::INFINITY, f64::NEG_INFINITY, 1.0, 1.0).unwrap());
    assert!(!near(1.0, f64::INFINITY, 1.0, 1.0).unwrap());
    assert!(!near(f64::NAN, f64::NAN, 1.0, f64::INFINITY).unwrap());
    assert_eq!(near(1.0, 1.0, -1.0, 0.0).unwrap_err().kind(), ErrorKind::Value);
    let (x, y) = (Tensor::from([1.0]), Tensor::from([1f32]));
    assert_eq!(x.allclose(&y, 0.0, 0.0).unwrap_err().to_string(), "allclose: dtypes f64 and f32 differ");
    assert_eq!(x.allclose(&Tensor::from(1.0), 0.0, 0.0).unwrap_err().kind(), ErrorKind::Shape);
}

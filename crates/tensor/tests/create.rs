//! Constants, sequences and one-hot rows.

use proptest::prelude::*;
use wengert_tensor::{DType, ErrorKind, Result, Tensor};

const DTYPES: [DType; 4] = [DType::F32, DType::F64, DType::I64, DType::Bool];

#[test]
fn constants_of_every_dtype() {
    for dtype in DTYPES {
        let sum = |x: Tensor| x.cast(DType::F64).unwrap().iter::<f64>().unwrap().sum::<f64>();
        assert_eq!(sum(Tensor::zeros([2, 3], dtype).unwrap()), 0.0);
        assert_eq!(sum(Tensor::ones([2, 3], dtype).unwrap()), 6.0);
        assert_eq!(sum(Tensor::ones((), dtype).unwrap()), 1.0);
        assert_eq!(sum(Tensor::ones([2, 0], dtype).unwrap()), 0.0);
        let eye = Tensor::eye(3, dtype).unwrap();
        assert_eq!((sum(eye.clone()), eye.t()), (3.0, eye.clone()));
        assert_eq!(Tensor::one_hot(&Tensor::from([0, 1, 2]), 3, dtype).unwrap(), eye);
        assert_eq!(Tensor::eye(0, dtype).unwrap().shape()[..], [0, 0]);
    }
    assert_eq!(Tensor::full([2], 0.5f32).unwrap(), Tensor::from([0.5f32, 0.5]));
    assert_eq!(Tensor::full([1], 3).unwrap(), Tensor::from([3]));
}

#[test]
fn sequences() {
    assert_eq!(Tensor::arange(5, 0, -2).unwrap(), Tensor::from([5, 3, 1]));
    assert_eq!(Tensor::arange(0, 0, 1).unwrap().shape()[..], [0]);
    assert_eq!(Tensor::arange(0f32, 1., 0.25).unwrap(), Tensor::from([0f32, 0.25, 0.5, 0.75]));
    let wide = Tensor::arange(i64::MIN, i64::MAX, i64::MAX / 2).unwrap().to_vec::<i64>().unwrap();
    assert!(wide.len() == 5 && wide.windows(2).all(|w| w[1].wrapping_sub(w[0]) == i64::MAX / 2));
    // Adding 0.1 ten thousand times would be off by more than this.
    let x = Tensor::arange(0.0, 1000.0, 0.1).unwrap().to_vec::<f64>().unwrap();
    assert_eq!((x.len(), x[9999]), (10_000, 9999.0 * 0.1));
    assert_eq!(Tensor::linspace(2.0, 3.0, 1).unwrap(), Tensor::from([2.0]));
    assert_eq!(Tensor::linspace(2.0, 3.0, 0).unwrap().numel(), 0);
    let far = Tensor::linspace(-f64::MAX, f64::MAX, 3).unwrap();
    assert_eq!(far, Tensor::from([-f64::MAX, 0.0, f64::MAX]));
}

proptest! {
    #[test]
    fn arange_stays_before_its_end(start in -10.0..10.0f64, stop in -10.0..10.0f64, step in 0.01..3.0f64) {
        for step in [step, -step] {
            let x = Tensor::arange(start, stop, step).unwrap().to_vec::<f64>().unwrap();
            // How far a number still is from the end.
            let left = |x: f64| (stop - x) * step.signum();
            prop_assert!(x.iter().all(|x| left(*x) > 0.0));
            prop_assert!(left(start + x.len() as f64 * step) < 1e-9);
        }
    }

    #[test]
    fn linspace_has_exact_ends(start in -1e3..1e3f32, stop in -1e3..1e3f32, n in 2..50usize) {
        let x = Tensor::linspace(start, stop, n).unwrap().to_vec::<f32>().unwrap();
        prop_assert_eq!((x.len(), x[0], x[n - 1]), (n, start, stop));
        prop_assert!(x.is_sorted() || x.iter().rev().is_sorted());
    }
}

#[test]
fn mistakes_are_sentences() {
    let says = |result: Result<Tensor>, sentence: &str| assert_eq!(result.unwrap_err().to_string(), sentence);
    says(Tensor::arange(0, 5, 0), "arange: 0 to 5 by a step of 0");
    says(
        Tensor::arange(0.0, f64::NAN, 1.0),
        "arange: 0 to NaN by 1: each and the distance must be finite, and the step not zero",
    );
    let far = Tensor::arange(-f64::MAX, f64::MAX, f64::MAX / 2.0);
    assert_eq!(far.unwrap_err().kind(), ErrorKind::Value);
    says(Tensor::arange(false, true, true), "arange: expected numbers of one dtype, got bool, bool and bool");
    says(Tensor::linspace(0, 5, 2), "linspace: expected a float dtype, got i64");
    says(Tensor::linspace(0.0, f64::INFINITY, 2), "linspace: 0 to inf must be finite");
    says(Tensor::one_hot(&Tensor::from([3]), 3, DType::F32), "one_hot: index 3 is outside 3 classes");
    says(Tensor::one_hot(&Tensor::from([-1]), 3, DType::F32), "one_hot: index -1 is outside 3 classes");
    says(Tensor::one_hot(&Tensor::from([1.0]), 3, DType::F32), "one_hot: expected i64, got f64");
    for huge in [
        Tensor::arange(0.0, 1e300, 1e-300),
        Tensor::arange(i64::MIN, i64::MAX, 1),
        Tensor::linspace(0.0, 1.0, usize::MAX),
        Tensor::zeros([1 << 40, 1 << 40], DType::Bool),
        Tensor::eye(usize::MAX, DType::F32),
    ] {
        assert_eq!(huge.unwrap_err().kind(), ErrorKind::Memory);
    }
}

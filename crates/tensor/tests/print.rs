//! What tensors look like, printed.

use wengert_tensor::{DType, Tensor};

#[test]
fn single_numbers() {
    for (x, text) in [
        (Tensor::from(2.0), "2.0"),
        (Tensor::from(1.0 / 3.0), "0.3333333333333333"),
        (Tensor::from(0.1f32), "0.1"),
        (Tensor::from(f64::NAN), "nan"),
        (Tensor::from(f64::NEG_INFINITY), "-inf"),
        (Tensor::from(-7), "-7"),
        (Tensor::from(true), "true"),
        (Tensor::from(1e300), "1e300"),
    ] {
        assert_eq!(x.to_string(), text);
    }
    assert_eq!(
        format!("{:.3} {:8.2}|{:4}", Tensor::from(0.12345), Tensor::from(1f32), Tensor::from(3)),
        "0.123     1.00|   3"
    );
    assert_eq!(format!("{:?}", Tensor::from(2f32)), "2.0 f32[]");
}

#[test]
fn columns_are_aligned() {
    let x = Tensor::from([[1.0, 0.5], [-20.0, 0.25]]);
    assert_eq!(x.to_string(), "[[  1.     0.5 ]\n [-20.     0.25]]");
    assert_eq!(format!("{x:?}"), "[[  1.     0.5 ]\n [-20.     0.25]] f64[2, 2]");
    assert_eq!(x.t().to_string(), "[[  1.   -20.  ]\n [  0.5    0.25]]");
    assert_eq!(Tensor::from([[1, -10], [100, 5]]).to_string(), "[[  1 -10]\n [100   5]]");
    assert_eq!(Tensor::from([true, false]).to_string(), "[ true false]");
    assert_eq!(Tensor::from([f64::INFINITY, f64::NAN, 0.5, -0.0]).to_string(), "[ inf  nan  0.5 -0. ]");
    assert_eq!(Tensor::from([[[1], [2]], [[3], [4]]]).to_string(), "[[[1]\n  [2]]\n\n [[3]\n  [4]]]");
}

#[test]
fn floats_have_up_to_eight_digits() {
    assert_eq!(Tensor::from([1.0 / 3.0, 0.1]).to_string(), "[0.33333333 0.1       ]");
    assert_eq!(Tensor::from([0.1f32, 0.2]).to_string(), "[0.1 0.2]");
    assert_eq!(Tensor::from([0.999_999_999_9]).to_string(), "[1.]");
}

#[test]
fn huge_and_tiny_numbers_share_an_exponent_notation() {
    assert_eq!(Tensor::from([1e-5, 250.0]).to_string(), "[1.0e-05 2.5e+02]");
    assert_eq!(Tensor::from([1e8, 0.0, -1.0]).to_string(), "[ 1e+08  0e+00 -1e+00]");
    assert_eq!(Tensor::from([1e-5, f64::NAN, -1e200]).to_string(), "[ 1e-005     nan -1e+200]");
    assert_eq!(Tensor::from([1e-10f32 / 3.0]).to_string(), "[3.3333333e-11]");
}

#[test]
fn a_precision_is_honoured() {
    assert_eq!(format!("{:.3}", Tensor::from([1.0, 0.12345])), "[1.000 0.123]");
    assert_eq!(format!("{:.0}", Tensor::from([[1e-9, 10.0]])), "[[ 0 10]]");
    assert_eq!(format!("{:.2}", Tensor::from([1, 2])), "[1 2]");
    assert_eq!(format!("{:4}", Tensor::from([1, 2])), "[   1    2]");
}

#[test]
fn empty_tensors_show_dtype_and_shape() {
    let x = Tensor::zeros([0, 3], DType::F64).unwrap();
    assert_eq!(x.to_string(), "[] f64[0, 3]");
    assert_eq!(format!("{x:?}"), "[] f64[0, 3]");
}

#[test]
fn large_tensors_are_cut() {
    let x = Tensor::arange(0, 2000, 1).unwrap();
    assert_eq!(x.to_string(), "[   0    1    2 ... 1997 1998 1999]");
    assert_eq!(
        x.reshape([-1, 2]).unwrap().to_string(),
        "[[   0    1]\n [   2    3]\n [   4    5]\n ...\n [1994 1995]\n [1996 1997]\n [1998 1999]]"
    );
    assert!(!Tensor::zeros([1000], DType::I64).unwrap().to_string().contains("..."));
}

#[test]
fn long_lines_are_wrapped() {
    let text = Tensor::arange(0, 1000, 1).unwrap().to_string();
    assert!(text.lines().all(|line| line.len() <= 80));
    assert!(text.starts_with("[  0   1   2") && text.lines().nth(1).unwrap().starts_with("  "));
    let numbers = text.trim_matches(['[', ']']).split_whitespace().map(|x| x.parse::<i64>().unwrap());
    assert!(numbers.eq(0..1000));
}

/// Neither size nor rank of a tensor makes printing slow, long or deep.
#[test]
fn printing_is_bounded() {
    let one = Tensor::from(1.0);
    for shape in [vec![1 << 59], vec![1 << 20, 1 << 39], vec![8; 19], vec![2; 59]] {
        let text = one.broadcast_to(shape.clone()).unwrap().to_string();
        assert!(text.len() < 1_000_000, "{} bytes for {shape:?}", text.len());
        assert!(text.contains("..."));
        let count = |c| text.chars().filter(|x| *x == c).count();
        assert_eq!(count('['), count(']'));
    }
    let deep = one.broadcast_to(vec![1; 100_000]).unwrap();
    assert_eq!(deep.to_string().len(), 200_002);
}

//! Statistics of initialisers.

use proptest::prelude::*;
use wengert_nn::{Fans, Init};
use wengert_tensor::{DType, ErrorKind, Result, Rng, Tensor};

const FANS: Fans = Fans { input: 200, output: 300 };

fn draw(init: Init) -> Vec<f64> {
    let tensor = init.draw([200, 300], FANS, DType::F64, &mut Rng::seed(3));
    tensor.and_then(|x| x.to_vec()).expect("the initialiser is in range")
}

fn mean_and_std(x: &[f64]) -> (f64, f64) {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    (mean, (x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt())
}

#[test]
fn each_has_the_standard_deviation_of_its_paper() {
    let cases = [
        (Init::Normal { std: 0.3 }, 0.3),
        (Init::Uniform { bound: 0.3 }, 0.3 / 3f64.sqrt()),
        (Init::XavierUniform { gain: 1.5 }, 1.5 * (2.0 / 500f64).sqrt()),
        (Init::XavierNormal { gain: 1.5 }, 1.5 * (2.0 / 500f64).sqrt()),
        (Init::KaimingUniform { slope: 0.0 }, (2.0 / 200f64).sqrt()),
        (Init::KaimingNormal { slope: 1.0 }, (1.0 / 200f64).sqrt()),
        (Init::Constant(0.25), 0.0),
        (Init::Zeros, 0.0),
        // Each element of an orthogonal matrix has the variance 1 / (longer side).
        (Init::Orthogonal { gain: 2.0 }, 2.0 * (1.0 / 300f64).sqrt()),
    ];
    for (init, expected) in cases {
        let x = draw(init);
        let (mean, std) = mean_and_std(&x);
        let centre = if let Init::Constant(value) = init { value } else { 0.0 };
        // Of 60000 samples: about five standard errors.
        assert!((mean - centre).abs() <= 0.02 * expected, "{init:?}: mean {mean}");
        assert!((std - expected).abs() <= 0.02 * expected, "{init:?}: standard deviation {std}, not {expected}");
        assert_eq!(x, draw(init), "{init:?}: the same seed");
    }
}

#[test]
fn uniform_stays_within_its_bound_and_fills_it() {
    let x = draw(Init::XavierUniform { gain: 1.0 });
    let bound = (6.0 / 500f64).sqrt();
    let largest = x.iter().fold(0f64, |m, x| m.max(x.abs()));
    assert!(largest <= bound && largest > 0.999 * bound);
}

#[test]
fn f32_is_f64_rounded() -> Result<()> {
    for init in [Init::XavierNormal { gain: 1.0 }, Init::Uniform { bound: 2.0 }, Init::Orthogonal { gain: 1.0 }] {
        let draw = |dtype| init.draw([5, 3], Fans::of_matrix(5, 3), dtype, &mut Rng::seed(9));
        assert_eq!(draw(DType::F32)?, draw(DType::F64)?.cast(DType::F32)?);
    }
    Ok(())
}

#[test]
fn mistakes_are_sentences() {
    let draw = |init: Init, dtype| init.draw([3], Fans::of_matrix(3, 1), dtype, &mut Rng::seed(0)).unwrap_err();
    let err = draw(Init::Normal { std: -1.0 }, DType::F64);
    assert_eq!(err.sentence(), "init: Normal { std: -1.0 } is out of range");
    draw(Init::XavierUniform { gain: f64::NAN }, DType::F64);
    draw(Init::Constant(f64::INFINITY), DType::F64);
    let err = draw(Init::Zeros, DType::I64);
    assert_eq!(err.sentence(), "init: weights are floats, which i64 is not");
    let err = draw(Init::Orthogonal { gain: 1.0 }, DType::F64);
    assert_eq!(err.sentence(), "init: an orthogonal matrix has two axes, [3] has 1");

    let huge =
        Init::Orthogonal { gain: 1.0 }.draw([1 << 29, 1 << 29], Fans::of_matrix(1, 1), DType::F64, &mut Rng::seed(0));
    assert_eq!(huge.unwrap_err().kind(), ErrorKind::Memory);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_shorter_side_of_an_orthogonal_matrix_is_orthonormal(
        rows in 0usize..12, a in 0usize..5, b in 1usize..5, seed: u64,
    ) {
        let w = Init::Orthogonal { gain: 3.0 }
            .draw([rows, a, b], Fans::of_matrix(rows, a * b), DType::F64, &mut Rng::seed(seed)).unwrap();
        prop_assert_eq!(&w.shape()[..], &[rows, a, b]);
        let w = w.reshape([rows, a * b]).unwrap();
        let short = if rows <= a * b { w.matmul(&w.t()) } else { w.t().matmul(&w) }.unwrap();
        let identity = Tensor::eye(rows.min(a * b), DType::F64).unwrap();
        let nine: Vec<f64> = identity.iter::<f64>().unwrap().map(|x| 9.0 * x).collect();
        let nine = Tensor::from_vec(nine, identity.shape()).unwrap();
        prop_assert!(short.allclose(&nine, 0.0, 1e-13).unwrap());
    }
}

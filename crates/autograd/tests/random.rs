//! Random numbers of keys: what they are distributed like, and that nothing but the key decides them.

use wengert_autograd::{Tape, vmap};
use wengert_tensor::{DType, ErrorKind, Result, Tensor, set_threads};

fn uniform(key: i64, n: usize, dtype: DType) -> Result<Tensor> {
    let tape = Tape::new();
    tape.input(&Tensor::from(key)).uniform([n], dtype).value()
}

#[test]
fn they_depend_on_the_key_alone() -> Result<()> {
    let n = 10_000;
    let [one, two] = [1, 2].map(|threads| {
        set_threads(threads);
        uniform(3, n, DType::F64)
    });
    set_threads(0);
    assert_eq!(one?, two?);
    let (short, long) = (uniform(3, 100, DType::F64)?, uniform(3, n, DType::F64)?);
    assert_eq!(short, long.narrow(0, 0, 100)?);
    let cut = uniform(3, n, DType::F32)?.cast(DType::F64)?;
    assert!(cut.allclose(&long, 0.0, 0.5f64.powi(24))?);

    let keys = Tensor::from([5, 6, 5]);
    let many = vmap(|key| key.uniform([4], DType::F64), &keys)?;
    assert_eq!(many.narrow(0, 0, 1)?, many.narrow(0, 2, 1)?);
    assert_eq!(many.narrow(0, 1, 1)?.reshape([4])?, uniform(6, 4, DType::F64)?);
    Ok(())
}

#[test]
fn uniform_numbers_fill_their_interval_evenly_also_across_keys() -> Result<()> {
    // Pairs of numbers, of one key at neighbouring places and of neighbouring keys at one place, over 16 x 16 cells.
    let n = 1 << 15;
    let (a, b) = (uniform(10, 2 * n, DType::F64)?.to_vec::<f64>()?, uniform(11, 2 * n, DType::F64)?.to_vec::<f64>()?);
    let within: Vec<_> = a.chunks(2).map(|pair| (pair[0], pair[1])).collect();
    let across: Vec<_> = a.into_iter().zip(b).take(n).collect();
    for pairs in [within, across] {
        let mut cells = [0f64; 256];
        for (x, y) in pairs {
            assert!((0.0..1.0).contains(&x) && (0.0..1.0).contains(&y));
            cells[(x * 16.0) as usize * 16 + (y * 16.0) as usize] += 1.0;
        }
        let expected = n as f64 / 256.0;
        let chi2: f64 = cells.iter().map(|count| (count - expected).powi(2) / expected).sum();
        // 255 degrees of freedom: mean 255, standard deviation 22.6.
        assert!((chi2 - 255.0).abs() < 5.0 * 22.6, "{chi2}");
    }
    Ok(())
}

#[test]
fn normal_numbers_have_the_moments_of_the_normal_distribution() -> Result<()> {
    for dtype in [DType::F32, DType::F64] {
        let tape = Tape::new();
        let x = tape.input(&Tensor::from(1)).normal([100_000], dtype);
        let moments = [x.mean(), x.square().mean(), (x * x * x).mean(), x.square().square().mean()];
        for (moment, (expected, deviation)) in moments.iter().zip([(0.0, 1.0), (1.0, 1.5), (0.0, 4.0), (3.0, 10.0)]) {
            let moment = moment.item()?;
            assert!((moment - expected).abs() < 4.0 * deviation / 100_000f64.sqrt(), "{moment}, not {expected}");
        }
    }
    Ok(())
}

#[test]
fn keys_and_results_of_other_dtypes_are_refused() {
    let tape = Tape::new();
    let error = tape.full((), 1.0).uniform([2], DType::F64).value().unwrap_err();
    assert_eq!((error.kind(), error.sentence()), (ErrorKind::DType, "uniform: keys are i64, got f64[]"));
    let tape = Tape::new();
    let error = tape.full((), 1i64).uniform([2], DType::I64).value().unwrap_err();
    assert_eq!((error.kind(), error.sentence()), (ErrorKind::DType, "uniform: makes f32 or f64, not i64"));
}

//! Values: against NumPy's, against the definition as a sum, and by the theorems that the transform is used for.

use std::f64::consts::TAU;

use proptest::prelude::*;
use wengert_fft::{Fourier, Norm, fft_frequencies, rfft_frequencies};
use wengert_tensor::{DType, ErrorKind, Result, Rng, Tensor};

const NORMS: [Norm; 3] = [Norm::Backward, Norm::Ortho, Norm::Forward];

fn random(shape: &[usize], seed: u64) -> Tensor {
    Tensor::randn(shape, DType::F64, &mut Rng::seed(seed)).unwrap()
}

#[track_caller]
fn close(a: &Tensor, b: &Tensor) {
    assert_eq!((a.dtype(), a.shape()), (b.dtype(), b.shape()));
    assert!(a.allclose(b, 1e-12, 1e-12).unwrap(), "{a}\nand\n{b}");
}

/// The sum of squares.
fn energy(x: &Tensor) -> f64 {
    x.to_vec::<f64>().unwrap().iter().map(|x| x * x).sum()
}

/// The definition: n² multiplications along an axis of pairs.
fn naive(x: &Tensor, axis: usize, sign: f64) -> Tensor {
    let shape = x.shape().clone();
    let (n, inner) = (shape[axis], shape[axis + 1..shape.rank() - 1].iter().product::<usize>());
    let numbers: Vec<f64> = x.to_vec().unwrap();
    let mut out = vec![0.0; numbers.len()];
    for place in 0..numbers.len() / 2 {
        let (outer, k, i) = (place / inner / n, place / inner % n, place % inner);
        for j in 0..n {
            let at = 2 * ((outer * n + j) * inner + i);
            let (sin, cos) = (sign * TAU * ((j * k) % n) as f64 / n as f64).sin_cos();
            out[2 * place] += numbers[at] * cos - numbers[at + 1] * sin;
            out[2 * place + 1] += numbers[at] * sin + numbers[at + 1] * cos;
        }
    }
    Tensor::from_vec(out, shape).unwrap()
}

#[test]
fn numpys_values() -> Result<()> {
    let z = Tensor::from([[1.0, 2.0], [-0.5, 0.25], [0.0, -3.0], [4.0, 0.0]]);
    let fft = Tensor::from([[4.5, -0.75], [1.25, 9.5], [-2.5, -1.25], [0.75, 0.5]]);
    close(&z.fft(0, Norm::Backward)?, &fft);
    let ifft = Tensor::from([[1.125, -0.1875], [0.1875, 0.125], [-0.625, -0.3125], [0.3125, 2.375]]);
    close(&z.ifft(-2, Norm::default())?, &ifft);
    let forward = Tensor::from([[1.125, -0.1875], [0.3125, 2.375], [-0.625, -0.3125], [0.1875, 0.125]]);
    close(&z.fft(.., Norm::Forward)?, &forward);

    let five = Tensor::from([0.5, -1.25, 2.0, 3.5, -0.75]);
    let spectrum =
        Tensor::from([[4.0, 0.0], [-4.567627457812106, 1.3572061365862864], [3.817627457812106, -1.1326921482964938]]);
    close(&five.rfft(0, Norm::Backward)?, &spectrum);
    let six = Tensor::from([1.0, 2.0, -0.5, 0.25, -3.0, 4.0]);
    let spectrum = Tensor::from([
        [1.5309310892394865, 0.0],
        [2.2453655975512468, -0.17677669529663684],
        [0.0, 1.5909902576697321],
        [-3.572172541558802, 0.0],
    ]);
    close(&six.rfft(-1, Norm::Ortho)?, &spectrum);

    let half = Tensor::from([[1.0, 2.0], [-0.5, 0.25], [-3.0, 1.0]]);
    close(&half.irfft(0, 4, Norm::Backward)?, &Tensor::from([-0.75, 0.875, -0.25, 1.125]));
    let five = [-1.2, 0.7787972418284429, 0.3126270869138667, -0.33066107566376157, 1.439236746921452];
    close(&half.irfft(0, 5, Norm::Backward)?, &Tensor::from(five));
    close(&half.irfft(0, 5, Norm::Ortho)?, &Tensor::from(five.map(|x| x * 5f64.sqrt())));

    let table = Tensor::from([[1.0, 2.0, -0.5], [0.25, -3.0, 4.0]]);
    let rfft2 = Tensor::from([[[3.75, 0.0], [0.0, 3.897114317029974]], [[1.25, 0.0], [0.5, -8.227241335952167]]]);
    close(&table.rfft(.., Norm::Backward)?, &rfft2);
    let whole = table.complex()?.fft([0, 1], Norm::Backward)?;
    close(&whole.narrow(1, 0, 2)?, &rfft2);
    close(&whole.narrow(1, 2, 1)?, &rfft2.narrow(1, 1, 1)?.conjugate()?);
    let half = Tensor::from([[[1.0, 2.0], [-0.5, 0.25]], [[0.0, 0.5], [2.0, -1.0]]]);
    let irfft2 = Tensor::from([
        [0.6666666666666666, 0.13317301761277633, -0.29983968427944296],
        [-0.6666666666666666, 0.22248941508981726, 0.9441772515768494],
    ]);
    close(&half.irfft(.., 3, Norm::Backward)?, &irfft2);

    close(&fft_frequencies(5, 0.1)?, &Tensor::from([0.0, 2.0, 4.0, -4.0, -2.0]));
    close(&rfft_frequencies(5, 0.1)?, &Tensor::from([0.0, 2.0, 4.0]));
    let count = Tensor::from([0.0, 1.0, 2.0, 3.0, 4.0]);
    assert_eq!(count.fft_shift(0)?, Tensor::from([3.0, 4.0, 0.0, 1.0, 2.0]));
    assert_eq!(count.ifft_shift(0)?, Tensor::from([2.0, 3.0, 4.0, 0.0, 1.0]));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_definition(n in 1usize..40, lead in 0usize..3, after in 1usize..4, seed: u64) {
        let x = random(&[lead, n, after, 2], seed);
        close(&x.fft(1, Norm::Backward).unwrap(), &naive(&x, 1, -1.0));
        close(&x.ifft(1, Norm::Forward).unwrap(), &naive(&x, 1, 1.0));
        // Several axes are one after another, in any order.
        let both = x.fft([2, 1], Norm::Backward).unwrap();
        close(&both, &naive(&naive(&x, 1, -1.0), 2, -1.0));
    }

    #[test]
    fn round_trips(n in 1usize..70, m in 1usize..6, which in 0usize..3, seed: u64) {
        let (norm, x) = (NORMS[which], random(&[m, n], seed));
        let z = random(&[m, n, 2], seed);
        close(&z.fft([0, 1], norm).unwrap().ifft([1, 0], norm).unwrap(), &z);
        close(&x.rfft([0, 1], norm).unwrap().irfft([0, 1], n, norm).unwrap(), &x);
        close(&x.rfft([1, 0], norm).unwrap().irfft([1, 0], m, norm).unwrap(), &x);
        prop_assert_eq!(z.fft_shift([0, 1]).unwrap().ifft_shift([0, 1]).unwrap(), z);
    }

    #[test]
    fn the_half_spectrum_is_that_of_the_whole(n in 1usize..50, seed: u64) {
        let x = random(&[3, n], seed);
        for norm in NORMS {
            let (half, whole) = (x.rfft(1, norm).unwrap(), x.complex().unwrap().fft(1, norm).unwrap());
            close(&half, &whole.narrow(1, 0, n / 2 + 1).unwrap());
        }
    }

    #[test]
    fn parseval(n in 1usize..60, seed: u64) {
        let z = random(&[n, 2], seed);
        let (before, after) = (energy(&z), energy(&z.fft(0, Norm::Ortho).unwrap()));
        prop_assert!((before - after).abs() < 1e-12 * before);
        let plain = energy(&z.fft(0, Norm::Backward).unwrap());
        prop_assert!((n as f64 * before - plain).abs() < 1e-11 * plain);
    }

    #[test]
    fn a_product_of_spectra_is_the_spectrum_of_the_circular_convolution(n in 1usize..30, seed: u64) {
        let (x, y) = (random(&[n], seed), random(&[n], seed.wrapping_add(1)));
        let product = x.rfft(0, Norm::Backward).unwrap().complex_mul(&y.rfft(0, Norm::Backward).unwrap()).unwrap();
        let (a, b): (Vec<f64>, Vec<f64>) = (x.to_vec().unwrap(), y.to_vec().unwrap());
        let direct = |k: usize| (0..n).map(|j| a[j] * b[(n + k - j) % n]).sum::<f64>();
        let direct = Tensor::from_vec((0..n).map(direct).collect::<Vec<_>>(), [n]).unwrap();
        close(&product.irfft(0, n, Norm::Backward).unwrap(), &direct);
    }

    #[test]
    fn lines_layouts_and_dtypes_do_not_matter(n in 1usize..40, seed: u64) {
        let z = random(&[4, n, 2], seed);
        let all = z.fft(1, Norm::Ortho).unwrap();
        for i in 0..4 {
            let one = z.select_axis(0, i).unwrap().fft(0, Norm::Ortho).unwrap();
            prop_assert_eq!(all.select_axis(0, i).unwrap(), one);
        }
        let strided = z.permute([1, 0, 2]).unwrap();
        prop_assert_eq!(strided.fft(0, Norm::Ortho).unwrap(), all.permute([1, 0, 2]).unwrap());
        let x = z.select_axis(2, 0).unwrap();
        prop_assert_eq!(x.t().rfft(0, Norm::Ortho).unwrap(), x.rfft(1, Norm::Ortho).unwrap().permute([1, 0, 2]).unwrap());
        let narrow = z.cast(DType::F32).unwrap().fft(1, Norm::Ortho).unwrap();
        prop_assert_eq!(narrow.dtype(), DType::F32);
        prop_assert!(narrow.cast(DType::F64).unwrap().allclose(&all, 1e-5, 1e-5).unwrap());
    }
}

#[test]
fn long_and_awkward_lengths() -> Result<()> {
    // Powers of two, primes, and what has a large prime in it; more lengths than plans are kept.
    for n in (1..200).chain([1 << 14, 10_007, 2 * 5_003]) {
        let x = random(&[n], 3);
        close(&x.rfft(0, Norm::Ortho)?.irfft(0, n, Norm::Ortho)?, &x);
    }
    // A NaN stays in its line.
    let x = Tensor::from([[1.0, f64::NAN, 0.0], [1.0, 2.0, 3.0]]);
    let y = x.rfft(1, Norm::Backward)?;
    assert!(y.select_axis(0, 0)?.to_vec::<f64>()?.iter().any(|y| y.is_nan()));
    assert_eq!(y.select_axis(0, 1)?, Tensor::from([1.0, 2.0, 3.0]).rfft(0, Norm::Backward)?);
    Ok(())
}

#[test]
fn empty_axes() -> Result<()> {
    let none = Tensor::zeros([0, 4, 2], DType::F64)?;
    assert_eq!(none.fft(1, Norm::Ortho)?.shape()[..], [0, 4, 2]);
    assert_eq!(none.fft(.., Norm::Ortho)?.shape()[..], [0, 4, 2]);
    assert_eq!(none.irfft(1, 7, Norm::Ortho)?.shape()[..], [0, 7]);
    assert_eq!(Tensor::zeros([0, 4], DType::F64)?.rfft(1, Norm::Ortho)?.shape()[..], [0, 3, 2]);
    assert_eq!(Tensor::zeros([0], DType::F64)?.rfft(0, Norm::Ortho).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(fft_frequencies(0, 1.0)?.shape()[..], [0]);
    // No axes: nothing is done.
    let z = random(&[3, 2], 1);
    assert_eq!(z.fft([0isize; 0], Norm::Ortho)?, z);
    assert_eq!(random(&[2], 1).fft(.., Norm::Ortho)?, random(&[2], 1));
    Ok(())
}

#[test]
fn mistakes_are_sentences() {
    let z = random(&[4, 2], 1);
    let says = |error: wengert_tensor::Error, sentence: &str| assert_eq!(error.to_string(), sentence);
    says(z.fft(-1, Norm::Ortho).unwrap_err(), "fft: axis 1 of [4, 2] holds the pairs");
    says(
        random(&[4, 3], 1).ifft(0, Norm::Ortho).unwrap_err(),
        "ifft: [4, 3] are no complex numbers: the last axis is of size 2",
    );
    says(z.irfft(0, 5, Norm::Ortho).unwrap_err(), "irfft: 5 numbers have 3 frequencies, not those of axis 0 of [4, 2]");
    assert!(z.irfft(0, 0, Norm::Ortho).is_err() && z.irfft(0, usize::MAX, Norm::Ortho).is_err());
    says(Tensor::from([1i64, 2]).rfft(0, Norm::Ortho).unwrap_err(), "rfft: expected a float dtype, got i64");
    says(Tensor::from(1.0).rfft(.., Norm::Ortho).unwrap_err(), "rfft: no axis of [] to transform");
    assert!(z.fft([0, 0], Norm::Ortho).unwrap_err().to_string().contains("repeat an axis"));
    assert!(z.fft(7, Norm::Ortho).unwrap_err().to_string().starts_with("fft: axis 7 is out of range"));
    assert!(z.complex_mul(&random(&[3, 2], 1)).is_err() && random(&[3], 1).conjugate().is_err());
    assert!(fft_frequencies(4, 0.0).is_err() && fft_frequencies(4, f64::NAN).is_err());
    assert!(fft_frequencies(usize::MAX, 1.0).is_err());
}

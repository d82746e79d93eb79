//! The laws of differentiation, for every transform.
//!
//! - Derivatives in both modes agree with differences of values, and so do those of the pullback.
//! - The pullback is the adjoint: <ȳ, F x> = <F' ȳ, x>.
//! - A batch is a loop; a planned program gives the bits of one equation after another; the tape is well formed.

use wengert_autograd::transform::pullback;
use wengert_autograd::{Tape, Var, grad, gradcheck, gradgradcheck, jvp, vjp, vmap_axes};
use wengert_fft::{Fourier, Norm};
use wengert_tensor::{DType, Result, Rng, Tensor};

type Function = for<'t> fn(Var<'t>) -> Var<'t>;

/// A function with the shape of its operand.
const CASES: &[(&str, Function, &[usize])] = &[
    ("fft", |x| x.fft(0, Norm::Backward), &[5, 2]),
    ("fft of two axes", |x| x.fft([0, 1], Norm::Ortho), &[3, 4, 2]),
    ("fft of an inner axis", |x| x.fft(1, Norm::Forward), &[2, 3, 2, 2]),
    ("ifft", |x| x.ifft(-2, Norm::Backward), &[2, 3, 2]),
    ("rfft of an odd length", |x| x.rfft(-1, Norm::Backward), &[2, 5]),
    ("rfft of an even length", |x| x.rfft(0, Norm::Ortho), &[4, 3]),
    ("rfft of two axes", |x| x.rfft(.., Norm::Forward), &[3, 4]),
    ("rfft of one number", |x| x.rfft(0, Norm::Ortho), &[1]),
    ("irfft of an odd length", |x| x.irfft(-2, 5, Norm::Backward), &[2, 3, 2]),
    ("irfft of an even length", |x| x.irfft(0, 4, Norm::Forward), &[3, 2, 2]),
    ("irfft of two axes", |x| x.irfft(.., 4, Norm::Ortho), &[2, 3, 2]),
    ("power spectrum", |x| x.rfft(-1, Norm::Ortho).square().sum_axes(-1).ln_1p(), &[6]),
    (
        "autocorrelation",
        |x| {
            let z = x.rfft(-1, Norm::Backward);
            z.complex_mul(&z.conjugate()).irfft(-2, 6, Norm::Backward)
        },
        &[6],
    ),
    ("shifted", |x| x.complex().fft_shift(0).fft(0, Norm::Ortho).ifft_shift(0), &[5]),
];

fn random(shape: &[usize], seed: u64) -> Tensor {
    Tensor::randn(shape, DType::F64, &mut Rng::seed(seed)).unwrap()
}

#[track_caller]
fn close(a: &Tensor, b: &Tensor) {
    assert!(a.shape() == b.shape() && a.allclose(b, 1e-12, 1e-12).unwrap(), "{a}\nand\n{b}");
}

#[test]
fn derivatives_of_both_orders_agree_with_differences() {
    for &(name, f, shape) in CASES {
        let x = random(shape, 1);
        gradcheck(f, &x).unwrap_or_else(|error| panic!("{name}: {error}"));
        gradgradcheck(f, &x).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn pullbacks_of_linear_maps_are_adjoints_and_third_derivatives_agree() -> Result<()> {
    for &(_, f, shape) in &CASES[..11] {
        let (x, dx) = (random(shape, 1), random(shape, 2));
        let (y, dy) = jvp(f, &x, &dx)?;
        let ybar = random(y.shape(), 3);
        let (_, xbar) = vjp(f, &x, &ybar)?;
        let inner = |a: &Tensor, b: &Tensor| {
            let (a, b): (Vec<f64>, Vec<f64>) = (a.to_vec().unwrap(), b.to_vec().unwrap());
            a.iter().zip(&b).map(|(a, b)| a * b).sum::<f64>()
        };
        assert!((inner(&ybar, &dy) - inner(&xbar, &dx)).abs() < 1e-12);
        // The derivative of a linear map is the map.
        close(&dy, &{
            let tape = Tape::new();
            f(tape.input(&dx)).value()?
        });
    }
    // Σ |F x|⁴ by the definition, thrice.
    let third = |f: Function| {
        grad(
            |x| grad(|x| grad(|x| f(x).square().sum_axes(-1).square().sum(), x).square().sum(), x).sum(),
            &random(&[4], 5),
        )
    };
    fn by_matrix(x: Var<'_>) -> Var<'_> {
        let angle = |j: usize, k: usize| -std::f64::consts::TAU * (j * k) as f64 / 4.0;
        let numbers = (0..4).flat_map(|k| (0..2).flat_map(move |part| (0..4).map(move |j| (k, part, j))));
        let value = |(k, part, j)| if part == 0 { f64::cos(angle(j, k)) } else { f64::sin(angle(j, k)) };
        let matrix = Tensor::from_vec(numbers.map(value).collect::<Vec<f64>>(), [8, 4]).unwrap();
        x.tape().input(&matrix).matmul(x.unsqueeze(-1)).reshape([4, 2])
    }
    close(&third(|x| x.complex().fft(0, Norm::Backward))?, &third(by_matrix)?);
    Ok(())
}

#[test]
fn a_batch_is_a_loop_over_any_axis() -> Result<()> {
    for &(name, f, shape) in CASES {
        for axis in 0..=shape.len() as isize {
            let mut sizes = shape.to_vec();
            sizes.insert(axis as usize, 3);
            let x = random(&sizes, 7);
            let (ys, bars) =
                (vmap_axes(f, &x, Some(axis), 0)?, vmap_axes(|x| grad(|x| f(x).sin().sum(), x), &x, Some(axis), 0)?);
            for k in 0..3 {
                let one = x.select_axis(axis, k)?;
                let tape = Tape::new();
                let v = tape.input(&one);
                assert_eq!(ys.select_axis(0, k)?, f(v).value()?, "{name}");
                close(&bars.select_axis(0, k)?, &grad(|x| f(x).sin().sum(), &one)?);
            }
        }
    }
    Ok(())
}

#[test]
fn programs_give_the_bits_of_one_equation_after_another() -> Result<()> {
    for &(name, f, shape) in CASES {
        let answers = |planned: bool| -> Result<Vec<Tensor>> {
            let tape = Tape::new();
            let x = tape.input(&random(shape, 1));
            let y = f(x);
            let bars = pullback(&[y], &[Some(y)], &[x]);
            let wanted: Vec<Var<'_>> = [y].into_iter().chain(bars.into_iter().flatten()).collect();
            tape.check()?;
            if planned { tape.finish(&wanted) } else { tape.evaluate(&wanted) }
        };
        let one_by_one = answers(false)?;
        for _ in 0..2 {
            assert_eq!(answers(true)?, one_by_one, "{name}");
        }
    }
    Ok(())
}

#[test]
fn mistakes_name_the_line_and_gradients_reach_f32() -> Result<()> {
    let tape = Tape::new();
    let x = tape.input(&random(&[4, 3], 1));
    let error = x.fft(0, Norm::Ortho).value().unwrap_err();
    assert!(error.to_string().contains("laws.rs:"), "{error}");
    let narrow = random(&[6], 1).cast(DType::F32)?;
    let g = grad(|x| x.rfft(0, Norm::Ortho).square().sum(), &narrow)?;
    assert_eq!(g.dtype(), DType::F32);
    Ok(())
}

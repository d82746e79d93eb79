//! The laws of differentiation, for every function of [`LinearAlgebra`].
//!
//! - Derivatives in both modes agree with differences of values, and so do those of the pullback.
//! - A batch is a loop, whichever operands are batched.
//! - f32 agrees with f64 to the accuracy of f32.
//! - A planned program gives the bits of one equation after another, and is found again.
//! - The tape is well formed after all that.

use wengert_autograd::transform::{batched, pullback};
use wengert_autograd::{Tape, Var, gradcheck, gradgradcheck};
use wengert_linalg::{LinearAlgebra, MatrixNorm, Triangle};
use wengert_tensor::{DType, Result, Rng, Tensor};

/// A function with operands to check it at. Several results are one after another in one vector.
struct Case {
    name: &'static str,
    f: for<'t> fn(&[Var<'t>]) -> Var<'t>,
    x: Vec<Tensor>,
}

fn joined<'t, const N: usize>(parts: [Var<'t>; N]) -> Var<'t> {
    Var::concat(&parts.map(Var::flatten), 0)
}

fn cases() -> Vec<Case> {
    let square = Tensor::from([[2.0, -0.5, 0.25], [0.75, 1.5, -1.0], [-0.25, 0.5, 3.0]]);
    let two = Tensor::from([[[2.0, 0.5], [-1.0, 1.5]], [[0.25, -2.0], [1.0, 0.75]]]);
    let positive = Tensor::from([[4.0, 1.0, -0.5], [0.5, 3.0, 0.25], [-0.5, 0.75, 2.0]]);
    let tall = Tensor::from([[1.0, 2.0], [-0.5, 0.75], [3.0, -1.0]]);
    let wide = Tensor::from([[1.0, 2.0, -0.5], [0.75, -3.0, 1.0]]);
    let columns = Tensor::from([[1.0, -2.0], [0.5, 0.25], [-1.5, 3.0]]);
    let vector = Tensor::from([1.0, -2.0, 0.5]);
    let case = |name, f, x: &[&Tensor]| Case { name, f, x: x.iter().map(|&x| x.clone()).collect() };
    vec![
        case("cholesky", |v| v[0].cholesky(), &[&positive]),
        case("solve", |v| v[0].solve(&v[1]), &[&square, &columns]),
        case("solve a vector", |v| v[0].solve(&v[1]), &[&square, &vector]),
        case("solve a batch", |v| v[0].solve(&v[1]), &[&two, &tall.narrow(0, 0, 2).unwrap()]),
        case("solve transposed", |v| v[0].t().solve(&v[1]), &[&square, &columns]),
        case("lower", |v| v[0].solve_triangular(&v[1], Triangle::Lower), &[&square, &columns]),
        case("upper", |v| v[0].solve_triangular(&v[1], Triangle::Upper), &[&square, &vector]),
        case("unit lower", |v| v[0].solve_triangular(&v[1], Triangle::UnitLower), &[&square, &columns]),
        case("unit upper", |v| v[0].solve_triangular(&v[1], Triangle::UnitUpper), &[&square, &columns]),
        case("inverse", |v| v[0].inverse(), &[&square]),
        case("det", |v| v[0].det(), &[&two]),
        case("det of 3", |v| v[0].det(), &[&square]),
        case("slogdet", |v| v[0].slogdet().1, &[&two]),
        case("logdet", |v| v[0].logdet(), &[&square]),
        case("qr", |v| joined(v[0].qr().into()), &[&square]),
        case("qr of a tall matrix", |v| joined(v[0].qr().into()), &[&tall]),
        case("qr of a wide matrix", |v| joined(v[0].qr().into()), &[&wide]),
        case("svd", |v| joined(v[0].svd().into()), &[&square]),
        case("svd of a tall matrix", |v| joined(v[0].svd().into()), &[&tall]),
        case("svd of a wide matrix", |v| joined(v[0].svd().into()), &[&wide]),
        case("singular values", |v| v[0].singular_values(), &[&two]),
        case("eigh", |v| joined(v[0].eigh().into()), &[&positive]),
        case("eigenvalues", |v| v[0].eigenvalues_symmetric(), &[&positive]),
        case("lstsq of a tall matrix", |v| v[0].lstsq(&v[1]), &[&tall, &columns]),
        case("lstsq of a wide matrix", |v| v[0].lstsq(&v[1]), &[&wide, &vector.narrow(0, 0, 2).unwrap()]),
        case("pinv", |v| v[0].pinv(), &[&tall]),
        case("cube", |v| v[0].matrix_power(3), &[&square]),
        case("inverse square", |v| v[0].matrix_power(-2), &[&two]),
        case("nuclear norm", |v| v[0].matrix_norm(MatrixNorm::Nuclear), &[&tall]),
        case("spectral norm", |v| v[0].matrix_norm(MatrixNorm::Spectral), &[&wide]),
        case("norm of other axes", |v| v[0].matrix_norm_axes(MatrixNorm::LargestColumn, [2, 0]), &[&two]),
        case("row norm", |v| v[0].matrix_norm(MatrixNorm::LargestRow), &[&square]),
    ]
}

fn for_every_case(law: impl Fn(&Case) -> Result<()>) {
    for case in cases() {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| law(&case)));
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(error)) => panic!("{}: {error}", case.name),
            Err(_) => panic!("{}: see above", case.name),
        }
    }
}

fn inputs<'t>(tape: &'t Tape, x: &[Tensor]) -> Vec<Var<'t>> {
    x.iter().map(|x| tape.input(x)).collect()
}

type Function<'f> = &'f dyn for<'t> Fn(&[Var<'t>]) -> Var<'t>;

fn value(f: Function, x: &[Tensor]) -> Result<Tensor> {
    let tape = Tape::new();
    f(&inputs(&tape, x)).value()
}

fn assert_close(what: &str, a: &Tensor, b: &Tensor, tolerance: f64) {
    assert_eq!((a.dtype(), a.shape()), (b.dtype(), b.shape()), "{what}: types");
    assert!(a.allclose(b, tolerance, tolerance).unwrap(), "{what}:\n{a}\nand\n{b}\ndiffer");
}

#[test]
fn derivatives_agree_with_differences() {
    for_every_case(|Case { f, x, .. }| match &x[..] {
        [x] => gradcheck(|x| f(&[x]), x).map(|_| ()),
        [x, y] => gradcheck(|[x, y]| f(&[x, y]), [x, y]).map(|_| ()),
        _ => unreachable!("cases have one operand or two"),
    });
}

#[test]
fn second_derivatives_agree_with_differences() {
    for_every_case(|Case { f, x, .. }| match &x[..] {
        [x] => gradgradcheck(|x| f(&[x]), x).map(|_| ()),
        [x, y] => gradgradcheck(|[x, y]| f(&[x, y]), [x, y]).map(|_| ()),
        _ => unreachable!("cases have one operand or two"),
    });
}

#[test]
fn a_batch_is_a_loop() {
    for_every_case(|case| {
        for subset in 1..1usize << case.x.len() {
            for n in [0, 1, 3] {
                check_batch(case, subset, n)?;
            }
        }
        Ok(())
    });
}

/// Checks a batch of `n` over the operands whose bits are set in `subset`.
fn check_batch(case: &Case, subset: usize, n: usize) -> Result<()> {
    let copies = |i: usize| -> Result<Tensor> {
        let like = case.x[i].broadcast_to(case.x[i].shape().with_axis(0, n))?;
        let noise = Tensor::uniform(like.shape(), -1e-2, 1e-2, DType::F64, &mut Rng::seed(i as u64))?;
        value(&|v| v[0] + v[1], &[like, noise])
    };
    let chosen: Vec<usize> = (0..case.x.len()).filter(|i| subset >> i & 1 == 1).collect();
    let arguments: Vec<Tensor> = chosen.iter().map(|&i| copies(i)).collect::<Result<_>>()?;
    let tape = Tape::new();
    let vars = inputs(&tape, &case.x);
    let y = (case.f)(&vars);
    let xs: Vec<Var<'_>> = chosen.iter().map(|&i| vars[i]).collect();
    let together = batched(&[y], &xs, &inputs(&tape, &arguments), n)[0].value()?;
    assert_eq!(together.shape(), &y.shape().with_axis(0, n));
    for k in 0..n as isize {
        let mut one = case.x.to_vec();
        for (&i, argument) in chosen.iter().zip(&arguments) {
            one[i] = argument.select_axis(0, k)?;
        }
        assert_close("a batch and a loop", &together.select_axis(0, k)?, &value(&case.f, &one)?, 1e-12);
    }
    tape.check()
}

#[test]
fn f32_agrees_with_f64() {
    let answers = |case: &Case, x: &[Tensor]| -> Result<Vec<Tensor>> {
        let tape = Tape::new();
        let vars = inputs(&tape, x);
        let y = (case.f)(&vars);
        let bars = pullback(&[y], &[Some(y)], &vars);
        tape.evaluate(&[y].into_iter().chain(bars.into_iter().flatten()).collect::<Vec<_>>())
    };
    for_every_case(|case| {
        let narrow: Vec<Tensor> = case.x.iter().map(|x| x.cast(DType::F32)).collect::<Result<_>>()?;
        for (a, b) in answers(case, &narrow)?.iter().zip(&answers(case, &case.x)?) {
            assert_eq!(a.dtype(), DType::F32);
            assert_close("f32 and f64", &a.cast(DType::F64)?, b, 1e-4);
        }
        Ok(())
    });
}

#[test]
fn a_program_gives_the_bits_of_one_equation_after_another() {
    for_every_case(|case| {
        let answers = |planned: bool| -> Result<Vec<Tensor>> {
            let tape = Tape::new();
            let vars = inputs(&tape, &case.x);
            let y = (case.f)(&vars);
            let mut wanted = vec![y];
            wanted.extend(pullback(&[y], &[Some(y)], &vars).into_iter().flatten());
            if planned { tape.finish(&wanted) } else { tape.evaluate(&wanted) }
        };
        let one_by_one = answers(false)?;
        for _ in 0..2 {
            assert_eq!(answers(true)?, one_by_one);
        }
        Ok(())
    });
}

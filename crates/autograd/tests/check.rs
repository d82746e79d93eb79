//! The gradient checker finds what is wrong, says where, and is not misled by what is right.

use wengert_autograd::check::differences;
use wengert_autograd::{Var, custom_vjp, gradcheck, gradgradcheck};
use wengert_tensor::{DType, ErrorKind, Result, Rng, Tensor};

/// x², with one element's derivative wrong by a part.
fn wrong_at(x: Var<'_>, place: usize, part: f64) -> Var<'_> {
    custom_vjp(
        |[x]| x * x,
        move |[x], _, ybar| {
            let mut factors = vec![2.0; x.shape().numel()];
            factors[place] *= 1.0 + part;
            let factors = Tensor::from_vec(factors, x.shape()).and_then(|t| t.cast(x.dtype()));
            [factors.ok().map(|factors| ybar * x * x.tape().input(&factors))]
        },
        [x],
    )
}

#[test]
fn right_derivatives_pass_at_every_scale_and_dtype() -> Result<()> {
    for scale in [1e-6, 1.0, 1e6] {
        let x = Tensor::randn([3, 2], DType::F64, &mut Rng::seed(1))?;
        let report = gradcheck(|x| (x * scale).sin().matmul(x.t()) / scale, &x);
        // Too fast an oscillation has no differences; all else must pass.
        assert!(scale > 1.0 || report?.compared == 7);
        gradcheck(|x| (x * x * x).sum() * scale, &x)?;
        gradgradcheck(|x| x.exp().sum_axes(0) * scale, &x)?;
    }
    let narrow = Tensor::randn([4, 3], DType::F32, &mut Rng::seed(2))?;
    gradcheck(|x| x.softmax(-1).matmul(x.t()), &narrow)?;
    gradgradcheck(|x| x.tanh().matmul(x.t()), &narrow)?;
    // Short of a pole, and at a point that most first steps leave the domain from.
    gradcheck(|x| x.ln() + x.sqrt(), &Tensor::from([1e-2, 0.5]))?;
    Ok(())
}

#[test]
fn arguments_that_are_no_floats_empty_ones_and_single_numbers() -> Result<()> {
    let (x, rows) = (Tensor::from([[1.0, 2.0], [3.0, 4.0]]), Tensor::from([1i64, 0, 1]));
    gradcheck(|[x, i]| x.index_select(0, i).sin(), [&x, &rows])?;
    gradgradcheck(|[x, i]| x.index_select(0, i).sin(), [&x, &rows])?;
    gradcheck(|x| x.exp(), &Tensor::zeros([0, 3], DType::F64)?)?;
    gradcheck(|x| x.exp(), &Tensor::from(0.5))?;
    let error = gradcheck(|x| x.greater(0.0), &x).unwrap_err();
    assert_eq!(error.sentence(), "gradcheck: a result of bool[2, 2] has no derivative");
    Ok(())
}

#[test]
fn the_wrong_element_is_named() -> Result<()> {
    let x = Tensor::from([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]]);
    let error = gradcheck(|[a, x]| a.sum() * wrong_at(x, 4, 1e-4), [&x, &x]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gradient);
    assert!(error.sentence().starts_with("gradcheck: element [1, 1] of argument 1: the derivative is "), "{error}");
    assert!(error.to_string().contains("check.rs:"), "{error}");

    // One of 10,000, found along random directions by halving.
    let big = Tensor::randn([100, 100], DType::F64, &mut Rng::seed(3))?;
    let error = gradcheck(|x| wrong_at(x, 1234, 0.5), &big).unwrap_err();
    assert!(error.sentence().contains("element [12, 34] of argument 0"), "{error}");
    let narrow = big.cast(DType::F32)?;
    assert!(gradcheck(|x| wrong_at(x, 0, 0.0), &narrow)?.compared == 7);
    Ok(())
}

#[test]
fn what_is_lost_or_not_a_number_is_found() {
    let x = Tensor::from([1.0, 2.0]);
    assert!(gradcheck(|x| x.detach().sin(), &x).is_err());
    assert!(gradcheck(|x| x / (x - x), &x).is_err());
    // First derivatives right, second lost.
    fn f(x: Var<'_>) -> Var<'_> {
        custom_vjp(|[x]| x * x, |[x], _, ybar| [Some(2.0 * ybar * x.detach())], [x])
    }
    assert!(gradcheck(f, &x).is_ok());
    let error = gradgradcheck(f, &x).unwrap_err();
    assert!(error.sentence().contains("of argument 0"), "{error}");
}

#[test]
fn differences_have_nearly_all_digits() -> Result<()> {
    let (x, one) = (Tensor::from(0.7), Tensor::from(1.0));
    type Known = (fn(Var) -> Var, f64);
    let functions: [Known; 4] = [
        (|v| v.exp(), 0.7f64.exp()),
        (|v| (v * 10.0).sin(), 10.0 * 7f64.cos()),
        (|v| v.powf(-3.0), -3.0 * 0.7f64.powi(-4)),
        (|v| v * 2.0, 2.0),
    ];
    for (f, derivative) in functions {
        let measured = differences(&|v| f(v[0]), std::slice::from_ref(&x), std::slice::from_ref(&one))?;
        let off = (measured.derivative[0] - derivative).abs();
        assert!(off <= 1e-11 * derivative.abs() && off <= 1e3 * measured.error.max(1e-15), "{measured:?} {derivative}");
    }
    Ok(())
}

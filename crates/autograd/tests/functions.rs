//! The functions composed of operations, by the laws they obey and by closed forms, most of all
//! where the obvious formula fails: at kinks and zeros, near cancellation, at infinity.

use std::f64::consts::PI;

use proptest::prelude::*;
use wengert_autograd::{Tape, Var, grad, hessian, jvp, value_and_grad, vmap};
use wengert_tensor::{DType, ErrorKind, Result, Rng, Tensor};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

/// A function's value at a tensor.
fn value(f: impl for<'t> Fn(Var<'t>) -> Var<'t>, x: &Tensor) -> Result<Tensor> {
    let tape = Tape::new();
    f(tape.input(x)).value()
}

/// The derivatives of an elementwise function up to the second, at each of `x`.
fn derivatives<const N: usize>(f: impl for<'t> Fn(Var<'t>) -> Var<'t>, x: [f64; N]) -> Result<[Vec<f64>; 3]> {
    let tape = Tape::new();
    let x = tape.input(&Tensor::from(x));
    let y = f(x);
    let dy = y.sum().grad(x);
    let d2y = wengert_autograd::transform::pullback(&[dy], &[Some(dy.full_like(1.0))], &[x])[0];
    let d2y = d2y.unwrap_or(x.full_like(0.0));
    Ok([y.value()?.to_vec()?, dy.value()?.to_vec()?, d2y.value()?.to_vec()?])
}

#[track_caller]
fn assert_close(a: &Tensor, b: &Tensor, relative: f64) {
    assert_eq!((a.dtype(), a.shape()), (b.dtype(), b.shape()));
    assert!(a.allclose(b, relative, 0.0).unwrap(), "{a}\nand\n{b}\ndiffer");
}

#[track_caller]
fn assert_near(a: f64, b: f64, relative: f64) {
    assert!((a - b).abs() <= relative * b.abs(), "{a} and {b} differ");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn softmax_is_a_distribution(rows in 0usize..4, n in 1usize..6, seed in 0u64..1000, axis in 0isize..2) {
        let mut rng = Rng::seed(seed);
        let x = Tensor::randn([rows, n], DType::F64, &mut rng).unwrap();
        let dx = Tensor::randn([rows, n], DType::F64, &mut rng).unwrap();
        let (p, dp) = jvp(|x| x.softmax(axis), &x, &dx).unwrap();
        let (total, change) = (p.sum_axes(axis).unwrap(), dp.sum_axes(axis).unwrap());
        let n = if axis == 0 { rows } else { n };
        prop_assert!(n == 0 || total.iter::<f64>().unwrap().all(|t| (t - 1.0).abs() < 1e-14));
        prop_assert!(change.iter::<f64>().unwrap().all(|t| t.abs() < 1e-14));
        let log = value(|x| x.log_softmax(axis).exp(), &x).unwrap();
        prop_assert!(log.allclose(&p, 1e-14, 0.0).unwrap());
    }

    #[test]
    fn logsumexp_moves_with_its_operand(n in 1usize..6, seed in 0u64..1000, shift in -800.0..800.0f64) {
        let x = Tensor::randn([3, n], DType::F64, &mut Rng::seed(seed)).unwrap();
        let here = value(|x| x.logsumexp(1) + shift, &x).unwrap();
        let there = value(|x| (x + shift).logsumexp(1), &x).unwrap();
        prop_assert!(here.allclose(&there, 1e-12, 1e-12).unwrap());
        // The gradient is the softmax.
        let g = grad(|x| x.logsumexp(1).sum(), &x).unwrap();
        prop_assert!(g.allclose(&value(|x| x.softmax(1), &x).unwrap(), 1e-13, 0.0).unwrap());
    }

    #[test]
    fn running_results_end_in_the_whole(n in 1usize..9, seed in 0u64..1000) {
        let x = Tensor::randn([2, n, 2], DType::F64, &mut Rng::seed(seed)).unwrap();
        let same = |running: for<'t> fn(Var<'t>) -> Var<'t>, whole: for<'t> fn(Var<'t>) -> Var<'t>| {
            let last = value(|x| running(x).select_axis(1, -1), &x).unwrap();
            last.allclose(&value(whole, &x).unwrap(), 1e-12, 1e-13).unwrap()
        };
        prop_assert!(same(|x| x.cumsum(1), |x| x.sum_axes(1)));
        prop_assert!(same(|x| x.cumprod(1), |x| x.prod_axes(1)));
        prop_assert!(same(|x| x.logcumsumexp(1), |x| x.logsumexp(1)));
        prop_assert!(same(|x| x.cummax(1), |x| x.max_axes(1)));
        prop_assert!(same(|x| x.cummin(1), |x| x.min_axes(1)));
    }

    #[test]
    fn sorting_is_a_permutation_in_order(n in 1usize..9, seed in 0u64..1000, descending: bool) {
        let x = Tensor::randn([n], DType::F64, &mut Rng::seed(seed)).unwrap();
        let sorted = value(|x| x.sort(0, descending), &x).unwrap().to_vec::<f64>().unwrap();
        prop_assert!(if descending { sorted.is_sorted_by(|a, b| a >= b) } else { sorted.is_sorted() }, "{:?}", sorted);
        // Each element gets the weight of its rank: the weights of all are those of all ranks.
        let g = grad(|x| (x.sort(0, descending) * x.sort(0, descending).detach()).sum(), &x).unwrap();
        prop_assert_eq!(&g, &x);
        let top = value(|x| x.topk(n, 0, descending).0, &x).unwrap();
        let at = value(|x| x.topk(n, 0, descending).1, &x).unwrap();
        prop_assert_eq!(top.to_vec::<f64>().unwrap(), sorted);
        prop_assert_eq!(x.gather(0, &at).unwrap(), top);
    }
}

#[test]
fn products_are_right_through_zeros_to_second_order() -> Result<()> {
    for x in [[2.0, 3.0, -1.0, 0.5, 5.0], [2.0, 0.0, -1.0, 0.5, 5.0], [2.0, 0.0, -1.0, 0.0, 5.0], [0.0; 5]] {
        let without = |skip: &[usize]| (0..5).filter(|i| !skip.contains(i)).map(|i| x[i]).product::<f64>();
        let first: [f64; 5] = std::array::from_fn(|i| without(&[i]));
        let second: [[f64; 5]; 5] =
            std::array::from_fn(|i| std::array::from_fn(|j| if i == j { 0.0 } else { without(&[i, j]) }));
        let at = Tensor::from(x);
        let (y, g) = value_and_grad(|x| x.prod(), &at)?;
        assert_eq!(y.item()?, without(&[]));
        assert_close(&g, &Tensor::from(first), 1e-15);
        assert_close(&hessian(|x| x.prod(), &at)?, &Tensor::from(second), 1e-15);
        // The last of the running products is the product.
        assert_close(&hessian(|x| x.cumprod(0).select_axis(0, -1), &at)?, &Tensor::from(second), 1e-15);
    }
    Ok(())
}

#[test]
fn products_over_axes_agree_with_the_kernel() -> Result<()> {
    let x = Tensor::randn([3, 2, 5], DType::F64, &mut Rng::seed(3))?;
    let axes: [&[usize]; 6] = [&[], &[0], &[1], &[2], &[0, 2], &[0, 1, 2]];
    for axes in axes {
        assert_close(&value(|x| x.prod_axes(axes), &x)?, &x.prod_axes(axes)?, 1e-14);
        assert_eq!(value(|x| x.prod_keep(axes), &x)?.shape(), x.prod_keep(axes)?.shape());
    }
    let none = Tensor::zeros([2, 0], DType::F32)?;
    assert_eq!(value(|x| x.prod_axes(1), &none)?, Tensor::from([1f32, 1.0]));
    Ok(())
}

#[test]
fn gelu_keeps_its_digits_where_it_is_small() -> Result<()> {
    // x Φ(x) and its derivative, rounded from 20 digits.
    let x = [-5.0, -4.75, -6.0, -10.0, -0.5];
    let [y, dy, _] = derivatives(|x| x.gelu(), x)?;
    let expected = [
        (-1.4332578593959695e-06, -7.146946001792295e-06),
        (-4.83114540220134e-06, -2.2873076378245413e-05),
        (-5.9195258702261885e-09, -3.5468709453902015e-08),
        (-7.619853024160526e-23, -7.618400096464814e-22),
        (-0.15426876936299344, 0.13250487534383715),
    ];
    for (i, (expected, slope)) in expected.into_iter().enumerate() {
        // Rounding x by ε changes Φ(x) by x² ε: no formula can do better.
        let tolerance = (4.0 + x[i] * x[i]) * f64::EPSILON;
        assert_near(y[i], expected, tolerance);
        assert_near(dy[i], slope, 2.0 * tolerance);
    }
    Ok(())
}

#[test]
fn powers_are_right_at_zero_and_for_negative_bases() -> Result<()> {
    for (n, second) in [(0, 0.0), (1, 0.0), (2, 2.0), (3, 0.0)] {
        let first = if n == 1 { 1.0 } else { 0.0 };
        let zeroth = if n == 0 { 1.0 } else { 0.0 };
        let [y, dy, d2y] = derivatives(|x| x.pow(n as f64), [0.0])?;
        assert_eq!((y[0], dy[0], d2y[0]), (zeroth, first, second), "0 to the power {n}");
    }
    for n in [-2, -1, 2, 3] {
        let f = n as f64;
        for p in [derivatives(|x| x.pow(f), [-1.5])?, derivatives(|x| x.powi(n), [-1.5])?] {
            assert_near(p[0][0], (-1.5f64).powi(n), 1e-15);
            assert_near(p[1][0], f * (-1.5f64).powi(n - 1), 1e-15);
            assert_near(p[2][0], f * (f - 1.0) * (-1.5f64).powi(n - 2), 1e-15);
        }
    }
    // By the exponent: 0 where the base is 0, and the mixed derivative 1 / x at y = 0.
    let [dx, dy] = grad(|[x, y]| x.pow(y).sum(), [&Tensor::from([0.0, 0.0]), &Tensor::from([0.0, 2.0])])?;
    assert_eq!((dx, dy), (Tensor::from([0.0, 0.0]), Tensor::from([0.0, 0.0])));
    let [[_, dxdy], _] = hessian(|[x, y]| x.pow(y), [&Tensor::from(4.0), &Tensor::from(0.0)])?;
    assert_near(dxdy.item()?, 0.25, 1e-15);
    Ok(())
}

#[test]
fn norms_have_a_gradient_of_zero_at_zero() -> Result<()> {
    let zero = Tensor::from([0.0, 0.0]);
    for p in [1.0, 1.5, 2.0, 3.0, INF] {
        let (y, g) = value_and_grad(|x| x.norm(p), &zero)?;
        assert_eq!((y.item()?, g), (0.0, zero.clone()), "p = {p}");
    }
    assert_eq!(grad(|x| x.std(1), &Tensor::from([2.0, 2.0]))?, zero);
    assert_eq!(grad(|[x, y]| x.hypot(y), [&Tensor::from(0.0), &Tensor::from(0.0)])?[0], Tensor::from(0.0));
    let x = Tensor::from([3.0, 0.0, -4.0]);
    let norms = [(0.0, 2.0), (1.0, 7.0), (2.0, 5.0), (3.0, 91f64.cbrt()), (INF, 4.0), (-INF, 0.0)];
    for (p, expected) in norms {
        assert_near(value(|x| x.norm(p), &x)?.item()?, expected, 1e-15);
    }
    let unit = value(|x| x.normalize(2.0, 0, 1e-12), &x)?;
    assert_close(&unit, &Tensor::from([0.6, 0.0, -0.8]), 1e-15);
    Ok(())
}

#[test]
fn kinks_have_the_derivatives_they_are_said_to_have() -> Result<()> {
    let slope = |f: for<'t> fn(Var<'t>) -> Var<'t>, x: f64| -> Result<f64> {
        let [_, dy, d2y] = derivatives(f, [x])?;
        assert_eq!(d2y[0], 0.0);
        Ok(dy[0])
    };
    assert_eq!(slope(|x| x.relu(), 0.0)?, 0.0);
    assert_eq!(slope(|x| x.abs(), 0.0)?, 0.0);
    assert_eq!(slope(|x| x.maximum(0.0), 0.0)?, 0.5);
    assert_eq!(slope(|x| x.minimum(0.0), 0.0)?, 0.5);
    assert_eq!(slope(|x| x.clamp(-1.0, 1.0), 1.0)?, 1.0);
    assert_eq!(slope(|x| x.hardtanh(-1.0, 1.0), 1.0)?, 0.0);
    assert_eq!(slope(|x| x.leaky_relu(0.25), 0.0)?, 0.25);
    assert_eq!(slope(|x| x.softshrink(0.5), 0.5)?, 0.0);
    let x = Tensor::from([[2.0, 1.0, 2.0]]);
    assert_eq!(grad(|x| x.max(), &x)?, Tensor::from([[0.5, 0.0, 0.5]]));
    assert_eq!(grad(|x| x.max_with_index(1).0.sum(), &x)?, Tensor::from([[1.0, 0.0, 0.0]]));
    Ok(())
}

#[test]
fn stable_logarithms_survive_infinities() -> Result<()> {
    let x = Tensor::from([[-INF, -INF], [INF, 0.0], [-INF, 3.0], [1000.0, 1000.0]]);
    let expected = Tensor::from([-INF, INF, 3.0, 1000.0 + 2f64.ln()]);
    assert_eq!(value(|x| x.logsumexp(1), &x)?, expected);
    assert_eq!(value(|x| x.select_axis(1, 0).logaddexp(x.select_axis(1, 1)), &x)?, expected);
    let soft = value(|x| x.softmax(1), &x)?.to_vec::<f64>()?;
    assert!(soft[..3].iter().all(|p| p.is_nan()) && soft[4..] == [0.0, 1.0, 0.5, 0.5]);
    assert_eq!(value(|x| x.logsumexp(1), &Tensor::zeros([2, 0], DType::F64)?)?, Tensor::from([-INF, -INF]));
    // Halves of a tie, to second order: the softmax of equals and its derivative.
    let h = hessian(|[x, y]| x.logaddexp(y), [&Tensor::from(7.0), &Tensor::from(7.0)])?;
    let h: Vec<f64> = h.iter().flatten().map(|h| h.item()).collect::<Result<_>>()?;
    assert_eq!(h, [0.25, -0.25, -0.25, 0.25]);
    let g = grad(|x| x.logaddexp(0.0).sum(), &Tensor::from([-INF, INF, 800.0]))?;
    assert_eq!(g, Tensor::from([0.0, 1.0, 1.0]));
    Ok(())
}

#[test]
fn functions_are_smooth_where_their_formula_is_not() -> Result<()> {
    let [y, dy, d2y] = derivatives(|x| x.sinc(), [0.0, 1.0 / PI, 0.5, 3.0])?;
    assert_eq!((y[0], dy[0]), (1.0, 0.0));
    assert_near(d2y[0], -PI * PI / 3.0, 1e-15);
    assert_near(y[1], 1f64.sin(), 1e-15);
    assert_near(y[2], 2.0 / PI, 1e-15);
    assert_near(dy[2], -4.0 / PI, 1e-14);
    let [y, dy, _] = derivatives(|x| x.xlogy(0.0), [0.0])?;
    assert_eq!((y[0], dy[0]), (0.0, 0.0));
    assert!(value(|x| (x * 0.0).xlogy(x), &Tensor::from([NAN]))?.item()?.is_nan());
    let x = Tensor::from([-700.0, -3.0, 0.0, 3.0, 8.0]);
    assert_close(&value(|x| x.sigmoid().logit(), &x)?, &x, 1e-12);
    assert_close(&value(|x| x.logsigmoid().exp(), &x)?, &value(|x| x.sigmoid(), &x)?, 1e-13);
    Ok(())
}

#[test]
fn what_is_not_a_number_stays_so() -> Result<()> {
    let nan = Tensor::from([NAN, NAN]);
    let functions: [for<'t> fn(Var<'t>) -> Var<'t>; 12] = [
        |x| x.relu(),
        |x| x.elu(1.0),
        |x| x.hardswish(),
        |x| x.hardshrink(0.5),
        |x| x.softshrink(0.5),
        |x| x.clamp(0.0, 1.0),
        |x| x.softplus(),
        |x| x.logsumexp(0),
        |x| x.norm(2.0),
        |x| x.max(),
        |x| x.median(),
        |x| x.softmax(0),
    ];
    for f in functions {
        assert!(value(f, &nan)?.iter::<f64>()?.all(f64::is_nan));
    }
    let x = Tensor::from([NAN, INF, -INF, 1.5]);
    assert_eq!(value(|x| x.nan_to_num(0.0, 9.0, -9.0), &x)?, Tensor::from([0.0, 9.0, -9.0, 1.5]));
    assert_eq!(value(|x| x.fmax(1.0), &x)?, Tensor::from([1.0, INF, 1.0, 1.5]));
    Ok(())
}

#[test]
fn normalizing_brings_mean_and_variance_to_zero_and_one() -> Result<()> {
    let x = Tensor::randn([4, 3, 5], DType::F64, &mut Rng::seed(5))?;
    let y = value(|x| (3.0 * x + 7.0).layer_norm([1, 2], None, None, 0.0), &x)?;
    assert!(y.mean_axes([1, 2])?.iter::<f64>()?.all(|m| m.abs() < 1e-14));
    assert_close(&y.var_axes([1, 2], 0)?, &Tensor::ones([4], DType::F64)?, 1e-13);
    let z = value(|x| x.rms_norm(-1, None, 0.0).square().mean_axes(-1), &x)?;
    assert_close(&z, &Tensor::ones([4, 3], DType::F64)?, 1e-14);
    let x = Tensor::from([[3.0, 0.0], [1.0, 1.0]]);
    let y = Tensor::from([[0.0, -2.0], [-4.0, -4.0]]);
    let cosine = value(|x| x.cosine_similarity(x.tape().input(&y), 1, 1e-8), &x)?;
    assert!(cosine.allclose(&Tensor::from([0.0, -1.0]), 1e-15, 1e-15)?);
    // A shift of the operand moves nothing: the gradient along it is 0.
    let g = grad(|x| (x.layer_norm(-1, None, None, 1e-5) * x.detach().sin()).sum(), &x)?;
    assert!(g.sum_axes(-1)?.iter::<f64>()?.all(|s| s.abs() < 1e-13));
    Ok(())
}

#[test]
fn a_batch_of_a_function_is_a_loop() -> Result<()> {
    let x = Tensor::randn([3, 4, 5], DType::F64, &mut Rng::seed(7))?;
    type Function = for<'t> fn(Var<'t>) -> Var<'t>;
    let functions: [Function; 9] = [
        |x| x.softmax(0),
        |x| x.logsumexp(-1),
        |x| x.layer_norm(-1, None, None, 1e-5),
        |x| x.prod_axes([0, 1]),
        |x| x.cumprod(1),
        |x| x.sort(-1, true),
        |x| x.topk(2, 0, true).0,
        |x| x.median(),
        |x| grad(|x| x.norm(3.0) + x.var(1), x),
    ];
    for f in functions {
        let rows: Vec<Tensor> = (0..3).map(|i| value(f, &x.select_axis(0, i)?)).collect::<Result<_>>()?;
        let rows = Tensor::stack(&rows.iter().collect::<Vec<_>>(), 0)?;
        assert!(vmap(f, &x)?.allclose(&rows, 1e-13, 1e-15)?);
    }
    Ok(())
}

#[test]
fn statistics_agree_with_the_tensors_own() -> Result<()> {
    let x = Tensor::randn([4, 3, 5], DType::F64, &mut Rng::seed(6))?;
    assert_close(&value(|x| x.mean_keep([0, -1]), &x)?, &x.mean_keep([0, -1])?, 1e-14);
    for correction in [0.0, 1.0, 2.0, 0.5, -2.5, 3.0] {
        assert_close(&value(|x| x.var_axes(1, correction), &x)?, &x.var_axes(1, correction)?, 1e-14);
        assert_close(&value(|x| x.std(correction), &x)?, &x.std(correction)?, 1e-14);
    }
    // PyTorch's numbers; the correction may be a fraction, or negative.
    let x = Tensor::from([[1.0, 2.0, -0.5, 3.0], [0.25, -3.0, 4.0, 1.0]]);
    let expected = Tensor::from([1.0288461538461537, 3.814903846153846]);
    assert_close(&value(|x| x.var_axes(1, -2.5), &x)?, &expected, 1e-15);
    assert_close(&value(|x| x.std_axes(1, 0.5), &x)?, &Tensor::from([1.3822858914545448, 2.6617327868460854]), 1e-15);
    assert_eq!(value(|x| x.var_axes(1, 4), &x)?, Tensor::from([f64::INFINITY; 2]));
    // Covariances have the variances on their diagonal; of the scaled variables they are correlations.
    for correction in [0.0, 1.0, 0.5] {
        let cov = |x: &Tensor| value(|x| x.cov(correction), x);
        assert_close(&value(|x| x.cov(correction).diagonal(0), &x)?, &x.var_axes(1, correction)?, 1e-14);
        let scaled = x.div(&x.std_keep(1, correction)?)?;
        assert_close(&cov(&scaled)?, &value(|x| x.corrcoef(), &x)?, 1e-14);
        let one = x.select_axis(0, 1)?;
        assert_close(&cov(&one)?, &one.var(correction)?, 1e-14);
    }
    assert_close(
        &value(|x| x.cov(1), &Tensor::stack(&[&x, &x], 0)?)?.select_axis(0, 1)?,
        &value(|x| x.cov(1), &x)?,
        0.0,
    );
    assert!(value(|x| x.corrcoef(), &Tensor::from([[1.0, 1.0], [2.0, 3.0]]))?.get::<f64>(&[0, 1])?.is_nan());
    assert!(value(|x| x.cov(1), &Tensor::from(1.0)).is_err());
    wengert_autograd::gradcheck(|x| x.cov(0.5), &x)?;
    wengert_autograd::gradgradcheck(|x| x.cov(1).tril(-1) + x.corrcoef().tril(-1), &x)?;
    assert!(value(|x| x.mean(), &Tensor::zeros([0], DType::F64)?)?.item()?.is_nan());
    let x = Tensor::from([[4.0, 1.0, 3.0, 2.0]]);
    assert_eq!(value(|x| x.median_axis(-1).0, &x)?, Tensor::from([2.0]));
    assert_eq!(value(|x| x.median_axis(-1).1, &x)?, Tensor::from([3i64]));
    Ok(())
}

#[test]
fn mistakes_are_sentences_with_the_callers_line() {
    type Mistake = for<'t> fn(Var<'t>) -> Var<'t>;
    let mistakes: [(Mistake, ErrorKind, &str); 11] = [
        (|x| x.softmax(2), ErrorKind::Index, "softmax: axis 2"),
        (|x| x.glu(1), ErrorKind::Shape, "glu: axis 1 of shape [1, 3]"),
        (|x| x.topk(4, 1, true).0, ErrorKind::Value, "topk: 4 elements of 3"),
        (|x| x.kthvalue(0, 1).1, ErrorKind::Value, "kthvalue: number 0 of 3"),
        (|x| x.logcumsumexp(-3), ErrorKind::Index, "logcumsumexp: axis -3"),
        (|x| x.mean_axes([0, 0]), ErrorKind::Index, "mean: axes [0, 0]"),
        (|x| x.where_(x, x), ErrorKind::DType, "where: the condition: dtypes f64 and bool"),
        (|x| x.argmax(0).exp(), ErrorKind::DType, "exp: takes a float dtype, got i64[3]"),
        (|x| x.logical_not(), ErrorKind::DType, "logical_not: takes dtype bool, got f64[1, 3]"),
        (|x| x.pow(x.argmax(0)), ErrorKind::DType, "pow: dtypes f64 and i64 differ"),
        (|x| x.narrow(1, 0, 0).max(), ErrorKind::Shape, "max: no elements along axes"),
    ];
    for (mistake, kind, sentence) in mistakes {
        let error = value(mistake, &Tensor::from([[1.0, 2.0, 3.0]])).unwrap_err();
        let text = error.to_string();
        assert_eq!(error.kind(), kind, "{text}");
        assert!(text.starts_with(sentence) && text.contains("functions.rs"), "{text}");
    }
}

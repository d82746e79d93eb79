//! Where engines go wrong: kinks, poles, ties, overflow, zeros among factors, what is not chosen.
//!
//! The numbers are those of mathematics where it has one, else of the convention that the function's documentation
//! states. PyTorch 2.15 and JAX were asked the same; a comment says where they differ.

use wengert_autograd::transform::pullback;
use wengert_autograd::{Tape, Var, grad, hessian, hvp, jacobian, jvp, linearize, vjp};
use wengert_tensor::{DType, Error, ErrorKind, Result, Tensor};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

type Unary = for<'t> fn(Var<'t>) -> Var<'t>;
type Binary = for<'t> fn(Var<'t>, Var<'t>) -> Var<'t>;

/// What a function of `N` vectors gives: its value, the gradient of its sum by each of them, and the
/// gradient of the sum of that. A symbolic zero is an empty list.
struct Orders<const N: usize> {
    y: Vec<f64>,
    first: [Vec<f64>; N],
    second: [Vec<f64>; N],
}

fn orders<const N: usize>(f: impl for<'t> Fn([Var<'t>; N]) -> Var<'t>, x: [&[f64]; N]) -> Orders<N> {
    let tape = Tape::new();
    let x = x.map(|x| tape.input(&Tensor::from(x)));
    let y = f(x);
    let first = pullback(&[y], &[Some(y.full_like(1.0))], &x);
    let sum = first.iter().flatten().map(|bar| bar.sum()).reduce(|a, b| a + b);
    let second = sum.map(|sum| pullback(&[sum], &[Some(sum.full_like(1.0))], &x)).unwrap_or_default();
    let list = |v: Option<&Var<'_>>| v.map_or_else(Vec::new, |v| v.value().unwrap().to_vec().unwrap());
    let lists = |order: &[Option<Var<'_>>]| std::array::from_fn(|i| list(order.get(i).and_then(Option::as_ref)));
    Orders { y: list(Some(&y)), first: lists(&first), second: lists(&second) }
}

/// Equal up to rounding; NaN is NaN.
#[track_caller]
fn same(a: &[f64], b: &[f64]) {
    let near = |(a, b): (&f64, &f64)| a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 4e-15 * b.abs();
    assert!(a.len() == b.len() && a.iter().zip(b).all(near), "{a:?}\nshould be {b:?}");
}

/// Checks a function of one vector: its value, first and second derivative.
#[track_caller]
fn check(f: impl for<'t> Fn(Var<'t>) -> Var<'t>, x: &[f64], y: &[f64], first: &[f64], second: &[f64]) {
    let found = orders(|[x]| f(x), [x]);
    same(&found.y, y);
    same(&found.first[0], first);
    same(&found.second[0], second);
}

#[test]
fn a_sign_made_by_division_is_undefined_at_zero_and_nowhere_else() {
    check(|x| x / x.abs(), &[-2.0, 0.0, 3.0], &[-1.0, NAN, 1.0], &[0.0, NAN, 0.0], &[0.0, NAN, 0.0]);
    // The operation has no derivative, which is its convention at 0 too.
    check(|x| x.sign(), &[-2.0, 0.0, 3.0], &[-1.0, 0.0, 1.0], &[], &[]);
}

#[test]
fn the_root_has_a_vertical_tangent_at_zero_and_norms_a_flat_one() {
    check(|x| x.sqrt(), &[0.0, 4.0], &[0.0, 2.0], &[INF, 0.25], &[-INF, -1.0 / 32.0]);
    check(|x| x.rsqrt(), &[0.0, 4.0], &[INF, 0.5], &[-INF, -1.0 / 16.0], &[INF, 3.0 / 128.0]);
    // JAX has NaN for these, PyTorch for their second derivatives.
    check(|x| x.norm(2.0), &[0.0, 0.0], &[0.0], &[0.0, 0.0], &[0.0, 0.0]);
    for p in [0.5, 1.5, 3.0] {
        check(|x| x.norm(p), &[0.0, 0.0], &[0.0], &[0.0, 0.0], &[0.0, 0.0]);
        let found = orders(|[x]| x.norm(p), [&[0.0, -2.0]]);
        same(&found.first[0], &[0.0, -1.0]);
        assert!(found.second[0].iter().all(|d| d.abs() < 1e-15), "{:?}", found.second);
    }
    check(|x| x.norm(1.0), &[0.0, -2.0], &[2.0], &[0.0, -1.0], &[]);
    check(|x| x.norm(INF), &[2.0, -2.0, 1.0], &[2.0], &[0.5, -0.5, 0.0], &[]);
    check(|x| x.std(1), &[2.0, 2.0], &[0.0], &[0.0, 0.0], &[0.0, 0.0]);
    check(|x| x.normalize(2.0, 0, 1e-12), &[0.0, 0.0], &[0.0, 0.0], &[1e12, 1e12], &[0.0, 0.0]);
    // The cone's tip and the angle's origin: the one is flat by convention, the other has no value to agree on.
    let tip = orders(|[x, y]| x.hypot(y), [&[0.0], &[0.0]]);
    assert_eq!((tip.y, tip.first, tip.second), (vec![0.0], [vec![0.0], vec![0.0]], [vec![0.0], vec![0.0]]));
    let origin = orders(|[y, x]| y.atan2(x), [&[0.0], &[0.0]]);
    same(&origin.y, &[0.0]);
    origin.first.iter().for_each(|bar| same(bar, &[NAN]));
}

#[test]
fn equals_share_the_derivative_of_an_extreme_and_the_first_takes_that_of_an_indexed_one() {
    check(|x| x.max(), &[1.0, 3.0, 3.0], &[3.0], &[0.0, 0.5, 0.5], &[]);
    check(|x| x.min(), &[1.0, 1.0, 1.0, 1.0], &[1.0], &[0.25; 4], &[]);
    check(|x| x.max(), &[1.0, INF, INF], &[INF], &[0.0, 0.5, 0.5], &[]);
    check(|x| x.max(), &[1.0, NAN, 3.0], &[NAN], &[NAN; 3], &[]);
    check(|x| x.max_with_index(0).0, &[1.0, 3.0, 3.0], &[3.0], &[0.0, 1.0, 0.0], &[]);
    check(|x| x.min_with_index(0).0, &[1.0, 1.0, 3.0], &[1.0], &[1.0, 0.0, 0.0], &[]);
    check(|x| x.cummax(0), &[1.0, 1.0, 2.0, 2.0], &[1.0, 1.0, 2.0, 2.0], &[1.0; 4], &[]);
    // Sorting keeps the order of equals; so the derivative is that of one permutation.
    check(
        |x| x.sort(0, false) * x.cumsum(0).cumsum(0).detach(),
        &[2.0, 2.0, 1.0],
        &[2.0, 12.0, 22.0],
        &[6.0, 11.0, 2.0],
        &[],
    );
    for f in [(|x, y| x.maximum(y)) as Binary, |x, y| x.minimum(y), |x, y| x.fmax(y), |x, y| x.fmin(y)] {
        let tied = orders(|[x, y]| f(x, y), [&[1.0], &[1.0]]);
        assert_eq!((tied.y, tied.first), (vec![1.0], [vec![0.5], vec![0.5]]));
    }
    // NaN loses where the function says so, and with it the derivative.
    let found = orders(|[x, y]| x.fmax(y), [&[1.0, NAN, NAN], &[NAN, 2.0, NAN]]);
    same(&found.y, &[1.0, 2.0, NAN]);
    assert_eq!(found.first, [vec![1.0, 0.0, 1.0], vec![0.0, 1.0, 0.0]]);
    // On plain bounds the derivative passes, as in PyTorch; JAX halves it. Variable bounds share it.
    check(|x| x.clamp(-1.0, 1.0), &[-1.0, 1.0, 2.0], &[-1.0, 1.0, 1.0], &[1.0, 1.0, 0.0], &[]);
    for f in [(|x, y| x.clamp_min(y)) as Binary, |x, y| x.clamp_max(y)] {
        assert_eq!(orders(|[x, y]| f(x, y), [&[1.0], &[1.0]]).first, [vec![0.5], vec![0.5]]);
    }
    // The median of all shares, that along an axis goes with its index.
    check(|x| x.median(), &[3.0, 1.0, 3.0, 7.0], &[3.0], &[0.5, 0.0, 0.5, 0.0], &[]);
    check(|x| x.median(), &[INF, 1.0, INF], &[INF], &[0.5, 0.0, 0.5], &[]);
    check(|x| x.median(), &[3.0, NAN, 1.0], &[NAN], &[NAN; 3], &[]);
    check(|x| x.median_axis(0).0, &[3.0, 1.0, 3.0, 7.0], &[3.0], &[1.0, 0.0, 0.0, 0.0], &[]);
}

#[test]
fn what_is_not_chosen_leaves_no_trace() -> Result<()> {
    // The value and the tangent, whatever is in the other branch.
    let x = Tensor::from([-1.0, 0.0, 4.0]);
    fn risky(x: Var<'_>) -> Var<'_> {
        x.greater(0.0).where_(x.sqrt(), 0.0)
    }
    let (y, dy) = jvp(|x| x.greater(0.0).where_(x.sqrt(), 2.0 * x), &x, &Tensor::ones([3], DType::F64)?)?;
    assert_eq!((y, dy), (Tensor::from([-2.0, 0.0, 2.0]), Tensor::from([2.0, 2.0, 0.25])));
    assert_eq!(jvp(risky, &x, &x)?.1, Tensor::from([0.0, 0.0, 1.0]));
    // A cotangent of 0 times an infinite derivative is NaN, here as in JAX and PyTorch: `where_` says so, ...
    check(risky, &[-1.0, 0.0, 4.0], &[0.0, 0.0, 2.0], &[NAN, NAN, 0.25], &[NAN, NAN, -1.0 / 32.0]);
    // ... and a guarded operand keeps every order clean.
    fn guarded(x: Var<'_>) -> Var<'_> {
        let positive = x.greater(0.0);
        positive.where_(positive.where_(x, 1.0).sqrt(), 0.0)
    }
    check(guarded, &[-1.0, 0.0, 4.0], &[0.0, 0.0, 2.0], &[0.0, 0.0, 0.25], &[0.0, 0.0, -1.0 / 32.0]);
    // Numbers that are chosen among need no guard.
    let found = orders(|[x, y]| x.greater(0.0).where_(x, y), [&[-1.0, 2.0, NAN], &[NAN, INF, 5.0]]);
    same(&found.y, &[NAN, 2.0, 5.0]);
    assert_eq!(found.first, [vec![0.0, 1.0, 0.0], vec![1.0, 0.0, 1.0]]);
    check(|x| x.nan_to_num(7.0, 8.0, 9.0), &[NAN, INF, -INF, 1.0], &[7.0, 8.0, 9.0, 1.0], &[0.0, 0.0, 0.0, 1.0], &[]);
    check(|x| x.masked_fill(x.is_nan(), 0.0).square(), &[NAN, 3.0], &[0.0, 9.0], &[0.0, 6.0], &[0.0, 2.0]);
    Ok(())
}

#[test]
fn functions_that_choose_guard_their_operands() {
    // Exponentials of the branch not taken overflow; no order sees it.
    for f in [(|x| x.elu(1.0)) as Unary, |x| x.celu(1.0)] {
        check(f, &[-1000.0, 1000.0], &[-1.0, 1000.0], &[0.0, 1.0], &[0.0, 0.0]);
    }
    check(|x| x.softplus_with(1.0, 20.0), &[-1000.0, 1000.0], &[0.0, 1000.0], &[0.0, 1.0], &[0.0, 0.0]);
    let pi2_3 = std::f64::consts::PI.powi(2) / 3.0;
    check(|x| x.sinc(), &[0.0], &[1.0], &[0.0], &[-pi2_3]);
    let found = orders(|[x, y]| x.xlogy(y), [&[0.0, 0.0, 2.0], &[0.0, NAN, 0.0]]);
    same(&found.y, &[0.0, NAN, -INF]);
    same(&found.first[0], &[0.0, NAN, -INF]);
    same(&found.first[1], &[0.0, NAN, INF]);
}

#[test]
fn kinks_have_a_second_derivative_of_zero() -> Result<()> {
    check(|x| x.abs(), &[-1.0, 0.0, 1.0], &[1.0, 0.0, 1.0], &[-1.0, 0.0, 1.0], &[]);
    check(|x| x.relu(), &[-1.0, 0.0, 1.0], &[0.0, 0.0, 1.0], &[0.0, 0.0, 1.0], &[]);
    check(|x| x.relu().square(), &[-1.0, 0.0, 3.0], &[0.0, 0.0, 9.0], &[0.0, 0.0, 6.0], &[0.0, 0.0, 2.0]);
    check(|x| x.abs().powi(3), &[-2.0, 0.0, 1.0], &[8.0, 0.0, 1.0], &[-12.0, 0.0, 3.0], &[12.0, 0.0, 6.0]);
    for f in [(|x| x.relu().sum()) as Unary, |x| x.abs().sum()] {
        let x = Tensor::from([-1.0, 0.0, 2.0]);
        assert_eq!(hessian(f, &x)?, Tensor::zeros([3, 3], DType::F64)?);
        assert_eq!(hvp(f, &x, &x)?, Tensor::zeros([3], DType::F64)?);
        // Asked of the gradient by itself, it is a gradient that there is not.
        let error = grad(|x| grad(f, x).sum(), &x).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Gradient);
        assert!(error.sentence().contains("which has no derivative"), "{error}");
    }
    Ok(())
}

#[test]
fn logarithms_of_sigmoids_and_sums_far_out() {
    let far = [-1000.0, 0.0, 1000.0, INF, -INF];
    let half = -std::f64::consts::LN_2;
    check(
        |x| x.logsigmoid(),
        &far,
        &[-1000.0, half, 0.0, 0.0, -INF],
        &[1.0, 0.5, 0.0, 0.0, 1.0],
        &[0.0, -0.25, 0.0, 0.0, 0.0],
    );
    check(
        |x| x.softplus(),
        &far,
        &[0.0, -half, 1000.0, INF, 0.0],
        &[0.0, 0.5, 1.0, 1.0, 0.0],
        &[0.0, 0.25, 0.0, 0.0, 0.0],
    );
    fn sum(x: Var<'_>) -> Var<'_> {
        x.logsumexp(..)
    }
    check(sum, &[1000.0, -1000.0], &[1000.0], &[1.0, 0.0], &[0.0, 0.0]);
    check(sum, &[-1000.0, -1000.0], &[-1000.0 - half], &[0.5, 0.5], &[0.0, 0.0]);
    check(sum, &[-INF, 1.0], &[1.0], &[0.0, 1.0], &[0.0, 0.0]);
    // The value is right; of derivatives there are none, for the sum has no share of its terms.
    check(sum, &[-INF, -INF], &[-INF], &[NAN, NAN], &[NAN, NAN]);
    check(sum, &[INF, 0.0], &[INF], &[NAN, 0.0], &[NAN, NAN]);
    check(sum, &[INF, INF], &[INF], &[NAN, NAN], &[NAN, NAN]);
    check(sum, &[NAN, 1.0], &[NAN], &[NAN, NAN], &[NAN, NAN]);
    check(|x| x.log_softmax(0), &[1000.0, -1000.0], &[0.0, -2000.0], &[-1.0, 1.0], &[0.0, 0.0]);
    check(|x| x.softmax(0), &[1000.0, -INF], &[1.0, 0.0], &[0.0, 0.0], &[0.0, 0.0]);
    check(|x| x.softmax(0), &[-INF, -INF], &[NAN, NAN], &[NAN, NAN], &[NAN, NAN]);
    // Two infinities: the value of both, and the derivative of the first; JAX and PyTorch have NaN.
    let found = orders(|[x, y]| x.logaddexp(y), [&[1000.0, -INF, INF, -INF], &[-1000.0, -INF, INF, 1.0]]);
    same(&found.y, &[1000.0, -INF, INF, 1.0]);
    assert_eq!(found.first, [vec![1.0, 1.0, 1.0, 0.0], vec![0.0, 0.0, 0.0, 1.0]]);
}

#[test]
fn saturated_functions_are_flat_to_every_order() {
    let far = [-1000.0, 1000.0];
    check(|x| x.tanh(), &far, &[-1.0, 1.0], &[0.0, 0.0], &[0.0, 0.0]);
    check(|x| x.sigmoid(), &far, &[0.0, 1.0], &[0.0, 0.0], &[0.0, 0.0]);
    for f in [(|x| x.gelu()) as Unary, |x| x.gelu_tanh(), |x| x.silu(), |x| x.mish()] {
        check(f, &far, &[0.0, 1000.0], &[0.0, 1.0], &[0.0, 0.0]);
    }
    // Far left the tail has all its digits, which a difference from 1 would not.
    check(
        |x| x.gelu(),
        &[-30.0],
        &[-1.472_014_178_144_407e-196],
        &[-4.416_031_690_708_243e-195],
        &[-1.323_334_229_120_860_5e-193],
    );
}

#[test]
fn powers_of_zero_and_of_negative_bases() {
    let x = [0.0, 0.0, 0.0, -2.0, -2.0, -2.0, -8.0, 0.0, 2.0];
    let y = [0.0, 1.0, 2.0, 2.0, 3.0, -1.0, 1.0 / 3.0, -1.0, 0.0];
    let found = orders(|[x, y]| x.pow(y), [&x, &y]);
    same(&found.y, &[1.0, 0.0, 0.0, 4.0, -8.0, -0.5, NAN, INF, 1.0]);
    // At 0⁰ it is 0, as for the constant that x⁰ is; JAX has NaN.
    same(&found.first[0], &[0.0, 1.0, 0.0, -4.0, 12.0, -0.25, NAN, -INF, 0.0]);
    // 0 where x is 0 and y is not negative; a negative base has no real powers beside.
    let ln2 = std::f64::consts::LN_2;
    same(&found.first[1], &[0.0, 0.0, 0.0, NAN, NAN, NAN, NAN, -INF, ln2]);
    // With the exponent fixed all orders are those of the polynomial or root.
    fn fixed(p: f64) -> impl for<'t> Fn(Var<'t>) -> Var<'t> {
        move |x| x.powf(p)
    }
    check(fixed(0.0), &[0.0, -2.0, NAN], &[1.0, 1.0, 1.0], &[0.0, 0.0, 0.0], &[]);
    check(fixed(1.0), &[0.0, -2.0], &[0.0, -2.0], &[1.0, 1.0], &[]);
    check(fixed(2.0), &[0.0, -2.0], &[0.0, 4.0], &[0.0, -4.0], &[2.0, 2.0]);
    check(fixed(3.0), &[0.0, -2.0], &[0.0, -8.0], &[0.0, 12.0], &[0.0, -12.0]);
    check(fixed(-1.0), &[0.0, -2.0], &[INF, -0.5], &[-INF, -0.25], &[INF, -0.25]);
    check(fixed(0.5), &[0.0, 4.0, -2.0], &[0.0, 2.0, NAN], &[INF, 0.25, NAN], &[-INF, -1.0 / 32.0, NAN]);
    check(fixed(1.5), &[0.0, 4.0, -2.0], &[0.0, 8.0, NAN], &[0.0, 3.0, NAN], &[INF, 0.375, NAN]);
    // The same by the operation of two operands, of which one is constant.
    fn by_base(p: f64) -> impl for<'t> Fn(Var<'t>) -> Var<'t> {
        move |x| x.pow(p)
    }
    check(by_base(2.0), &[0.0, -2.0], &[0.0, 4.0], &[0.0, -4.0], &[2.0, 2.0]);
    check(by_base(3.0), &[0.0, -2.0], &[0.0, -8.0], &[0.0, 12.0], &[0.0, -12.0]);
    check(by_base(1.0), &[0.0, -2.0], &[0.0, -2.0], &[1.0, 1.0], &[0.0, 0.0]);
}

#[test]
fn products_through_zeros_have_all_their_derivatives() {
    check(
        |x| x.cumprod(0),
        &[2.0, 0.0, 3.0, 0.0, 5.0],
        &[2.0, 0.0, 0.0, 0.0, 0.0],
        &[1.0, 8.0, 0.0, 0.0, 0.0],
        &[4.0, 42.0, 2.0, 36.0, 0.0],
    );
    check(|x| x.prod(), &[2.0, 0.0, 3.0], &[0.0], &[0.0, 6.0, 0.0], &[3.0, 5.0, 2.0]);
    check(|x| x.prod(), &[2.0, 0.0, 3.0, 0.0], &[0.0], &[0.0; 4], &[0.0, 6.0, 0.0, 6.0]);
}

#[test]
fn repeated_indices_add_up_both_ways() -> Result<()> {
    let tape = Tape::new();
    let index = tape.input(&Tensor::from([2i64, 0, 2, 2]));
    let (x, w) = (tape.input(&Tensor::from([1.0, 2.0, 3.0])), tape.input(&Tensor::from([1.0, 10.0, 100.0, 1000.0])));
    let picked = Tensor::from([3.0, 1.0, 3.0, 3.0]);
    let added = Tensor::from([10.0, 0.0, 1101.0]);
    for y in [x.gather(0, index), x.index_select(0, index), x.take(index)] {
        assert_eq!(y.value()?, picked);
        assert_eq!((y * w).sum().grad(x).value()?, added);
        // The square of the same, to second order: 2 w at every place that is picked.
        let g = (y * y * w).sum().grad(x);
        assert_eq!((g * x).sum().grad(x).value()?, Tensor::from([40.0, 0.0, 13212.0]));
    }
    let zeros = x.full_like(0.0);
    for y in [zeros.scatter_add(0, index, w), zeros.index_add(0, index, w)] {
        assert_eq!(y.value()?, added);
        assert_eq!((y * x).sum().grad(w).value()?, picked);
        // The cotangents of what was added at one place are all that place's.
        let g = (y * y).sum().grad(w);
        assert_eq!(g.value()?, Tensor::from([2202.0, 20.0, 2202.0, 2202.0]));
        assert_eq!(g.sum().grad(w).value()?, Tensor::from([6.0, 2.0, 6.0, 6.0]));
    }
    assert_eq!((x + x).index_add(0, index, w).sum().grad(x).value()?, Tensor::from([2.0, 2.0, 2.0]));
    let total = x.index_add(0, index, w).value()?;
    assert_eq!(total, Tensor::from([11.0, 2.0, 1104.0]));
    Ok(())
}

#[test]
fn integers_and_truth_values_have_no_derivatives_and_say_so() -> Result<()> {
    let x = Tensor::from([1.5, -2.0]);
    let n = Tensor::from([1i64, 2]);
    // Beside another path, the path through an integer is a symbolic zero.
    assert_eq!(grad(|x| (x * x.cast(DType::I64).cast(DType::F64)).sum(), &x)?, Tensor::from([1.0, -2.0]));
    // Alone it is an error that names the operation and its line, whoever asks.
    for f in [(|x| x.cast(DType::I64).cast(DType::F64)) as Unary, |x| x.cast(DType::Bool).cast(DType::F64)] {
        let errors: [Error; 5] = [
            grad(|x| f(x).sum(), &x).unwrap_err(),
            jvp(f, &x, &x).unwrap_err(),
            vjp(f, &x, &x).unwrap_err(),
            jacobian(f, &x).unwrap_err(),
            linearize(f, &x).map(|_| ()).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Gradient);
            assert!(error.sentence().contains("only through cast at crates/autograd/tests/edges.rs:"), "{error}");
        }
    }
    for f in [(|x| x.floor()) as Unary, |x| x.sign(), |x| x.argsort(0, false).cast(DType::F64)] {
        assert!(grad(|x| f(x).sum(), &x).unwrap_err().sentence().contains("which has no derivative"));
    }
    // With respect to an integer there is nothing to ask, nor of one.
    fn float(n: Var<'_>) -> Var<'_> {
        n.cast(DType::F64)
    }
    let errors = [
        grad(|n| float(n).sum(), &n).unwrap_err(),
        hvp(|n| float(n).sum(), &n, &n).unwrap_err(),
        hessian(|n| float(n).sum(), &n).unwrap_err(),
        jvp(float, &n, &n).unwrap_err(),
        vjp(float, &n, &x).unwrap_err(),
        jacobian(float, &n).unwrap_err(),
        linearize(float, &n).map(|_| ()).unwrap_err(),
        vjp(|x| x.cast(DType::I64), &x, &n).unwrap_err(),
        jacobian(|x| x.cast(DType::I64), &x).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Gradient, "{error}");
        assert!(error.sentence().contains("i64[2]") && error.sentence().contains("only floats"), "{error}");
        assert!(error.to_string().contains("edges.rs:"), "{error}");
    }
    Ok(())
}

#[test]
fn inverse_functions_at_the_ends_of_their_domains() {
    let ends = [-1.0, 1.0];
    let at = |f: Unary, x: &[f64], first: &[f64], second: &[f64]| {
        let found = orders(|[x]| f(x), [x]);
        same(&found.first[0], first);
        same(&found.second[0], second);
    };
    // Tangents are vertical, and how they turn has a sign.
    at(|x| x.asin(), &ends, &[INF, INF], &[-INF, INF]);
    at(|x| x.acos(), &ends, &[-INF, -INF], &[INF, -INF]);
    at(|x| x.atanh(), &ends, &[INF, INF], &[-INF, INF]);
    at(|x| x.acosh(), &[1.0], &[INF], &[-INF]);
    // Near them nothing cancels: 1 - x² of 1 - 2⁻⁴⁰ is 2⁻³⁹ - 2⁻⁸⁰.
    let e = 2f64.powi(-39) - 2f64.powi(-80);
    let found = orders(|[x]| x.asin(), [&[1.0 - 2f64.powi(-40)]]);
    assert!((found.first[0][0] * e.sqrt() - 1.0).abs() < 1e-15);
    assert!((found.second[0][0] * e.powf(1.5) / (1.0 - 2f64.powi(-40)) - 1.0).abs() < 1e-14);
}

#[test]
fn parts_beyond_number_are_an_error() {
    let tape = Tape::new();
    let x = tape.full([1 << 40], 1.0);
    for parts in [x.unbind(0), x.chunk(0, usize::MAX)] {
        let error = parts[0].value().unwrap_err().to_string();
        assert!(parts.len() == 1 && error.contains("into 1099511627776 parts"), "{error}");
    }
    // Joining nothing has the line of the one who did, every time.
    let line = line!() + 1;
    let all: Vec<String> = (0..3).map(|_| Var::concat(&[], 0).value().unwrap_err().to_string()).collect();
    assert!(
        all.iter()
            .all(|text| text.contains(&format!("concat: nothing to join, at crates/autograd/tests/edges.rs:{line}"))),
        "{all:?}"
    );
}

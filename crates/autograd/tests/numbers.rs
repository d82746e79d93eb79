//! Elementwise functions and reductions that have a name of their own elsewhere: their laws, edges and mistakes.

mod common;

use common::{assert_close, random, value};
use proptest::prelude::*;
use wengert_autograd::{Tape, Var, grad, gradcheck, gradgradcheck, vmap};
use wengert_tensor::{Result, Tensor};

const NAN: f64 = f64::NAN;

fn of(x: impl Into<Tensor>, f: impl for<'t> Fn(Var<'t>) -> Var<'t>) -> Vec<f64> {
    value(&[&x.into()], |v| f(v[0])).unwrap().to_vec().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn rounding_to_digits_is_rounding_of_multiples(n in -9_000_000i64..9_000_000, digits in 0i32..4) {
        // Ten times as fine and back: what had so many digits keeps them.
        let x = n as f64 / 10f64.powi(digits);
        prop_assert_eq!(of(x, |x| x.round_to(digits)), [x]);
        prop_assert_eq!(of(n as f64, |x| x.round_to(-digits)), [(n as f64 / 10f64.powi(digits)).round_ties_even() * 10f64.powi(digits)]);
    }

    #[test]
    fn what_has_no_such_digits_stays(x in proptest::num::f64::NORMAL, digits in 0i32..700) {
        // Beyond the last digit nothing changes, and nothing is left of a unit beyond all numbers.
        let fine = of(x, |x| x.round_to(digits))[0];
        prop_assert!((fine - x).abs() <= 1e-15 * x.abs() + 0.5 * 10f64.powi(-digits), "{fine} of {x} to {digits}");
        prop_assert_eq!(of(x, |x| x.round_to(-digits - 309))[0], 0.0);
    }

    #[test]
    fn quotients_without_what_is_behind_the_point_are_those_of_integers(a in -99i64..99, b in 1i64..20, negative: bool) {
        let b = if negative { -b } else { b };
        prop_assert_eq!(of(a as f64, |x| x.trunc_div(b as f64)), [(a / b) as f64]);
        prop_assert_eq!(of(a as f64, |x| x.trunc_div(b as f64) * b as f64 + x.fmod(b as f64)), [a as f64]);
    }

    #[test]
    fn vandermonde_matrices_evaluate_polynomials(m in 0usize..4, n in 0usize..7) {
        let (x, c) = (random([2, m], 1), random([n], 2));
        let coefficients = c.to_vec::<f64>().unwrap();
        let horner = |x: &Tensor| x.to_vec::<f64>().unwrap().iter().map(|x| coefficients.iter().rev().fold(0.0, |y, c| y * x + c)).collect::<Vec<_>>();
        let y = value(&[&x, &c], |v| v[0].vander(n).matmul(v[1])).unwrap();
        assert_close(&y, &Tensor::from_vec(horner(&x), [2, m]).unwrap());
        let powers = Tensor::from_vec((0..n).map(|i| i as f64).collect(), [n]).unwrap();
        let by_pow = value(&[&x, &powers], |v| v[0].abs().unsqueeze(-1).pow(v[1])).unwrap();
        assert_close(&value(&[&x], |v| v[0].abs().vander(n)).unwrap(), &by_pow);
    }

    #[test]
    fn several_results_are_those_of_one_each(m in 1usize..4, n in 1usize..4, axis in -2isize..2, descending: bool) {
        let x = random([m, n], 1);
        let tape = Tape::new();
        let x = tape.input(&x);
        let (sorted, index) = x.sort_with_index(axis, descending);
        let (lo, hi) = x.min_max_axes(axis);
        let (var, mean) = x.var_mean(axis, 0.5);
        let pairs = [
            (sorted, x.sort(axis, descending)), (index, x.argsort(axis, descending)), (lo, x.min_axes(axis)),
            (hi, x.max_axes(axis)), (var, x.var_axes(axis, 0.5)), (mean, x.mean_axes(axis)),
        ];
        for (a, b) in pairs {
            prop_assert_eq!(a.value().unwrap(), b.value().unwrap());
        }
    }
}

#[test]
fn steps_and_bounds_are_where_they_are_said_to_be() -> Result<()> {
    assert_eq!(of([-1.0, -0.0, 0.0, 2.0, f64::INFINITY], |x| x.heaviside(0.25)), [0.0, 0.25, 0.25, 1.0, 1.0]);
    assert!(of(NAN, |x| x.heaviside(0.5))[0].is_nan());
    assert_eq!(value(&[&Tensor::from([-3, 0, 3])], |v| v[0].heaviside(7i64))?, Tensor::from([0, 7, 1]));
    let (x, at) = (Tensor::from([-1.0, 0.0, 2.0]), Tensor::from([5.0, 6.0, 7.0]));
    assert_eq!(grad(|at| at.tape().input(&x).heaviside(at).sum(), &at)?, Tensor::from([0.0, 1.0, 0.0]));
    assert!(grad(|x| x.heaviside(0.5).sum(), &x).is_err());

    let inside = of([0.0, 0.3, 1.0], |x| x.logit_within(0.1));
    assert_eq!(inside, of([0.1, 0.3, 0.9], |x| x.logit()));
    assert_eq!(grad(|x| x.logit_within(0.1).sum(), &Tensor::from([0.0, 0.5, 1.0]))?, Tensor::from([0.0, 4.0, 0.0]));
    // All digits there are, and none of a unit beyond all numbers.
    assert_eq!(of([0.5, -7.25], |x| x.round_to(i32::MAX)), [0.5, -7.25]);
    assert_eq!(of([0.5, -7.25], |x| x.round_to(i32::MIN)), [0.0, 0.0]);
    assert!([i32::MAX, 1, i32::MIN].iter().all(|&digits| of(NAN, |x| x.round_to(digits))[0].is_nan()));
    Ok(())
}

#[test]
fn sums_with_factors_have_derivatives_and_batches() -> Result<()> {
    type Ternary = for<'t> fn([Var<'t>; 3]) -> Var<'t>;
    let all: [Ternary; 4] = [
        |[x, y, _]| x.add_scaled(y, -2.5),
        |[x, y, z]| x.addcmul(y, z, 0.5),
        |[x, y, z]| x.addcdiv(y, z + 3.0, 1.0),
        |[x, y, z]| (x + y * z).vander(4),
    ];
    let (x, y, z) = (random([2, 3], 1), random([2, 3], 2), random([3], 3));
    for f in all {
        gradcheck(|[x, y, z]| f([x, y, z]) + 0.0 * z.sum(), [&x, &y, &z])?;
        gradgradcheck(|[x, y, z]| f([x, y, z]).square() + 0.0 * z.sum(), [&x, &y, &z])?;
        let batched = vmap(|x| f([x, x.tape().input(&z), x.tape().input(&z)]), &x)?;
        for k in 0..2 {
            let one = value(&[&x.select_axis(0, k)?, &z], |v| f([v[0], v[1], v[1]]))?;
            assert_eq!(batched.select_axis(0, k)?, one);
        }
    }
    Ok(())
}

#[test]
fn what_cannot_be_is_an_error_at_the_callers_line() {
    type Binary = for<'t> fn(Var<'t>, Var<'t>) -> Var<'t>;
    let wrong: &[Binary] = &[
        |x, y| x.add_scaled(y, 2.0),
        |x, y| x.addcmul(x, y, 2.0),
        |x, y| x.addcdiv(y, x, 1.0),
        |x, y| x.trunc_div(y),
        |x, y| x.heaviside(y),
        |x, _| x.equal(x).logit_within(0.5),
        |x, _| x.equal(x).round_to(2),
        |x, _| x.sort_with_index(4, true).0,
        |x, _| x.min_max_axes([0, 0]).1,
        |x, _| x.narrow(0, 0, 0).min_max_axes(0).0,
        |x, _| x.var_mean(isize::MIN, 1).0,
        |x, _| x.vander(usize::MAX),
    ];
    let (x, y) = (random([2, 3], 1), random([5], 2));
    for (i, f) in wrong.iter().enumerate() {
        let error = value(&[&x, &y], |v| f(v[0], v[1])).expect_err(&format!("number {i} is no mistake"));
        let at = error.location().map_or("nowhere", |at| at.file());
        assert!(at.ends_with("numbers.rs"), "number {i}: {error} at {at}");
        assert!(value(&[&x, &y], |v| f(v[0].reshape([7]), v[1])).is_err(), "number {i} of nothing");
    }
}

//! How far the vector functions are from correctly rounded ones, at every level of the processor, and
//! that an element's result does not depend on its place.
//!
//! References are functions of `pxfm`, correctly rounded to `f64` but for rare cases. So errors are
//! exact for `f32`, and for `f64` known to half a unit in the last place (ulp).
//!
//! `cargo test --release -p wengert-tensor --test ulp -- --ignored --nocapture` goes through all of `f32`.

use wengert_tensor::kernel::math::real::Scalar;
use wengert_tensor::kernel::math::{self, Formula, Level};

type Loop<T> = fn(Level, &[T], &mut [T]);

/// A function, its reference, a range worth a closer look, and the largest errors allowed, in ulp of
/// `f32` and `f64`.
struct Case {
    name: &'static str,
    single: Loop<f32>,
    double: Loop<f64>,
    reference: fn(f64) -> f64,
    range: [f64; 2],
    bounds: [f64; 2],
}

fn case<F: Formula>(name: &'static str, reference: fn(f64) -> f64, range: [f64; 2], bounds: [f64; 2]) -> Case {
    Case { name, single: math::map::<F, f32>, double: math::map::<F, f64>, reference, range, bounds }
}

fn cases() -> Vec<Case> {
    let sin = Case {
        name: "sin",
        single: math::sin,
        double: math::sin,
        reference: pxfm::f_sin,
        range: [-2e6, 2e6],
        bounds: [2.0, 2.0],
    };
    let cos = Case { name: "cos", single: math::cos, double: math::cos, reference: pxfm::f_cos, ..sin };
    vec![
        case::<math::Exp>("exp", pxfm::f_exp, [-750.0, 710.0], [1.0, 1.0]),
        case::<math::Exp2>("exp2", pxfm::f_exp2, [-1080.0, 1025.0], [1.0, 1.0]),
        case::<math::ExpM1>("exp_m1", pxfm::f_expm1, [-45.0, 710.0], [1.5, 2.0]),
        case::<math::Sigmoid>("sigmoid", sigmoid, [-750.0, 50.0], [2.5, 3.0]),
        case::<math::Tanh>("tanh", pxfm::f_tanh, [-25.0, 25.0], [2.5, 3.0]),
        case::<math::Ln>("ln", pxfm::f_log, [0.0, 10.0], [1.0, 1.0]),
        case::<math::Log2>("log2", pxfm::f_log2, [0.0, 10.0], [2.0, 2.0]),
        case::<math::Log10>("log10", pxfm::f_log10, [0.0, 10.0], [2.0, 2.0]),
        case::<math::Ln1p>("ln_1p", pxfm::f_log1p, [-1.0, 10.0], [1.5, 2.0]),
        case::<math::Softplus>("softplus", softplus, [-750.0, 50.0], [2.0, 3.0]),
        case::<math::Erf>("erf", pxfm::f_erf, [-7.0, 7.0], [2.0, 3.0]),
        case::<math::Erfc>("erfc", pxfm::f_erfc, [-7.0, 28.0], [5.0, 6.0]),
        sin,
        cos,
    ]
}

fn sigmoid(x: f64) -> f64 {
    let e = pxfm::f_exp(-x.abs());
    if x < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + pxfm::f_log1p(pxfm::f_exp(-x.abs()))
}

/// The distance from `want` to the next number of `T` away from 0.
fn ulp<T: Scalar>(want: f64) -> f64 {
    let (digits, least) = if size_of::<T>() == 4 { (23, -126) } else { (52, -1022) };
    let exponent = ((want.to_bits() >> 52) & 0x7ff) as i64 - 1023;
    let exponent = exponent.max(least) - digits;
    if exponent < -1022 {
        f64::from_bits(1 << (exponent + 1074))
    } else {
        f64::from_bits(((exponent + 1023) as u64) << 52)
    }
}

/// The error of `y`, in ulp. NaN must be NaN, and equal results have the same sign, also of 0; between
/// the largest number and infinity lies one ulp.
fn error<T: Scalar>(y: T, want: f64) -> f64 {
    let rounded = T::from(want).unwrap_or_else(T::nan);
    let found: f64 = y.into();
    match (y == rounded, y.is_nan() || rounded.is_nan(), y.is_infinite() || rounded.is_infinite()) {
        (_, true, _) if y.is_nan() && rounded.is_nan() => 0.0,
        (true, _, _) if y.is_sign_negative() != rounded.is_sign_negative() => f64::INFINITY,
        (true, _, true) => 0.0,
        (false, false, true) if y.abs().min(rounded.abs()) == T::max_value() && y.signum() == rounded.signum() => 1.0,
        (false, true, _) | (false, _, true) => f64::INFINITY,
        _ => (found - want).abs() / ulp::<T>(want),
    }
}

/// The largest error of `f` over `x`, for each level, and where.
fn worst<T: Scalar>(f: Loop<T>, reference: fn(f64) -> f64, levels: &[Level], x: &[T]) -> Vec<(f64, T)> {
    let want: Vec<f64> = x.iter().map(|&x| reference(x.into())).collect();
    let mut y = vec![T::zero(); x.len()];
    let one = |&level: &Level| {
        f(level, x, &mut y);
        let errors = x.iter().zip(&y).zip(&want).map(|((&x, &y), &want)| (error(y, want), x));
        errors.fold((0.0, T::zero()), |worst, next| if next.0 > worst.0 { next } else { worst })
    };
    levels.iter().map(one).collect()
}

fn check<T: Scalar>(name: &str, f: Loop<T>, reference: fn(f64) -> f64, bound: f64, x: &[T]) {
    let levels = Level::available();
    for (level, (error, at)) in levels.iter().zip(worst(f, reference, levels, x)) {
        println!("{name:8} {:?} {level:?}: {error:.3} ulp at {at:?}", T::DTYPE);
        assert!(error <= bound, "{name} {:?} {level:?}: {error} ulp at {at:?}", T::DTYPE);
    }
}

/// `n` numbers between the two, evenly.
fn even(n: usize, [low, high]: [f64; 2]) -> impl Iterator<Item = f64> {
    (0..n).map(move |i| low + (high - low) * (i as f64 + 0.5) / n as f64)
}

#[test]
fn errors_are_bounded_over_samples() {
    for case in cases() {
        let near = [-1.25, 1.25];
        // All magnitudes and signs; where the function is neither flat nor infinite; and the middle.
        let n = 400_000;
        let bits = (0..n as u32).map(|i| f32::from_bits(i.wrapping_mul(0x9e37_79b9)));
        let ranges = even(n, case.range).chain(even(n, near)).map(|x| x as f32);
        let x: Vec<f32> = bits.chain(ranges).collect();
        check(case.name, case.single, case.reference, case.bounds[0], &x);
        let n = 100_000;
        let bits = (0..n as u64).map(|i| f64::from_bits(i.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let x: Vec<f64> = bits.chain(even(n, case.range)).chain(even(n, near)).collect();
        check(case.name, case.double, case.reference, case.bounds[1], &x);
    }
}

#[test]
#[ignore = "minutes a function, in a release build"]
fn errors_are_bounded_over_all_f32() {
    let levels = &[Level::best()];
    for case in cases() {
        let mut worst_of_all = (0.0, 0.0);
        for start in (0..1u64 << 32).step_by(1 << 16) {
            let x: Vec<f32> = (start..start + (1 << 16)).map(|bits| f32::from_bits(bits as u32)).collect();
            let found = worst(case.single, case.reference, levels, &x)[0];
            worst_of_all = if found.0 > worst_of_all.0 { found } else { worst_of_all };
        }
        let (error, at) = worst_of_all;
        println!("{:8} {:?}: {error:.3} ulp at {at:?}", case.name, levels[0]);
        assert!(error <= case.bounds[0], "{}: {error} ulp at {at:?}", case.name);
    }
}

/// Numbers that take every way through the formulas, far more than a block.
fn mixture<T: Scalar>() -> Vec<T> {
    let special = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        1e-310,
        -1e-40,
        1e-20,
        710.0,
        -745.0,
        1e5,
        -1e9,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];
    let some = even(60, [-9.0, 9.0]);
    special.into_iter().chain(some).map(|x| T::from(x).unwrap_or_else(T::zero)).collect()
}

fn check_places<T: Scalar>(name: &str, f: Loop<T>, bits: fn(T) -> u64) {
    let x = mixture::<T>();
    for &level in Level::available() {
        let alone = |&x: &T| {
            let mut y = [T::zero()];
            f(level, &[x], &mut y);
            bits(y[0])
        };
        let want: Vec<u64> = x.iter().map(alone).collect();
        for start in 0..20 {
            for end in start..=x.len() {
                let mut y = vec![T::zero(); end - start];
                f(level, &x[start..end], &mut y);
                let got: Vec<u64> = y.into_iter().map(bits).collect();
                assert_eq!(got, want[start..end], "{name} {:?} {level:?} of {start}..{end}", T::DTYPE);
            }
        }
    }
}

#[test]
fn bits_do_not_depend_on_place_or_length() {
    for case in cases() {
        check_places(case.name, case.single, |y| y.to_bits().into());
        check_places(case.name, case.double, f64::to_bits);
    }
}

#[test]
fn levels_with_fused_multiply_add_agree() {
    let fused: Vec<Level> = Level::available().iter().copied().filter(|&level| level != Level::PORTABLE).collect();
    for case in cases() {
        let x = mixture::<f64>();
        let of = |&level: &Level| {
            let mut y = vec![0.0; x.len()];
            (case.double)(level, &x, &mut y);
            y.into_iter().map(f64::to_bits).collect::<Vec<_>>()
        };
        let results: Vec<_> = fused.iter().map(of).collect();
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "{}", case.name);
    }
}

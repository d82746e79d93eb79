//! Elementwise functions: broadcasting, layouts, the corners of floats and integers, errors.

use proptest::prelude::*;
use wengert_tensor::{DType, ErrorKind, Result, Shape, Tensor};

mod layouts;
use layouts::{bits, places, tensors, with_same_values};

type Unary = fn(&Tensor) -> Result<Tensor>;
type Binary = fn(&Tensor, &Tensor) -> Result<Tensor>;

const UNARY: &[Unary] = &[
    Tensor::neg,
    Tensor::abs,
    Tensor::sign,
    Tensor::square,
    Tensor::recip,
    Tensor::exp,
    Tensor::ln_1p,
    Tensor::sigmoid,
    Tensor::erf,
    Tensor::round,
    Tensor::is_nan,
    |x| x.polygamma(2),
];

const BINARY: &[Binary] = &[
    Tensor::add,
    Tensor::sub,
    Tensor::mul,
    Tensor::div,
    Tensor::pow,
    Tensor::maximum,
    Tensor::minimum,
    Tensor::rem,
    Tensor::fmod,
    Tensor::floor_div,
    Tensor::atan2,
    Tensor::hypot,
    Tensor::copysign,
    Tensor::equal,
    Tensor::less,
];

fn f64s(x: &Tensor) -> Vec<f64> {
    x.to_vec().unwrap()
}

proptest! {
    #![proptest_config(layouts::config())]

    #[test]
    fn layouts_do_not_change_a_bit(x in tensors(), y in tensors(), z in tensors()) {
        for view in with_same_values(&x) {
            for f in UNARY {
                prop_assert_eq!(bits(&f(&x).unwrap()), bits(&f(&view).unwrap()));
            }
        }
        let Ok(sum) = x.add(&y) else { return Ok(()) };
        let (xs, ys) = (x.broadcast_to(sum.shape()).unwrap(), y.broadcast_to(sum.shape()).unwrap());
        for f in BINARY {
            let want = bits(&f(&xs.contiguous().unwrap(), &ys.contiguous().unwrap()).unwrap());
            prop_assert_eq!(&bits(&f(&x, &y).unwrap()), &want);
            for x in with_same_values(&xs) {
                prop_assert_eq!(&bits(&f(&x, &ys).unwrap()), &want);
                prop_assert_eq!(bits(&f(&ys, &x).unwrap()), bits(&f(&ys, &xs.contiguous().unwrap()).unwrap()));
            }
        }
        let Ok(z) = z.broadcast_to(sum.shape()) else { return Ok(()) };
        let cond = xs.less(&z).unwrap();
        let want = bits(&cond.where_(&ys.contiguous().unwrap(), &z.contiguous().unwrap()).unwrap());
        for cond in with_same_values(&cond) {
            prop_assert_eq!(&bits(&cond.where_(&ys, &z).unwrap()), &want);
        }
    }

    #[test]
    fn broadcasting_is_a_loop_over_indices(x in tensors(), y in tensors()) {
        let shape = x.shape().broadcast(y.shape());
        match (x.sub(&y), shape) {
            (Ok(z), Some(shape)) => {
                prop_assert_eq!(z.shape(), &shape);
                for index in places(&shape) {
                    let at = |t: &Tensor| {
                        let index = &index[shape.rank() - t.rank()..];
                        let index: Vec<usize> = index.iter().zip(t.shape().iter()).map(|(&i, &n)| i.min(n - 1)).collect();
                        t.get::<f64>(&index).unwrap()
                    };
                    prop_assert_eq!(bits(&Tensor::from(z.get::<f64>(&index).unwrap())), bits(&Tensor::from(at(&x) - at(&y))));
                }
            }
            (Err(e), None) => {
                prop_assert_eq!(e.kind(), ErrorKind::Shape);
                let sentence = format!("sub: shapes {} and {} do not broadcast together", x.shape(), y.shape());
                prop_assert_eq!(e.to_string(), sentence);
            }
            (result, shape) => prop_assert!(false, "{result:?} for {shape:?}"),
        }
    }

    #[test]
    fn division_with_remainder_holds_together(x in any::<i64>(), y in any::<i64>()) {
        prop_assume!(y != 0);
        let (a, b) = (Tensor::from(x), Tensor::from(y));
        let at = |t: Result<Tensor>| t.unwrap().to_vec::<i64>().unwrap()[0];
        let (q, r) = (at(a.floor_div(&b)), at(a.rem(&b)));
        prop_assert_eq!(q.wrapping_mul(y).wrapping_add(r), x);
        prop_assert!(r == 0 || (r < 0) == (y < 0) && r.unsigned_abs() < y.unsigned_abs());
        prop_assert_eq!(at(a.fmod(&b)), x.wrapping_rem(y));
    }

    #[test]
    fn float_division_with_remainder_holds_together(x in -1e3..1e3f64, y in -10.0..10.0f64) {
        prop_assume!(y != 0.0);
        let (a, b) = (Tensor::from(x), Tensor::from(y));
        let at = |t: Result<Tensor>| -> f64 { t.unwrap().item().unwrap() };
        let (q, r): (f64, f64) = (at(a.floor_div(&b)), at(a.rem(&b)));
        prop_assert_eq!(q, q.floor());
        prop_assert!(r == 0.0 || (r < 0.0) == (y < 0.0) && r.abs() <= y.abs());
        prop_assert!((q * y + r - x).abs() <= 1e-12 * x.abs().max(1.0), "{x} = {q} {y} + {r}");
    }
}

#[test]
fn nan_stays_nan() {
    let (nan, one) = (Tensor::from(f64::NAN), Tensor::from(1.0));
    for f in [Tensor::maximum as Binary, Tensor::minimum, Tensor::add, Tensor::rem, Tensor::floor_div] {
        assert!(f(&nan, &one).unwrap().item().unwrap().is_nan());
        assert!(f(&one, &nan).unwrap().item().unwrap().is_nan());
    }
    assert!(nan.sign().unwrap().item().unwrap().is_nan());
    assert!(nan.softplus().unwrap().item().unwrap().is_nan());
    assert_eq!(Tensor::from([f64::NAN, 1.0]).where_(&one, &one).unwrap_err().kind(), ErrorKind::DType);
    assert_eq!(Tensor::from([true, false]).where_(&one, &nan).unwrap().to_vec::<f64>().unwrap()[0], 1.0);
    assert_eq!(nan.equal(&nan).unwrap(), Tensor::from(false));
    assert_eq!(nan.not_equal(&nan).unwrap(), Tensor::from(true));
    let special = Tensor::from([f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0]);
    assert_eq!(special.is_nan().unwrap(), Tensor::from([true, false, false, false]));
    assert_eq!(special.is_inf().unwrap(), Tensor::from([false, true, true, false]));
    assert_eq!(special.is_finite().unwrap(), Tensor::from([false, false, false, true]));
}

#[test]
fn rounding_and_signs() {
    let x = Tensor::from([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.0]);
    assert_eq!(f64s(&x.round().unwrap()), [-2.0, -2.0, 0.0, 0.0, 2.0, 2.0, 0.0]);
    assert_eq!(f64s(&x.sign().unwrap()), [-1.0, -1.0, -1.0, 1.0, 1.0, 1.0, 0.0]);
    let (x, y) = (Tensor::from([7.0, -7.0, 7.0, -7.0, 6.0]), Tensor::from([3.0, 3.0, -3.0, -3.0, -3.0]));
    assert_eq!(f64s(&x.rem(&y).unwrap()), [1.0, 2.0, -2.0, -1.0, 0.0]);
    assert_eq!(f64s(&x.fmod(&y).unwrap()), [1.0, -1.0, 1.0, -1.0, 0.0]);
    assert_eq!(f64s(&x.floor_div(&y).unwrap()), [2.0, -3.0, -3.0, 2.0, -2.0]);
    // 1 / 0.1 rounds to 10, but ten times the f64 nearest 0.1 is more than 1.
    assert_eq!(Tensor::from(1.0).floor_div(&Tensor::from(0.1)).unwrap(), Tensor::from(9.0));
}

#[test]
fn integers_wrap_and_report_division_by_zero() {
    let (low, one, zero) = (Tensor::from(i64::MIN), Tensor::from(1i64), Tensor::from([1i64, 0]));
    assert_eq!(low.neg().unwrap(), low);
    assert_eq!(low.abs().unwrap(), low);
    assert_eq!(low.sub(&one).unwrap(), Tensor::from(i64::MAX));
    assert_eq!(low.floor_div(&one.neg().unwrap()).unwrap(), low);
    assert_eq!(low.rem(&one.neg().unwrap()).unwrap(), Tensor::from(0i64));
    for f in [Tensor::rem as Binary, Tensor::fmod, Tensor::floor_div] {
        let err = f(&one, &zero).unwrap_err();
        assert_eq!(err.kind(), ErrorKind::Value);
        assert!(err.to_string().ends_with("division of integers by zero"), "{err}");
    }
}

#[test]
fn dtypes_never_mix() {
    let (x, y, t) = (Tensor::from(1.0f64), Tensor::from(1.0f32), Tensor::from(true));
    assert_eq!(x.add(&y).unwrap_err().to_string(), "add: dtypes f64 and f32 differ");
    assert_eq!(t.add(&t).unwrap_err().to_string(), "add: expected numbers, got bool");
    assert_eq!(Tensor::from(1i64).exp().unwrap_err().to_string(), "exp: expected a float dtype, got i64");
    assert_eq!(Tensor::from(1i64).pow(&Tensor::from(2i64)).unwrap_err().kind(), ErrorKind::DType);
    assert_eq!(x.logical_not().unwrap_err().kind(), ErrorKind::DType);
    assert_eq!(x.logical_and(&t).unwrap_err().kind(), ErrorKind::DType);
    assert_eq!(t.where_(&x, &y).unwrap_err().to_string(), "select: dtypes f64 and f32 differ");
    assert_eq!(x.less(&y).unwrap_err().kind(), ErrorKind::DType);
    assert_eq!(t.greater(&Tensor::from(false)).unwrap(), t);
}

#[test]
fn logic_is_boolean_algebra() {
    let x = Tensor::from([false, false, true, true]);
    let y = Tensor::from([false, true, false, true]);
    let not = |x: &Tensor| x.logical_not().unwrap();
    let de_morgan = not(&not(&x).logical_or(&not(&y)).unwrap());
    assert_eq!(x.logical_and(&y).unwrap(), de_morgan);
    assert_eq!(x.logical_xor(&y).unwrap(), x.not_equal(&y).unwrap());
}

#[test]
fn empty_and_rank_0_shapes() {
    let empty = Tensor::zeros([2, 0, 3], DType::F64).unwrap();
    let (row, one) = (Tensor::zeros([1, 3], DType::F64).unwrap(), Tensor::from(1.0));
    for f in BINARY {
        assert_eq!(f(&empty, &row).unwrap().shape(), empty.shape());
        assert_eq!(f(&one, &empty).unwrap().shape(), empty.shape());
        assert_eq!(f(&one, &one).unwrap().shape(), &Shape::from(()));
    }
    for f in UNARY {
        assert_eq!(f(&empty).unwrap().shape(), empty.shape());
    }
}

//! Reductions: against a loop over indices, for every layout, and how well sums are rounded.

use proptest::prelude::*;
use wengert_tensor::kernel::reduce::stream::{self, Stream};
use wengert_tensor::kernel::reduce::{Fold, LEAF};
use wengert_tensor::{Axes, DType, Data, DataMut, ErrorKind, Result, Shape, Tensor};

mod layouts;
use layouts::{bits, places, tensors, with_same_values};

type Over = fn(&Tensor, Axes) -> Result<Tensor>;

const REDUCTIONS: &[Over] = &[
    |x, axes| x.sum_axes(axes),
    |x, axes| x.prod_axes(axes),
    |x, axes| x.mean_axes(axes),
    |x, axes| x.var_axes(axes, 1),
    |x, axes| x.max_axes(axes),
    |x, axes| x.min_axes(axes),
    |x, axes| x.is_nan()?.any_axes(axes),
    |x, axes| x.is_nan()?.all_axes(axes),
    |x, axes| x.cast(DType::F32)?.sum_axes(axes),
];

/// The axes whose bits are set.
fn subset(x: &Tensor, mask: usize) -> Vec<usize> {
    (0..x.rank()).filter(|axis| mask >> axis & 1 == 1).collect()
}

proptest! {
    #![proptest_config(layouts::config())]

    #[test]
    fn layouts_do_not_change_a_bit(x in tensors(), mask in 0..8usize) {
        let axes = subset(&x, mask);
        for f in REDUCTIONS {
            let of = |x: &Tensor| f(x, Axes::from(&axes[..])).map(|y| bits(&y));
            for view in with_same_values(&x) {
                prop_assert_eq!(of(&x.contiguous().unwrap()), of(&view));
            }
        }
        for axis in 0..x.rank() as isize {
            for view in with_same_values(&x) {
                prop_assert_eq!(x.argmax(axis).map(|y| bits(&y)), view.argmax(axis).map(|y| bits(&y)));
            }
        }
    }

    #[test]
    fn a_reduction_is_a_loop_over_indices(x in tensors(), mask in 0..8usize) {
        let x = x.where_nan(0.5);
        let axes = subset(&x, mask);
        let shape = x.shape().without(&axes);
        let mut elements = vec![vec![]; shape.numel()];
        for index in places(x.shape()) {
            let (mut at, mut step) = (0, 1);
            for axis in (0..x.rank()).rev().filter(|axis| !axes.contains(axis)) {
                at += index[axis] * step;
                step *= x.shape()[axis];
            }
            elements[at].push(x.get::<f64>(&index).unwrap());
        }
        let want = |f: &dyn Fn(&[f64]) -> f64| {
            Tensor::from_vec(elements.iter().map(|e| f(e)).collect::<Vec<_>>(), &shape).unwrap()
        };
        let close = |y: Tensor, f: &dyn Fn(&[f64]) -> f64| y.allclose(&want(f), 1e-12, 1e-12).unwrap();
        prop_assert!(close(x.sum_axes(&axes[..]).unwrap(), &|e| e.iter().sum()));
        prop_assert!(close(x.prod_axes(&axes[..]).unwrap(), &|e| e.iter().product()));
        let empty = axes.iter().any(|&axis| x.shape()[axis] == 0);
        match x.max_axes(&axes[..]) {
            Ok(max) => prop_assert_eq!(max, want(&|e| e.iter().copied().fold(f64::NEG_INFINITY, f64::max))),
            Err(e) => prop_assert!(empty && e.kind() == ErrorKind::Shape),
        }
        let keep = x.shape().ones_at(&axes);
        let kept = x.sum_keep(&axes[..]).unwrap();
        prop_assert_eq!(kept.shape(), &keep);
        prop_assert_eq!(kept.reshape(&shape).unwrap(), x.sum_axes(&axes[..]).unwrap());
    }

    #[test]
    fn long_sums_have_the_same_bits_on_every_path(n in 1..1500usize, m in 1..40usize, flip: bool) {
        let values: Vec<f32> = (0..n * m).map(|i| ((i * 7919) % 1000) as f32 / 1000.0 + 1e-3).collect();
        let x = Tensor::from_vec(values, [n, m]).unwrap();
        let same = x.t().contiguous().unwrap().t();
        let (x, same) = if flip { (x.flip(0).unwrap(), same.flip(0).unwrap()) } else { (x, same) };
        for axis in 0..2 {
            prop_assert_eq!(bits(&x.sum_axes(axis).unwrap()), bits(&same.sum_axes(axis).unwrap()));
            prop_assert_eq!(bits(&x.max_axes(axis).unwrap()), bits(&same.max_axes(axis).unwrap()));
        }
        prop_assert_eq!(bits(&x.sum().unwrap()), bits(&same.sum().unwrap()));
        prop_assert_eq!(bits(&x.sum().unwrap()), bits(&x.flatten().unwrap().sum().unwrap()));
    }
}

proptest! {
    #![proptest_config(layouts::config())]

    #[test]
    fn a_block_of_rows_after_another_has_the_bits_of_all_at_once(
        n in 1..1500usize, m in 1..40usize, block in 1..600usize, parts in 1..4usize,
    ) {
        let values: Vec<f32> = (0..n * m).map(|i| ((i * 7919) % 1000) as f32 / 1000.0 + 1e-3).collect();
        let x = Tensor::from_vec(values.clone(), [n, m]).unwrap();
        for fold in [Fold::Sum, Fold::Prod, Fold::Max, Fold::Min] {
            let whole = |axes: &[usize]| match fold {
                Fold::Sum => x.sum_axes(axes),
                Fold::Prod => x.prod_axes(axes),
                Fold::Max => x.max_axes(axes),
                _ => x.min_axes(axes),
            };
            let whole = |axes: &[usize]| whole(axes).unwrap().iter::<f32>().unwrap().collect::<Vec<_>>();
            let mut out = vec![0f32; n];
            stream::rows(fold, m, Data::F32(&values), DataMut::F32(&mut out)).unwrap();
            prop_assert_eq!(out, whole(&[1]));
            // Over the leading axis, and over everything.
            for (width, rows, axes) in [(m, n, &[0][..]), (1, n * m, &[0, 1])] {
                let stream = Stream { fold, width };
                let mut totals = vec![f32::NAN; stream.totals(rows)];
                let part = (rows / parts).max(1).next_multiple_of(LEAF);
                for start in (0..rows).step_by(part) {
                    let mut state = vec![f32::NAN; stream.state()];
                    let own = part.min(rows - start);
                    let totals = &mut totals[stream.totals(start)..][..stream.totals(own)];
                    for before in (0..own).step_by(block) {
                        let taken = block.min(own - before);
                        let x = Data::F32(&values[(start + before) * width..][..taken * width]);
                        stream.take(own, before, x, DataMut::F32(&mut state), DataMut::F32(totals)).unwrap();
                    }
                }
                let mut out = vec![0f32; width];
                stream.finish(rows, DataMut::F32(&mut totals), DataMut::F32(&mut out)).unwrap();
                prop_assert_eq!(out, whole(axes));
            }
        }
    }
}

trait WhereNan {
    fn where_nan(&self, value: f64) -> Tensor;
}

impl WhereNan for Tensor {
    fn where_nan(&self, value: f64) -> Tensor {
        self.is_nan().unwrap().where_(&Tensor::from(value), self).unwrap()
    }
}

#[test]
fn sums_of_many_f32_are_accurate() {
    let x = Tensor::full([1000, 1000], 0.1f32).unwrap();
    let exact = 0.1f32 as f64 * 1e6;
    for sum in [x.sum(), x.contiguous().and_then(|x| x.sum_axes(0)?.sum()), x.sum_axes(1).and_then(|x| x.sum())] {
        assert!((sum.unwrap().item().unwrap() - exact).abs() < 1e-6 * exact);
    }
}

#[test]
fn nothing_has_a_sum_but_no_maximum() {
    let x = Tensor::zeros([2, 0, 3], DType::F64).unwrap();
    assert_eq!(x.sum_axes(1).unwrap(), Tensor::zeros([2, 3], DType::F64).unwrap());
    assert_eq!(x.prod().unwrap(), Tensor::from(1.0));
    assert!(x.mean().unwrap().item().unwrap().is_nan());
    assert_eq!(x.max_axes(1).unwrap_err().to_string(), "max: no elements along axes [1] of shape [2, 0, 3]");
    assert_eq!(x.argmin(1).unwrap_err().to_string(), "argmin: no elements along axis 1 of shape [2, 0, 3]");
    assert_eq!(x.min_axes(0).unwrap().shape(), &Shape::from([0, 3]));
    assert_eq!(x.argmax(0).unwrap().shape(), &Shape::from([0, 3]));
    let none = x.is_nan().unwrap();
    assert_eq!((none.any().unwrap(), none.all().unwrap()), (Tensor::from(false), Tensor::from(true)));
}

#[test]
fn rank_0_is_its_own_reduction() {
    let x = Tensor::from(3.0);
    for f in REDUCTIONS {
        assert_eq!(f(&x, Axes::from(..)).unwrap().rank(), 0);
    }
    assert_eq!((x.sum().unwrap(), x.max().unwrap()), (x.clone(), x.clone()));
    assert_eq!(x.sum_axes(0).unwrap_err().kind(), ErrorKind::Index);
    assert_eq!(x.argmax(0).unwrap_err().kind(), ErrorKind::Index);
}

#[test]
fn extremes_and_their_places() {
    let x = Tensor::from([[3.0, 5.0, 5.0], [1.0, f64::NAN, f64::NAN]]);
    assert_eq!(x.argmax(1).unwrap(), Tensor::from([1i64, 1]));
    assert_eq!(x.argmin(-1).unwrap(), Tensor::from([0i64, 1]));
    assert_eq!(x.argmax(0).unwrap(), Tensor::from([0i64, 1, 1]));
    assert!(x.max().unwrap().item().unwrap().is_nan() && x.min().unwrap().item().unwrap().is_nan());
    assert_eq!(x.min_axes(0).unwrap().get::<f64>(&[0]).unwrap(), 1.0);
    assert_eq!(Tensor::from([i64::MIN, i64::MIN]).max().unwrap(), Tensor::from(i64::MIN));
    assert_eq!(Tensor::from([f64::NEG_INFINITY]).max().unwrap(), Tensor::from(f64::NEG_INFINITY));
}

#[test]
fn moments() {
    let x = Tensor::from([[1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0]]);
    assert_eq!(x.mean_axes(1).unwrap(), Tensor::from([2.5, 5.0]));
    assert_eq!(x.var_axes(1, 0).unwrap(), Tensor::from([1.25, 5.0]));
    assert_eq!(x.var_keep(1, 1).unwrap(), Tensor::from([[5.0 / 3.0], [20.0 / 3.0]]));
    assert_eq!(x.std_axes(1, 0).unwrap(), Tensor::from([1.25f64.sqrt(), 5.0f64.sqrt()]));
    assert!(Tensor::from([1.0]).var(1).unwrap().item().unwrap().is_nan());
    let err = Tensor::from([1i64, 2]).mean().unwrap_err();
    assert_eq!(err.to_string(), "mean: expected a float dtype, got i64");
}

#[test]
fn reductions_refuse_what_they_cannot_do() {
    let t = Tensor::from([true, false]);
    assert_eq!(t.sum().unwrap_err().to_string(), "sum: expected numbers, got bool");
    assert_eq!(t.argmax(0).unwrap_err().kind(), ErrorKind::DType);
    assert_eq!(Tensor::from([1.0]).any().unwrap_err().kind(), ErrorKind::DType);
    assert_eq!(Tensor::from([1.0]).sum_axes([0, 0]).unwrap_err().kind(), ErrorKind::Index);
}

#[test]
fn a_wrong_axis_is_an_error_that_names_the_operation() {
    let x = Tensor::from([1.0, 2.0]);
    let errors = [
        (x.sum_axes(1), "sum: "),
        (x.prod_keep([0, 1]), "prod: "),
        (x.max_axes(-2), "max: "),
        (x.mean_axes(1), "mean: "),
        (x.var_axes(1, 0), "var: "),
        (x.argmax(1), "argmax: "),
        (x.argmin(1), "argmin: "),
        (x.cumsum(1), "cumsum: "),
        (x.arg_cummax(1), "arg_cummax: "),
        (x.arg_cummin(1), "arg_cummin: "),
        (x.argsort(1, false), "argsort: "),
    ];
    for (result, op) in errors {
        let error = result.unwrap_err();
        assert!(error.kind() == ErrorKind::Index && error.sentence().starts_with(&format!("{op}axis ")), "{error}");
    }
}

proptest! {
    #[test]
    fn leaves_are_dealt_to_lanes_whatever_they_hold(
        width in 1..257usize, rows in 1..12usize, odd in prop::collection::vec((any::<usize>(), 0..4usize), 0..4),
    ) {
        let mut x: Vec<f32> = (0..width * rows).map(|i| ((i * 7919) % 1000) as f32 / 1000.0 - 0.4).collect();
        for (place, kind) in odd {
            let place = place % x.len();
            x[place] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0][kind];
        }
        let one = |x: &[f32], first: f32, f: &dyn Fn(f32, f32) -> f32| {
            let (rounds, rest) = x.as_chunks::<32>();
            let mut lanes = [first; 32];
            for round in rounds {
                (0..32).for_each(|i| lanes[i] = f(lanes[i], round[i]));
            }
            for half in [16, 8, 4, 2, 1] {
                (0..half).for_each(|i| lanes[i] = f(lanes[i], lanes[i + half]));
            }
            let total = if rounds.is_empty() { first } else { lanes[0] };
            rest.iter().fold(total, |total, &x| f(total, x))
        };
        type Pair<'f> = &'f dyn Fn(f32, f32) -> f32;
        let max = |a: f32, b: f32| if a > b || a.is_nan() { a } else { b };
        let min = |a: f32, b: f32| if a < b || a.is_nan() { a } else { b };
        let add = |a: f32, b: f32| a + b;
        let ways: [(Fold, f32, Pair); 3] =
            [(Fold::Sum, 0.0, &add), (Fold::Max, f32::NEG_INFINITY, &max), (Fold::Min, f32::INFINITY, &min)];
        for (fold, first, f) in ways {
            let mut out = vec![0.0; rows];
            stream::rows(fold, width, Data::F32(&x), DataMut::F32(&mut out)).unwrap();
            for (row, got) in x.chunks(width).zip(out) {
                let want = one(row, first, f);
                prop_assert!(got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan(), "{:?}: {got} for {want}", fold);
            }
        }
    }
}

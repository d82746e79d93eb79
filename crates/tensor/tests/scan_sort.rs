//! Running results and sorting: laws, layouts, NaN and ties.

use proptest::prelude::*;
use wengert_tensor::{ErrorKind, Result, Tensor};

mod layouts;
use layouts::{bits, tensors, with_same_values};

type Along = fn(&Tensor, isize) -> Result<Tensor>;

const ALONG: &[Along] = &[
    Tensor::cumsum,
    Tensor::arg_cummax,
    Tensor::arg_cummin,
    |x, axis| x.argsort(axis, false),
    |x, axis| x.argsort(axis, true),
];

proptest! {
    #![proptest_config(layouts::config())]

    #[test]
    fn layouts_do_not_change_a_bit(x in tensors()) {
        for f in ALONG {
            for axis in 0..x.rank() as isize {
                let want = bits(&f(&x, axis).unwrap());
                for view in with_same_values(&x) {
                    prop_assert_eq!(&bits(&f(&view, axis).unwrap()), &want);
                }
                // Along another axis of the transpose, the same happens.
                let last = x.transpose(axis, -1).unwrap();
                let y = f(&last, -1).unwrap().transpose(axis, -1).unwrap();
                prop_assert_eq!(bits(&y), want);
            }
        }
    }

    #[test]
    fn argsort_is_a_stable_permutation_that_sorts(values in prop::collection::vec(-4..4i64, 0..40), down: bool) {
        let order: Vec<usize> =
            Tensor::from(&values[..]).argsort(0, down).unwrap().iter::<i64>().unwrap().map(|i| i as usize).collect();
        let mut want: Vec<usize> = (0..values.len()).collect();
        want.sort_by_key(|&i| (if down { -values[i] } else { values[i] }, i));
        let sorted: Vec<i64> = Tensor::from(&values[..]).sort(0, down).unwrap().to_vec().unwrap();
        prop_assert_eq!(sorted, want.iter().map(|&i| values[i]).collect::<Vec<_>>());
        prop_assert_eq!(order, want);
    }

    #[test]
    fn running_extremes_are_extremes_of_prefixes(values in prop::collection::vec(-4..4i64, 1..40)) {
        let x = Tensor::from(&values[..]);
        let (max, min): (Vec<i64>, Vec<i64>) =
            (x.arg_cummax(0).unwrap().to_vec().unwrap(), x.arg_cummin(0).unwrap().to_vec().unwrap());
        let sums: Vec<i64> = x.cumsum(0).unwrap().to_vec().unwrap();
        for i in 0..values.len() {
            let prefix = &values[..=i];
            // `max_by_key` finds the last of equals, and so does `rposition`.
            let largest = prefix.iter().max().and_then(|max| prefix.iter().rposition(|x| x == max));
            let smallest = prefix.iter().min().and_then(|min| prefix.iter().rposition(|x| x == min));
            prop_assert_eq!((Some(max[i] as usize), Some(min[i] as usize)), (largest, smallest));
            prop_assert_eq!(sums[i], prefix.iter().sum::<i64>());
        }
    }
}

#[test]
fn nan_sorts_above_all_numbers() {
    let x = Tensor::from([f64::NAN, 1.0, f64::INFINITY, f64::NAN, -1.0, -0.0, 0.0]);
    assert_eq!(x.argsort(0, false).unwrap(), Tensor::from([4i64, 5, 6, 1, 2, 0, 3]));
    assert_eq!(x.argsort(0, true).unwrap(), Tensor::from([0i64, 3, 2, 1, 5, 6, 4]));
    assert_eq!(Tensor::from([true, false, true]).argsort(0, false).unwrap(), Tensor::from([1i64, 0, 2]));
}

#[test]
fn running_extremes_keep_to_the_last_nan() {
    assert_eq!(Tensor::from([[1.0, 3.0], [2.0, 2.0]]).cummax(0).unwrap(), Tensor::from([[1.0, 3.0], [2.0, 3.0]]));
    assert_eq!(Tensor::from([[1.0, 3.0], [2.0, 2.0]]).cummin(1).unwrap(), Tensor::from([[1.0, 1.0], [2.0, 2.0]]));
    let x = Tensor::from([1.0, f64::NAN, 3.0, f64::NAN, 0.0]);
    assert_eq!(x.arg_cummax(0).unwrap(), Tensor::from([0i64, 1, 1, 3, 3]));
    assert_eq!(x.arg_cummin(0).unwrap(), Tensor::from([0i64, 1, 1, 3, 3]));
}

#[test]
fn running_sums_of_f32_are_accurate() {
    let n = 1_000_000;
    let sums = Tensor::full([n], 0.1f32).unwrap().cumsum(0).unwrap();
    let last = sums.get::<f32>(&[n - 1]).unwrap() as f64;
    assert!((last - 0.1f32 as f64 * n as f64).abs() < 1e-7 * last);
}

#[test]
fn axes_must_exist() {
    for f in ALONG {
        let err = f(&Tensor::from(1.0), 0).unwrap_err();
        assert_eq!(err.kind(), ErrorKind::Index);
        assert!(err.to_string().contains("axis 0 is out of range for shape [] of rank 0"), "{err}");
        assert_eq!(f(&Tensor::from([[1.0]]), -3).unwrap_err().kind(), ErrorKind::Index);
    }
    assert_eq!(Tensor::from([true]).cumsum(0).unwrap_err().kind(), ErrorKind::DType);
}

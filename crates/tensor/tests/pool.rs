//! Pooling against windows and reductions, and the corners: ties, NaN, padding, the last window.

mod common;

use common::{relaid, tensor};
use proptest::prelude::*;
use wengert_tensor::{DType, ErrorKind, Pad, Pool, Tensor};

/// Left over beyond the window, window, stride, dilation.
fn axes() -> impl Strategy<Value = Vec<(usize, usize, usize, usize)>> {
    prop::collection::vec((0..5usize, 1..4usize, 1..4usize, 1..3usize), 1..4)
}

fn case(axes: &[(usize, usize, usize, usize)], lead: &[usize], padding: usize) -> (Tensor, Pool) {
    let pool = Pool {
        sizes: axes.iter().map(|a| a.1).collect(),
        strides: axes.iter().map(|a| a.2).collect(),
        dilations: axes.iter().map(|a| a.3).collect(),
        padding: axes.iter().map(|a| (padding.min((a.1 - 1) / 2), padding.min((a.1 - 1) / 2))).collect(),
        ceil: false,
    };
    // At least as long as the dilation, so that no window misses the axis.
    let sizes: Vec<usize> = axes.iter().map(|a| ((a.1 - 1) * a.3 + 1 + a.0).max(a.3)).collect();
    (tensor([lead, &sizes[..]].concat(), 7), pool)
}

fn windows(x: &Tensor, pool: &Pool, value: f64) -> Vec<Vec<f64>> {
    let lead = x.rank() - pool.sizes.len();
    let pads: Vec<Pad> = vec![Pad::default(); lead].into_iter().chain(pool.padding.iter().map(|&p| p.into())).collect();
    let windows = x.pad(&pads, value).unwrap().windows(&pool.sizes, &pool.strides, &pool.dilations).unwrap();
    let size = pool.sizes.iter().product();
    windows.to_vec::<f64>().unwrap().chunks(size).map(<[f64]>::to_vec).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pools_reduce_padded_windows(axes in axes(), lead in prop::collection::vec(1..3usize, 0..3), padding in 0..2usize, kind: u8) {
        let (x, pool) = case(&axes, &lead, padding);
        let (values, indices) = relaid(&x, kind).max_pool_with_indices(&pool).unwrap();
        let maxima = windows(&x, &pool, f64::NEG_INFINITY).into_iter().map(|w| w.into_iter().fold(f64::NEG_INFINITY, f64::max));
        prop_assert_eq!(values.to_vec::<f64>().unwrap(), maxima.collect::<Vec<_>>());
        let below = x.shape()[lead.len()..].iter().product::<usize>() as i64;
        prop_assert!(indices.iter::<i64>().unwrap().all(|i| (0..below).contains(&i)));

        let mean = |padding: bool| relaid(&x, kind).avg_pool(&pool, padding).unwrap().to_vec::<f64>().unwrap();
        let close = |a: Vec<f64>, b: Vec<f64>| a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-12);
        let all = windows(&x, &pool, 0.0).into_iter().map(|w| w.iter().sum::<f64>() / w.len() as f64);
        prop_assert!(close(mean(true), all.collect()));
        let real = windows(&x, &pool, f64::NAN).into_iter().map(|w| {
            let w: Vec<f64> = w.into_iter().filter(|v| !v.is_nan()).collect();
            w.iter().sum::<f64>() / w.len() as f64
        });
        prop_assert!(close(mean(false), real.collect()));
    }
}

#[test]
fn planes_of_many_windows_are_no_different() {
    let lowest = f64::NEG_INFINITY;
    for (rows, columns) in [(40, 300), (3, 129), (130, 7), (257, 2)] {
        let x = tensor([2, rows, columns], 3);
        for pool in [
            Pool::new(&[2, 2]),
            Pool::new(&[3, 2]).stride(1).padding(1),
            Pool::new(&[3, 2]).stride(2),
            Pool::new(&[1, 2]).stride(3),
        ] {
            let (values, indices) = x.max_pool_with_indices(&pool).unwrap();
            let maxima = windows(&x, &pool, lowest).into_iter().map(|w| w.into_iter().fold(lowest, f64::max));
            assert_eq!(values.to_vec::<f64>().unwrap(), maxima.collect::<Vec<_>>());
            for kind in 1..4 {
                assert_eq!(relaid(&x, kind).max_pool_with_indices(&pool).unwrap().1, indices);
            }
        }
    }
}

#[test]
fn the_first_of_ties_and_of_nans_is_chosen() {
    let pick = |x: Tensor| x.max_pool_with_indices(&Pool::new(&[4])).unwrap().1.to_vec::<i64>().unwrap();
    assert_eq!(pick(Tensor::from([1.0, 2.0, 2.0, 0.0])), [1]);
    assert_eq!(pick(Tensor::from([1.0, f64::NAN, 9.0, f64::NAN])), [1]);
    assert_eq!(pick(Tensor::from([f64::NEG_INFINITY; 4])), [0]);
    assert_eq!(pick(Tensor::from([i64::MIN, i64::MAX, 3, i64::MAX])), [1]);
    // Indices are into the plane, not the window.
    let x = Tensor::from([[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0]]]);
    let (values, indices) = x.max_pool_with_indices(&Pool::new(&[2, 2]).stride(1)).unwrap();
    assert_eq!(values, Tensor::from([[[4.0, 5.0], [7.0, 8.0]]]));
    assert_eq!(indices, Tensor::from([[[4, 5], [7, 8]]]));
}

#[test]
fn the_last_window_may_reach_beyond_but_not_start_there() {
    let x = Tensor::from([1.0, 2.0, 3.0, 4.0, 6.0]);
    let pool = Pool::new(&[2]).ceil(true);
    assert_eq!(x.max_pool(&pool).unwrap(), Tensor::from([2.0, 4.0, 6.0]));
    assert_eq!(x.avg_pool(&pool, true).unwrap(), Tensor::from([1.5, 3.5, 6.0]));
    // Padding 1: windows at -1, 1, 3; one at 5 would start in the padding after the axis.
    let padded = pool.padding(1);
    assert_eq!(x.max_pool(&padded).unwrap(), Tensor::from([1.0, 3.0, 6.0]));
    assert_eq!(x.avg_pool(&padded, true).unwrap(), Tensor::from([0.5, 2.5, 5.0]));
    assert_eq!(x.avg_pool(&padded, false).unwrap(), Tensor::from([1.0, 2.5, 5.0]));
    // Padding within the last window counts, what lies beyond it does not.
    let wide = Pool::new(&[3]).padding(1).stride(3).ceil(true);
    assert_eq!(x.avg_pool(&wide, true).unwrap(), Tensor::from([1.0, 13.0 / 3.0]));
    let four = Tensor::from([1.0, 2.0, 3.0, 4.0]);
    assert_eq!(
        four.avg_pool(&Pool::new(&[3]).padding(1).stride(2).ceil(true), true).unwrap(),
        Tensor::from([1.0, 3.0, 2.0])
    );
}

#[test]
fn windows_without_elements_are_errors() {
    let kind = |x: &Tensor, pool: Pool| x.max_pool(&pool).unwrap_err().kind();
    let x = tensor([2, 3], 1);
    assert_eq!(kind(&x, Pool::new(&[4])), ErrorKind::Shape);
    assert_eq!(kind(&x, Pool::new(&[0])), ErrorKind::Value);
    assert_eq!(kind(&x, Pool::new(&[2]).stride(0)), ErrorKind::Value);
    assert_eq!(kind(&x, Pool::new(&[2]).padding(2)), ErrorKind::Shape);
    assert_eq!(kind(&x, Pool::new(&[1]).padding(1)), ErrorKind::Shape);
    assert_eq!(kind(&x, Pool::new(&[2]).padding(usize::MAX)), ErrorKind::Memory);
    assert_eq!(kind(&x, Pool::new(&[])), ErrorKind::Shape);
    assert_eq!(kind(&x, Pool::new(&[1, 1, 1])), ErrorKind::Shape);
    assert_eq!(kind(&tensor([1], 1), Pool::new(&[2]).padding(1).dilation(2)), ErrorKind::Shape);
    assert_eq!(kind(&tensor([2, 0], 1), Pool::new(&[2]).padding(1)), ErrorKind::Shape);
    assert_eq!(kind(&x.cast(DType::Bool).unwrap(), Pool::new(&[1])), ErrorKind::DType);
    assert_eq!(Tensor::from([1, 2]).avg_pool(&Pool::new(&[2]), true).unwrap_err().kind(), ErrorKind::DType);
    assert_eq!(x.max_pool(&Pool::new(&[3]).stride(usize::MAX)).unwrap().shape()[..], [2, 1]);
    assert_eq!(tensor([0, 3], 1).max_pool(&Pool::new(&[2])).unwrap().shape()[..], [0, 1]);
    assert_eq!(tensor([0, 3], 1).avg_pool(&Pool::new(&[2]), true).unwrap().shape()[..], [0, 1]);
}

//! Combinators choose, split and join samples without losing any.

use std::collections::BTreeSet;

use proptest::prelude::*;
use wengert_data::{Collate, Dataset, Tensors};
use wengert_tensor::{Result, Tensor};

fn numbers(n: usize) -> Tensors<Tensor> {
    Tensors::new(Tensor::arange(0, n as i64, 1).unwrap()).unwrap()
}

fn all<D: Dataset<Sample = Tensor>>(data: &D) -> Vec<i64> {
    (0..data.len()).map(|i| data.get(i).unwrap().item().unwrap() as i64).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn splits_are_disjoint_and_whole(n in 0usize..60, a in 0.0..1f64, seed: u64) {
        let parts = numbers(n).split([a / 2.0, 1.0 - a, a / 2.0], seed).unwrap();
        prop_assert!((parts[1].len() as f64 - (1.0 - a) * n as f64).abs() <= 1.0);
        let mut seen: Vec<i64> = parts.iter().flat_map(all).collect();
        seen.sort_unstable();
        prop_assert!(seen.into_iter().eq(0..n as i64));
        let again = numbers(n).split([a / 2.0, 1.0 - a, a / 2.0], seed).unwrap();
        prop_assert!(parts.iter().zip(&again).all(|(a, b)| a.indices() == b.indices()));
    }

    #[test]
    fn folds_test_every_sample_once(n in 2usize..40, k in 2usize..8, seed: u64) {
        prop_assume!(k <= n);
        let folds = numbers(n).k_fold(k, seed).unwrap();
        let mut tested = Vec::new();
        for (train, test) in &folds {
            let both: BTreeSet<i64> = all(train).into_iter().chain(all(test)).collect();
            prop_assert_eq!((both.len(), train.len() + test.len()), (n, n));
            prop_assert!(test.len() == n / k || test.len() == n.div_ceil(k));
            tested.extend(all(test));
        }
        tested.sort_unstable();
        prop_assert!(tested.into_iter().eq(0..n as i64));
    }

    #[test]
    fn gathering_is_getting_and_collating(n in 1usize..20, picks in prop::collection::vec(0usize..1000, 1..12)) {
        let indices: Vec<usize> = picks.iter().map(|i| i % n).collect();
        let x = Tensor::arange(0.0, 6.0 * n as f64, 1.0).unwrap().reshape([n, 2, 3]).unwrap();
        let data = Tensors::new((x, Tensor::arange(0, n as i64, 1).unwrap())).unwrap();
        let one_by_one = indices.iter().map(|&i| data.get(i)).collect::<Result<Vec<_>>>().unwrap();
        prop_assert_eq!(data.gather(&indices).unwrap(), Collate::collate(one_by_one).unwrap());
        let back: Vec<usize> = (0..n).rev().collect();
        let turned: Vec<usize> = indices.iter().map(|i| n - 1 - i).collect();
        prop_assert_eq!((&data).subset(back).unwrap().gather(&turned).unwrap(), data.gather(&indices).unwrap());
    }
}

#[test]
fn mapping_and_joining_keep_the_order() {
    let data = numbers(3).map(|x| x.mul(&Tensor::from(10))).concat(numbers(2));
    assert_eq!(all(&data), [0, 10, 20, 0, 1]);
    assert_eq!(data.gather(&[4, 1]).unwrap(), Tensor::from([1, 10]));
    let boxed: Box<dyn Dataset<Sample = Tensor>> = Box::new(data);
    assert_eq!(boxed.len(), 5);
}

#[test]
fn mistakes_are_sentences() {
    let sentence = |result: Result<()>| result.unwrap_err().to_string();
    assert_eq!(sentence(numbers(3).get(3).map(drop)), "tensors: index 3 is outside 3 samples");
    assert_eq!(sentence(numbers(3).gather(&[0, 9]).map(drop)), "tensors: index 9 is outside 3 samples");
    assert_eq!(sentence(numbers(3).subset([1, 3]).map(drop)), "subset: index 3 is outside 3 samples");
    assert_eq!(sentence(numbers(3).concat(numbers(2)).get(5).map(drop)), "concat: index 5 is outside 5 samples");
    assert_eq!(
        sentence(numbers(3).k_fold(4, 0).map(drop)),
        "k_fold: 4 folds of 3 samples; at least 2, and one sample in each"
    );
    for shares in [[0.8, 0.3], [-0.1, 0.5], [f64::NAN, 0.5], [f64::INFINITY, 0.0]] {
        assert!(numbers(3).split(shares, 0).is_err(), "{shares:?}");
    }
    let rows = Tensors::new((Tensor::from([1, 2]), Tensor::from([1.0]))).map(drop);
    assert_eq!(sentence(rows), "tensors: [2, 1] rows; each must have as many");
    assert!(Tensors::new(Tensor::from(1.0)).is_err());
}

#[test]
fn parts_of_samples_are_collated_each() {
    let samples = vec![([1i64, 2], "a".to_string(), true), ([3, 4], "b".to_string(), false)];
    let ([x, y], names, flags) = Collate::collate(samples).unwrap();
    assert_eq!((x, y), (Tensor::from([1i64, 3]), Tensor::from([2i64, 4])));
    assert_eq!((names, flags), (vec!["a".to_string(), "b".to_string()], Tensor::from([true, false])));
    assert_eq!(Collate::collate(vec![vec![1.0, 2.0]]).unwrap(), [Tensor::from([1.0]), Tensor::from([2.0])]);
}

//! The laws of batches: every sample once, the same ones for any number of threads, the same after a resumption.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use proptest::prelude::*;
use wengert_data::{Collate, Dataset, Loader, Position, Tensors, augment};
use wengert_tensor::{DType, Error, Result, Tensor};

fn numbers(n: usize) -> Tensors<Tensor> {
    Tensors::new(Tensor::arange(0, n as i64, 1).unwrap()).unwrap()
}

fn drain<D: Dataset<Sample = Tensor> + 'static>(loader: &Loader<D>) -> Vec<Tensor> {
    loader.iter().collect::<Result<_>>().unwrap()
}

fn flat(batches: &[Tensor]) -> Vec<i64> {
    batches.iter().flat_map(|batch| batch.to_vec::<i64>().unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_sample_comes_once_an_epoch(n in 0usize..40, size in 1usize..12, seed: u64, workers in 0usize..5) {
        let loader = Loader::new(numbers(n), size).unwrap().shuffle(seed).workers(workers);
        for epoch in 0..2 {
            prop_assert_eq!(loader.position(), Position { epoch, batch: 0 });
            let batches = drain(&loader);
            prop_assert_eq!(batches.len() as u64, loader.batches());
            prop_assert!(batches.iter().rev().skip(1).all(|batch| batch.numel() == size));
            let mut seen = flat(&batches);
            let order: Vec<i64> = loader.order(epoch).unwrap().into_iter().map(|i| i as i64).collect();
            prop_assert_eq!(&seen, &order);
            seen.sort_unstable();
            prop_assert!(seen.into_iter().eq(0..n as i64));
        }
    }

    #[test]
    fn whole_batches_only(n in 0usize..40, size in 1usize..12, workers in 0usize..3) {
        let loader = Loader::new(numbers(n), size).unwrap().drop_last().workers(workers);
        let batches = drain(&loader);
        prop_assert_eq!(batches.len(), n / size);
        prop_assert!(batches.iter().all(|batch| batch.numel() == size));
        prop_assert!(flat(&batches).into_iter().eq(0..(n / size * size) as i64));
    }

    #[test]
    fn resuming_is_going_on(stop in 0usize..30, seed: u64, workers in 0usize..4) {
        let pictures = || {
            let x = Tensor::arange(0.0, 23.0 * 16.0, 1.0).unwrap().reshape([23, 4, 4]).unwrap();
            let data = Tensors::new(x).unwrap();
            Loader::new(data, 4).unwrap().shuffle(seed).workers(workers).augment(seed ^ 1, |x, rng| {
                augment::noise(&augment::crop(&augment::flip(&x, -1, rng)?, 1, rng)?, 0.5, rng)
            })
        };
        // Five epochs in one go, or stopped after `stop` batches, and gone on with by another loader.
        let run = |loader: &Loader<_>, most: usize| {
            let mut batches = Vec::new();
            while loader.position().epoch < 5 && batches.len() < most {
                for batch in loader {
                    batches.push(batch.unwrap());
                    if batches.len() == most {
                        break;
                    }
                }
            }
            batches
        };
        let whole = run(&pictures(), usize::MAX);
        prop_assert_eq!(whole.len(), 30);
        let first = pictures();
        let mut parts = run(&first, stop);
        let second = pictures();
        second.resume(first.position()).unwrap();
        parts.extend(run(&second, usize::MAX));
        prop_assert_eq!(parts, whole);
    }
}

#[test]
fn batches_do_not_depend_on_workers() {
    let batches = |workers, ahead| {
        let x = Tensor::arange(0.0, 50.0, 1.0).unwrap().cast(DType::F32).unwrap();
        let y = Tensor::arange(0, 50, 1).unwrap();
        let data = Tensors::new((x, y)).unwrap();
        let loader = Loader::new(data, 7).unwrap().shuffle(3).workers(workers).ahead(ahead);
        let loader = loader.augment(9, |(x, y), rng| Ok((augment::noise(&x, 1.0, rng)?, y)));
        let epoch = || loader.iter().collect::<Result<Vec<_>>>().unwrap();
        let (first, second) = (epoch(), epoch());
        assert_ne!(first, second);
        [first, second].concat()
    };
    let alone = batches(0, 1);
    for workers in 1..5 {
        assert_eq!(batches(workers, workers), alone, "{workers} workers");
    }
}

#[test]
fn epochs_and_seeds_have_orders_of_their_own() {
    let order = |seed, epoch| Loader::new(numbers(100), 1).unwrap().shuffle(seed).order(epoch).unwrap();
    assert_eq!(order(1, 2), order(1, 2));
    assert_ne!(order(1, 2), order(1, 3));
    assert_ne!(order(1, 2), order(2, 1));
    assert_ne!(order(0, 0), (0..100).collect::<Vec<_>>());
}

#[test]
fn a_position_behind_the_epoch_is_refused() {
    let loader = Loader::new(numbers(10), 4).unwrap();
    let error = loader.resume(Position { epoch: 0, batch: 4 }).unwrap_err();
    assert_eq!(error.to_string(), "loader: resume at batch 4 of an epoch of 3 batches");
    loader.resume(Position { epoch: 7, batch: 3 }).unwrap();
    assert_eq!(loader.iter().count(), 0);
    assert_eq!(loader.position(), Position { epoch: 8, batch: 0 });
    assert!(Loader::new(numbers(10), 0).is_err());
}

/// Sample 5 cannot be read, 9 panics.
struct Faulty;

impl Dataset for Faulty {
    type Sample = i64;

    fn len(&self) -> usize {
        12
    }

    fn get(&self, index: usize) -> Result<i64> {
        match index {
            5 => Err(Error::file("five.png: ends too early")),
            9 => panic!("nine is unlucky"),
            i => Ok(i as i64),
        }
    }
}

#[test]
fn what_fails_in_a_worker_is_an_error_at_its_place() {
    for workers in 0..4 {
        let loader = Loader::new(Faulty, 2).unwrap().workers(workers);
        let batches: Vec<_> = loader.iter().collect();
        assert_eq!(batches.len(), 3, "two batches, and the error ends it");
        assert_eq!(batches[1], Ok(Tensor::from([2, 3])));
        let error = batches[2].as_ref().unwrap_err();
        assert_eq!(error.to_string(), "loader: batch 2 of epoch 0: sample 5: five.png: ends too early");
        assert_eq!(loader.position(), Position { epoch: 0, batch: 2 }, "it can be tried again");

        loader.resume(Position { epoch: 0, batch: 3 }).unwrap();
        let error = loader.iter().find_map(Result::err).unwrap();
        assert_eq!(error.to_string(), "loader: batch 4 of epoch 0: panicked: nine is unlucky");
    }
}

struct Counted(Arc<AtomicUsize>);

impl Dataset for Counted {
    type Sample = usize;

    fn len(&self) -> usize {
        1_000_000
    }

    fn get(&self, index: usize) -> Result<usize> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(index)
    }
}

#[test]
fn queues_are_bounded_and_dropping_ends_the_threads() {
    let made = Arc::new(AtomicUsize::new(0));
    let loader = Loader::new(Counted(made.clone()), 1).unwrap().workers(3).ahead(2);
    let mut batches = loader.iter();
    assert_eq!(batches.next().unwrap().unwrap(), Tensor::from([0]));
    drop(batches);
    let after = made.load(Ordering::SeqCst);
    // Three threads have two batches waiting and one in hand each, and one was taken.
    assert!(after <= 3 * 3 + 1, "{after} batches were made");
    std::thread::sleep(std::time::Duration::from_millis(20));
    assert_eq!(made.load(Ordering::SeqCst), after, "a thread went on");

    // No thread holds the data set either.
    let weak: Weak<AtomicUsize> = Arc::downgrade(&made);
    drop((loader, made));
    assert!(weak.upgrade().is_none());
}

#[test]
fn samples_that_do_not_fit_are_an_error() {
    struct Ragged;
    impl Dataset for Ragged {
        type Sample = Tensor;
        fn len(&self) -> usize {
            4
        }
        fn get(&self, index: usize) -> Result<Tensor> {
            Tensor::zeros([index / 2 + 1], DType::F32)
        }
    }
    let loader = Loader::new(Ragged, 3).unwrap();
    let error = loader.iter().next().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "loader: batch 0 of epoch 0: collate: stack: shapes [1] and [2] differ");
    assert!(Vec::<i64>::collate(vec![vec![1], vec![1, 2]]).is_err());
}

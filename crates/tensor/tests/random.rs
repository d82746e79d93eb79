//! Random numbers: the streams that seeds stand for, and that the numbers are distributed as said.

use rand::Rng as _;
use rand_distr::{Distribution, Exp1};
use wengert_tensor::{DType, Error, ErrorKind, Rng, Tensor};

const BITS: [u64; 3] = [15021278609987233951, 5881210131331364753, 18149643915985481100];
const UNIFORM: [f64; 3] = [0.8143051451229099, 0.3188210400616611, 0.9838941681774888];
const NORMAL: [f64; 4] = [0.8343975468437959, -0.514962928147295, 1.40772757311975, 0.46445486122523566];
const INTEGERS: [i64; 8] = [80, 28, 98, 68, 78, 56, 8, 58];
const PERMUTATION: [i64; 10] = [2, 1, 4, 6, 9, 5, 3, 8, 7, 0];

/// The first numbers of seed 42. A change here changes every seeded program's results.
#[test]
fn the_streams_of_a_seed_stay() {
    let rng = || Rng::seed(42);
    // By the papers' C code: SplitMix64 for the state, then xoshiro256++.
    let mut bits = rng();
    assert_eq!([bits.next_u64(), bits.next_u64(), bits.next_u64()], BITS);
    assert_eq!(Tensor::uniform([3], 0.0, 1.0, DType::F64, &mut rng()).unwrap(), Tensor::from(UNIFORM));
    assert_eq!(Tensor::randn([4], DType::F64, &mut rng()).unwrap(), Tensor::from(NORMAL));
    assert_eq!(Tensor::randint([8], -5, 100, &mut rng()).unwrap(), Tensor::from(INTEGERS));
    assert_eq!(Tensor::permutation(10, &mut rng()).unwrap(), Tensor::from(PERMUTATION));
}

#[test]
fn f32_is_f64_rounded_and_uses_up_as_much() {
    let (mut a, mut b) = (Rng::seed(1), Rng::seed(1));
    let wide = Tensor::randn([100], DType::F64, &mut a).unwrap();
    let narrow = Tensor::randn([100], DType::F32, &mut b).unwrap();
    assert_eq!(wide.cast(DType::F32).unwrap(), narrow);
    assert_eq!(a, b);
}

#[test]
fn clones_agree_and_seeds_differ() {
    let mut a = Rng::seed(3);
    let mut b = a.clone();
    let draw = |rng: &mut Rng| Tensor::randn([5], DType::F64, rng).unwrap();
    let first = draw(&mut a);
    assert_eq!(first, draw(&mut b));
    assert_ne!(first, draw(&mut a));
    assert_ne!(first, draw(&mut Rng::seed(4)));
    assert!(<Exp1 as Distribution<f64>>::sample(&Exp1, &mut a) > 0.0);
}

#[test]
fn moments() {
    const N: usize = 100_000;
    let moments = |x: &Tensor| {
        let mean = x.iter::<f64>().unwrap().sum::<f64>() / N as f64;
        (mean, x.iter::<f64>().unwrap().map(|x| (x - mean).powi(2)).sum::<f64>() / N as f64)
    };
    let near = |a: f64, b: f64| assert!((a - b).abs() < 0.02, "{a} is not about {b}");
    let rng = &mut Rng::seed(0);
    let (mean, variance) = moments(&Tensor::randn([N], DType::F64, rng).unwrap());
    near(mean, 0.0);
    near(variance, 1.0);
    let x = Tensor::uniform([N], -1.0, 2.0, DType::F64, rng).unwrap();
    assert!(x.iter::<f64>().unwrap().all(|x| (-1.0..2.0).contains(&x)));
    near(moments(&x).0, 0.5);
    near(moments(&x).1, 0.75);
    near(moments(&Tensor::bernoulli([N], 0.3, rng).unwrap().cast(DType::F64).unwrap()).0, 0.3);
    let mut counts = [0.0; 7];
    let x = Tensor::randint([N], -3, 4, rng).unwrap();
    x.iter::<i64>().unwrap().for_each(|i| counts[(i + 3) as usize] += 1.0);
    counts.iter().for_each(|count| near(count / N as f64, 1.0 / 7.0));
}

#[test]
fn permutations_hold_every_number_once() {
    let mut x = Tensor::permutation(1000, &mut Rng::seed(9)).unwrap().to_vec::<i64>().unwrap();
    assert!(!x.is_sorted());
    x.sort_unstable();
    assert!(x.into_iter().eq(0..1000));
    assert_eq!(Tensor::permutation(0, &mut Rng::seed(9)).unwrap().shape()[..], [0]);
}

#[test]
fn ends_of_ranges() {
    let rng = &mut Rng::seed(5);
    assert_eq!(Tensor::randint([3], i64::MAX - 1, i64::MAX, rng).unwrap(), Tensor::from([i64::MAX - 1; 3]));
    assert!(Tensor::randint([3], i64::MIN, i64::MAX, rng).is_ok());
    assert_eq!(Tensor::uniform([2], 1.5, 1.5, DType::F32, rng).unwrap(), Tensor::from([1.5f32; 2]));
    assert_eq!(Tensor::bernoulli([3], 1.0, rng).unwrap(), Tensor::from([true; 3]));
    assert_eq!(Tensor::bernoulli([3], 0.0, rng).unwrap(), Tensor::from([false; 3]));
    assert_eq!(Tensor::randn([2, 0], DType::F64, rng).unwrap().shape()[..], [2, 0]);
}

#[test]
fn mistakes_are_sentences() {
    let rng = &mut Rng::seed(5);
    let says = |result: Result<Tensor, Error>, sentence: &str| assert_eq!(result.unwrap_err().to_string(), sentence);
    says(Tensor::randn([2], DType::I64, rng), "randn: expected a float dtype, got i64");
    says(Tensor::uniform([2], 1.0, 0.0, DType::F64, rng), "uniform: 1 to 0 is not a finite interval");
    says(Tensor::uniform([2], f64::NAN, 0.0, DType::F64, rng), "uniform: NaN to 0 is not a finite interval");
    says(Tensor::randint([2], 3, 3, rng), "randint: no integer is from 3 up to 3, without 3");
    says(Tensor::bernoulli([2], f64::NAN, rng), "bernoulli: a probability of NaN is not from 0 to 1");
    assert_eq!(Tensor::permutation(usize::MAX, rng).unwrap_err().kind(), ErrorKind::Memory);
}

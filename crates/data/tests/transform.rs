//! What standardizing and augmenting keep.

use proptest::prelude::*;
use wengert_data::{Standardize, augment};
use wengert_tensor::{DType, Rng, Tensor};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn standardizing_can_be_undone(n in 2usize..20, features in 1usize..5, seed: u64, wide: bool) {
        let dtype = if wide { DType::F64 } else { DType::F32 };
        let near = if wide { 1e-10 } else { 1e-4 };
        let x = Tensor::uniform([n, features], -3.0, 50.0, dtype, &mut Rng::seed(seed)).unwrap();
        let scale = Standardize::fit(&x).unwrap();
        let z = scale.apply(&x).unwrap();
        let zero = Tensor::zeros([features], dtype).unwrap();
        prop_assert!(z.mean_axes(0).unwrap().allclose(&zero, 0.0, near).unwrap());
        prop_assert!(z.std_axes(0, 0.0).unwrap().allclose(&Tensor::ones([features], dtype).unwrap(), near, near).unwrap());
        prop_assert!(scale.invert(&z).unwrap().allclose(&x, near, near).unwrap());
        let row = x.select_axis(0, 0).unwrap();
        prop_assert_eq!(scale.apply(&row).unwrap(), z.select_axis(0, 0).unwrap());
        prop_assert_eq!(Standardize::new(scale.mean().clone(), scale.std().clone()).unwrap(), scale);
    }

    #[test]
    fn augmenting_depends_on_the_generator_alone(seed: u64, padding in 0usize..4, rank in 2usize..5) {
        let shape = [2, 3, 5, 4][4 - rank..].to_vec();
        let x = Tensor::randn(shape.clone(), DType::F32, &mut Rng::seed(seed)).unwrap();
        let change = |x: &Tensor| {
            let rng = &mut Rng::seed(seed);
            let x = augment::crop(&augment::flip(x, -1, rng).unwrap(), padding, rng).unwrap();
            augment::noise(&x, 0.1, rng).unwrap()
        };
        let changed = change(&x);
        prop_assert_eq!(&changed.shape()[..], &shape[..]);
        prop_assert_eq!(change(&x), changed);
    }
}

#[test]
fn flips_happen_half_the_time_and_crops_everywhere() {
    let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
    let rng = &mut Rng::seed(1);
    let flipped = (0..1000).filter(|_| augment::flip(&x, -1, rng).unwrap() != x).count();
    assert!((430..570).contains(&flipped), "{flipped} of 1000");
    let mut places = std::collections::HashSet::new();
    for _ in 0..500 {
        let moved = augment::crop(&x, 1, rng).unwrap();
        places.insert(moved.to_vec::<f64>().unwrap().map_bits());
    }
    assert_eq!(places.len(), 9);
    assert_eq!(augment::noise(&x, 0.0, rng).unwrap(), x);
}

trait Bits {
    fn map_bits(self) -> Vec<u64>;
}

impl Bits for Vec<f64> {
    fn map_bits(self) -> Vec<u64> {
        self.into_iter().map(f64::to_bits).collect()
    }
}

#[test]
fn images_have_a_mean_a_channel() {
    let x = Tensor::randn([6, 3, 4, 5], DType::F32, &mut Rng::seed(3)).unwrap();
    let scale = Standardize::fit_over(&x, [0, 2, 3]).unwrap();
    assert_eq!(&scale.mean().shape()[..], [3, 1, 1]);
    let z = scale.apply(&x).unwrap();
    let var = z.square().unwrap().mean_axes([0, 2, 3]).unwrap();
    assert!(var.allclose(&Tensor::from([1f32, 1.0, 1.0]), 1e-4, 1e-4).unwrap());
    assert_eq!(scale.apply(&x.select_axis(0, 2).unwrap()).unwrap(), z.select_axis(0, 2).unwrap());
}

#[test]
fn mistakes_are_sentences() {
    let sentence = |result: wengert_tensor::Result<Standardize>| result.unwrap_err().to_string();
    let nan = Tensor::from([[1.0, f64::NAN], [2.0, 3.0]]);
    assert_eq!(sentence(Standardize::fit(&nan)), "standardize: feature 1 has mean NaN and deviation NaN");
    assert!(sentence(Standardize::fit(&Tensor::from([[1, 2]]))).starts_with("standardize: i64 of [1, 2]"));
    assert!(Standardize::fit(&Tensor::zeros([0, 2], DType::F32).unwrap()).is_err());
    assert!(Standardize::fit(&Tensor::from(1.0)).is_err());
    assert!(Standardize::fit_over(&Tensor::from([[1.0]]), 1).is_err());
    assert!(Standardize::new(Tensor::from([0.0]), Tensor::from([0.0])).is_err());
    let scale = Standardize::fit(&Tensor::from([[1.0, 2.0], [3.0, 5.0]])).unwrap();
    let error = scale.apply(&Tensor::from([[1.0]])).unwrap_err().to_string();
    assert_eq!(error, "standardize: [1, 1] with means of [2]");
    let rng = &mut Rng::seed(0);
    let x = Tensor::from([[1.0]]);
    assert!(augment::noise(&x, -1.0, rng).is_err() && augment::noise(&Tensor::from([1]), 1.0, rng).is_err());
    assert!(augment::crop(&Tensor::from([1.0]), 1, rng).is_err() && augment::flip(&x, 2, rng).is_err());
    assert!(augment::crop(&x, usize::MAX / 2, rng).is_err());
}

//! Pooling: variables agree with tensors, gradients arrive whole, pooling to a size is pooling.

mod common;

use common::{assert_close, random, value};
use proptest::prelude::*;
use wengert_autograd::grad;
use wengert_tensor::{Pool, Result, Shape, Tensor};

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn maxima_and_averages_of_windows(
        axes in prop::collection::vec((1usize..6, 1usize..4, 1usize..4, 1usize..3, 0usize..3, 0usize..3), 1..3),
        ceil: bool, count_padding: bool,
    ) {
        let shape: Shape = [2].into_iter().chain(axes.iter().map(|axis| axis.0)).collect();
        let how = Pool {
            sizes: axes.iter().map(|axis| axis.1).collect(),
            strides: axes.iter().map(|axis| axis.2).collect(),
            dilations: axes.iter().map(|axis| axis.3).collect(),
            padding: axes.iter().map(|axis| (axis.4, axis.5)).collect(),
            ceil,
        };
        let x = random(&shape, 1);
        prop_assume!(x.max_pool(&how).is_ok());
        assert_eq!(value(&[&x], |v| v[0].max_pool(&how))?, x.max_pool(&how)?);
        assert_close(&value(&[&x], |v| v[0].avg_pool(&how, count_padding))?, &x.avg_pool(&how, count_padding)?);

        // A maximum is one element: its cotangent arrives whole.
        let positions = x.max_pool(&how)?.numel() as f64;
        let g = grad(|x| x.max_pool(&how).sum(), &x)?;
        prop_assert_eq!(value(&[&g], |v| v[0].sum())?.item()?, positions);
    }
}

#[test]
fn pooling_to_a_size_is_pooling_where_it_divides() -> Result<()> {
    let x = random([2, 6, 4], 1);
    let how = Pool::new(&[3, 2]);
    assert_close(&value(&[&x], |v| v[0].adaptive_avg_pool(&[2, 2]))?, &x.avg_pool(&how, true)?);
    assert_eq!(value(&[&x], |v| v[0].adaptive_max_pool(&[2, 2]))?, x.max_pool(&how)?);
    // Parts that do not divide overlap: of 5 elements, 0 to 2 and 2 to 4.
    let x = Tensor::from([1.0, 2.0, 3.0, 4.0, 8.0]);
    assert_close(&value(&[&x], |v| v[0].adaptive_avg_pool(&[2]))?, &Tensor::from([2.0, 5.0]));
    assert_eq!(value(&[&x], |v| v[0].adaptive_max_pool(&[2]))?, Tensor::from([3.0, 8.0]));

    let error = value(&[&x], |v| v[0].max_pool(&Pool::new(&[6]))).unwrap_err();
    assert!(error.sentence().starts_with("pool: axis 0 of [5]: a window of 6 elements"), "{error}");
    assert_eq!(error.location().map(|at| at.file()), Some(file!()));
    Ok(())
}

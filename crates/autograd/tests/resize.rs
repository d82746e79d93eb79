//! Images made larger and smaller, pooled and cut into columns, by the laws of these: constants and lines stay what they
//! are, nearest elements are elements, means keep means.

mod common;
mod mistakes;

use common::{assert_close, random, value};
use mistakes::{Mistake, assert_mistakes};
use proptest::prelude::*;
use wengert_autograd::check::gradgradcheck;
use wengert_autograd::{Resize, Tape, gradcheck, vmap};
use wengert_tensor::{Conv, DType, Pool, Result, Tensor};

const SMOOTH: [Resize; 4] = [
    Resize::Linear { align_corners: false },
    Resize::Linear { align_corners: true },
    Resize::Cubic { align_corners: false },
    Resize::Cubic { align_corners: true },
];
const OTHERS: [Resize; 3] = [Resize::Nearest, Resize::NearestExact, Resize::Area];

fn all() -> impl Iterator<Item = Resize> {
    SMOOTH.into_iter().chain(OTHERS)
}

/// The numbers 0, 1, 2, ...
fn line(n: usize) -> Result<Tensor> {
    Tensor::arange(0.0, n as f64, 1.0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_constant_stays_constant(n in 1usize..6, m in 1usize..6, to in [0usize..9, 0usize..9], factor in 0.2..4.0f64) {
        let x = Tensor::full([2, n, m], 0.75)?;
        for how in all() {
            let y = value(&[&x], |v| v[0].interpolate(&to, how))?;
            assert_close(&y, &Tensor::full([2, to[0], to[1]], 0.75)?);
            let y = value(&[&x], |v| v[0].interpolate_by(&[factor, 1.0], how))?;
            assert_close(&y, &Tensor::full([2, (n as f64 * factor) as usize, m], 0.75)?);
        }
    }

    #[test]
    fn as_many_elements_are_the_same(n in 1usize..6, m in 1usize..6, seed in 0u64..100) {
        let x = random([n, m], seed);
        for how in all() {
            assert_close(&value(&[&x], |v| v[0].interpolate(&[n, m], how))?, &x);
            assert_close(&value(&[&x], |v| v[0].interpolate_by(&[1.0, 1.0], how))?, &x);
        }
    }

    #[test]
    fn aligned_corners_keep_the_ends_and_lines(n in 2usize..9, m in 2usize..20) {
        let step = (n - 1) as f64 / (m - 1) as f64;
        let expected = line(m)?.mul(&Tensor::from(step))?;
        let y = value(&[&line(n)?], |v| v[0].interpolate(&[m], Resize::Linear { align_corners: true }))?;
        assert_close(&y, &expected);
        let y = value(&[&line(n)?], |v| v[0].interpolate(&[m], Resize::Cubic { align_corners: true }))?.to_vec::<f64>()?;
        prop_assert!((y[0]).abs() < 1e-12 && (y[m - 1] - (n - 1) as f64).abs() < 1e-12);
    }

    #[test]
    fn the_nearest_are_elements_in_order(n in 1usize..40, m in 1usize..40) {
        for how in [Resize::Nearest, Resize::NearestExact] {
            // Of any dtype, and found without rounding.
            let x = Tensor::arange(0, n as i64, 1)?;
            let y = value(&[&x], |v| v[0].interpolate(&[m], how))?.to_vec::<i64>()?;
            prop_assert!(y.is_sorted() && y.iter().all(|&i| (0..n as i64).contains(&i)));
            if m % n == 0 {
                let expected: Vec<i64> = (0..m).map(|k| (k / (m / n)) as i64).collect();
                prop_assert_eq!(&y, &expected);
            }
            // An image turned round: its centres are where they were, its lower edges are not.
            let turned = value(&[&x], |v| v[0].flip(0).interpolate(&[m], how).flip(0))?.to_vec::<i64>()?;
            let ties = (0..m).any(|k| (2 * k + 1) * n % (2 * m) == 0);
            prop_assert!(how == Resize::Nearest || ties || turned == y);
        }
    }

    #[test]
    fn areas_keep_the_mean(each in 1usize..5, m in 1usize..5, seed in 0u64..100) {
        let x = random([2, each * m], seed);
        let y = value(&[&x], |v| v[0].interpolate(&[m], Resize::Area).mean_axes(-1))?;
        assert_close(&y, &x.mean_axes(-1)?);
    }

    #[test]
    fn adaptive_pools_are_of_the_parts(n in 1usize..12, m in 1usize..12, seed in 0u64..100) {
        let x = random([n], seed);
        let all = x.to_vec::<f64>()?;
        let part = |k: usize| &all[k * n / m..((k + 1) * n).div_ceil(m)];
        let means = (0..m).map(|k| part(k).iter().sum::<f64>() / part(k).len() as f64).collect();
        let most = (0..m).map(|k| part(k).iter().copied().fold(f64::NEG_INFINITY, f64::max)).collect();
        assert_close(&value(&[&x], |v| v[0].adaptive_avg_pool(&[m]))?, &Tensor::from_vec(means, [m])?);
        assert_close(&value(&[&x], |v| v[0].adaptive_max_pool(&[m]))?, &Tensor::from_vec(most, [m])?);
    }

    #[test]
    fn a_convolution_is_a_product_with_columns(
        size in [1usize..6, 1usize..6], window in [1usize..3, 1usize..3], stride in 1usize..3, padding in 0usize..2,
    ) {
        let (x, w) = (random([2, 3, size[0], size[1]], 1), random([4, 3, window[0], window[1]], 2));
        let how = Pool::new(&window).stride(stride).padding(padding);
        let convolved = x.conv(&w, &Conv::new(2).stride(stride).padding(padding as isize));
        prop_assume!(convolved.is_ok());
        let product = value(&[&x, &w], |v| v[1].reshape([4, 3 * window[0] * window[1]]).matmul(v[0].im2col(&how)))?;
        let convolved = convolved?;
        assert_close(&product.reshape(convolved.shape())?, &convolved);
        // And a sum over a window is one over a column. A pool has no window of padding alone.
        let sums = value(&[&x], |v| v[0].sum_pool(&how));
        prop_assume!(sums.is_ok());
        let sums = sums?;
        let positions = sums.shape()[2] * sums.shape()[3];
        let rows = value(&[&x], |v| v[0].im2col(&how).reshape([6, window[0] * window[1], positions]).sum_axes(1))?;
        assert_close(&rows.reshape(sums.shape())?, &sums);
    }
}

#[test]
fn derivatives_and_batches() -> Result<()> {
    let x = random([2, 3, 4], 1);
    for how in all() {
        let checked = [[5, 7], [2, 2]].map(|to| {
            gradcheck(|x| x.interpolate(&to, how).sin(), &x)?;
            gradgradcheck(|x| x.interpolate(&to, how).sin(), &x)?;
            let rows = [0, 1].map(|i| value(&[&x.select_axis(0, i)?], |v| v[0].interpolate(&to, how)));
            let [a, b] = rows;
            assert_close(&vmap(|x| x.interpolate(&to, how), &x)?, &Tensor::stack(&[&a?, &b?], 0)?);
            Ok(())
        });
        checked.into_iter().collect::<Result<()>>()?;
    }
    gradcheck(|x| x.im2col(&Pool::new(&[2]).padding(1)).sin(), &x)?;
    gradcheck(|x| x.sum_pool(&Pool::new(&[2, 2]).stride(1)).sin(), &x)?;
    Ok(())
}

#[test]
fn less_precision_stays_so() -> Result<()> {
    for (dtype, accuracy) in [(DType::F32, 1e-5), (DType::BF16, 1e-2)] {
        let x = random([3, 4], 1).cast(dtype)?;
        for how in all() {
            let y = value(&[&x], |v| v[0].interpolate(&[4, 7], how))?;
            let exact = value(&[&x.cast(DType::F64)?], |v| v[0].interpolate(&[4, 7], how))?;
            assert_eq!(y.dtype(), dtype);
            assert!(y.cast(DType::F64)?.allclose(&exact, accuracy, accuracy)?, "{how:?}");
        }
    }
    Ok(())
}

#[test]
fn mistakes_are_sentences() {
    const LINEAR: Resize = Resize::Linear { align_corners: false };
    let mistakes: [Mistake; 17] = [
        (|x| x.interpolate(&[1, 1, 1], LINEAR), "interpolate: 3 axes of [2, 3]"),
        (|x| x.narrow(0, 0, 0).interpolate(&[1, 1], LINEAR), "interpolate: [0, 3] has no elements along an axis"),
        (|x| x.cast(DType::I64).interpolate(&[1, 1], LINEAR), "interpolate: takes floats, got i64[2, 3]"),
        (|x| x.cast(DType::I64).interpolate(&[1, 1], Resize::Area), "interpolate: takes floats, got i64[2, 3]"),
        (|x| x.interpolate(&[1 << 50], LINEAR), "interpolate: "),
        (|x| x.interpolate(&[1 << 50], Resize::Nearest), "interpolate: "),
        (|x| x.interpolate(&[1 << 50], Resize::Area), "adaptive_avg_pool: "),
        (|x| x.interpolate(&[usize::MAX, usize::MAX], Resize::NearestExact), "interpolate: "),
        (|x| x.interpolate_by(&[0.0], LINEAR), "interpolate_by: a factor of 0"),
        (|x| x.interpolate_by(&[f64::NAN], LINEAR), "interpolate_by: a factor of NaN"),
        (|x| x.interpolate_by(&[1e300], Resize::Nearest), "interpolate: "),
        (|x| x.adaptive_max_pool(&[1 << 50]), "adaptive_max_pool: "),
        (|x| x.im2col(&Pool::new(&[1, 1])), "im2col: [2, 3] has no channels"),
        (|x| x.im2col(&Pool::new(&[4])), "windows: axis 1 of [2, 3]"),
        (|x| x.im2col(&Pool::new(&[2]).ceil(true)), "im2col: windows [2] that may reach beyond the padding"),
        (|x| x.im2col(&Pool { padding: Vec::new(), ..Pool::new(&[2]) }), "im2col: padding [] for windows [2]"),
        (|x| x.sum_pool(&Pool::new(&[4])), "sum_pool: pool: axis 1 of [2, 3]"),
    ];
    assert_mistakes(file!(), &mistakes);
}

#[test]
fn huge_axes_are_read_where_asked() -> Result<()> {
    // One number seen 2^40 times takes no memory, nor do a few elements of it.
    let tape = Tape::new();
    let many = tape.full([1 << 40], 1.0);
    for how in SMOOTH.into_iter().chain([Resize::Nearest, Resize::NearestExact]) {
        assert_close(&many.interpolate(&[3], how).value()?, &Tensor::from([1.0; 3]));
    }
    Ok(())
}

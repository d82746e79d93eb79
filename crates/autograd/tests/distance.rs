//! Distances and angles, and normalization by channels, by the laws of these.

mod common;
mod mistakes;

use common::{assert_close, random, value};
use mistakes::{Mistake, assert_mistakes};
use proptest::prelude::*;
use wengert_autograd::check::gradgradcheck;
use wengert_autograd::{LocalResponseNorm, Tape, Var, grad, gradcheck, vmap};
use wengert_tensor::{DType, Result, Tensor};

const INF: f64 = f64::INFINITY;

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_distances_are_those_of_pairs(n in 0usize..4, m in 0usize..4, width in 0usize..4, seed in 0u64..100) {
        let (x, y) = (random([2, n, width], seed), random([m, width], seed + 1));
        for p in [0.0, 0.5, 1.0, 2.0, 3.0, INF] {
            let all = value(&[&x, &y], |v| v[0].cdist(v[1], p))?;
            prop_assert_eq!(all.shape(), &[2, n, m].into());
            if width > 0 {
                let pairs = value(&[&x, &y], |v| v[0].unsqueeze(2).pairwise_distance(v[1].unsqueeze(0), p, 0.0))?;
                assert_close(&all, &pairs);
            }
            // A distance is symmetric.
            assert_close(&value(&[&x, &y], |v| v[1].cdist(v[0], p).t())?, &all);
        }
    }

    #[test]
    fn angles_do_not_change_with_lengths(n in 1usize..4, width in 1usize..5, seed in 0u64..100, scale in 1e-3..1e3f64) {
        let (x, y) = (random([n, width], seed), random([width], seed + 1));
        let cosine = value(&[&x, &y], |v| v[0].cosine_similarity(v[1], -1, 1e-12))?;
        assert_close(&value(&[&x, &y], |v| (v[0] * scale).cosine_similarity(v[1], -1, 1e-12))?, &cosine);
        assert_close(&value(&[&x, &y], |v| v[0].cosine_similarity(-v[1], -1, 1e-12))?, &cosine.neg()?);
        assert_close(&value(&[&x], |v| v[0].cosine_similarity(v[0], -1, 1e-12))?, &Tensor::ones([n], DType::F64)?);
    }

    #[test]
    fn groups_of_all_and_of_one_are_known(n in 1usize..4, c in 1usize..5, axes in prop::collection::vec(1usize..4, 1..3), seed in 0u64..100) {
        let shape = [&[n, c], &axes[..]].concat();
        let (x, w, b) = (random(&shape[..], seed), random([c], seed + 1), random([c], seed + 2));
        // One group is a layer norm, as many as channels are an instance norm.
        let one = value(&[&x], |v| v[0].group_norm(1, None, None, 1e-5))?;
        let others: Vec<usize> = (1..shape.len()).collect();
        assert_close(&one, &value(&[&x], |v| v[0].layer_norm(&others[..], None, None, 1e-5))?);
        let each = value(&[&x, &w, &b], |v| v[0].group_norm(c, Some(v[1]), Some(v[2]), 1e-5))?;
        assert_close(&each, &value(&[&x, &w, &b], |v| v[0].instance_norm(Some(v[1]), Some(v[2]), 1e-5))?);
        // A batch by its own statistics is one by those given.
        let axes: Vec<usize> = (0..shape.len()).filter(|&axis| axis != 1).collect();
        let own = value(&[&x, &w], |v| v[0].batch_norm(None, Some(v[1]), None, 1e-5))?;
        let given = value(&[&x, &w], |v| {
            let (var, mean) = v[0].var_mean(&axes[..], 0);
            v[0].batch_norm(Some((mean, var)), Some(v[1]), None, 1e-5)
        })?;
        assert_close(&own, &given);
    }

    #[test]
    fn a_response_is_normed_by_its_neighbours(n in 1usize..3, c in 1usize..6, size in 1usize..9, seed in 0u64..100) {
        let x = random([n, c, 2], seed);
        let how = LocalResponseNorm { size, alpha: 0.5, beta: 0.75, k: 1.5 };
        let y = value(&[&x], |v| v[0].local_response_norm(how))?;
        let at = |i: usize, j: usize, k: usize| x.get::<f64>(&[i, j, k]);
        for (i, j, k) in (0..n).flat_map(|i| (0..c).flat_map(move |j| (0..2).map(move |k| (i, j, k)))) {
            let near = j.saturating_sub(size / 2)..(j + (size - 1) / 2 + 1).min(c);
            let sum = near.map(|j| Ok(at(i, j, k)?.powi(2))).sum::<Result<f64>>()?;
            let expected = at(i, j, k)? / (1.5 + 0.5 * sum / size as f64).powf(0.75);
            prop_assert!((y.get::<f64>(&[i, j, k])? - expected).abs() < 1e-12);
        }
    }
}

#[test]
fn derivatives_are_finite_at_distance_zero() -> Result<()> {
    let x = Tensor::from([[1.0, 2.0], [1.0, 2.0]]);
    for p in [0.5, 1.0, 1.5, 2.0, 3.0, INF] {
        for f in [
            grad(|x| x.cdist(x, p).sum(), &x)?,
            grad(|[x, y]| x.pairwise_distance(y, p, 0.0).sum(), [&x, &x])?[0].clone(),
            grad(|x| grad(|x| x.cdist(x, p).square().sum(), x).sum(), &x)?,
        ] {
            assert!(f.iter::<f64>()?.all(f64::is_finite), "p = {p}: {f}");
        }
    }
    let zeros = Tensor::zeros([2], DType::F64)?;
    let g = grad(|x| x.cosine_similarity(x, 0, 1e-8), &zeros)?;
    assert!(g.iter::<f64>()?.all(f64::is_finite));
    Ok(())
}

#[test]
fn derivatives_and_batches() -> Result<()> {
    let (x, y) = (random([3, 4, 2], 11), random([3, 4, 2], 12));
    let functions: [for<'t> fn([Var<'t>; 2]) -> Var<'t>; 6] = [
        |[x, y]| x.cdist(y, 2.0),
        |[x, y]| x.cdist(y, 3.0),
        |[x, y]| x.pairwise_distance(y, 1.5, 1e-6),
        |[x, y]| x.cosine_similarity(y, 0, 1e-8),
        |[x, y]| (x.group_norm(1, None, None, 1e-5) * y).sin(),
        |[x, y]| (x.local_response_norm(LocalResponseNorm::default()) * y).sin(),
    ];
    for f in functions {
        gradcheck(f, [&x, &y])?;
        gradgradcheck(f, [&x, &y])?;
        let one = |i: isize| value(&[&x.select_axis(0, i)?, &y.select_axis(0, i)?], |v| f([v[0], v[1]]));
        let rows = [one(0)?, one(1)?, one(2)?];
        assert_close(&vmap(f, [&x, &y])?, &Tensor::stack(&rows.each_ref(), 0)?);
    }
    Ok(())
}

#[test]
fn mistakes_are_sentences() {
    let none = LocalResponseNorm { size: 0, ..LocalResponseNorm::default() };
    assert!(Tape::new().full([2, 3], 1.0).local_response_norm(none).is_poisoned());
    let mistakes: [Mistake; 11] = [
        (|x| x.cdist(x.t(), 2.0), "cdist: [2, 3] and [3, 2] are not vectors [.., n, width] of one width"),
        (|x| x.flatten().cdist(x.flatten(), 2.0), "cdist: [6] and [6] are not vectors"),
        (|x| x.pairwise_distance(x.t(), 2.0, 0.0), "sub: "),
        (|x| x.cosine_similarity(x.t(), 0, 0.0), "cosine_similarity: [2, 3] and [3, 2] do not broadcast"),
        (|x| x.cosine_similarity(x, 2, 0.0), "cosine_similarity: axis 2 is out of range"),
        (|x| x.group_norm(2, None, None, 0.0), "group_norm: 2 groups of the 3 channels of [2, 3]"),
        (|x| x.group_norm(0, None, None, 0.0), "group_norm: 0 groups"),
        (
            |x| x.instance_norm(Some(x), None, 0.0),
            "instance_norm: [2, 3] where each of the 3 channels of [2, 3] has one",
        ),
        (|x| x.instance_norm(None, None, 0.0), "instance_norm: takes [N, channels, axes..], got [2, 3]"),
        (|x| x.flatten().batch_norm(None, None, None, 0.0), "batch_norm: takes [N, channels, ..], got [6]"),
        (|x| x.sum().local_response_norm(LocalResponseNorm::default()), "local_response_norm: takes [N, channels, ..]"),
    ];
    assert_mistakes(file!(), &mistakes);
    // A neighbourhood may be larger than there are channels, or be of no channel.
    let wide = LocalResponseNorm { size: usize::MAX, ..LocalResponseNorm::default() };
    assert!(Tape::new().full([2, 3], 1.0).local_response_norm(wide).value().is_ok());
    assert!(Tape::new().full([2, 0], 1.0).local_response_norm(wide).value().is_ok());
}

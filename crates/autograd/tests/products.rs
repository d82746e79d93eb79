//! Products of vectors and matrices, and attention: against other ways to the same, vmap, derivatives, and that no
//! argument panics.

mod common;

use common::{assert_close, random, value};
use proptest::prelude::*;
use wengert_autograd::{Mask, Tape, Var, gradcheck, gradgradcheck, vmap, vmap_several};
use wengert_tensor::{ErrorKind, Result, Tensor};

type Binary = for<'t> fn(Var<'t>, Var<'t>) -> Var<'t>;

/// Two ways to one result.
#[track_caller]
fn assert_same(x: &[&Tensor], f: impl for<'t> Fn(&[Var<'t>]) -> Var<'t>, g: impl for<'t> Fn(&[Var<'t>]) -> Var<'t>) {
    assert_close(&value(x, f).unwrap(), &value(x, g).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_chain_is_one_product_in_any_order(sizes in prop::collection::vec(0usize..5, 3..8), row: bool, column: bool) {
        let mut chain: Vec<Tensor> = sizes.windows(2).enumerate().map(|(i, s)| random([s[0], s[1]], i as u64)).collect();
        let (first, last) = (random([sizes[0]], 8), random([sizes[sizes.len() - 1]], 9));
        chain.splice(0..0, row.then_some(first));
        chain.extend(column.then_some(last));
        assert_same(&chain.iter().collect::<Vec<_>>(), |v| Var::multi_dot(v), |v| {
            v[1..].iter().fold(v[0], |product, x| product.matmul(*x))
        });
    }

    #[test]
    fn cross_products_are_orthogonal_and_change_sign(m in 0usize..4, n in 1usize..4, axis in 0isize..3, seed in 0u64..99) {
        let mut shape = vec![m, n];
        shape.insert(axis as usize, 3);
        let (x, y) = (random(&shape[..], seed), random(&shape[..], seed + 1));
        let orthogonal = value(&[&x, &y], |v| (v[0] * v[0].cross(v[1], axis)).sum_axes(axis)).unwrap();
        prop_assert!(orthogonal.iter::<f64>().unwrap().all(|t| t.abs() < 1e-12));
        assert_same(&[&x, &y], |v| v[0].cross(v[1], axis), |v| -v[1].cross(v[0], axis - 3));
        // Lagrange: |x × y|² = |x|² |y|² - (x · y)².
        assert_same(&[&x, &y], |v| v[0].cross(v[1], axis).square().sum_axes(axis), |v| {
            v[0].square().sum_axes(axis) * v[1].square().sum_axes(axis) - (v[0] * v[1]).sum_axes(axis).square()
        });
        let one = random([3], 5);
        assert_same(&[&one, &x], |v| v[0].cross(v[1].move_axis(axis, -1), -1).move_axis(-1, axis), |v| {
            v[0].reshape([3, 1, 1]).move_axis(0, axis).expand([-1, -1, -1]).cross(v[1], axis)
        });
    }

    #[test]
    fn sums_with_products_are_sums_of_products(b in 1usize..3, m in 0usize..4, k in 0usize..4, n in 0usize..4) {
        let (x, p, q) = (random([m, n], 1), random([b, m, k], 2), random([b, k, n], 3));
        assert_same(&[&x, &p, &q], |v| v[0].addmm(v[1], v[2], 0.5, -2.0), |v| 0.5 * v[0] - 2.0 * v[1].matmul(v[2]));
        assert_same(&[&x, &p, &q], |v| v[0].addbmm(v[1], v[2], 1.0, 1.0), |v| v[0] + v[1].matmul(v[2]).sum_axes(0));
        assert_same(&[&p, &q], |v| (v[0].sum() / 0.0).addmm(v[0], v[1], 0.0, 1.0), |v| v[0].matmul(v[1]));
        assert_same(&[&x, &q], |v| v[1].inner(v[0]), |v| v[1].einsum("bkn,mn->bkm", &[v[0]]));
        assert_same(&[&x, &q], |v| v[1].inner(v[0].sum()), |v| v[1] * v[0].sum());
        assert_same(&[&p, &q], |v| v[0].tensordot_n(v[1].move_axis(1, 0), 1), |v| v[0].einsum("bmk,kcn->bmcn", &[v[1].move_axis(1, 0)]));
        assert_same(&[&x, &p], |v| v[0].sum_keep(1).tensordot(v[1], &[1], &[2]), |v| v[0].sum_axes(1).tensordot_n(v[1].sum_axes(2), 0));
        assert_same(&[&p, &q], |v| v[0].linear(v[1].select_axis(0, 0), Some(v[1].select_axis(0, 0).sum())), |v| {
            v[0].matmul(v[1].select_axis(0, 0)) + v[1].select_axis(0, 0).sum()
        });
    }

    #[test]
    fn attention_is_a_mean_by_the_softmax_of_products(l in 1usize..4, s in 1usize..4, d in 1usize..4, start in 0usize..3) {
        let (q, k, v) = (random([2, 4, l, d], 1), random([2, 2, s, d], 2), random([2, 2, s, 3], 3));
        let root = (d as f64).sqrt();
        assert_same(&[&q, &k, &v], |v| v[0].attention(v[1], v[2], Mask::none()), |v| {
            // Heads of queries 0 and 1 share the first of keys and values, 2 and 3 the second.
            let head = |i: isize| {
                let (q, k, v) = (v[0].select_axis(1, i), v[1].select_axis(1, i / 2), v[2].select_axis(1, i / 2));
                (q.matmul(k.t()) / root).softmax(-1).matmul(v)
            };
            Var::stack(&[head(0), head(1), head(2), head(3)], 1)
        });
        // A causal mask is the lower triangle, and floats are added.
        let seen = Tensor::ones([l, s], wengert_tensor::DType::F64).unwrap();
        let bias = value(&[&seen], |v| v[0].tril(start as isize).greater(0.0).where_(0.0, v[0].full_like(-1e300))).unwrap();
        assert_same(
            &[&q, &k, &v, &bias],
            |v| v[0].attention(v[1], v[2], Mask::causal().starting_at(start)),
            |v| v[0].attention(v[1], v[2], Mask::none().pairs(v[3])),
        );
        let none = value(&[&q, &k, &v], |v| {
            let nothing = v[0].tape().full([s], false);
            v[0].attention(v[1], v[2], Mask::none().keys(nothing.unsqueeze(0)))
        });
        prop_assert!(none.unwrap().iter::<f64>().unwrap().all(|x| x == 0.0));
    }
}

const PRODUCTS: &[Binary] = &[
    |x, y| x.inner(y),
    |x, y| x.select_axis(0, 0).outer(y.select_axis(0, 1)),
    |x, y| x.addmm(x, y.t().matmul(x), 0.5, 2.0),
    |x, y| y.select_axis(0, 0).addmm(x.t(), y, 1.0, -1.0),
    |x, y| x.cross(y, 1),
    |x, y| x.cross(y.narrow(0, 0, 1), -1),
    |x, y| x.tensordot_n(y.t(), 1),
    |x, y| x.linear(y.t(), Some(y.select_axis(1, 0))),
    |x, y| x.bilinear(y, x.unsqueeze(0) * y.t().unsqueeze(-1), None),
    |x, y| Var::multi_dot(&[x.select_axis(0, 0), x.t(), y, y.t(), x]),
    |x, y| x.attention(y, y.sin(), Mask::causal()),
    |x, y| x.attention(y, x, Mask::none().pairs(x.matmul(y.t()).sin())),
];

#[test]
fn products_have_derivatives_and_batches() -> Result<()> {
    // Square where a product wants it: three vectors of three.
    let (x, y, many) = (random([3, 3], 1), random([3, 3], 2), random([2, 3, 3], 3));
    for (i, &f) in PRODUCTS.iter().enumerate() {
        let told = |error: wengert_tensor::Error| error.within(format!("product {i}"));
        gradcheck(|[x, y]| f(x, y), [&x, &y]).map_err(told)?;
        gradgradcheck(|[x, y]| f(x, y).square(), [&x, &y]).map_err(told)?;
        let batched = vmap(|x| f(x, x.tape().input(&y)), &many)?;
        let both = vmap_several(|[x, y]| [f(x, y)], [&many, &many], [Some(0); 2], [0])?;
        for k in 0..2 {
            let one = many.select_axis(0, k)?;
            assert_close(&batched.select_axis(0, k)?, &value(&[&one, &y], |v| f(v[0], v[1]))?);
            assert_close(&both[0].select_axis(0, k)?, &value(&[&one, &one], |v| f(v[0], v[1]))?);
        }
    }
    Ok(())
}

#[test]
fn what_cannot_be_is_an_error_at_the_callers_line() {
    let wrong: &[Binary] = &[
        |x, y| x.inner(y),
        |x, y| x.outer(y),
        |x, y| x.addmm(x, y, 1.0, 1.0),
        |x, y| x.addmm(x.t(), y, 0.0, 1.0),
        |x, y| x.addbmm(x.sum(), y, 1.0, 1.0),
        |x, y| x.cross(y, 0),
        |x, _| x.cross(x, 0),
        |x, _| x.cross(x, isize::MIN),
        |x, _| x.sum().cross(x.sum(), 0),
        |x, y| x.tensordot_n(y, 1),
        |x, y| x.tensordot_n(y, usize::MAX),
        |x, y| x.tensordot(y, &[0, 1], &[0]),
        |x, y| x.linear(y, None),
        |x, y| x.linear(x.t(), Some(y)),
        |x, y| x.bilinear(y, x, None),
        |x, y| Var::multi_dot(&[x, y]),
        |x, _| Var::multi_dot(&[x.sum()]),
        |x, _| Var::multi_dot(&[x.select_axis(0, 0)]),
        |x, y| Var::multi_dot(&[x, y.select_axis(0, 0), y]),
        |x, y| Var::multi_dot(&[x; 3].map(|x| x.matmul(y))),
        |x, y| x.attention(y, y, Mask::none()),
        |x, y| x.attention(x, y, Mask::none()),
        |x, y| x.attention(x, x, Mask::none().pairs(y)),
        |x, y| x.attention(x, x, Mask::none().keys(y)),
        |x, _| x.attention(x, x, Mask::none().keys(x.sum().equal(0.0))),
        |x, _| x.sum().attention(x, x, Mask::none()),
        |x, _| x.attention(x.sum(), x, Mask::none()),
        |x, _| x.attention(x, x.sum(), Mask::none()),
        |x, _| x.expand([4, -1, -1]).attention(x.expand([3, -1, -1]), x.expand([3, -1, -1]), Mask::none()),
        |x, _| x.attention(x, x.reshape([7]), Mask::causal()),
    ];
    let (x, y) = (random([2, 3], 1), random([5, 4], 2));
    for (i, f) in wrong.iter().enumerate() {
        let error = value(&[&x, &y], |v| f(v[0], v[1])).expect_err(&format!("number {i} is no mistake"));
        let at = error.location().map_or("nowhere", |at| at.file());
        assert!(at.ends_with("products.rs"), "number {i}: {error} at {at}");
        for (left, right) in [(true, false), (false, true)] {
            let found = value(&[&x, &y], |v| {
                f(if left { v[0].reshape([7]) } else { v[0] }, if right { v[1].reshape([7]) } else { v[1] })
            });
            assert!(found.is_err(), "number {i} of nothing");
        }
    }
    assert_eq!(Var::multi_dot(&[]).value().unwrap_err().kind(), ErrorKind::Shape);
}

#[test]
fn positions_beyond_all_keys_see_them_all() -> Result<()> {
    let x = random([3, 2], 1);
    let all = value(&[&x], |v| v[0].attention(v[0], v[0], Mask::none()))?;
    for start in [3, usize::MAX] {
        assert_close(&value(&[&x], |v| v[0].attention(v[0], v[0], Mask::causal().starting_at(start)))?, &all);
    }
    Ok(())
}

#[test]
fn long_chains_are_products_too() -> Result<()> {
    let one = random([2, 2], 1);
    let tape = Tape::new();
    let x = tape.input(&one) / 2.0;
    let (short, long) = (Var::multi_dot(&[x; 256]).value()?, Var::multi_dot(&[x; 300]).value()?);
    assert_eq!((short.shape(), long.shape()), (one.shape(), one.shape()));
    Ok(())
}

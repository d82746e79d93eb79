//! The structured operations, where the laws over single examples do not reach: convolutions of every
//! shape against the sum that defines them, repeated and batched indices, round trips, mistakes.

mod common;

use common::{assert_close, random, value};
use proptest::prelude::*;
use wengert_autograd::transform::pullback;
use wengert_autograd::{Tape, Var, grad, vmap};
use wengert_tensor::{Conv, ErrorKind, Pad, Result, Tensor};

/// All indices within sizes, in row-major order.
fn indices(sizes: &[usize]) -> Vec<Vec<usize>> {
    sizes.iter().fold(vec![vec![]], |lists, &size| {
        lists.iter().flat_map(|list| (0..size).map(|i| [&list[..], &[i]].concat())).collect()
    })
}

fn place(shape: &[usize], index: &[usize]) -> usize {
    shape.iter().zip(index).fold(0, |place, (size, i)| place * size + i)
}

/// Every product y[y] += w[w] x[x] that a convolution is made of, as places in row-major order.
fn products(x: &[usize], w: &[usize], y: &[usize], how: &Conv) -> Vec<[usize; 3]> {
    let mut all = Vec::new();
    for at_y in indices(y) {
        for at_w in indices(&w[1..]) {
            let group = at_y[1] / (w[0] / how.groups);
            let read = |a: usize| {
                let i = at_y[a + 2] * how.strides[a] + at_w[a + 1] * how.dilations[a];
                (i as isize - how.padding[a].0).try_into().ok().filter(|&i: &usize| i < x[a + 2])
            };
            if let Some(spatial) = (0..how.strides.len()).map(read).collect::<Option<Vec<usize>>>() {
                let at_x = [&[at_y[0], group * w[1] + at_w[0]], &spatial[..]].concat();
                let at_w = [&[at_y[1]], &at_w[..]].concat();
                all.push([place(x, &at_x), place(w, &at_w), place(y, &at_y)]);
            }
        }
    }
    all
}

/// The shapes of x and w, and how the one is convolved with the other.
type Case = (Vec<usize>, Vec<usize>, Conv);

fn convolutions() -> impl Strategy<Value = Case> {
    let axis = (1usize..7, 1usize..4, 1usize..4, 1usize..3, -2isize..4, -2isize..4);
    (1usize..3, 1usize..3, 1usize..3, 1usize..3, prop::collection::vec(axis, 1..4)).prop_map(|(n, g, i, o, axes)| {
        // Three axes are kept short.
        let short = |size: usize| if axes.len() == 3 { size.min(3) } else { size };
        let how = Conv {
            strides: axes.iter().map(|axis| axis.2).collect(),
            padding: axes.iter().map(|axis| (axis.4, axis.5)).collect(),
            dilations: axes.iter().map(|axis| axis.3).collect(),
            groups: g,
        };
        let x = [n, g * i].into_iter().chain(axes.iter().map(|axis| short(axis.0))).collect();
        let w = [g * o, i].into_iter().chain(axes.iter().map(|axis| short(axis.1))).collect();
        (x, w, how)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_convolution_and_its_gradients_are_the_sums_that_define_them((xs, ws, how) in convolutions()) {
        let tape = Tape::new();
        let (x, w) = (tape.input(&random(&xs[..], 1)), tape.input(&random(&ws[..], 2)));
        let y = x.conv(w, &how);
        // Some windows do not fit: that is a mistake, not a case.
        prop_assume!(!y.is_poisoned());
        let ys = y.shape();
        let ybar = tape.input(&random(&ys, 3));
        let bars = pullback(&[y], &[Some(ybar)], &[x, w]);

        let vec = |v: Var<'_>| v.value().and_then(|t| t.to_vec::<f64>()).unwrap();
        let (xv, wv, ybarv) = (vec(x), vec(w), vec(ybar));
        let (mut yv, mut xbar, mut wbar) = (vec![0.0; ybarv.len()], vec![0.0; xv.len()], vec![0.0; wv.len()]);
        for [i, k, p] in products(&xs, &ws, &ys, &how) {
            yv[p] += wv[k] * xv[i];
            xbar[i] += wv[k] * ybarv[p];
            wbar[k] += xv[i] * ybarv[p];
        }
        assert_close(&y.value()?, &Tensor::from_vec(yv, &ys)?);
        assert_close(&bars[0].unwrap().value()?, &Tensor::from_vec(xbar.clone(), &xs[..])?);
        assert_close(&bars[1].unwrap().value()?, &Tensor::from_vec(wbar, &ws[..])?);

        // The transposed convolution is the adjoint, over the shortest axes that the strides leave open.
        let extra: Vec<usize> = (0..how.strides.len()).map(|a| {
            let padded = xs[a + 2] as isize + how.padding[a].0 + how.padding[a].1;
            let used = (ys[a + 2] - 1) * how.strides[a] + (ws[a + 2] - 1) * how.dilations[a] + 1;
            padded as usize - used
        }).collect();
        let transposed = ybar.conv_transpose(w, &how, &extra);
        assert_close(&transposed.value()?, &Tensor::from_vec(xbar, &xs[..])?);
    }

    #[test]
    fn a_convolution_maps_over_any_of_its_operands((xs, ws, how) in convolutions(), n in 0usize..3) {
        let (x, w) = (random(&xs[..], 1), random(&ws[..], 2));
        prop_assume!(x.conv(&w, &how).is_ok());
        let many = |shape: &[usize], seed| random([&[n], shape].concat(), seed);
        let (x_many, w_many) = (many(&xs, 3), many(&ws, 4));
        let together = [
            vmap(|x| x.conv(x.tape().input(&w), &how), &x_many)?,
            vmap(|w| w.tape().input(&x).conv(w, &how), &w_many)?,
            vmap(|[x, w]| x.conv(w, &how), [&x_many, &w_many])?,
        ];
        for k in 0..n as isize {
            let (one_x, one_w) = (x_many.select_axis(0, k)?, w_many.select_axis(0, k)?);
            assert_close(&together[0].select_axis(0, k)?, &one_x.conv(&w, &how)?);
            assert_close(&together[1].select_axis(0, k)?, &x.conv(&one_w, &how)?);
            assert_close(&together[2].select_axis(0, k)?, &one_x.conv(&one_w, &how)?);
        }
    }

    #[test]
    fn products_of_any_rank_are_those_of_tensors(
        lead in prop::collection::vec(0usize..3, 0..3), m in 0usize..3, k in 0usize..4, n in 0usize..3,
        cut_x in 0usize..4, cut_y in 0usize..4,
    ) {
        // Leading axes are dropped from one operand or the other, and at last its row or column.
        let x = [&lead[..], &[m, k]].concat();
        let y = [&lead[..], &[k, n]].concat();
        let x = if cut_x > lead.len() { vec![k] } else { x[cut_x..].to_vec() };
        let y = if cut_y > lead.len() { vec![k] } else { y[cut_y..].to_vec() };
        let (x, y) = (random(x, 1), random(y, 2));
        assert_eq!(value(&[&x, &y], |v| v[0].matmul(v[1]))?, x.matmul(&y)?);
        let g = grad(|[x, y]| (x.matmul(y) * x.matmul(y)).sum(), [&x, &y])?;
        assert_eq!((g[0].shape(), g[1].shape()), (x.shape(), y.shape()));
    }

    #[test]
    fn slices_are_those_of_tensors_and_their_cotangents_lie_among_zeros(
        size in 0usize..8, start in -9isize..9, stop in -9isize..9, step in 1isize..4,
    ) {
        let x = random([2, size], 1);
        assert_eq!(value(&[&x], |v| v[0].slice(1, start..stop, step))?, x.slice(1, start..stop, step)?);
        let tape = Tape::new();
        let v = tape.input(&x);
        let y = v.slice(1, start..stop, step);
        let xbar = pullback(&[y], &[Some(y)], &[v])[0].unwrap();
        assert_eq!(xbar.slice(1, start..stop, step).value()?, y.value()?);
        assert_close(&xbar.sum().value()?, &y.sum().value()?);
    }
}

#[test]
fn repeated_indices_add_their_cotangents() -> Result<()> {
    let x = Tensor::from([[1.0, 2.0, 3.0]]);
    let ybar = Tensor::from([[1.0, 10.0, 100.0, 1000.0]]);
    let k = Tensor::from([[2, 0, 2, 2]]);
    let g = grad(|x| (x.gather(1, x.tape().input(&k)) * x.tape().input(&ybar)).sum(), &x)?;
    assert_eq!(g, Tensor::from([[10.0, 0.0, 1101.0]]));
    let y = value(&[&x, &k, &ybar], |v| v[0].scatter_add(1, v[1], v[2]))?;
    assert_eq!(y, Tensor::from([[11.0, 2.0, 1104.0]]));

    // An embedding's rows are trained as often as they are looked up.
    let table = random([4, 2], 1);
    let ids = Tensor::from([[3, 1], [3, 3]]);
    let g = grad(|table| table.embedding(table.tape().input(&ids)).sum(), &table)?;
    assert_eq!(g, Tensor::from([[0.0, 0.0], [1.0, 1.0], [0.0, 0.0], [3.0, 3.0]]));
    Ok(())
}

#[test]
fn every_repetition_of_a_batch_may_have_its_own_index() -> Result<()> {
    let x = random([3, 2, 4], 1);
    let one = x.select_axis(0, 0)?;
    let k = Tensor::from([[[0, 3], [1, 1]], [[2, 0], [3, 2]], [[1, 0], [0, 3]]]);
    let src = random([3, 2, 2], 2);
    let wide = random([3, 2, 2, 2], 3);

    let gathered = vmap(|k| k.tape().input(&one).gather(1, k), &k)?;
    let gathered_both = vmap(|[x, k]| x.gather(1, k), [&x, &k])?;
    let selected = vmap(|k| k.tape().input(&one).index_select(1, k), &k)?;
    let selected_both = vmap(|[x, k]| x.index_select(1, k), [&x, &k])?;
    let scattered = vmap(|[k, s]| k.tape().input(&one).scatter_add(1, k, s), [&k, &src])?;
    let added = vmap(|[x, k, s]| x.index_add(1, k, s), [&x, &k, &wide])?;
    let src_one = wide.select_axis(0, 0)?;
    let added_shared = vmap(|k| k.tape().input(&one).index_add(1, k, k.tape().input(&src_one)), &k)?;
    for i in 0..3 {
        let at = |t: &Tensor| t.select_axis(0, i);
        assert_eq!(at(&gathered)?, one.gather(1, &at(&k)?)?);
        assert_eq!(at(&gathered_both)?, at(&x)?.gather(1, &at(&k)?)?);
        assert_eq!(at(&selected)?, one.index_select(1, &at(&k)?)?);
        assert_eq!(at(&selected_both)?, at(&x)?.index_select(1, &at(&k)?)?);
        assert_close(&at(&scattered)?, &one.scatter_add(1, &at(&k)?, &at(&src)?)?);
        assert_close(&at(&added)?, &at(&x)?.index_add(1, &at(&k)?, &at(&wide)?)?);
        assert_close(&at(&added_shared)?, &one.index_add(1, &at(&k)?, &src_one)?);
    }
    Ok(())
}

#[test]
fn an_index_out_of_range_names_the_line_that_used_it() {
    for wrong in [3i64, -1, i64::MAX, i64::MIN] {
        let tape = Tape::new();
        let x = tape.input(&Tensor::from([1.0, 2.0, 3.0]));
        let k = tape.input(&Tensor::from([0, wrong]));
        let y = x.index_select(0, k);
        let line = line!() - 1;
        // Recording is sound: values are not looked at before one is asked for.
        let error = (y * 2.0).sum().value().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Index);
        assert_eq!(error.location().map(|at| (at.file(), at.line())), Some((file!(), line)));
        assert!(error.sentence().contains(&format!("index {wrong} is out of range for axis 0 of size 3")), "{error}");
    }
    // Each repetition of a batch is held to its own slices.
    let (x, k) = (random([2, 3], 1), Tensor::from([[3], [0]]));
    assert_eq!(vmap(|[x, k]| x.index_select(0, k), [&x, &k]).unwrap_err().kind(), ErrorKind::Index);
}

#[test]
fn what_is_taken_apart_can_be_put_together() -> Result<()> {
    let x = random([3, 4, 2], 1);
    for axis in -3..3 {
        let size = x.shape()[x.shape().axis(axis)?];
        let y = |f: &dyn for<'t> Fn(Var<'t>) -> Var<'t>| value(&[&x], |v| f(v[0]));
        assert_eq!(y(&|x| Var::stack(&x.unbind(axis), axis))?, x);
        assert_eq!(y(&|x| Var::concat(&x.split(axis, &[1, 0, size - 1]), axis))?, x);
        assert_eq!(y(&|x| Var::concat(&x.chunk(axis, 3), axis))?, x);
        assert_eq!(y(&|x| x.roll(axis, -5).roll(axis, 5))?, x);
        assert_eq!(y(&|x| x.flip(axis).flip(axis))?, x);
        assert_eq!(y(&|x| x.move_axis(axis, 0).move_axis(0, axis))?, x);
        assert_eq!(y(&|x| x.repeat_interleave(axis, 3).slice(axis, .., 3))?, x);
    }
    for k in -5..=5 {
        // diagonal and diag_embed are adjoint, and the triangles on both sides make the whole.
        let d = value(&[&x], |v| v[0].t().diagonal(k))?;
        let width = d.shape()[1];
        let v = random([2, width], 2);
        assert_eq!(value(&[&v], |v| v[0].diag_embed(k).diagonal(k))?, v);
        assert_eq!(value(&[&x], |v| v[0].tril(k) + v[0].triu(k + 1))?, x);
        assert_eq!(value(&[&x], |v| v[0].tril(k).triu(k + 1).abs().sum())?.item()?, 0.0);
    }
    assert_eq!(value(&[&x], |v| v[0].trace())?, value(&[&x], |v| v[0].slice(1, ..2, 1).diagonal(0).sum_axes(1))?);
    Ok(())
}

#[test]
fn a_batch_too_large_is_a_mistake() -> Result<()> {
    // One number seen 2^40 times takes no memory; as many images of 2^30 would.
    let x = Tensor::from(1.0).broadcast_to([1 << 40])?;
    let error = vmap(
        |x| {
            let image = x.broadcast_to([1, 1, 1 << 30]);
            image.conv(x.tape().full([1, 1, 1], 1.0), &Conv::new(1)).max_axes(-1).move_axis(1, 0)
        },
        &x,
    );
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Memory);
    Ok(())
}

/// A way to make a mistake, and how its sentence starts.
type Mistake = (for<'t> fn(Var<'t>) -> Var<'t>, &'static str);

#[test]
fn mistakes_are_sentences_that_name_the_line() {
    let mistakes: [Mistake; 16] = [
        (|x| x.slice(2, .., 1), "slice: axis 2 is out of range"),
        (|x| x.slice(0, .., 0), "slice: a step of 0"),
        (|x| x.narrow(0, 1, usize::MAX), "narrow: "),
        (|x| x.select_axis(1, -4), "select_axis: index -4 is outside axis 1 of [2, 3]"),
        (|x| x.flip([0, 0]), "flip: "),
        (|x| x.pad(&[(1, 1)], 0.0), "pad: 1 axes of padding for [2, 3]"),
        (|x| x.pad(&[Pad::default(), Pad { interior: usize::MAX, ..Pad::default() }], 0.0), "pad: "),
        (|x| Var::concat(&[x, x.t()], 0), "concat: [2, 3] and [3, 2] differ outside axis 0"),
        (|_| Var::concat(&[], 0), "concat: nothing to join"),
        (|x| Var::stack(&[x, x.t()], 0), "stack: shapes [2, 3] and [3, 2] differ"),
        (|x| x.gather(0, x), "gather: an index is of dtype i64, got f64[2, 3]"),
        (|x| x.windows(&[4], &[1], &[1]), "windows: axis 1 of [2, 3]: a window of 4 elements"),
        (|x| x.fold(&[5], &[1], &[1]), "fold: "),
        (|x| x.conv(x, &Conv::new(1)), "conv: [2, 3] with kernel [2, 3]: over 1 axes both must have rank 3"),
        (|x| x.conv_transpose(x, &Conv::new(0), &[]), "conv_transpose: "),
        (|x| x.split(0, &[1, 2])[0], "split: sizes [1, 2] do not add up to axis 0 of [2, 3]"),
    ];
    for (make, sentence) in mistakes {
        let tape = Tape::new();
        let error = make(tape.input(&random([2, 3], 1))).value().unwrap_err();
        assert!(error.sentence().starts_with(sentence), "{error}\nfor\n{sentence}");
        assert_eq!(error.location().map(|at| at.file()), Some(file!()), "{error}");
    }
}

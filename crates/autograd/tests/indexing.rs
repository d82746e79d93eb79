//! Elements picked and put by index, by the loops that define them: repeated indices, indices from the end, masks,
//! shorter indices, batches, and mistakes.

mod common;
mod mistakes;

use common::{assert_close, random, value};
use mistakes::{Mistake, assert_mistakes};
use proptest::prelude::*;
use wengert_autograd::check::gradgradcheck;
use wengert_autograd::{Tape, Var, compile, grad, gradcheck, vmap};
use wengert_tensor::{DType, ErrorKind, Result, Rng, Tensor};

/// Indices below `n`, many of them equal.
fn indices(shape: &[usize], n: usize, seed: u64) -> Tensor {
    Tensor::randint(shape, 0, n as i64, &mut Rng::seed(seed)).unwrap()
}

/// A tensor made element by element of its indices.
fn by_loop(mut x: Tensor, index: &Tensor, axis: usize, mut each: impl FnMut(&mut f64, usize)) -> Result<Tensor> {
    let (shape, part) = (x.shape().clone(), index.shape().clone());
    let mut all = x.to_vec::<f64>()?;
    for (p, &k) in index.to_vec::<i64>()?.iter().enumerate() {
        let (mut place, mut rest) = (0, p);
        let mut at = vec![0; part.rank()];
        for d in (0..part.rank()).rev() {
            (at[d], rest) = (rest % part[d], rest / part[d]);
        }
        at[axis] = k as usize;
        at.iter().zip(shape.iter()).for_each(|(i, size)| place = place * size + i);
        each(&mut all[place], p);
    }
    x = Tensor::from_vec(all, shape)?;
    Ok(x)
}

/// The shapes of a tensor and of an index that is shorter or longer along `axis` and no longer elsewhere.
fn cases() -> impl Strategy<Value = (Vec<usize>, Vec<usize>, usize)> {
    (prop::collection::vec((1usize..5, 0usize..5), 1..4), any::<prop::sample::Index>()).prop_map(|(sizes, axis)| {
        let axis = axis.index(sizes.len());
        let x = sizes.iter().map(|&(size, _)| size).collect();
        let index = sizes.iter().enumerate().map(|(d, &(size, part))| if d == axis { part } else { part.min(size) });
        (x, index.collect(), axis)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_scatter_is_a_loop((shape, part, axis) in cases(), seed in 0u64..1000) {
        let (x, src) = (random(&shape[..], seed), random(&part[..], seed + 1));
        let k = indices(&part, shape[axis], seed + 2);
        let given = src.to_vec::<f64>()?;
        let along = axis as isize;

        let put = value(&[&x, &k, &src], |v| v[0].scatter(along, v[1], v[2]))?;
        prop_assert_eq!(&put, &by_loop(x.clone(), &k, axis, |y, p| *y = given[p])?);
        let filled = value(&[&x, &k], |v| v[0].scatter(along, v[1], 7.0))?;
        prop_assert_eq!(&filled, &by_loop(x.clone(), &k, axis, |y, _| *y = 7.0)?);
        let most = value(&[&x, &k, &src], |v| v[0].scatter_max(along, v[1], v[2]))?;
        prop_assert_eq!(&most, &by_loop(x.clone(), &k, axis, |y, p| *y = y.max(given[p]))?);
        let least = value(&[&x, &k, &src], |v| v[0].scatter_min(along, v[1], v[2]))?;
        prop_assert_eq!(&least, &by_loop(x.clone(), &k, axis, |y, p| *y = y.min(given[p]))?);

        // Every element of the result came from one place, which has its derivative.
        let mut from = by_loop(Tensor::full(&shape[..], -1.0)?, &k, axis, |y, p| *y = p as f64)?.to_vec::<f64>()?;
        let [dx, dsrc] = grad(|[x, src]| x.scatter(along, x.tape().input(&k), src).sum(), [&x, &src])?;
        let kept: Vec<f64> = from.iter().map(|&p| f64::from(p < 0.0)).collect();
        prop_assert_eq!(dx.to_vec::<f64>()?, kept);
        from.retain(|&p| p >= 0.0);
        let mut stayed = vec![0.0; given.len()];
        from.iter().for_each(|&p| stayed[p as usize] += 1.0);
        prop_assert_eq!(dsrc.to_vec::<f64>()?, stayed);
    }

    #[test]
    fn what_is_scattered_without_repetition_is_gathered_again(shape in prop::collection::vec(1usize..5, 1..4), seed in 0u64..1000) {
        let (x, src) = (random(&shape[..], seed), random(&shape[..], seed + 1));
        for axis in 0..shape.len() as isize {
            let order = src.argsort(axis, false)?;
            let back = value(&[&x, &order, &src], |v| v[0].scatter(axis, v[1], v[2]).gather(axis, v[1]))?;
            prop_assert_eq!(&back, &src);
        }
    }

    #[test]
    fn slices_copied_are_those_selected(shape in prop::collection::vec(1usize..5, 1..4), k in 0usize..6, seed in 0u64..1000) {
        let x = random(&shape[..], seed);
        for (axis, &n) in shape.iter().enumerate() {
            let along = axis as isize;
            let index = indices(&[k], n, seed + 1);
            let slices = random(x.shape().with_size(axis, k), seed + 2);
            let y = value(&[&x, &index, &slices], |v| v[0].index_copy(along, v[1], v[2]))?;
            let last = |j: usize| index.to_vec::<i64>().unwrap().iter().rposition(|&i| i == j as i64);
            for j in 0..n {
                let expected = match last(j) {
                    Some(p) => slices.select_axis(along, p as isize)?,
                    None => x.select_axis(along, j as isize)?,
                };
                prop_assert_eq!(y.select_axis(along, j as isize)?, expected);
            }
            let filled = value(&[&x, &index], |v| v[0].index_fill(along, v[1], 3.0))?;
            let threes = Tensor::full(slices.shape(), 3.0)?;
            prop_assert_eq!(filled, value(&[&x, &index, &threes], |v| v[0].index_copy(along, v[1], v[2]))?);
        }
    }

    #[test]
    fn a_mask_takes_what_it_shows(n in 0usize..6, m in 1usize..4, seed in 0u64..1000) {
        let (x, mask) = (random([n, m], seed), random([m], seed + 1).greater(&Tensor::from(0.0))?);
        let taken = value(&[&x, &mask], |v| v[0].masked_select(v[1]))?;
        let shown = mask.broadcast_to([n, m])?.to_vec::<bool>()?;
        let expected: Vec<f64> = x.to_vec::<f64>()?.into_iter().zip(&shown).filter(|(_, m)| **m).map(|(x, _)| x).collect();
        prop_assert_eq!(taken.to_vec::<f64>()?, expected);
        let g = grad(|x| x.masked_select(x.tape().input(&mask)).sum(), &x)?;
        prop_assert_eq!(g.to_vec::<f64>()?, shown.iter().map(|&m| f64::from(u8::from(m))).collect::<Vec<_>>());
    }
}

#[test]
fn indices_count_from_either_end() -> Result<()> {
    let x = random([3, 4], 1);
    for axis in [0, 1] {
        let n = x.shape()[axis as usize] as i64;
        let index = Tensor::arange(0, n, 1)?.reshape(if axis == 0 { [n as usize, 1] } else { [1, n as usize] })?;
        let back = index.sub(&Tensor::from(n))?;
        assert_eq!(value(&[&x, &index], |v| v[0].take_along_axis(axis, v[1]))?, x);
        assert_eq!(value(&[&x, &back], |v| v[0].take_along_axis(axis, v[1]))?, x);
    }
    // The other axes of both broadcast.
    let row = random([1, 4], 2);
    let index = Tensor::from([[0], [-1], [2]]);
    assert_eq!(
        value(&[&row, &index], |v| v[0].take_along_axis(1, v[1]))?.flatten()?,
        row.flatten()?.index_select(0, &Tensor::from([0, 3, 2]))?
    );
    let places = Tensor::arange(-12, 0, 1)?.reshape([3, 4])?;
    assert_eq!(value(&[&x, &places], |v| v[0].take(v[1]))?, x);
    Ok(())
}

#[test]
fn derivatives_are_those_of_the_values() -> Result<()> {
    let (x, src) = (random([3, 4], 1), random([2, 4], 2));
    let k = Tensor::from([[0, 2, 1, 1], [2, 2, 0, 1]]);
    let rows = Tensor::from([2, 0]);
    type Function = for<'t> fn([Var<'t>; 2], Var<'t>, Var<'t>) -> Var<'t>;
    let checks: [Function; 5] = [
        |[x, src], k, _| x.scatter(0, k, src).sin(),
        |[x, src], k, _| x.scatter_max(0, k, src).sin(),
        |[x, src], k, _| x.scatter_min(0, k, src).sin(),
        |[x, src], _, rows| x.index_copy(0, rows, src).sin(),
        |[x, src], k, rows| x.index_fill(0, rows, src.sum()).take_along_axis(0, k).sin(),
    ];
    for f in checks {
        gradcheck(|[x, src]| f([x, src], x.tape().input(&k), x.tape().input(&rows)), [&x, &src])?;
        gradgradcheck(|[x, src]| f([x, src], x.tape().input(&k), x.tape().input(&rows)), [&x, &src])?;
    }
    Ok(())
}

#[test]
fn a_batch_is_a_loop() -> Result<()> {
    let (x, src) = (random([5, 3, 4], 1), random([5, 2, 4], 2));
    let (k, rows) = (indices(&[5, 2, 4], 3, 3), indices(&[5, 2], 3, 4));
    let functions: [for<'t> fn([Var<'t>; 4]) -> Var<'t>; 6] = [
        |[x, src, k, _]| x.scatter(0, k, src),
        |[x, src, k, _]| x.scatter_max(0, k, src),
        |[x, src, _, rows]| x.index_copy(0, rows, src),
        |[x, src, _, rows]| x.index_fill(0, rows, src.sum()),
        |[x, _, k, _]| x.take_along_axis(0, k - k.full_like(3i64)),
        |[x, _, _, rows]| x.embedding_with_padding(rows, 1),
    ];
    for f in functions {
        let one = |i: isize| -> Result<Tensor> {
            let all = [&x, &src, &k, &rows].map(|t| t.select_axis(0, i).unwrap());
            value(&all.each_ref(), |v| f([v[0], v[1], v[2], v[3]]))
        };
        let loops = (0..5).map(one).collect::<Result<Vec<_>>>()?;
        let loops = Tensor::stack(&loops.iter().collect::<Vec<_>>(), 0)?;
        assert_eq!(vmap(f, [&x, &src, &k, &rows])?, loops);
        // A batch of one operand alone.
        let (src, k, rows) = (src.select_axis(0, 0)?, k.select_axis(0, 0)?, rows.select_axis(0, 0)?);
        let alone = |x: &Tensor| vmap(|x| f([x, x.tape().input(&src), x.tape().input(&k), x.tape().input(&rows)]), x);
        let loops = (0..5).map(|i| alone(&x.narrow(0, i, 1)?)).collect::<Result<Vec<_>>>()?;
        assert_close(&alone(&x)?, &Tensor::concat(&loops.iter().collect::<Vec<_>>(), 0)?);
    }
    Ok(())
}

#[test]
fn the_last_wins_in_every_way_of_running() -> Result<()> {
    // More elements than one thread's share.
    let n = 1 << 18;
    let (x, src, k) = (Tensor::zeros([16], DType::F64)?, random([n], 1), indices(&[n], 16, 2));
    fn f([x, src, k]: [Var<'_>; 3]) -> Var<'_> {
        x.scatter(0, k, src)
    }
    let eager = Tape::eager();
    let inputs = [&x, &src, &k].map(|t| eager.input(t));
    let values = [
        f(inputs).value()?,
        value(&[&x, &src, &k], |v| f([v[0], v[1], v[2]]))?,
        compile(|v| [f(v)]).run([&x, &src, &k])?[0].clone(),
    ];
    let given = src.to_vec::<f64>()?;
    let expected = by_loop(x, &k, 0, |y, p| *y = given[p])?;
    values.iter().for_each(|value| assert_eq!(value, &expected));
    Ok(())
}

#[test]
fn other_dtypes_are_put_too() -> Result<()> {
    let k = Tensor::from([2, 0, 2]);
    let y =
        value(&[&Tensor::from([true; 3]), &k, &Tensor::from([true, false, false])], |v| v[0].scatter(0, v[1], v[2]))?;
    assert_eq!(y, Tensor::from([false, true, false]));
    let y = value(&[&Tensor::from([1, 2, 3]), &k, &Tensor::from([4, 5, 6])], |v| v[0].scatter_max(0, v[1], v[2]))?;
    assert_eq!(y, Tensor::from([5, 2, 6]));
    // What is not a number is the largest, and the smallest.
    let x = Tensor::from([0.0, 1.0]);
    let src = Tensor::from([f64::NAN, 3.0, 2.0]);
    let k = Tensor::from([0, 0, 1]);
    for y in [
        value(&[&x, &k, &src], |v| v[0].scatter_max(0, v[1], v[2]))?,
        value(&[&x, &k, &src], |v| v[0].scatter_min(0, v[1], v[2]))?,
    ] {
        assert!(y.to_vec::<f64>()?[0].is_nan() && !y.to_vec::<f64>()?[1].is_nan());
    }
    Ok(())
}

#[test]
fn a_number_of_results_must_be_known() -> Result<()> {
    fn positive(x: Var<'_>) -> Var<'_> {
        x.masked_select(x.greater(0.0)).sum()
    }
    let x = random([3, 4], 1);
    for error in [vmap(positive, &x).unwrap_err(), compile(|[x]| [positive(x)]).run([&x]).unwrap_err()] {
        assert!(error.sentence().starts_with("masked_select: "), "{error}");
        assert_eq!(error.kind(), ErrorKind::Tape);
    }
    // A mask that is not of the arguments is known.
    let mask = Tensor::from([true, false, true, false]);
    let rows = vmap(|x| x.masked_select(x.tape().input(&mask)), &x)?;
    assert_eq!(rows, x.slice(1, .., 2)?);
    let [all] = compile(|[x]| [x.masked_select(x.tape().input(&mask))]).run([&x])?;
    assert_eq!(all, rows.flatten()?);
    Ok(())
}

fn index<'t>(x: Var<'t>, at: &[i64]) -> Var<'t> {
    x.tape().input(&Tensor::from_vec(at.to_vec(), [at.len()]).unwrap())
}

#[test]
fn mistakes_are_sentences() {
    let mistakes: [Mistake; 21] = [
        (|x| x.scatter(2, index(x, &[0]), 1.0), "scatter: axis 2 is out of range"),
        (|x| x.scatter(0, index(x, &[0]), 1.0), "scatter: an index of shape [1] does not fit [2, 3] along axis 0"),
        (|x| x.scatter(0, x, 1.0), "scatter: an index is of dtype i64, got f64[2, 3]"),
        (
            |x| x.scatter(0, index(x, &[0, 2]).unsqueeze(1), 1.0),
            "arg_scatter: index 2 is out of range for axis 0 of size 2",
        ),
        (|x| x.scatter(0, index(x, &[-1]).unsqueeze(1), 1.0), "arg_scatter: index -1 is out of range"),
        (|x| x.scatter(0, index(x, &[0, 1]).unsqueeze(1), x), "scatter: elements [2, 3] by an index of shape [2, 1]"),
        (
            |x| x.scatter(0, index(x, &[0]).unsqueeze(1), index(x, &[0]).unsqueeze(1)),
            "scatter: elements of dtype i64 into",
        ),
        (
            |x| x.scatter(0, index(x, &[0, 1]).unsqueeze(1).broadcast_to([2, 1 << 40]), 1.0),
            "scatter: an index of shape",
        ),
        (|x| x.scatter_max(0, index(x, &[0]), x), "scatter_max: an index of shape [1]"),
        (|x| x.index_copy(5, index(x, &[0]), x), "index_copy: axis 5 is out of range"),
        (|x| x.index_copy(0, index(x, &[0]), x), "index_copy: f64[2, 3] where f64[1, 3] is due"),
        (|x| x.index_copy(0, index(x, &[0, 2]), x), "arg_scatter: index 2 is out of range"),
        (|x| x.index_copy(0, x, x), "index_copy: an index is of dtype i64"),
        (|x| x.index_fill(-3, index(x, &[0]), 1.0), "index_fill: axis -3 is out of range"),
        (|x| x.index_fill(0, index(x, &[i64::MIN]), 1.0), "arg_scatter: index -9223372036854775808 is out of range"),
        (
            |x| x.index_fill(0, index(x, &[0]), x.unsqueeze(0)),
            "index_fill: a value of shape [1, 2, 3] does not broadcast",
        ),
        (|x| x.take_along_axis(0, index(x, &[0])), "take_along_axis: [2, 3] and an index of shape [1] do not"),
        (|x| x.take_along_axis(0, index(x, &[-3]).unsqueeze(0)), "gather: index -3 is out of range"),
        (|x| x.take(index(x, &[6])), "index_select: index 6 is out of range"),
        (|x| x.masked_select(index(x, &[0, 1]).greater(0i64)), "masked_select: [2, 3] and a mask [2] do not broadcast"),
        (|x| x.embedding_with_padding(index(x, &[0]), 2), "embedding: there is no row 2 for padding in a table [2, 3]"),
    ];
    assert_mistakes(file!(), &mistakes);
}

#[test]
fn nothing_is_put_where_there_is_nothing() -> Result<()> {
    let tape = Tape::new();
    let x = tape.input(&random([2, 3], 1));
    let none = tape.input(&Tensor::zeros([0, 3], DType::I64)?);
    assert_eq!(x.scatter(0, none, tape.full([0, 3], 1.0)).value()?, x.value()?);
    assert_eq!(x.scatter_max(0, none, tape.full([0, 3], 1.0)).value()?, x.value()?);
    let none = tape.input(&Tensor::zeros([0], DType::I64)?);
    assert_eq!(x.index_copy(0, none, tape.full([0, 3], 1.0)).value()?, x.value()?);
    assert_eq!(x.index_fill(0, none, 1.0).value()?, x.value()?);
    assert_eq!(x.take(none).shape(), [0].into());
    let nothing = tape.full([0, 3], 1.0);
    assert_eq!(nothing.masked_select(tape.full([3], true)).value()?.shape(), &[0].into());
    assert!(nothing.index_fill(0, tape.full([1], 0i64), 1.0).value().is_err());
    assert!(tape.full((), 1.0).scatter(0, none, 1.0).is_poisoned());
    // One number seen 2^40 times takes no memory; an index into it does not either.
    let tape = Tape::new();
    let many = tape.full([1 << 40], 1.0);
    assert_eq!(many.take(tape.full([1], -1i64)).value()?, Tensor::from([1.0]));
    assert_eq!(many.scatter(0, tape.full([1], 3i64), 2.0).value().unwrap_err().kind(), ErrorKind::Memory);
    assert_eq!(many.masked_select(tape.full((), true)).value().unwrap_err().kind(), ErrorKind::Memory);
    Ok(())
}

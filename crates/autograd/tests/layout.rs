//! The same elements in another arrangement: round trips, what NumPy's words mean element by element, vmap, derivatives,
//! and that no argument panics.

mod common;

use common::{assert_close, random, value};
use proptest::prelude::*;
use wengert_autograd::{PadMode, Tape, Var, gradcheck, gradgradcheck, vmap};
use wengert_tensor::{ErrorKind, Result, Tensor};

type Unary = for<'t> fn(Var<'t>) -> Var<'t>;
/// Which element of an axis is at a place.
type Place<'a> = &'a dyn Fn(isize) -> isize;

const BORDERS: [PadMode; 4] = [PadMode::ZEROS, PadMode::Reflect, PadMode::Replicate, PadMode::Circular];

fn of(x: &Tensor, f: impl for<'t> Fn(Var<'t>) -> Var<'t>) -> Tensor {
    value(&[x], |v| f(v[0])).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn axes_go_and_come_back(a in 0usize..4, b in 1usize..4, c in 1usize..4, r in 1usize..4, shift in -9isize..9) {
        let x = random([a, b, c], 1);
        prop_assert_eq!(&of(&x, |x| x.flatten_axes(1, -1).unflatten(1, [b, c])), &x);
        prop_assert_eq!(&of(&x, |x| x.unflatten(-3, [-1, 1]).squeeze_axes([1]).expand([-1, -1, -1])), &x);
        prop_assert_eq!(&of(&x, |x| x.move_axes([0, 2], [1, 0]).move_axes([1, 0], [0, 2])), &x);
        prop_assert_eq!(&of(&x, |x| x.roll_axes(&[(0, shift), (-1, 1), (0, -shift), (2, -1)])), &x);
        prop_assert_eq!(&of(&x, |x| x.roll_all(shift).roll_all(-shift)), &x);
        prop_assert_eq!(&of(&x, |x| x.fliplr().flipud().rot90(2, [1, 0])), &x);
        prop_assert_eq!(&of(&x, |x| x.rot90(1, [0, 2]).rot90(1, [0, 2]).rot90(1, [0, 2]).rot90(1, [0, 2])), &x);
        prop_assert_eq!(of(&x, |x| x.rot90(-1, [0, 2])), of(&x, |x| x.rot90(1, [2, 0])));
        prop_assert_eq!(&of(&x, |x| Var::concat(&x.split_every(1, r), 1)), &x);
        let image = random([a, b * r * r, c, 2], 2);
        prop_assert_eq!(&of(&image, |x| x.pixel_shuffle(r).pixel_unshuffle(r)), &image);
        prop_assert_eq!(of(&image, |x| x.pixel_shuffle(r)).shape()[..].to_vec(), vec![a, b, c * r, 2 * r]);
    }

    #[test]
    fn padding_is_cut_off_again(m in 2usize..6, n in 2usize..6, lo in 0isize..2, hi in 0isize..2, mode in 0usize..4) {
        let x = random([2, m, n], 1);
        let mode = BORDERS[mode];
        let padded = of(&x, |x| x.pad_with(&[(lo, hi), (hi, lo)], mode));
        prop_assert_eq!(padded.shape()[..].to_vec(), vec![2, m + (lo + hi) as usize, n + (lo + hi) as usize]);
        prop_assert_eq!(&of(&padded, |y| y.pad_with(&[(-lo, -hi), (-hi, -lo)], mode)), &x);
    }

    #[test]
    fn every_mode_reads_the_element_it_says(n in 1isize..6, lo in -6isize..6, hi in -6isize..6) {
        let x = Tensor::arange(0.0, n as f64, 1.0).unwrap();
        let circle = n + lo.min(0) + hi.min(0);
        let rules: [(PadMode, bool, Place<'_>); 3] = [
            (PadMode::Replicate, true, &|i| i.clamp(0, n - 1)),
            (PadMode::Reflect, lo < n && hi < n, &|i| (n - 1 - (n - 1 - i.abs()).abs()).abs()),
            (PadMode::Circular, circle >= 0 && lo <= circle && hi <= circle,
                &|i| (-lo).max(0) + (i - (-lo).max(0)).rem_euclid(circle.max(1))),
        ];
        for (mode, fits, place) in rules {
            let y = value(&[&x], |v| v[0].pad_with(&[(lo, hi)], mode));
            if fits && n + lo + hi >= 0 {
                let expected: Vec<f64> = (-lo..n + hi).map(|i| place(i) as f64).collect();
                prop_assert_eq!(y.unwrap().to_vec::<f64>().unwrap(), expected, "{:?} {} {}", mode, lo, hi);
            } else {
                prop_assert_eq!(y.unwrap_err().kind(), ErrorKind::Shape);
            }
        }
    }

    #[test]
    fn differences_undo_running_sums(m in 1usize..4, n in 1usize..6, axis in -2isize..2, times in 0usize..7) {
        let x = random([m, n], 1);
        let back = value(&[&x], |v| v[0].cumsum(axis).diff_with(1, axis, Some(0.0 * v[0].narrow(axis, 0, 1)), None));
        assert_close(&back.unwrap(), &x);
        let steps = value(&[&x], |v| (0..times).fold(v[0], |x, _| x.diff(1, axis)));
        prop_assert_eq!(of(&x, |x| x.diff(times, axis)), steps.unwrap());
    }

    #[test]
    fn repetitions_and_windows_are_reads(n in 0usize..5, counts in prop::collection::vec(0usize..4, 5), size in 1usize..4, step in 1usize..3) {
        let x = random([2, n], 1);
        let list: Vec<Vec<f64>> = (0..2).map(|i| (0..n).map(|j| x.to_vec::<f64>().unwrap()[i * n + j]).collect()).collect();
        let each = |row: &Vec<f64>| row.iter().zip(&counts).flat_map(|(&v, &k)| vec![v; k]).collect::<Vec<_>>();
        let expected: Vec<f64> = list.iter().flat_map(each).collect();
        prop_assert_eq!(of(&x, |x| x.repeat_each(1, &counts[..n])).to_vec::<f64>().unwrap(), expected);
        let windows = value(&[&x], |v| v[0].unfold(-1, size, step));
        if size <= n {
            let row = |row: &Vec<f64>| (0..=n - size).step_by(step).flat_map(|at| row[at..at + size].to_vec()).collect::<Vec<_>>();
            prop_assert_eq!(windows.unwrap().to_vec::<f64>().unwrap(), list.iter().flat_map(row).collect::<Vec<_>>());
        } else {
            prop_assert!(windows.is_err());
        }
    }

    #[test]
    fn diagonals_lie_where_they_are_said_to(m in 0usize..4, n in 0usize..4, k in -4isize..4) {
        let x = random([m, 2, n], 1);
        let own = of(&x, |x| x.permute([1, 0, 2]).diagonal(k));
        prop_assert_eq!(&of(&x, |x| x.diagonal_axes(k, [0, -1])), &own);
        prop_assert_eq!(of(&x, |x| x.diagonal_axes(-k, [2, 0])), own);
        let v = random([2, n], 2);
        prop_assert_eq!(&of(&v, |v| v.diag_embed_axes(k, [0, 1]).diagonal_axes(k, [0, 1])), &v);
        prop_assert_eq!(of(&v, |v| v.diag_embed_axes(k, [-1, -2])), of(&v, |v| v.diag_embed(-k)));
    }
}

#[test]
fn rows_columns_and_layers_are_stacked_as_by_numpy() -> Result<()> {
    let (row, one) = (Tensor::from([1.0, 2.0]), Tensor::from(3.0));
    let tape = Tape::new();
    let (row, one) = (tape.input(&row), tape.input(&one));
    assert_eq!(Var::hstack(&[one, row]).value()?, Tensor::from([3.0, 1.0, 2.0]));
    assert_eq!(Var::vstack(&[row, row.unsqueeze(0)]).value()?, Tensor::from([[1.0, 2.0], [1.0, 2.0]]));
    assert_eq!(Var::vstack(&[one, one]).value()?, Tensor::from([[3.0], [3.0]]));
    assert_eq!(Var::dstack(&[one, one]).value()?, Tensor::from([[[3.0, 3.0]]]));
    assert_eq!(Var::dstack(&[row, row.unsqueeze(0)]).value()?, Tensor::from([[[1.0, 1.0], [2.0, 2.0]]]));
    let truth = tape.input(&Tensor::from([true, true, false]));
    assert_eq!(truth.diff(1, 0).value()?, Tensor::from([false, true]));
    let table = tape.input(&Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    assert_eq!((table.diag(-1).value()?, table.diag(5).value()?.shape()[0]), (Tensor::from([3.0]), 0));
    Ok(())
}

/// Functions of [3, 4, 4] that keep no axis for themselves.
const ARRANGEMENTS: &[Unary] = &[
    |x| x.expand([2, -1, -1, 4]),
    |x| x.flatten_axes(0, 1),
    |x| x.unflatten(-1, [2, -1]),
    |x| x.unsqueeze(1).squeeze_axes(..),
    |x| x.move_axes([0, 1], [-1, 0]),
    |x| x.roll_axes(&[(0, 1), (-1, 2)]),
    |x| x.roll_all(5),
    |x| x.rot90(1, [0, 2]),
    |x| x.rot90(3, [1, 2]),
    |x| x.fliplr() + x.flipud(),
    |x| Var::hstack(&[x, x.flip(0)]),
    |x| Var::vstack(&[x, x.flip(1)]),
    |x| Var::dstack(&[x, x.flip(2)]),
    |x| x.split_every(1, 3)[1],
    |x| x.unfold(1, 2, 2),
    |x| x.repeat_each(0, &[2, 0, 3]),
    |x| x.diagonal_axes(1, [2, 0]),
    |x| x.diag_embed_axes(1, [0, -2]),
    |x| x.diff(2, 1),
    |x| x.diff_with(1, -1, Some(x.narrow(-1, 0, 2)), Some(x.narrow(-1, 1, 1))),
    |x| x.pad_with(&[(1, -2), (2, 0)], PadMode::Constant(1.5.into())),
    |x| x.pad_with(&[(2, 2), (3, 1)], PadMode::Reflect),
    |x| x.pad_with(&[(3, -1), (0, 2)], PadMode::Replicate),
    |x| x.pad_with(&[(1, 1), (2, 2), (-1, 3)], PadMode::Circular),
    |x| x.unflatten(1, [4, 1]).pixel_shuffle(2),
    |x| x.pixel_unshuffle(2),
];

#[test]
fn arrangements_have_derivatives_and_batches() -> Result<()> {
    let (x, many) = (random([3, 4, 4], 1), random([2, 3, 4, 4], 2));
    for (i, &f) in ARRANGEMENTS.iter().enumerate() {
        let told = |error: wengert_tensor::Error| error.within(format!("arrangement {i}"));
        gradcheck(f, &x).map_err(told)?;
        gradgradcheck(|x| f(x.sin()).square(), &x).map_err(told)?;
        let batched = vmap(f, &many)?;
        for k in 0..2 {
            assert_eq!(batched.select_axis(0, k)?, of(&many.select_axis(0, k)?, f), "arrangement {i}");
        }
    }
    Ok(())
}

#[test]
fn what_cannot_be_is_an_error_at_the_callers_line() {
    const FAR: isize = isize::MIN;
    let wrong: &[Unary] = &[
        |x| x.expand([4]),
        |x| x.expand([-1, 3, 4, 4]),
        |x| x.expand([-2, 4, 4]),
        |x| x.expand([3, 5, 4]),
        |x| x.expand([isize::MAX, 3, 4, 4]),
        |x| x.flatten_axes(0, 3),
        |x| x.flatten_axes(2, 0),
        |x| x.flatten_axes(FAR, isize::MAX),
        |x| x.unflatten(0, [2, 2]),
        |x| x.unflatten(0, [-1, -1]),
        |x| x.unflatten(0, [0, -1]),
        |x| x.unflatten(5, [3]),
        |x| x.unflatten(0, [isize::MAX, isize::MAX]),
        |x| x.squeeze_axes([0, 0]),
        |x| x.squeeze_axes(FAR),
        |x| x.move_axes([0, 0], [1, 2]),
        |x| x.move_axes([0, 1], [1, -2]),
        |x| x.move_axes([0], [1, 2]),
        |x| x.move_axes(.., [1, 2]),
        |x| x.move_axes(3, 0),
        |x| x.roll_axes(&[(0, 1), (3, 1)]),
        |x| x.rot90(1, [0, 0]),
        |x| x.rot90(0, [0, -3]),
        |x| x.rot90(1, [0, FAR]),
        |x| x.flatten().fliplr(),
        |x| x.sum().flipud(),
        |x| Var::hstack(&[x, x.sum()]),
        |x| Var::vstack(&[x, x.flatten()]),
        |x| Var::dstack(&[x, x.narrow(0, 0, 2)]),
        |x| x.split_every(0, 0)[0],
        |x| x.split_every(7, 1)[0],
        |x| x.sum().expand([usize::MAX >> 8]).split_every(0, 1)[0],
        |x| x.unfold(0, 4, 1),
        |x| x.unfold(0, 0, 1),
        |x| x.unfold(0, 2, 0),
        |x| x.unfold(0, usize::MAX, usize::MAX),
        |x| x.unfold(4, 1, 1),
        |x| x.repeat_each(0, &[1, 2]),
        |x| x.repeat_each(0, &[usize::MAX, 2, 3]),
        |x| x.repeat_each(0, &[usize::MAX >> 8, 0, 0]),
        |x| x.narrow(1, 0, 0).repeat_each(0, &[usize::MAX >> 8, 0, 0]),
        |x| x.diag(0),
        |x| x.sum().diag(0),
        |x| x.flatten().diag(FAR),
        |x| x.diagonal_axes(0, [1, 1]),
        |x| x.diagonal_axes(0, [0, 3]),
        |x| x.diag_embed_axes(0, [0, 4]),
        |x| x.diag_embed_axes(isize::MAX, [0, 1]),
        |x| x.diff(1, 3),
        |x| x.diff_with(1, 0, Some(x.sum()), None),
        |x| x.pad_with(&[(1, 1); 4], PadMode::Reflect),
        |x| x.pad_with(&[(4, 0)], PadMode::Reflect),
        |x| x.pad_with(&[(0, 5)], PadMode::Circular),
        |x| x.pad_with(&[(-3, -2)], PadMode::Replicate),
        |x| x.pad_with(&[(-3, 2)], PadMode::Circular),
        |x| x.pad_with(&[(FAR, FAR)], PadMode::ZEROS),
        |x| x.pad_with(&[(isize::MAX, isize::MAX)], PadMode::ZEROS),
        |x| x.pad_with(&[(isize::MAX, isize::MAX)], PadMode::Replicate),
        |x| x.narrow(2, 0, 0).pad_with(&[(1, 0)], PadMode::Replicate),
        |x| x.narrow(2, 0, 0).pad_with(&[(0, 1)], PadMode::Reflect),
        |x| x.pixel_shuffle(2),
        |x| x.pixel_shuffle(0),
        |x| x.pixel_shuffle(usize::MAX),
        |x| x.pixel_unshuffle(0),
        |x| x.pixel_unshuffle(3),
        |x| x.flatten().pixel_unshuffle(1),
    ];
    let x = random([3, 4, 4], 1);
    for (i, f) in wrong.iter().enumerate() {
        let error = value(&[&x], |v| f(v[0])).expect_err(&format!("number {i} is no mistake"));
        let at = error.location().map_or("nowhere", |at| at.file());
        assert!(at.ends_with("layout.rs"), "number {i}: {error} at {at}");
        // What is already wrong stays wrong.
        assert!(value(&[&x], |v| f(v[0].reshape([7]))).is_err(), "number {i} of nothing");
    }
    let stacks: [fn(&[Var<'static>]) -> Var<'static>; 3] = [Var::hstack, Var::vstack, Var::dstack];
    for stack in stacks {
        assert_eq!(stack(&[]).value().unwrap_err().kind(), ErrorKind::Shape);
    }
}

#[test]
fn no_elements_are_arranged_like_others() {
    let none: &[(Unary, &[usize])] = &[
        (|x| x.flatten_axes(0, 1), &[0, 4]),
        (|x| x.unflatten(0, [-1, 2]), &[0, 2, 2, 4]),
        (|x| x.expand([3, -1, -1, 4]), &[3, 0, 2, 4]),
        (|x| x.roll_axes(&[(0, 5)]), &[0, 2, 4]),
        (|x| x.roll_all(5), &[0, 2, 4]),
        (|x| x.rot90(1, [0, 2]), &[4, 2, 0]),
        (|x| x.split_every(0, 0)[0], &[0, 2, 4]),
        (|x| x.unfold(1, 2, 1), &[0, 1, 4, 2]),
        (|x| x.repeat_each(0, &[]), &[0, 2, 4]),
        (|x| x.diagonal_axes(0, [0, 2]), &[2, 0]),
        (|x| x.diag_embed_axes(0, [0, 1]), &[4, 4, 0, 2]),
        (|x| x.diff(usize::MAX, 0), &[0, 2, 4]),
        (|x| x.diff(usize::MAX, -1), &[0, 2, 0]),
        (|x| x.pad_with(&[(1, 1), (0, 0), (1, 0)], PadMode::ZEROS), &[2, 2, 5]),
        (|x| x.pad_with(&[(-2, 4)], PadMode::Replicate), &[0, 2, 6]),
        (|x| x.pixel_shuffle(usize::MAX >> 40), &[0, 2 * (usize::MAX >> 40), 4 * (usize::MAX >> 40)]),
        (|x| x.pixel_unshuffle(2), &[0, 1, 2]),
    ];
    let x = Tensor::zeros([0, 2, 4], wengert_tensor::DType::F64).unwrap();
    for (i, (f, shape)) in none.iter().enumerate() {
        let y = value(&[&x], |v| f(v[0]));
        assert_eq!(y.map(|y| y.shape()[..].to_vec()), Ok(shape.to_vec()), "number {i}");
    }
}

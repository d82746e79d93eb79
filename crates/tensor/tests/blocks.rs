//! Steps over blocks of rows: results do not depend on blocks or parts, and what does not fit is an error.

use std::panic::Location;

use proptest::prelude::*;
use wengert_tensor::kernel::blocks::{Blocks, From, Operand, Step, Term, Work};
use wengert_tensor::kernel::chain::{Arith, Chain};
use wengert_tensor::kernel::reduce::Fold;
use wengert_tensor::kernel::reduce::stream::Stream;
use wengert_tensor::{Data, DataMut};

const SHARED: [From; 2] = [From::Shared(0), From::Shared(1)];

fn step(work: Work, out: Operand) -> Step {
    Step { work, out, passes: true, at: Location::caller() }
}

fn rows(from: From, width: usize) -> Operand {
    Operand { from, offset: 0, step: width, width }
}

fn tile(local: usize, width: usize) -> Operand {
    Operand { from: From::Local(local), offset: 0, step: 0, width }
}

/// Every row of x less its maximum, times y: in local 0; the sums of rows in local 1; over all of it, in local 2, the
/// results of leaves.
fn steps(cols: usize) -> Vec<Step> {
    let [x, y] = SHARED.map(|from| rows(from, cols));
    let (top, shifted) = (tile(3, 1), tile(4, cols));
    let (product, sums) = (rows(From::Local(0), cols), rows(From::Local(1), 1));
    let less = [Term::full(x), Term { x: top, row: 1, along: false }].into_iter().collect();
    let times = [Term::full(shifted), Term::full(y)].into_iter().collect();
    vec![
        step(Work::Rows(Fold::Max, x), top),
        step(Work::Chain(Chain::new(Arith::Sub), less), shifted),
        step(Work::Chain(Chain::new(Arith::Mul), times), product),
        step(Work::Rows(Fold::Sum, product), sums),
        step(Work::Stream(Stream { fold: Fold::Sum, width: cols }, 1, product, 2), tile(5, 1)),
    ]
}

fn numbers(n: usize, k: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 37 + k) % 101) as f32 * 0.173 - 8.0).collect()
}

/// Results of `n` rows, so many a block, in parts of so many.
fn run(n: usize, cols: usize, block: usize, part: usize) -> [Vec<f32>; 3] {
    let (x, y) = (numbers(n * cols, 3), numbers(n * cols, 5));
    let stream = Stream { fold: Fold::Sum, width: cols };
    let blocks = Blocks::new(block, cols, vec![], steps(cols), vec![rows(SHARED[0], cols)]);
    let (mut all, mut sums, mut totals) = (vec![0.0; n * cols], vec![0.0; n], vec![0.0; stream.totals(n)]);
    for start in (0..n).step_by(part) {
        let end = n.min(start + part);
        let (mut top, mut shifted) = (vec![9.0; block], vec![9.0; block * cols]);
        let mut state = vec![9.0; stream.state()];
        let leaves = start / 256 * cols..start / 256 * cols + stream.totals(end - start);
        let mut locals = [
            DataMut::F32(&mut all[start * cols..end * cols]),
            DataMut::F32(&mut sums[start..end]),
            DataMut::F32(&mut totals[leaves]),
            DataMut::F32(&mut top),
            DataMut::F32(&mut shifted),
            DataMut::F32(&mut state),
        ];
        blocks.run(&[Data::F32(&x), Data::F32(&y)], &mut locals, start..end).unwrap();
    }
    [all, sums, totals]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn results_depend_on_neither_blocks_nor_parts(
        n in 1..700usize, cols in prop_oneof![2..9usize, 60..70usize, 250..260usize], block in 1..20usize, parts in 1..4usize,
    ) {
        let want = run(n, cols, n, n.next_multiple_of(256));
        prop_assert_eq!(&run(n, cols, block, parts * 256), &want);
        let (x, y) = (numbers(n * cols, 3), numbers(n * cols, 5));
        for (row, (x, y)) in x.chunks(cols).zip(y.chunks(cols)).enumerate() {
            let top = x.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
            let product: Vec<f32> = x.iter().zip(y).map(|(x, y)| (x - top) * y).collect();
            prop_assert_eq!(&product, &want[0][row * cols..(row + 1) * cols]);
        }
    }
}

#[test]
fn what_does_not_fit_is_an_error() {
    let x = [1_f32; 12];
    // Three rows of four elements, two a block.
    let run = |step: Step, rows: std::ops::Range<usize>| {
        let (mut a, mut b, mut n) = ([0_f32; 12], [0_f32; 8], [0_i64; 12]);
        let mut locals = [DataMut::F32(&mut a), DataMut::F32(&mut b), DataMut::I64(&mut n)];
        Blocks::new(2, 4, vec![], vec![step], vec![]).run(&[Data::F32(&x)], &mut locals, rows)
    };
    let (from, out) = (rows(SHARED[0], 4), rows(From::Local(0), 4));
    let add = |x: Term, out| step(Work::Chain(Chain::new(Arith::Add), [x, x].into_iter().collect()), out);
    let copy = |x, out| step(Work::Copy(x), out);
    assert!(run(add(Term::full(from), out), 0..3).is_ok());
    assert!(run(add(Term::full(out), out), 0..3).is_ok());
    assert!(run(copy(from, out), 0..3).is_ok());
    let beyond = Operand { offset: 1, ..from };
    let huge = Operand { offset: usize::MAX, step: usize::MAX, ..from };
    let whole = |x, out| [add(Term::full(x), out), copy(x, out)];
    let short =
        [add(Term { x: from, row: 9, along: true }, out), add(Term { x: from, row: usize::MAX, along: false }, out)];
    let cases = [
        whole(beyond, out),
        whole(huge, out),
        whole(from, beyond),
        whole(from, rows(From::Local(1), 4)),
        whole(from, tile(2, 4)),
        whole(from, tile(3, 4)),
        whole(rows(From::Shared(1), 4), out),
        whole(Operand { step: 0, ..out }, out),
        short,
    ];
    for step in cases.into_iter().flatten() {
        assert!(run(step, 0..3).is_err());
    }
    assert!(run(copy(out, out), 0..3).is_err());
    assert!(run(copy(from, out), 0..4).is_err());
    assert!(run(copy(from, out), 3..3).is_err());
    let stream = Stream { fold: Fold::Sum, width: 4 };
    assert!(run(step(Work::Stream(stream, 1, from, 0), tile(1, 1)), 0..3).is_ok());
    assert!(run(step(Work::Stream(stream, 1, from, 1), tile(1, 1)), 0..3).is_err());
    assert!(run(step(Work::Stream(stream, 1, out, 0), tile(1, 1)), 0..3).is_err());
}

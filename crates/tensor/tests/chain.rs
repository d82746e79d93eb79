//! Arithmetic in one pass: the bits of one operation after another, however operands are spread.

use std::panic::Location;

use proptest::prelude::*;
use wengert_tensor::kernel::blocks::{Blocks, From, Operand, Step, Term, Work};
use wengert_tensor::kernel::chain::{Arith, Chain};
use wengert_tensor::{Data, DataMut, Result};

const ALL: [Arith; 4] = [Arith::Add, Arith::Sub, Arith::Mul, Arith::Div];

fn apply<T: num_traits::Float>(f: Arith, x: T, y: T) -> T {
    match f {
        Arith::Add => x + y,
        Arith::Sub => x - y,
        Arith::Mul => x * y,
        Arith::Div => x / y,
    }
}

/// Numbers of all kinds, from number `k` on.
fn number(k: usize) -> f64 {
    match k % 23 {
        0 => f64::NAN,
        1 => f64::INFINITY,
        2 => f64::NEG_INFINITY,
        3 => -0.0,
        4 => 0.0,
        5 => 1e-320,
        k => (k as f64 - 11.0) * 0.37 + 1e-3 / (k as f64 + 1.0),
    }
}

/// How an operand lies: how far apart rows start, and whether there is an element for each of a row.
fn way(kind: usize, cols: usize) -> (usize, bool) {
    match kind % 5 {
        0 => (cols, true),
        1 => (1, false),
        2 => (0, true),
        3 => (0, false),
        _ => (cols + 3, true),
    }
}

/// One pass over so many rows of so many elements, in one block.
fn run(chain: Chain, [rows, cols]: [usize; 2], terms: &[Term], shared: &[Data], out: DataMut) -> Result<()> {
    let work = Work::Chain(chain, terms.iter().copied().collect());
    let step = Step { work, out: result(cols), passes: true, at: Location::caller() };
    Blocks::new(rows, cols, vec![], vec![step], vec![]).run(shared, &mut [out], 0..rows)
}

/// The result, of rows of so many elements.
fn result(cols: usize) -> Operand {
    Operand { from: From::Local(0), offset: 0, step: cols, width: cols }
}

/// Source `k`, whose rows start so far apart.
fn source(k: usize, cols: usize, row: usize, along: bool) -> Term {
    let width = if along { cols } else { 1 };
    Term { x: Operand { from: From::Shared(k), offset: 0, step: row, width }, row, along }
}

macro_rules! check {
    ($T:ty, $bits:ty, $Variant:ident, $rows:expr, $cols:expr, $kinds:expr, $chain:expr, $one:expr, $own:expr) => {{
        let (rows, cols, own) = ($rows, $cols, $own);
        let operands: Vec<(Vec<$T>, usize, bool)> = $kinds
            .iter()
            .enumerate()
            .map(|(k, &kind)| {
                let (row, along) = if own == Some(k) { (cols, true) } else { way(kind, cols) };
                let len = rows.saturating_sub(1) * row + if along { cols } else { 1 };
                ((0..len).map(|i| number(i * (k + 2) + k * 7) as $T).collect(), row, along)
            })
            .collect();
        let mut out: Vec<$T> = match own {
            Some(k) => operands[k].0[..rows * cols].to_vec(),
            None => vec![0.5; rows * cols],
        };
        let terms: Vec<Term> = operands
            .iter()
            .enumerate()
            .map(|(k, (_, row, along))| match own {
                Some(own) if own == k => Term::full(result(cols)),
                _ => source(k, cols, *row, *along),
            })
            .collect();
        let shared: Vec<Data> = operands.iter().map(|(x, ..)| Data::$Variant(x)).collect();
        let outcome = run($chain, [rows, cols], &terms, &shared, DataMut::$Variant(&mut out));
        // There is no block of no rows.
        assert_eq!(outcome.is_ok(), rows > 0);
        for r in 0..rows {
            for c in 0..cols {
                let x: Vec<$T> =
                    operands.iter().map(|(x, row, along)| x[r * row + if *along { c } else { 0 }]).collect();
                let want: $T = $one(&x);
                let got = out[r * cols + c];
                assert!(got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan(), "{r}, {c}: {got} for {want}");
            }
        }
    }};
}

proptest! {
    #[test]
    fn one_pass_rounds_as_one_operation_after_another(
        rows in 0..5usize,
        cols in prop_oneof![0..10usize, 60..70usize, 100..300usize],
        kinds in prop::array::uniform3(0..5usize),
        first in 0..4usize, second in 0..4usize, other_way: bool,
        own in prop::option::of(0..3usize),
    ) {
        let (f, g) = (ALL[first], ALL[second]);
        let two = own.filter(|&own| own < 2);
        let chain = Chain::new(f);
        prop_assert_eq!(chain.single(), Some(f));
        check!(f32, u32, F32, rows, cols, kinds[..2], chain, |x: &[f32]| apply(f, x[0], x[1]), two);
        check!(f64, u64, F64, rows, cols, kinds[..2], chain, |x: &[f64]| apply(f, x[0], x[1]), two);
        match chain.then(g, other_way) {
            Some(chain) => {
                prop_assert_eq!(chain.single(), None);
                macro_rules! both {
                    ($T:ty) => {
                        |x: &[$T]| {
                            let y = apply(f, x[0], x[1]);
                            if other_way { apply(g, x[2], y) } else { apply(g, y, x[2]) }
                        }
                    };
                }
                check!(f32, u32, F32, rows, cols, kinds, chain, both!(f32), own);
                check!(f64, u64, F64, rows, cols, kinds, chain, both!(f64), own);
            }
            None => prop_assert!(f == Arith::Div || g == Arith::Div),
        }
    }
}

#[test]
fn what_does_not_fit_is_an_error() {
    let (x, n) = ([1_f32; 6], [1_i64; 6]);
    let shared = [Data::F32(&x), Data::F32(&x[1..]), Data::I64(&n)];
    let add = |terms: &[Term], sizes| run(Chain::new(Arith::Add), sizes, terms, &shared, DataMut::F32(&mut [0.0; 6]));
    let [fits, short, whole] = [0, 1, 2].map(|k| source(k, 3, 3, true));
    assert!(add(&[fits, fits], [2, 3]).is_ok());
    assert!(add(&[fits, fits], [3, 3]).is_err());
    assert!(add(&[fits, fits], [usize::MAX, 3]).is_err());
    assert!(add(&[fits], [2, 3]).is_err());
    assert!(add(&[fits, fits, fits], [2, 3]).is_err());
    assert!(add(&[fits, short], [2, 3]).is_err());
    assert!(add(&[fits, whole], [2, 3]).is_err());
    assert!(add(&[fits, source(3, 3, 3, true)], [2, 3]).is_err());
    assert!(add(&[fits, source(0, 3, usize::MAX, false)], [2, 3]).is_err());
    let integers = run(Chain::new(Arith::Add), [2, 3], &[whole, whole], &shared, DataMut::I64(&mut [0; 6]));
    assert!(integers.is_err());
}

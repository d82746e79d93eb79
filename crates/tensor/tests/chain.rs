//! Arithmetic in one pass: the bits of one operation after another, however operands are spread.

use proptest::prelude::*;
use wengert_tensor::kernel::chain::{Arith, Chain, Term};
use wengert_tensor::{Data, DataMut};

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
            .map(|(k, (x, row, along))| match own {
                Some(own) if own == k => Term::Own,
                _ => Term::Read { data: Data::$Variant(x), row: *row, along: *along },
            })
            .collect();
        $chain.run([rows, cols], &terms, DataMut::$Variant(&mut out)).unwrap();
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
    let all = |data| Term::Read { data, row: 3, along: true };
    let run = |x: &[Term], sizes| Chain::new(Arith::Add).run(sizes, x, DataMut::F32(&mut [0.0; 6]));
    let fits = all(Data::F32(&x));
    assert!(run(&[fits, fits], [2, 3]).is_ok());
    assert!(run(&[fits, fits], [3, 3]).is_err());
    assert!(run(&[fits, fits], [usize::MAX, 2]).is_err());
    assert!(run(&[fits], [2, 3]).is_err());
    assert!(run(&[fits, fits, fits], [2, 3]).is_err());
    assert!(run(&[fits, all(Data::F32(&x[1..]))], [2, 3]).is_err());
    assert!(run(&[fits, all(Data::I64(&n))], [2, 3]).is_err());
    assert!(run(&[fits, Term::Read { data: Data::F32(&x), row: usize::MAX, along: false }], [2, 3]).is_err());
    let pair = [all(Data::I64(&n)), all(Data::I64(&n))];
    assert!(Chain::new(Arith::Add).run([2, 3], &pair, DataMut::I64(&mut [0; 6])).is_err());
}

//! Fused groups: a program has the bits of one equation after another, whatever is fused.

use proptest::prelude::*;
use wengert_autograd::{Tape, Var};
use wengert_tensor::{DType, Result, Rng, Shape, Tensor, set_threads};

/// A step of a random computation: what it does, and which earlier values it takes (counted from the last).
type Choice = (u8, usize, usize, usize);

fn shapes() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        6 => prop::collection::vec(prop_oneof![Just(1), Just(2), Just(3), Just(7), Just(33)], 1..4),
        3 => (1..700usize, 1..20usize).prop_map(|(rows, cols)| vec![rows, cols]),
        3 => (1..5usize, 1..1500usize).prop_map(|(rows, cols)| vec![rows, cols]),
        1 => Just(vec![2, 9000]),
        1 => Just(vec![20000]),
        1 => Just(vec![3, 0, 2]),
        1 => Just(vec![0]),
    ]
}

/// The axes whose bits are set.
fn axes(x: Var<'_>, mask: usize) -> Vec<usize> {
    (0..x.shape().rank()).filter(|axis| mask >> axis & 1 == 1).collect()
}

fn step<'t>(choice: Choice, values: &[Var<'t>]) -> Var<'t> {
    let (what, i, j, mask) = choice;
    let value = |i: usize| values[values.len() - 1 - i % values.len().min(8)];
    let (x, y) = (value(i), value(j));
    // Operands that do not broadcast, or to something large, are brought to one element.
    let y = match x.shape().broadcast(&y.shape()) {
        Some(shape) if shape.numel() <= 50_000 => y,
        _ => y.sum(),
    };
    let over = axes(x, mask);
    let empty = over.iter().any(|&axis| x.shape()[axis] == 0);
    let last = x.shape()[x.shape().rank().saturating_sub(1)..].first().copied().unwrap_or(0);
    match what % 22 {
        0 => x + y,
        1 => x * y,
        2 => x - y,
        3 => (x * 0.1).tanh(),
        4 => -x.abs(),
        5 => x.less(y).where_(x, y * 0.5),
        6 => x.greater(0.0).cast(x.dtype()) * y,
        7 => x.sum_keep(&over[..]),
        8 => x.mean_keep(&over[..]) + y,
        9 if !empty => x - x.max_keep(&over[..]).detach(),
        10 if !empty => x.min_axes(&over[..]),
        11 => x.sum(),
        12 => x.sum_axes(&over[..]) * 2.0,
        13 => x.flatten(),
        14 => x.greater(y).any_keep(&over[..]).where_(x, 0.25),
        15 if x.shape().rank() > 1 => x.t(),
        16 => x * y - x,
        17 => y - x * 0.3,
        19 if last > 2 => x.narrow(-1, 1, last - 2),
        20 | 21 if x.shape().rank() > 0 && x.shape().numel() < 30_000 => {
            // Of one axis, or of two.
            let mut pads = vec![(0, 0); x.shape().rank()];
            let n = pads.len();
            pads[n - 1 - j % n] = (mask % 3, mask / 3);
            pads[i % n] = (mask % 2, 1);
            x.pad(&pads, if what % 22 == 20 { 0.0 } else { -0.5 })
        }
        18 => (x + y) / (x.square() + 1.0),
        _ => x.sigmoid(),
    }
}

fn assert_same_bits(a: &[Tensor], b: &[Tensor]) {
    let bits = |x: &Tensor| -> Vec<u64> {
        let wide = x.cast(DType::F64).unwrap();
        wide.iter::<f64>().unwrap().map(|x| if x.is_nan() { u64::MAX } else { x.to_bits() }).collect()
    };
    assert_eq!(a.len(), b.len());
    for (k, (a, b)) in a.iter().zip(b).enumerate() {
        assert_eq!((k, a.dtype(), a.shape()), (k, b.dtype(), b.shape()));
        if let Some(i) = bits(a).iter().zip(bits(b)).position(|(a, b)| *a != b) {
            panic!("answer {k} of shape {}, element {i}", a.shape());
        }
    }
}

/// The answers of a program, twice, and of the interpreter.
fn check<'t>(tape: &'t Tape, wanted: &[Var<'t>]) -> Result<()> {
    let planned = tape.finish(wanted)?;
    let again = tape.finish(wanted)?;
    let one_by_one = tape.evaluate(wanted)?;
    assert_same_bits(&planned, &one_by_one);
    assert_same_bits(&again, &one_by_one);
    Ok(())
}

fn noise(shape: impl Into<Shape>, dtype: DType, seed: u64) -> Tensor {
    Tensor::randn(shape, dtype, &mut Rng::seed(seed)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn random_computations(
        shape in shapes(),
        single: bool,
        choices in prop::collection::vec((any::<u8>(), 0..8usize, 0..8usize, 0..8usize), 1..40),
        asked in prop::collection::vec(0..40usize, 1..4),
    ) {
        let dtype = if single { DType::F32 } else { DType::F64 };
        let tape = Tape::new();
        let x = tape.input(&noise(&shape[..], dtype, 1));
        let row = tape.input(&noise(&shape[shape.len() - 1..], dtype, 2));
        let mut values = vec![row, x];
        for choice in choices {
            values.push(step(choice, &values));
        }
        let mut wanted: Vec<Var<'_>> = asked.iter().map(|&k| values[k % values.len()]).collect();
        let last = values[values.len() - 1];
        // Not all of them depend on both, or have derivatives.
        let loss = (last * last).sum() + (x * x).sum() + row.sum();
        wanted.extend([loss, loss.grad(x), loss.grad(row)]);
        check(&tape, &wanted).unwrap();
    }
}

#[test]
fn what_should_be_one_group_is() -> Result<()> {
    let steps = |f: &dyn for<'t> Fn(Var<'t>, Var<'t>) -> Var<'t>| -> Result<usize> {
        let tape = Tape::new();
        let (x, w) = (tape.input(&noise([33, 20], DType::F32, 1)), tape.input(&noise([20], DType::F32, 2)));
        let y = f(x, w);
        let wanted = [y, y.grad(x), y.grad(w)];
        let plan = tape.compile(&[x, w], &wanted)?.to_string();
        check(&tape, &wanted)?;
        Ok(plan.lines().count() - 1)
    };
    assert_eq!(steps(&|x, w| (x.softmax(-1) * w).sum())?, 1);
    assert_eq!(steps(&|x, w| (x.log_softmax(-1) * w).sum())?, 1);
    assert_eq!(steps(&|x, w| x.layer_norm(-1, Some(w), None, 1e-5).square().sum())?, 1);
    // The sums over rows for gain and bias, of which one reads only what is given, go with the rest; their sum waits.
    let given = noise([33, 20], DType::F32, 3);
    assert_eq!(steps(&|x, w| (x.layer_norm(-1, Some(w), Some(w), 1e-5) * x.tape().input(&given)).sum())?, 2);
    // The division by the number of elements waits for the sum.
    assert_eq!(steps(&|x, w| (x * w).gelu().mean())?, 2);
    Ok(())
}

#[test]
fn what_is_padded_goes_along_the_rows_of_what_it_is_made_of() -> Result<()> {
    for shape in [
        vec![9, 40],
        vec![40, 33],
        vec![5, 12, 11],
        vec![70, 3, 20],
        vec![2, 3000],
        vec![300, 2],
        vec![1, 40],
        vec![4, 0],
    ] {
        for (dtype, axis) in [(DType::F32, shape.len() - 1), (DType::F64, 1.min(shape.len() - 1)), (DType::F64, 0)] {
            let tape = Tape::new();
            let (x, y) = (tape.input(&noise(&shape[..], dtype, 1)), tape.input(&noise(&shape[..], dtype, 2)));
            let edges = |lo, hi| {
                let mut pads = vec![(0, 0); shape.len()];
                pads[axis] = (lo, hi);
                pads
            };
            let (u, v) = (x * y - 1.0, -(x + y));
            // -0 meets the 0 of an edge; what is read as a whole, in part, or stretched, within the group or not.
            let sum = u.pad(&edges(0, 2), 0.0) + (v * 0.0).pad(&edges(2, 0), -0.0);
            let product = sum * v.pad(&edges(1, 1), 0.5);
            // One element a row, from outside of the group, and the same row for all.
            let wide = sum.shape();
            let one = tape.input(&noise(&wide.without(&[wide.rank() - 1])[..], dtype, 3)).unsqueeze(-1);
            let row = tape.input(&noise(&wide[wide.rank() - 1..], dtype, 4));
            let product = product * one - product * row;
            let most = product.narrow(axis as isize, 1, shape[axis]) + u;
            let given = x.pad(&edges(1, 0), 0.0) - y.pad(&edges(0, 1), 1.0) * 2.0;
            check(
                &tape,
                &[sum, product, most, product.sum(), sum.sum_axes(axis), u.pad(&edges(3, 0), f64::NAN), given],
            )?;
        }
    }
    Ok(())
}

#[test]
fn signs_and_doubles_have_the_bits_of_what_was_written() -> Result<()> {
    let special = [0.0, -0.0, 1.0, -1.0, 5e-324, -3e-308, 1.7e308, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    let n = special.len() * special.len();
    // All pairs.
    let x = Tensor::from_vec(special.iter().flat_map(|&x| [x; 10]).collect(), [n])?;
    let y = Tensor::from_vec((0..n).map(|i| special[i % 10]).collect(), [n])?;
    let tape = Tape::new();
    let (x, y) = (tape.input(&x), tape.input(&y));
    let (a, b) = (-x, -y);
    let wanted =
        [a * y, x / b, (a + a) * b, a * y + x * y, y - a * b, (x * 3.0 + x * 3.0) * y, x * y + y * x, -(a + a) - x];
    check(&tape, &wanted)
}

#[test]
fn products_with_vectors_take_transposed_matrices_as_they_lie() -> Result<()> {
    for [batch, m, k, n] in
        [[5, 20, 64, 1], [3, 7, 300, 2], [4, 1, 9, 1], [4, 1, 9, 3], [2, 33, 5, 1], [1, 3, 4, 1], [3, 2, 8, 9]]
    {
        let tape = Tape::new();
        let x = tape.input(&noise([batch, k, m], DType::F64, 1)).exp();
        let y = tape.input(&noise([k, n], DType::F64, 2));
        check(&tape, &[x.permute([0, 2, 1]).matmul(y), x.permute([0, 2, 1]).matmul(y).sum()])?;
    }
    Ok(())
}

#[test]
fn what_is_permuted_alike_is_computed_as_it_lies() -> Result<()> {
    let tape = Tape::new();
    let [a, b, c] = [1, 2, 3].map(|seed| tape.input(&noise([5, 3, 70], DType::F32, seed)));
    let [p, q, r] = [a, b, c].map(|v| v.permute([2, 0, 1]));
    let wanted = [p * q - r, p.less(q).where_(r, p).sum_axes(0), (p + q).max_axes(-1)];
    check(&tape, &wanted)?;
    // A chain of sums is one pass, whose result is a view.
    let plan = tape.compile(&[a, b, c], &[p + q + r])?.to_string();
    assert_eq!(plan.matches(" add").count() + plan.matches("[add").count(), 2, "{plan}");
    assert_eq!(plan.lines().count(), 2, "{plan}");
    Ok(())
}

#[test]
fn long_rows_and_columns_with_any_number_of_threads() -> Result<()> {
    let shapes = [[3, 20_000], [3, 8192], [5000, 3], [1, 30_000], [30_000, 1], [4000, 100], [1000, 1000], [400, 1001]];
    for (shape, threads) in shapes.into_iter().flat_map(|shape| [(shape, 1), (shape, 2), (shape, 7)]) {
        set_threads(threads);
        let tape = Tape::new();
        let (x, w) = (tape.input(&noise(shape, DType::F32, 1)), tape.input(&noise([shape[1]], DType::F32, 2)));
        let y = (x.log_softmax(-1) * w).sum() + x.layer_norm(-1, Some(w), None, 1e-5).tanh().mean();
        check(&tape, &[y, y.grad(x), y.grad(w), x.max_axes(-1)])?;
    }
    set_threads(0);
    Ok(())
}

#[test]
fn groups_that_wait_for_later_units() -> Result<()> {
    // The scatter of the gather's derivative is recorded after the softmax that its result flows into.
    let tape = Tape::new();
    let x = tape.input(&noise([16, 10], DType::F32, 1));
    let labels = tape.input(&Tensor::from_vec((0..16).map(|i| i * 7 % 10).collect::<Vec<i64>>(), [16, 1])?);
    let loss = -x.log_softmax(-1).gather(1, labels).mean();
    let wanted = [loss, loss.grad(x)];
    let plan = tape.compile(&[x, labels], &wanted)?.to_string();
    check(&tape, &wanted)?;
    assert!(plan.lines().count() <= 6, "{plan}");
    Ok(())
}

#[test]
fn arithmetic_over_its_own_operand() -> Result<()> {
    for shape in [vec![7, 300], vec![1500], vec![40, 100]] {
        let tape = Tape::new();
        let x = tape.input(&noise(&shape[..], DType::F32, 1));
        let [a, b] = [2, 3].map(|seed| tape.input(&noise((), DType::F32, seed)));
        // What a scan made dies where the rest is computed, which takes its place.
        let sums = x.cumsum(0);
        let once = sums * a + b;
        let twice = x.cumsum(-1).square() - a;
        let thrice = x.cumsum(0) * 2.0;
        check(&tape, &[once.cumsum(0), twice.cumsum(0), (thrice / (thrice.abs() + 1.0)).cumsum(0)])?;
        let rows = x.cumsum(0);
        check(&tape, &[(rows - rows.mean_keep(-1)).cumsum(0), (rows.sum() - rows).cumsum(0)])?;
    }
    Ok(())
}

#[test]
fn results_that_are_large_are_left_as_they_were_computed() -> Result<()> {
    for shape in [[2100, 1024], [8200, 257]] {
        let tape = Tape::new();
        let (x, w) = (tape.input(&noise(shape, DType::F32, 1)), tape.input(&noise([shape[1]], DType::F32, 2)));
        let y = x * w - x.mean_keep(-1);
        // One that is read on, and one that takes the place of something.
        let (z, over) = (y * 0.5, x.cumsum(0) * w);
        for threads in [1, 2] {
            set_threads(threads);
            check(&tape, &[y, z.sum_axes(0), over.cumsum(0), y.square().sum().grad(w)])?;
        }
    }
    set_threads(0);
    Ok(())
}

#[test]
fn what_waits_for_nothing_runs_where_it_is_read() -> Result<()> {
    let tape = Tape::new();
    let [m, x] = [1, 2].map(|seed| tape.input(&noise([33, 50], DType::F32, seed)));
    // The mean so far is scaled before the gradient is there.
    let early = m * 0.9;
    let next = early + x.cumsum(0) * 0.1;
    let plan = tape.compile(&[m, x], &[next])?.to_string();
    assert_eq!(plan.lines().count(), 3, "{plan}");
    check(&tape, &[next, next.sum()])?;
    // Read by two units, or not as it is, it stays.
    check(&tape, &[next, (early.square() + x.cumsum(1)).cumsum(0) + early])?;
    check(&tape, &[early.t() + x.cumsum(1).t(), early.flip(0) + x.cumsum(0)])
}

#[test]
fn what_is_read_in_part_stays_where_it_is_made() -> Result<()> {
    let tape = Tape::new();
    let x = tape.input(&noise([128], DType::F64, 1));
    let y = x.tanh();
    let slope = 1.0 - y * y;
    // A group of rows, each of which takes one of the first of as many elements as the group has.
    let rows = y.reshape([32, 4]).matmul(tape.input(&noise([4, 4], DType::F64, 2))).exp();
    let sums = (rows * rows).sum_axes([1]);
    let each = sums * slope.narrow(0, 0, 32);
    check(&tape, &[y, each, rows * y.reshape([32, 4])])?;
    check(&tape, &[y, slope.narrow(0, 0, 32).sum() * sums, rows + 1.0])
}

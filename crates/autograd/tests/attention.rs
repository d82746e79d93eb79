//! Attention in blocks: what it gives is what attention gives that has all weights at once, and it needs less memory.

mod common;

use common::{assert_close, random, value};
use wengert_autograd::{Compiled, Mask, Tape, Var, grad, hvp, jvp, vmap};
use wengert_tensor::{DType, Result, Tensor};

/// Attention by all weights.
fn plain<'t>(query: Var<'t>, key: Var<'t>, value: Var<'t>, mask: Mask<'t>) -> Var<'t> {
    let heads = |x: Var<'t>| match (query.shape(), x.shape()) {
        (q, own) if own.rank() > 2 && own[own.rank() - 3] < q[q.rank() - 3] => {
            x.repeat_interleave(-3, q[q.rank() - 3] / own[own.rank() - 3])
        }
        _ => x,
    };
    query.attention_weights(key, mask).matmul(heads(value))
}

type Attention = for<'t> fn(Var<'t>, Var<'t>, Var<'t>, Mask<'t>) -> Var<'t>;

const BLOCKS: Attention = |query, key, value, mask| query.attention(key, value, mask);

/// Whether the tape has a loop, as it has where there are blocks.
fn is_in_blocks(query: &Tensor, key: &Tensor, causal: bool) -> bool {
    let tape = Tape::new();
    let (query, key) = (tape.input(query), tape.input(key));
    query.attention(key, key, Mask::none().and_causal(causal));
    tape.to_string().contains("scan")
}

/// Value and gradients, of queries, keys, values and floats added to scores.
fn all<const N: usize>(
    f: Attention,
    x: &[Tensor; N],
    mask: for<'t> fn(&'t Tape, &[Var<'t>]) -> Mask<'t>,
) -> Result<Vec<Tensor>> {
    let tape = Tape::new();
    let v: Vec<Var<'_>> = x.iter().map(|x| tape.input(x)).collect();
    let y = f(v[0], v[1], v[2], mask(&tape, &v));
    let loss = (y * y.sin()).sum();
    let mut outputs = vec![y];
    for &x in &v {
        outputs.push(loss.grad(x));
    }
    tape.compile(&v, &outputs)?.run(&x.iter().collect::<Vec<_>>())
}

/// Queries, keys and values of which attention is in blocks.
fn operands(queries: usize, keys: usize) -> [Tensor; 3] {
    [random([2, 3, queries, 3], 1), random([2, 3, keys, 3], 2), random([2, 3, keys, 2], 3)]
}

fn assert_equal(x: &[Tensor; 3], mask: for<'t> fn(&'t Tape, &[Var<'t>]) -> Mask<'t>) -> Result<()> {
    let (ours, theirs) = (all(BLOCKS, x, mask)?, all(plain, x, mask)?);
    // Values, and the cotangents of queries, to the same bits.
    assert!(ours[..2] == theirs[..2], "{:?} {:?}", x[0].shape(), x[1].shape());
    ours.iter().zip(&theirs).for_each(|(a, b)| assert_close(a, b));
    Ok(())
}

#[test]
fn blocks_give_what_all_at_once_gives() -> Result<()> {
    for (queries, keys) in [(362, 363), (400, 331), (449, 292), (63, 2090), (1537, 86), (2, 65_600)] {
        let x = operands(queries, keys);
        assert!(is_in_blocks(&x[0], &x[1], false) && is_in_blocks(&x[0], &x[1], true), "{queries} {keys}");
        assert_equal(&x, |_, _| Mask::none())?;
        assert_equal(&x, |_, _| Mask::causal())?;
        assert_equal(&x, |_, _| Mask::causal().starting_at(33))?;
        assert_equal(&x, |_, _| Mask::causal().starting_at(usize::MAX))?;
    }
    let short = operands(360, 360);
    assert!(!is_in_blocks(&short[0], &short[1], false) && is_in_blocks(&short[0], &short[1], true));
    let single = operands(1, 200_000);
    assert_equal(&single, |_, _| Mask::causal().starting_at(7))
}

#[test]
fn blocks_keep_to_masks() -> Result<()> {
    fn seen<'t>(tape: &'t Tape, shape: &[usize]) -> Var<'t> {
        // Of some, nothing at all.
        let seen = (0..shape.iter().product::<usize>()).map(|i| i >= 400 && i % 5 != 1);
        tape.input(&Tensor::from_vec(seen.collect::<Vec<_>>(), shape).unwrap())
    }
    let x = operands(400, 400);
    assert_equal(&x, |tape, _| Mask::none().keys(seen(tape, &[2, 400])))?;
    assert_equal(&x, |tape, _| Mask::causal().keys(seen(tape, &[400])))?;
    assert_equal(&x, |tape, _| Mask::causal().pairs(seen(tape, &[400, 400])))?;
    assert_equal(&x, |tape, _| Mask::none().pairs(seen(tape, &[3, 400, 1])))?;
    assert_equal(&x, |tape, _| Mask::none().pairs(seen(tape, &[1, 1, 1, 400])).keys(seen(tape, &[2, 400])))?;
    assert_equal(&x, |tape, _| Mask::causal().pairs(seen(tape, &[2, 1, 400, 400])).keys(seen(tape, &[1, 400])))?;
    // Floats have gradients.
    for shape in [&[400, 400][..], &[2, 1, 1, 400], &[3, 400, 400], &[400], &[]] {
        let [q, k, v] = x.clone();
        let x = [q, k, v, random(shape, 4)];
        let mask: for<'t> fn(&'t Tape, &[Var<'t>]) -> Mask<'t> = |_, v| Mask::causal().pairs(v[3]);
        let (ours, theirs) = (all(BLOCKS, &x, mask)?, all(plain, &x, mask)?);
        ours.iter().zip(&theirs).for_each(|(a, b)| assert_close(a, b));
    }
    Ok(())
}

#[test]
fn heads_of_queries_share_keys_in_blocks() -> Result<()> {
    let query = random([2, 6, 400, 3], 1);
    let shared = [query.clone(), random([2, 2, 400, 3], 2), random([2, 3, 400, 2], 3)];
    assert_equal(&shared, |_, _| Mask::none())?;
    assert_equal(&[query, random([400, 3], 2), random([2, 1, 400, 2], 3)], |_, _| Mask::causal())
}

#[test]
fn blocks_have_derivatives_of_every_order_and_batches() -> Result<()> {
    let [x, dx] = [random([12, 400, 2], 1), random([12, 400, 2], 2)];
    fn loss<'t>(f: Attention, x: Var<'t>) -> Var<'t> {
        f(x, x.sin(), x * x, Mask::causal()).square().sum()
    }
    assert_close(&hvp(|x| loss(BLOCKS, x), &x, &dx)?, &hvp(|x| loss(plain, x), &x, &dx)?);
    let (ours, theirs) = (jvp(|x| loss(BLOCKS, x), &x, &dx)?, jvp(|x| loss(plain, x), &x, &dx)?);
    assert_close(&ours.0, &theirs.0);
    assert_close(&ours.1, &theirs.1);
    let many = Tensor::stack(&[&x, &dx], 0)?;
    let batch = vmap(|x| grad(|x| loss(BLOCKS, x), x), &many)?;
    for (k, one) in [&x, &dx].into_iter().enumerate() {
        assert_close(&batch.select_axis(0, k as isize)?, &grad(|x| loss(plain, x), one)?);
    }
    Ok(())
}

#[test]
fn blocks_of_no_width_and_mistakes() -> Result<()> {
    for (d, width) in [(0, 2), (2, 0), (0, 0)] {
        let x = [random([12, 400, d], 1), random([12, 400, d], 2), random([12, 400, width], 3)];
        for mask in [Mask::none as fn() -> Mask<'static>, Mask::causal] {
            let by = |f: Attention| value(&x.each_ref(), |v| f(v[0], v[1], v[2], mask()));
            assert_eq!(by(BLOCKS)?, by(plain)?);
        }
    }
    type Mistake = for<'t> fn(Var<'t>, Var<'t>) -> Var<'t>;
    let mistakes: [Mistake; 9] = [
        |x, other| x.attention(other, x, Mask::none()),
        |x, _| x.attention(x, x.cast(DType::F32), Mask::none()),
        |x, _| x.cast(DType::F32).attention(x, x, Mask::none()),
        |x, _| x.attention(x.cast(DType::F32), x, Mask::none()),
        |x, other| x.attention(x, other.narrow(1, 0, 100), Mask::none()),
        |x, _| x.attention(x, x, Mask::none().keys(x.sum())),
        |x, _| x.attention(x, x, Mask::none().keys(x.sum_axes([0, 2]))),
        |x, _| x.attention(x, x, Mask::none().pairs(x)),
        |x, _| x.attention(x, x, Mask::none().pairs(x.tape().full([400, 400], 1))),
    ];
    for (i, mistake) in mistakes.into_iter().enumerate() {
        // A tape tells of its first mistake alone.
        let tape = Tape::new();
        let [x, other] = [2, 3].map(|d| tape.input(&random([12, 400, d], 1)));
        let error = mistake(x, other).value().expect_err(&format!("number {i} is no mistake"));
        assert!(error.location().is_some_and(|at| at.file() == file!()), "number {i}: {error}");
        assert!(!error.sentence().contains("200"), "number {i} tells of a block: {error}");
    }
    Ok(())
}

#[test]
fn halves_go_in_blocks() -> Result<()> {
    let x = operands(800, 800).map(|x| x.cast(DType::BF16).unwrap());
    assert!(is_in_blocks(&x[0], &x[1], true));
    let (ours, theirs) = (all(BLOCKS, &x, |_, _| Mask::causal())?, all(plain, &x, |_, _| Mask::causal())?);
    assert_eq!(ours[0], theirs[0]);
    Ok(())
}

#[test]
fn memory_grows_with_the_length() -> Result<()> {
    let program = |f: Attention, n: usize, causal: bool| -> Result<Compiled> {
        let tape = Tape::new();
        let x = tape.input(&Tensor::zeros([8, n, 16], DType::F32)?);
        let y = f(x, x.sin(), x.cos(), Mask::none().and_causal(causal));
        tape.compile(&[x], &[y.square().sum().grad(x)])
    };
    let bytes = |f, n, causal| Ok::<_, wengert_tensor::Error>(program(f, n, causal)?.footprint().planned);
    for causal in [false, true] {
        let (short, long) = (bytes(BLOCKS, 1024, causal)?, bytes(BLOCKS, 2048, causal)?);
        assert!(10 * short < bytes(plain, 1024, causal)?, "{short}");
        // Blocks of more queries are not larger, until there are as many as there may be.
        assert!(long < 4 * short, "{short} {long}");
    }
    Ok(())
}

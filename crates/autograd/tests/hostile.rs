//! Every function that is composed of operations, asked for what nobody means to ask: there is a value or an error at the
//! line that asked, never a panic; what was a mistake stays one. Where there is a value, the laws hold: a batch is a loop,
//! a program gives the same bits, derivatives are those of differences, half precision rounds once.

use wengert_autograd::{
    GridSample, Interpolation, LocalResponseNorm, Mask, Outside, PadMode, Resize, Tape, Var, compile, grad, gradcheck,
    vmap,
};
use wengert_tensor::{Conv, DType, Pool, Result, Rng, Scalar, Tensor};

/// What a function is given: a variable, another of its kind, an index, an axis and a count.
#[derive(Clone, Copy)]
struct Given<'t> {
    x: Var<'t>,
    y: Var<'t>,
    index: Var<'t>,
    axis: isize,
    n: usize,
}

type Asked = (&'static str, for<'t> fn(Given<'t>) -> Vec<Var<'t>>);

macro_rules! asked {
    ($($name:ident: |$g:ident| $body:expr;)*) => {
        &[$((stringify!($name), |$g| Vec::from($body))),*]
    };
}

/// n as a shift or an amount.
fn signed(n: usize) -> isize {
    n as isize
}

const ALL: &[Asked] = asked! {
    add_scaled: |g| [g.x.add_scaled(g.y, -0.5)];
    addcdiv: |g| [g.x.addcdiv(g.y, g.y, 2.0)];
    addcmul: |g| [g.x.addcmul(g.y, g.x, 2.0)];
    addbmm: |g| [g.x.addbmm(g.x, g.y, 0.0, 2.0)];
    addmm: |g| [g.x.addmm(g.x, g.y, 1.0, 2.0)];
    adaptive_avg_pool: |g| [g.x.adaptive_avg_pool(&[g.n]), g.x.adaptive_avg_pool(&[g.n, 2])];
    adaptive_max_pool: |g| [g.x.adaptive_max_pool(&[g.n]), g.x.adaptive_max_pool(&[g.n, 2])];
    attention: |g| [g.x.attention(g.y, g.y, Mask::causal().starting_at(g.n)), g.x.attention(g.y, g.x, Mask::none())];
    attention_masked: |g| [g.x.attention(g.y, g.y, Mask::none().pairs(g.x)), g.x.attention(g.y, g.y, Mask::none().keys(g.y))];
    avg_pool: |g| [g.x.avg_pool(&Pool::new(&[g.n]), true), g.x.avg_pool(&Pool::new(&[2]).stride(g.n).padding(1), false)];
    batch_norm: |g| [g.x.batch_norm(None, None, None, 1e-5), g.x.batch_norm(Some((g.y, g.y)), Some(g.y), None, 1e-5)];
    bilinear: |g| [g.x.bilinear(g.y, g.x, Some(g.y))];
    cast: |g| [g.x.cast(DType::F16), g.x.cast(DType::I64), g.x.cast(DType::Bool), g.x.vander(0)];
    cdist: |g| [g.x.cdist(g.y, 2.0), g.x.cdist(g.y, f64::INFINITY), g.x.cdist(g.y, f64::NAN)];
    chunk: |g| g.x.chunk(g.axis, g.n);
    clamp: |g| [g.x.clamp(1.0, -1.0), g.x.clamp(f64::NAN, g.y)];
    concat: |g| [Var::concat(&[g.x, g.y, g.x], g.axis), Var::stack(&[g.x, g.y], g.axis)];
    conv: |g| [g.x.conv(g.y, &Conv::new(1)), g.x.conv(g.y, &Conv::new(1).padding(signed(g.n)))];
    corrcoef: |g| [g.x.corrcoef(), g.x.cov(1), g.x.cov(f64::NAN)];
    cosine_similarity: |g| [g.x.cosine_similarity(g.y, g.axis, 1e-8)];
    count_nonzero: |g| [g.x.count_nonzero(g.axis)];
    cross: |g| [g.x.cross(g.y, g.axis)];
    cum: |g| [g.x.cummax(g.axis), g.x.cummin(g.axis), g.x.cumprod(g.axis), g.x.cumsum(g.axis), g.x.logcumsumexp(g.axis)];
    diag: |g| [g.x.diag(signed(g.n)), g.x.diagonal(g.axis), g.x.diag_embed(g.axis), g.x.trace()];
    diag_axes: |g| [g.x.diagonal_axes(1, [g.axis, 0]), g.x.diag_embed_axes(-1, [g.axis, g.axis])];
    diff: |g| [g.x.diff(g.n, g.axis), g.x.diff_with(1, g.axis, Some(g.y), Some(g.x))];
    einsum: |g| [g.x.einsum("ij,jk->ik", &[g.y]), g.x.einsum("...,...", &[g.y]), g.x.einsum("ii->", &[])];
    embedding: |g| [g.x.embedding(g.index), g.x.embedding_with_padding(g.index, g.n)];
    expand: |g| [g.x.expand([-1, 2]), g.x.expand([g.axis, 3])];
    flatten_axes: |g| [g.x.flatten_axes(g.axis, -1), g.x.flatten_axes(0, g.axis)];
    flips: |g| [g.x.flip(g.axis), g.x.fliplr(), g.x.flipud(), g.x.flip([g.axis, g.axis])];
    gather: |g| [g.x.gather(g.axis, g.index), g.x.take_along_axis(g.axis, g.index), g.x.take(g.index)];
    glu: |g| [g.x.glu(g.axis)];
    grid_sample: |g| [Interpolation::Nearest, Interpolation::Linear, Interpolation::Cubic].map(|interpolation| {
        let places = g.x.flatten().tile(&[1, 4]).narrow(1, 0, 4).reshape([1, 2, 1, 2]);
        let how = GridSample { interpolation, outside: Outside::Reflection, align_corners: true };
        (g.x.reshape([1, 1, 4, 4]) * 1.0).grid_sample(places * f64::MAX, how) + g.y
    });
    group_norm: |g| [g.x.group_norm(g.n, None, Some(g.y), 1e-5), g.x.instance_norm(Some(g.y), None, 1e-5)];
    heaviside: |g| [g.x.heaviside(g.y)];
    im2col: |g| [g.x.im2col(&Pool::new(&[2]).stride(1)), g.x.im2col(&Pool::new(&[g.n]).padding(g.n))];
    index_add: |g| [g.x.index_add(g.axis, g.index, g.y), g.x.index_copy(g.axis, g.index, g.y)];
    index_fill: |g| [g.x.index_fill(g.axis, g.index, 1.0), g.x.index_fill(g.axis, g.index, g.y)];
    inner: |g| [g.x.inner(g.y), g.x.outer(g.y), g.x.dot(g.y)];
    interpolate: |g| [g.x.interpolate(&[g.n], Resize::NearestExact), g.x.interpolate(&[g.n, 2], Resize::Area)];
    interpolate_cubic: |g| [g.x.interpolate(&[g.n], Resize::Cubic { align_corners: true })];
    interpolate_by: |g| [g.x.interpolate_by(&[g.n as f64], Resize::Linear { align_corners: false }),
        g.x.interpolate_by(&[f64::NAN], Resize::Nearest), g.x.interpolate_by(&[f64::MIN_POSITIVE], Resize::Nearest)];
    layer_norm: |g| [g.x.layer_norm(g.axis, Some(g.y), Some(g.y), 0.0), g.x.rms_norm([g.axis, -1], Some(g.y), 0.0)];
    linear: |g| [g.x.linear(g.y, Some(g.y)), g.x.matmul(g.y)];
    local_response_norm: |g| [g.x.local_response_norm(LocalResponseNorm { size: g.n, ..Default::default() })];
    logsumexp: |g| [g.x.logsumexp(g.axis), g.x.logsumexp_keep([0, -1]), g.x.softmax(g.axis), g.x.log_softmax(g.axis)];
    masked_select: |g| [g.x.masked_select(g.y), g.x.masked_select(g.y.greater(0.0))];
    masked_fill: |g| [g.x.masked_fill(g.y.greater(0.0), 1.0), g.x.masked_fill(g.y, g.x)];
    max_pool: |g| [g.x.max_pool(&Pool::new(&[g.n]).padding(1)), g.x.max_pool(&Pool::new(&[2]).dilation(g.n))];
    max_with_index: |g| <[Var<'_>; 2]>::from(g.x.max_with_index(g.axis));
    median: |g| [g.x.median(), g.x.median_axis(g.axis).0, g.x.kthvalue(g.n, g.axis).0, g.x.topk(g.n, g.axis, true).1];
    min_max_axes: |g| <[Var<'_>; 2]>::from(g.x.min_max_axes(g.axis));
    move_axis: |g| [g.x.move_axis(g.axis, 0), g.x.move_axes([g.axis, 0], [0, 1])];
    multi_dot: |g| [Var::multi_dot(&[g.x, g.y]), Var::multi_dot(&[g.x, g.x, g.y]), Var::multi_dot(&[g.x])];
    norm: |g| [g.x.norm(0.0), g.x.norm_axes(-2.0, g.axis), g.x.norm_keep(f64::NEG_INFINITY, g.axis), g.x.normalize(3.0, g.axis, 0.0)];
    pad: |g| [g.x.pad(&[(g.n, 1); 2], 0.0), g.x.pad_with(&[(signed(g.n), 1)], PadMode::Reflect)];
    pad_modes: |g| [PadMode::Circular, PadMode::Replicate, PadMode::ZEROS, PadMode::Constant(Scalar::F64(f64::NAN))]
        .map(|mode| g.x.pad_with(&[(g.axis, signed(g.n)), (1, isize::MIN)], mode));
    pad_ends: |g| [PadMode::Circular, PadMode::Replicate, PadMode::ZEROS, PadMode::Reflect]
        .map(|mode| g.x.pad_with(&[(signed(g.n), signed(g.n))], mode));
    pairwise_distance: |g| [g.x.pairwise_distance(g.y, 2.0, 1e-6), g.x.pairwise_distance(g.y, 0.0, 0.0)];
    pixel_shuffle: |g| [g.x.pixel_shuffle(g.n), g.x.pixel_unshuffle(g.n)];
    prod: |g| [g.x.prod_axes([g.axis, 0]), g.x.prod_keep(g.axis), g.x.prod()];
    repeat: |g| [g.x.repeat_interleave(g.axis, g.n), g.x.tile(&[g.n, 1]), g.x.repeat_each(g.axis, &[g.n, 1])];
    roll: |g| [g.x.roll(g.axis, signed(g.n)), g.x.roll_all(g.axis), g.x.roll_axes(&[(g.axis, isize::MIN), (0, 1)])];
    rot90: |g| [g.x.rot90(g.axis, [0, 1]), g.x.rot90(1, [g.axis, 0]), g.x.rot90(isize::MIN, [g.axis, g.axis])];
    round_to: |g| [g.x.round_to(i32::MAX), g.x.round_to(i32::MIN), g.x.round_to(1)];
    scatter: |g| [g.x.scatter(g.axis, g.index, g.y), g.x.scatter(g.axis, g.index, 1.0), g.x.scatter_add(g.axis, g.index, g.y)];
    scatter_max: |g| [g.x.scatter_max(g.axis, g.index, g.y), g.x.scatter_min(g.axis, g.index, g.y)];
    select: |g| [g.x.select_axis(g.axis, g.axis), g.x.slice(g.axis, 1.., g.axis), g.x.narrow(g.axis, g.n, g.n)];
    sort: |g| [g.x.sort(g.axis, true), g.x.argsort(g.axis, false)];
    split: |g| g.x.split(g.axis, &[1, g.n]);
    split_every: |g| g.x.split_every(g.axis, g.n);
    squeeze: |g| [g.x.squeeze(g.axis), g.x.squeeze_axes([g.axis, g.axis]), g.x.unsqueeze(g.axis)];
    stacks: |g| [Var::hstack(&[g.x, g.y]), Var::vstack(&[g.x, g.y]), Var::dstack(&[g.y, g.x])];
    std: |g| [g.x.std(1), g.x.std_axes(g.axis, 0), g.x.var_keep([g.axis, g.axis], 1), g.x.var_mean(g.axis, f64::INFINITY).0];
    sum_pool: |g| [g.x.sum_pool(&Pool::new(&[g.n])), g.x.sum_pool(&Pool::new(&[1, 1]).padding(g.n))];
    tensordot: |g| [g.x.tensordot(g.y, &[g.axis], &[0]), g.x.tensordot_n(g.y, g.n)];
    tri: |g| [g.x.tril(g.axis), g.x.triu(signed(g.n))];
    trunc_div: |g| [g.x.trunc_div(g.y), g.x.trunc_div(0.0)];
    unbind: |g| g.x.unbind(g.axis);
    unflatten: |g| [g.x.unflatten(g.axis, [1, -1]), g.x.unflatten(g.axis, [-1, 0])];
    unfold: |g| [g.x.unfold(g.axis, g.n, 1), g.x.unfold(g.axis, 1, g.n)];
    vander: |g| [g.x.vander(g.n)];
    windows: |g| [g.x.windows(&[g.n], &[1], &[1]), g.x.windows(&[2], &[g.n], &[g.n]), g.x.fold(&[g.n], &[g.n], &[1])];
};

const AXES: [isize; 7] = [0, 1, -1, 2, -4, isize::MIN, isize::MAX];

/// Small operands of every dtype: with no axes, with no elements, with NaN.
fn operands() -> Result<Vec<Tensor>> {
    let mut all = Vec::new();
    for shape in [&[][..], &[0], &[3], &[2, 3], &[0, 3], &[3, 0], &[3, 3], &[1, 2, 3], &[2, 0, 3], &[1, 1, 4, 4]] {
        let n = shape.iter().product::<usize>();
        let numbers = (0..n).map(|i| if i == 2 { f64::NAN } else { i as f64 - 1.5 });
        all.push(Tensor::from_vec(numbers.collect(), shape)?);
    }
    let whole = Tensor::from([[1i64, i64::MIN, i64::MAX], [0, -1, 2]]);
    all.extend([whole.cast(DType::Bool)?, whole.cast(DType::F16)?, whole.cast(DType::F32)?]);
    all.push(whole);
    // Not in row-major order.
    all.push(Tensor::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]).t());
    all.push(Tensor::from([[1.0, 2.0, 3.0]]).cast(DType::BF16)?.broadcast_to([2, 3])?);
    Ok(all)
}

fn indices() -> Vec<Tensor> {
    vec![
        Tensor::from([[0, 2, 1], [1, 0, -1]]),
        Tensor::from([i64::MIN, i64::MAX, 0]),
        Tensor::from(0),
        Tensor::from([[0.5, 1.0]]),
        Tensor::zeros([0, 3], DType::I64).unwrap(),
    ]
}

#[test]
fn small_operands_of_every_kind_give_a_value_or_an_error() -> Result<()> {
    let all = operands()?;
    for (name, f) in ALL {
        for (i, x) in all.iter().enumerate() {
            for (j, y) in [x, &all[(i + 3) % all.len()], &all[2]].into_iter().enumerate() {
                for (k, index) in indices().iter().enumerate() {
                    let turn = i + 2 * j + 3 * k;
                    let (axis, n) = (AXES[turn % AXES.len()], [0, 1, 2, 3, 7][turn % 5]);
                    for (axis, n) in [(axis, n), (0, 2), (-1, 1)] {
                        let answer = |x: &Tensor| -> Vec<Result<Tensor>> {
                            let tape = Tape::new();
                            let [x, y, index] = [x, y, index].map(|v| tape.input(v));
                            f(Given { x, y, index, axis, n }).into_iter().map(|v| v.value()).collect()
                        };
                        for answer in answer(x) {
                            if let Err(error) = answer {
                                let sentence = error.to_string();
                                assert!(sentence.contains("hostile.rs"), "{name}: {sentence}");
                            }
                        }
                        if x.dtype().is_float() {
                            let parts = f_len(f, x, y, index, axis, n);
                            for part in 0..parts {
                                let _ = grad(
                                    |x: Var<'_>| {
                                        let [y, index] = [y, index].map(|v| x.tape().input(v));
                                        f(Given { x, y, index, axis, n })[part].sum()
                                    },
                                    x,
                                );
                            }
                        }
                    }
                }
            }
        }
    }
    Ok(())
}

fn f_len(
    f: &for<'t> fn(Given<'t>) -> Vec<Var<'t>>,
    x: &Tensor,
    y: &Tensor,
    index: &Tensor,
    axis: isize,
    n: usize,
) -> usize {
    let tape = Tape::new();
    let [x, y, index] = [x, y, index].map(|v| tape.input(v));
    f(Given { x, y, index, axis, n }).len()
}

#[test]
fn what_is_huge_is_recorded_or_an_error() {
    let sizes = [usize::MAX, isize::MAX as usize, 1 << 40];
    let shapes: [&[usize]; 8] = [
        &[3],
        &[2, 3],
        &[1 << 59],
        &[1 << 48, 1 << 10],
        &[1 << 6, 1 << 6, 1 << 46],
        &[0, 1 << 58],
        &[1 << 40, 0, 3],
        &[0, 1 << 48, 1 << 10],
    ];
    for (_, f) in ALL {
        for shape in shapes {
            for other in [shapes[1], shapes[2], shapes[6]] {
                for axis in [0, -1, isize::MIN] {
                    for n in sizes {
                        let tape = Tape::new();
                        let one = tape.full((), 1.0);
                        let (x, y) = (one.broadcast_to(shape), one.broadcast_to(other));
                        let index = tape.full((), 0i64).broadcast_to(other);
                        f(Given { x, y, index, axis, n });
                    }
                }
            }
        }
    }
}

#[test]
fn a_mistake_stays_one() {
    for (name, f) in ALL {
        for (wrong_x, wrong_y, wrong_index) in [(true, false, false), (false, true, false), (false, false, true)] {
            let tape = Tape::new();
            let wrong = tape.full([2], 0.0).matmul(tape.full([3], 0.0));
            let x = if wrong_x { wrong } else { tape.full([3, 3], 1.0) };
            let y = if wrong_y { wrong } else { tape.full([3, 3], 1.0) };
            let index = if wrong_index { wrong } else { tape.full([3, 3], 0i64) };
            for result in f(Given { x, y, index, axis: 0, n: 1 }) {
                assert!(!wrong_x || result.is_poisoned(), "{name}");
                assert!(!result.is_poisoned() || result.value().is_err(), "{name}");
            }
        }
    }
}

/// What each function makes of a variable and tensors.
fn asked<'t>(f: &for<'u> fn(Given<'u>) -> Vec<Var<'u>>, x: Var<'t>, y: &Tensor) -> Vec<Var<'t>> {
    let [y, index] = [y, &Tensor::from([[0, 1, 2], [2, 2, 1], [0, 0, 0]])].map(|v| x.tape().input(v));
    f(Given { x, y, index, axis: -1, n: 3 })
}

fn random(shape: &[usize], seed: u64) -> Result<Tensor> {
    Tensor::randn(shape, DType::F64, &mut Rng::seed(seed))
}

const SHAPES: [&[usize]; 5] = [&[3, 3], &[2, 4, 3], &[1, 9, 2, 3], &[1, 1, 4, 4], &[3]];

/// Where values jump beside numbers of no special kind, or differences of values are too rough.
const ROUGH: [&str; 4] = ["cast", "round_to", "trunc_div", "norm"];

#[test]
fn a_batch_is_a_loop_a_program_gives_the_same_and_derivatives_are_right() -> Result<()> {
    for (shape, (name, f)) in SHAPES.iter().flat_map(|shape| ALL.iter().map(move |f| (shape, f))) {
        let batch = random(&[&[2], *shape].concat(), 1)?;
        let first = batch.select_axis(0, 0)?;
        for y in [random(shape, 2)?, random(&shape[shape.len() - 1..], 3)?] {
            let tape = Tape::new();
            for part in 0..asked(f, tape.input(&first), &y).len() {
                let tape = Tape::new();
                // What is wrong or not finite is for the other tests.
                let Ok(alone) = asked(f, tape.input(&first), &y)[part].value() else { continue };
                let numbers = alone.cast(DType::F64)?;
                if !numbers.iter::<f64>()?.all(f64::is_finite) {
                    continue;
                }
                let [again] = compile(|[x]| [asked(f, x, &y)[part]]).run([&first])?;
                assert_eq!(again, alone, "{name} {part} of {shape:?}");
                let batched = vmap(|x| asked(f, x, &y)[part], &batch)?.select_axis(0, 0)?;
                assert!(batched.cast(DType::F64)?.allclose(&numbers, 1e-12, 1e-14)?, "{name} {part} of {shape:?}");
                if alone.dtype().is_float() && !ROUGH.contains(name) {
                    gradcheck(|x: Var<'_>| asked(f, x, &y)[part], &first)?;
                }
            }
        }
    }
    Ok(())
}

/// Their products of matrices round before what follows.
const PRODUCTS: [&str; 7] = ["addbmm", "addmm", "attention", "attention_masked", "linear", "multi_dot", "tensordot"];

#[test]
fn of_half_precision_all_round_once() -> Result<()> {
    for (shape, (name, f)) in SHAPES.iter().flat_map(|shape| ALL.iter().map(move |f| (shape, f))) {
        if PRODUCTS.contains(name) {
            continue;
        }
        for y in [random(shape, 2)?, random(&shape[shape.len() - 1..], 3)?] {
            let (x, y) = (random(shape, 1)?.cast(DType::F16)?, y.cast(DType::F16)?);
            let (tape, whole) = (Tape::new(), Tape::new());
            let halves = asked(f, tape.input(&x), &y);
            let fulls = asked(f, whole.input(&x.cast(DType::F32)?), &y.cast(DType::F32)?);
            for (half, full) in halves.into_iter().zip(fulls) {
                if half.is_poisoned() || full.is_poisoned() {
                    assert_eq!(half.is_poisoned(), full.is_poisoned(), "{name}");
                    continue;
                }
                let (Ok(half), Ok(full)) = (half.value(), full.value()) else { continue };
                assert_eq!(half.to_string(), full.cast(half.dtype())?.to_string(), "{name} of {shape:?}");
            }
        }
    }
    Ok(())
}

#[test]
fn halves_of_two_kinds_do_not_mix() {
    let tape = Tape::new();
    let [x, y, z] = [DType::F16, DType::BF16, DType::F32].map(|dtype| tape.full([2, 3], 1.0).cast(dtype));
    let both: [for<'t> fn(Var<'t>, Var<'t>) -> Var<'t>; 7] = [
        |x, y| x.cdist(y, 2.0),
        |x, y| x.pairwise_distance(y, 2.0, 0.0),
        |x, y| x.cosine_similarity(y, -1, 1e-8),
        |x, y| x.cross(y, -1),
        |x, y| x.add_scaled(y, 2.0),
        |x, y| x.addcmul(x, y, 2.0),
        |x, y| x.addcdiv(y, x, 2.0),
    ];
    for f in both {
        assert!(f(x, y).is_poisoned() && f(y, x).is_poisoned() && f(x, z).is_poisoned() && !f(x, x).is_poisoned());
    }
}

#[test]
fn a_mask_of_floats_is_of_the_scores_dtype_or_of_f32() {
    let tape = Tape::new();
    let [half, other, single] = [DType::F16, DType::BF16, DType::F32].map(|dtype| tape.full([2, 2], 1.0).cast(dtype));
    let masked = |x: Var<'_>, mask| x.attention(x, x, Mask::none().pairs(mask)).is_poisoned();
    assert!(!masked(half, half) && !masked(half, single) && !masked(single, single));
    assert!(masked(half, other) && masked(single, half) && masked(tape.full([2, 2], 1.0), single));
}

#[test]
fn the_least_integer_is_less_than_all() -> Result<()> {
    let tape = Tape::new();
    let x = tape.input(&Tensor::from([5i64, i64::MAX, 0]));
    let (index, src) = (tape.input(&Tensor::from([0, 0, 1])), tape.input(&Tensor::from([i64::MIN, 3, i64::MIN])));
    assert_eq!(x.scatter_min(0, index, src).value()?, Tensor::from([i64::MIN, i64::MIN, 0]));
    assert_eq!(x.scatter_max(0, index, src).value()?, Tensor::from([5, i64::MAX, 0]));
    Ok(())
}

#[test]
fn mistakes_of_number_are_errors() {
    let errors: [for<'t> fn(Var<'t>) -> Var<'t>; 4] = [
        // An axis is not summed over twice.
        |x| x.tensordot(x, &[0, 0], &[0, 1]),
        |x| x.cast(DType::Bool).tensordot(x.narrow(0, 0, 1), &[0], &[0]),
        // Neither is finished by anyone.
        |x| x.narrow(0, 0, 1).broadcast_to([1 << 40, 3]).diff(usize::MAX, 0),
        |x| Var::concat(&x.narrow(0, 0, 1).broadcast_to([1 << 40, 3]).unbind(0), 0),
    ];
    for wrong in errors {
        let tape = Tape::new();
        assert!(wrong(tape.full([3, 3], 1.0)).value().is_err());
    }
}

//! Variables of half precision: what moves elements moves them, what computes does so in f32 and rounds its result.
//!
//! - Every operation of the table is that of its operands in f32, rounded, and so are its cotangents.
//! - A planned program gives the bits of one equation after another.
//! - No rounding is left out, and none is done twice.

use wengert_autograd::op::Op;
use wengert_autograd::{Compiled, Reversed, Tape, Var, checkpoint, cond, grad, jvp, scan, vmap, while_loop};
use wengert_tensor::{DType, Error, Result, Rng, Tensor};

const HALVES: [DType; 2] = [DType::BF16, DType::F16];

/// Floats in another dtype, all else as it is.
fn cast(x: &Tensor, dtype: DType) -> Tensor {
    if x.dtype().is_float() { x.cast(dtype).unwrap() } else { x.clone() }
}

/// Equal bits, NaNs too.
fn same(a: &Tensor, b: &Tensor) -> bool {
    a == b || a.dtype() == b.dtype() && a.shape() == b.shape() && format!("{a:?}") == format!("{b:?}")
}

/// The values of what `f` records, by the interpreter and by programs, which agree.
fn both(x: &[Tensor], f: impl for<'t> Fn(&[Var<'t>]) -> Vec<Var<'t>>) -> Result<Vec<Tensor>> {
    let on = |tape: &Tape, run: &dyn Fn(&Tape, &[Var]) -> Result<Vec<Tensor>>| -> Result<Vec<Tensor>> {
        let vars: Vec<Var> = x.iter().map(|x| tape.input(x)).collect();
        let values = run(tape, &f(&vars))?;
        tape.check()?;
        Ok(values)
    };
    let found = on(&Tape::new(), &|tape, y| tape.evaluate(y))?;
    for _ in 0..2 {
        let planned = on(&Tape::new(), &|tape, y| tape.finish(y))?;
        assert!(found.iter().zip(&planned).all(|(a, b)| same(a, b)), "{found:?} and {planned:?}");
    }
    Ok(found)
}

/// The operation's result, and the cotangents of its float operands for a cotangent of ones.
fn results(op: &Op, x: &[Tensor]) -> Result<Vec<Tensor>> {
    both(x, |v| {
        let y = v[0].tape().record(op.clone(), v);
        let mut all = vec![y];
        if y.dtype().is_float() && y.shape().numel() > 0 {
            let floats: Vec<Var> = v.iter().copied().filter(|v| v.dtype().is_float()).collect();
            let bars = wengert_autograd::transform::pullback(&[y], &[Some(y.full_like(1.0))], &floats);
            all.extend(bars.into_iter().flatten());
        }
        all
    })
}

#[test]
fn every_operation_is_that_in_f32_and_rounded() -> Result<()> {
    for (name, examples) in Op::table() {
        for example in examples.iter().filter(|example| example.x.iter().any(|x| x.dtype().is_float())) {
            for dtype in HALVES {
                let x: Vec<Tensor> = example.x.iter().map(|x| cast(x, dtype)).collect();
                let wide: Vec<Tensor> = x.iter().map(|x| cast(x, DType::F32)).collect();
                let (half, full) = (results(&example.op, &x)?, results(&example.op, &wide)?);
                let expected = match full[0].dtype() {
                    DType::F32 => dtype,
                    other => other,
                };
                assert_eq!(half[0].dtype(), if name == "Cast" { full[0].dtype() } else { expected }, "{name}");
                assert!(same(&half[0], &full[0].cast(half[0].dtype())?), "{name}: {:?} and {:?}", half[0], full[0]);
                assert_eq!(half.len(), full.len(), "{name}");
                for (half, full) in half[1..].iter().zip(&full[1..]) {
                    assert_eq!(half.dtype(), dtype, "{name}");
                    // Some cotangents are made in several operations, each of which rounds.
                    let (a, b) = (half.cast(DType::F64)?, full.cast(DType::F64)?);
                    assert!(a.allclose(&b, 0.05, 0.05)? || same(&a, &b), "{name}: {a:?} and {b:?}");
                }
            }
        }
    }
    Ok(())
}

#[test]
fn functions_round_once() -> Result<()> {
    for dtype in HALVES {
        let x = Tensor::randn([4, 6, 6], dtype, &mut Rng::seed(1))?;
        let functions: &[fn(Var) -> Var] = &[
            |x| x.softmax(-1),
            |x| x.log_softmax(1),
            |x| x.logsumexp(0),
            |x| x.mean(),
            |x| x.var_axes(1, 1.0),
            |x| x.std_keep([0, 2], 0.0),
            |x| x.norm(2.0),
            |x| x.norm_axes(3.0, 1),
            |x| x.layer_norm(-1, None, None, 1e-5),
            |x| x.layer_norm(-1, Some(x.narrow(0, 0, 1)), Some(x.narrow(0, 1, 1)), 1e-5),
            |x| x.rms_norm(-1, None, 1e-5),
            |x| x.normalize(2.0, -1, 1e-12),
            |x| x.gelu(),
            |x| x.gelu_tanh(),
            |x| x.silu(),
            |x| x.mish(),
            |x| x.elu(1.0),
            |x| x.selu(),
            |x| x.avg_pool(&wengert_tensor::Pool::new(&[2, 3]), true),
            |x| x.adaptive_avg_pool(&[4, 4]),
            |x| x.narrow(0, 0, 1).squeeze(0).cov(1),
        ];
        for (i, f) in functions.iter().enumerate() {
            let half = both(&[x.clone()], |v| vec![f(v[0]), f(v[0]).sum().grad(v[0])])?;
            let full = both(&[cast(&x, DType::F32)], |v| vec![f(v[0])])?;
            assert!(half.iter().all(|half| half.dtype() == dtype), "{i}");
            assert_eq!(half[0], full[0].cast(dtype)?, "{i} in {dtype}");
        }
    }
    // f16 has no number for the sum, nor for the squares.
    let large = Tensor::full([300], 300.0)?.cast(DType::F16)?;
    let found = both(&[large], |v| vec![v[0].mean(), v[0].norm_axes(2.0, 0) / 2.0, v[0].rms_norm(0, None, 0.0)])?;
    assert_eq!((found[0].item()?, found[2].cast(DType::F32)?.max()?.item()?), (300.0, 1.0));
    Ok(())
}

#[test]
fn roundings_stay_and_casts_are_shared() -> Result<()> {
    let x = Tensor::from([1.0f32, 1.001, 70000.0, 1e-9]);
    let rounded = both(&[x.clone()], |v| {
        let half = v[0].cast(DType::F16);
        vec![half.cast(DType::F32), (half.cast(DType::F32) * 1.0).cast(DType::F16).cast(DType::F32)]
    })?;
    assert_eq!(rounded[0], x.cast(DType::F16)?.cast(DType::F32)?);
    assert_eq!(rounded[0], rounded[1]);
    assert!(rounded[0] != x);

    // One conversion of x to f32 serves all that reads it, and what is between is never rounded where nobody asks.
    let tape = Tape::new();
    let half = tape.input(&Tensor::randn([1000], DType::BF16, &mut Rng::seed(2))?);
    let y = half.exp() + half.sin() * half;
    let program = tape.compile(&[half], &[y])?.to_string();
    // Every operation rounds, all but the last are read again in f32, and they are the caller's.
    assert_eq!(program.lines().nth(1).map(|line| line.matches("cast").count()), Some(1 + 4 + 3), "{program}");
    assert!(program.contains("half.rs") && !program.contains("tape/mod.rs"), "{program}");
    Ok(())
}

#[test]
fn gradients_have_the_dtype_of_what_they_are_of() -> Result<()> {
    let x = Tensor::from([0.5f32, -1.25, 3.0]);
    fn f(x: Var<'_>) -> Var<'_> {
        (x.cast(DType::BF16).tanh() * 2.0).cast(DType::F32).sum()
    }
    let g = grad(f, &x)?;
    assert_eq!(g.dtype(), DType::F32);
    assert!(g.allclose(&grad(|x| (x.tanh() * 2.0).sum(), &x)?, 0.02, 1e-3)?);
    assert_eq!(grad(|x| x.square().sum(), &x.cast(DType::F16)?)?, Tensor::from([1.0f32, -2.5, 6.0]).cast(DType::F16)?);
    let (y, dy) = jvp(f, &x, &Tensor::ones([3], DType::F32)?)?;
    assert_eq!((y.dtype(), dy.dtype()), (DType::F32, DType::F32));
    assert!(dy.allclose(&g.sum()?, 0.02, 1e-3)?);
    Ok(())
}

#[test]
fn a_batch_is_a_loop() -> Result<()> {
    let x = Tensor::randn([3, 4, 4], DType::F16, &mut Rng::seed(3))?;
    fn f(x: Var<'_>) -> Var<'_> {
        x.matmul(x.t()).softmax(-1).sum_axes(0) * 2.0
    }
    let batch = vmap(f, &x)?;
    for i in 0..3 {
        let tape = Tape::new();
        let one = f(tape.input(&x.narrow(0, i, 1)?.squeeze(0)?)).value()?;
        assert_eq!(batch.narrow(0, i, 1)?.squeeze(0)?, one);
    }
    Ok(())
}

#[test]
fn loops_branches_and_checkpoints() -> Result<()> {
    for dtype in HALVES {
        let x = Tensor::randn([5, 3], dtype, &mut Rng::seed(4))?;
        let w = Tensor::from([0.5, -0.25, 1.0]).cast(dtype)?;
        let run = |f: &dyn for<'t> Fn(Var<'t>, Var<'t>) -> Var<'t>| {
            both(&[x.clone(), w.clone()], |v| {
                let y = f(v[0], v[1]);
                let mut all = vec![y];
                all.extend(y.sum().grads(&[v[0], v[1]]));
                all
            })
        };
        let unrolled = run(&|x, w| {
            let mut a = w;
            for i in 0..5 {
                a = (a * w + x.narrow(0, i, 1).squeeze(0)).tanh();
            }
            a
        })?;
        let looped = run(&|x, w| scan(|a: Var, x: Var| ((a * w + x).tanh(), a.sum()), w, x).0)?;
        assert_eq!(looped[0], unrolled[0]);
        // Cotangents are added in another order.
        let tolerance = if dtype == DType::F16 { 0.02 } else { 0.15 };
        for (a, b) in looped.iter().zip(&unrolled) {
            assert_eq!(a.dtype(), dtype);
            assert!(a.cast(DType::F32)?.allclose(&b.cast(DType::F32)?, 0.0, tolerance)?, "{a:?} and {b:?}");
        }
        run(&|x, w| scan(|a: Var, x: Var| (a + x * w, a), w, Reversed(x)).1)?;
        let branch = run(&|x, w| cond(w.sum().greater(0.0), |x: Var| x.sin(), |x| x.cos(), x) * w)?;
        assert_eq!(branch[0], run(&|x, w| x.sin() * w)?[0]);
        let plain = run(&|x, w| (x * w).sin() * w)?;
        let again = run(&|x, w| checkpoint(|x: Var| (x * w).sin() * w, x))?;
        assert_eq!(again[0], plain[0]);
        let doubled = both(&[w.clone()], |v| vec![while_loop(|x: Var| x.sum().less(10.0), |x| x * 2.0, v[0])])?;
        assert_eq!(doubled[0], Tensor::from([4.0, -2.0, 8.0]).cast(dtype)?);
    }
    Ok(())
}

/// The cotangents of a carry and of what is captured are of two dtypes, and both are kept.
#[test]
fn loops_of_two_dtypes_lose_no_cotangent() -> Result<()> {
    for (lo, hi) in [(DType::F32, DType::F64), (DType::F64, DType::F32), (DType::F16, DType::F32)] {
        let tape = Tape::new();
        let x = tape.input(&Tensor::randn([5, 3], lo, &mut Rng::seed(4))?);
        let w = tape.input(&Tensor::from([0.5, -0.25, 1.0]).cast(lo)?);
        let looped = scan(|a: Var, x: Var| (((a.cast(hi) * w.cast(hi) + x.cast(hi)).tanh()).cast(lo), a.sum()), w, x).0;
        let unrolled = (0..5).fold(w, |a, i| {
            let x = x.narrow(0, i, 1).squeeze(0).cast(hi);
            (a.cast(hi) * w.cast(hi) + x).tanh().cast(lo)
        });
        let [a, b] = [looped, unrolled].map(|y| y.sum().grad(w).value().and_then(|g| g.cast(DType::F64)).unwrap());
        assert!(a.allclose(&b, 1e-3, 1e-3)?, "{lo} and {hi}: {a:?} and {b:?}");
    }
    Ok(())
}

#[test]
fn dtypes_do_not_mix() {
    let tape = Tape::new();
    let of = |dtype| tape.full([2, 2], 1.0).cast(dtype);
    for (a, b) in [(DType::BF16, DType::F32), (DType::F64, DType::F16), (DType::BF16, DType::F16)] {
        for y in [of(a) + of(b), of(a).matmul(of(b)), of(a).less(of(b)), Var::concat(&[of(a), of(b)], 0)] {
            let error: Error = y.value().unwrap_err();
            let sentence = error.to_string();
            assert!(sentence.contains(a.name()) || sentence.contains(b.name()), "{sentence}");
        }
    }
    assert!(of(DType::BF16).logical_not().is_poisoned());
}

#[test]
fn random_numbers_are_those_of_f32_rounded() -> Result<()> {
    let tape = Tape::new();
    let key = tape.input(&Tensor::from(7));
    for dtype in HALVES {
        assert_eq!(key.uniform([100], dtype).value()?, key.uniform([100], DType::F32).value()?.cast(dtype)?);
        assert_eq!(key.normal([100], dtype).value()?, key.normal([100], DType::F32).value()?.cast(dtype)?);
    }
    Ok(())
}

#[test]
fn compiled_programs_keep_states_of_half_precision() -> Result<()> {
    let tape = Tape::new();
    let (x, a) = (
        tape.input(&Tensor::from([1.0, 2.0]).cast(DType::BF16)?),
        tape.input(&Tensor::from([0.0, 0.5]).cast(DType::BF16)?),
    );
    let mut program: Compiled = tape.compile_with_states(&[x], &[a.sum()], &[(a, a + x)])?;
    let x = Tensor::from([1.0, 2.0]).cast(DType::BF16)?;
    let sums: Vec<f64> = (0..3).map(|_| program.run(&[&x])?[0].item()).collect::<Result<_>>()?;
    assert_eq!(sums, [0.5, 3.5, 6.5]);
    Ok(())
}

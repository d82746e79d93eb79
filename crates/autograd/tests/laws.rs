//! The laws of differentiation, for every operation in the table.
//!
//! - A rule's jvp is the directional derivative, by central differences.
//! - Its vjp is the adjoint of its jvp: <ybar, J dx> = <J' ybar, dx>.
//! - Both hold again for the equations that the pullback recorded: second order.
//! - A batch is a loop, whichever operands are batched, also for no repetition at all.
//! - The result's bits do not depend on how operands lie in memory.
//! - A planned program gives the bits of one equation after another.
//! - f32 agrees with f64 to the accuracy of f32.
//! - The tape is well formed after all that.
//!
//! A new operation is tested by being in the table.

use wengert_autograd::check::{Flat, differences};
use wengert_autograd::op::{Example, Op};
use wengert_autograd::transform::{batched, pullback, pushforward};
use wengert_autograd::{Reversed, Tape, Var, cond, scan};
use wengert_tensor::{DType, Error, Result, Rng, Tensor};

/// What has no operands to vary, or a derivative that is not that of its value on purpose.
const WITHOUT_LAWS: [&str; 3] = ["Input", "Full", "StopGradient"];

/// The table, and loops and branches: operations that are made of a body.
fn operations() -> Vec<(&'static str, Vec<Example>)> {
    let mut all = Op::table();
    all.extend([("Scan", scans()), ("Cond", branches())]);
    all
}

/// The equation of a loop or a branch that `y` is a part of, as an example.
fn behind(y: Var<'_>, name: &str) -> Result<Example> {
    let tape = y.tape();
    let mut vars = vec![y];
    while let Some(var) = vars.pop() {
        let eqn = tape.eqn(var).ok_or_else(|| Error::tape("no such equation"))?;
        let operands: Vec<Var<'_>> = eqn.operands.iter().filter_map(|&id| tape.var(id)).collect();
        if eqn.op.rule().name() == name {
            return Ok(Example::new(eqn.op, tape.evaluate(&operands)?));
        }
        vars.extend(operands);
    }
    Err(Error::tape(format!("no {name}")))
}

fn scans() -> Vec<Example> {
    let tape = Tape::new();
    let x = tape.input(&Tensor::from([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]]));
    let w = tape.input(&Tensor::from([1.25, -0.5]));
    let two = scan(|(a, b), x| ((a * w + x, (b * a).sin().sum()), (a * x, b)), (w * 0.5, w.sum()), x);
    let backwards =
        scan(|a, (x, i)| ((a + x).tanh() * w, i.cast(DType::F64) * a), w, Reversed((x, tape.full([3], 2i64))));
    let nothing = scan(|a, x: Var| (a * x, a + x), w, x.narrow(0, 0, 0));
    [two.0.0, two.1.1, backwards.1, nothing.0].map(|y| behind(y, "scan").expect("a scan")).into()
}

fn branches() -> Vec<Example> {
    let tape = Tape::new();
    let (x, w) = (tape.input(&Tensor::from([0.5, -1.0])), tape.input(&Tensor::from(1.25)));
    let branch = |test| cond(tape.full((), test), |x: Var| (x.sin() * w, w * w), |x| (x, x.sum()), x).0;
    [true, false].map(|test| behind(branch(test), "cond").expect("a branch")).into()
}

fn for_every_example(law: impl Fn(&Example) -> Result<()>) {
    for_examples(operations(), law);
}

fn for_examples(operations: Vec<(&'static str, Vec<Example>)>, law: impl Fn(&Example) -> Result<()>) {
    for (name, examples) in operations {
        assert!(!examples.is_empty() || WITHOUT_LAWS.contains(&name), "{name} has no examples");
        for (i, example) in examples.iter().enumerate() {
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| law(example)));
            match outcome {
                Ok(Ok(())) => {}
                Ok(Err(error)) => panic!("{name}, example {i}, {:?}: {error}", example.op),
                Err(_) => panic!("{name}, example {i}, {:?}: see above", example.op),
            }
        }
    }
}

/// A fixed, irregular tensor of the same type.
fn direction(like: &Tensor, seed: u64) -> Result<Tensor> {
    Tensor::randn(like.shape(), like.dtype(), &mut Rng::seed(seed))
}

/// Which operands have derivatives.
fn floats(x: &[Tensor]) -> Vec<usize> {
    (0..x.len()).filter(|&i| x[i].dtype().is_float()).collect()
}

fn inputs<'t>(tape: &'t Tape, x: &[Tensor]) -> Vec<Var<'t>> {
    x.iter().map(|x| tape.input(x)).collect()
}

/// The value of a function of variables at tensors.
fn value(f: Flat, x: &[Tensor]) -> Result<Tensor> {
    let tape = Tape::new();
    f(&inputs(&tape, x)).value()
}

/// The operation as a function.
fn value_of(op: &Op, x: &[Tensor]) -> Result<Tensor> {
    value(&|v| v[0].tape().record(op.clone(), v), x)
}

/// The derivative of `f` at `x` along `dx`, from its values.
fn measured(f: Flat, x: &[Tensor], dx: &[Tensor]) -> Result<Tensor> {
    let measured = differences(f, x, dx)?;
    Tensor::from_vec(measured.derivative, measured.shape)
}

fn assert_close(what: &str, a: &Tensor, b: &Tensor, tolerance: f64) {
    assert_eq!((a.dtype(), a.shape()), (b.dtype(), b.shape()), "{what}: types");
    assert!(a.allclose(b, tolerance, tolerance).unwrap(), "{what}:\n{a}\nand\n{b}\ndiffer");
}

/// <a, b>, the sum of products of elements.
fn inner<'t>(a: &[Var<'t>], b: &[Var<'t>]) -> Var<'t> {
    let products = a.iter().zip(b).map(|(&a, &b)| (a * b).sum());
    products.reduce(|s, p| s + p).expect("at least one operand has a derivative")
}

/// Checks that f's jvp is its directional derivative and its vjp the adjoint of that.
fn check_derivatives(f: Flat, x: &[Tensor], seed: u64) -> Result<()> {
    let wrt = floats(x);
    // Short steps keep differences accurate for functions that curve strongly.
    let tangent = |(i, x): (usize, &Tensor)| match x.dtype().is_float() {
        true => value(&|v| v[0] * 0.5, &[direction(x, seed + i as u64)?]),
        false => Ok(x.clone()),
    };
    let dx: Vec<Tensor> = x.iter().enumerate().map(tangent).collect::<Result<_>>()?;
    let tape = Tape::new();
    let vars = inputs(&tape, x);
    let y = f(&vars);
    let y_value = y.value()?;
    let tangents = inputs(&tape, &dx);
    let dvars: Vec<Option<Var<'_>>> = (0..x.len()).map(|i| wrt.contains(&i).then(|| tangents[i])).collect();
    let wrt_vars: Vec<Var<'_>> = wrt.iter().map(|&i| vars[i]).collect();
    let dy = pushforward(&[y], &vars, &dvars)[0];
    if !y.dtype().is_float() {
        let float = y.cast(DType::F64);
        let bars = pullback(&[float], &[Some(float)], &wrt_vars);
        assert!(dy.is_none() && bars.iter().all(Option::is_none), "a result of {} has a derivative", y.dtype());
        return tape.check();
    }
    let ybar = tape.input(&direction(&y_value, seed + 100)?);
    let bars = pullback(&[y], &[Some(ybar)], &wrt_vars);
    let numeric = measured(f, x, &dx)?;
    let dy = dy.unwrap_or_else(|| y.full_like(0.0));
    assert_close("jvp and differences of values", &dy.value()?, &numeric, 1e-8);
    let bars: Vec<Var<'_>> = bars.iter().zip(&wrt_vars).map(|(b, x)| b.unwrap_or_else(|| x.full_like(0.0))).collect();
    let dx: Vec<Var<'_>> = dvars.iter().flatten().copied().collect();
    let (a, b) = (inner(&[ybar], &[dy]).item()?, inner(&bars, &dx).item()?);
    assert!((a - b).abs() <= 1e-10 * (1.0 + a.abs()), "<ybar, J dx> = {a} and <J' ybar, dx> = {b}");
    tape.check()
}

#[test]
fn jvp_is_the_directional_derivative_and_vjp_its_adjoint() {
    for_every_example(|Example { op, x }| match floats(x).is_empty() {
        true => value_of(op, x).map(|_| ()),
        false => check_derivatives(&|v| v[0].tape().record(op.clone(), v), x, 1),
    });
}

#[test]
fn the_laws_hold_for_the_pullback_of_every_operation() {
    for_every_example(|Example { op, x }| {
        let y = value_of(op, x)?;
        if !y.dtype().is_float() {
            return Ok(());
        }
        // Each operand's cotangent is a function of the operands and of the result's cotangent.
        let mut arguments = x.clone();
        arguments.push(direction(&y, 7)?);
        for i in floats(x) {
            let xbar: Flat = &|v| {
                let (ybar, x) = v.split_last().expect("a cotangent follows the operands");
                let y = x[0].tape().record(op.clone(), x);
                pullback(&[y], &[Some(*ybar)], &[x[i]])[0].unwrap_or_else(|| x[i] * 0.0)
            };
            check_derivatives(xbar, &arguments, 11)?;
        }
        Ok(())
    });
}

#[test]
fn a_batch_is_a_loop() {
    for_every_example(|Example { op, x }| {
        for subset in 1..1usize << x.len().min(3) {
            for n in [0, 1, 3] {
                check_batch(op, x, subset, n)?;
            }
        }
        Ok(())
    });
}

/// Checks a batch of `n` over the operands whose bits are set in `subset`.
fn check_batch(op: &Op, x: &[Tensor], subset: usize, n: usize) -> Result<()> {
    // Copies of an operand, slightly different where it is a float, along a new leading axis.
    let copies = |i: usize| -> Result<Tensor> {
        let like = x[i].broadcast_to(x[i].shape().with_axis(0, n))?;
        if !x[i].dtype().is_float() {
            return Ok(like);
        }
        let noise = Tensor::uniform(like.shape(), -1e-3, 1e-3, x[i].dtype(), &mut Rng::seed(i as u64))?;
        value(&|v| v[0] + v[1], &[like, noise])
    };
    let tape = Tape::new();
    let vars = inputs(&tape, x);
    let y = tape.record(op.clone(), &vars);
    let chosen: Vec<usize> = (0..x.len()).filter(|i| subset >> i & 1 == 1).collect();
    let arguments: Vec<Tensor> = chosen.iter().map(|&i| copies(i)).collect::<Result<_>>()?;
    let xs: Vec<Var<'_>> = chosen.iter().map(|&i| vars[i]).collect();
    let together = batched(&[y], &xs, &inputs(&tape, &arguments), n)[0].value()?;
    assert_eq!(together.shape(), &y.shape().with_axis(0, n));
    for k in 0..n as isize {
        let mut one = x.to_vec();
        for (&i, argument) in chosen.iter().zip(&arguments) {
            one[i] = argument.select_axis(0, k)?;
        }
        let (row, alone) = (together.select_axis(0, k)?, value_of(op, &one)?);
        match alone.dtype().is_float() {
            true => assert_close("a batch and a loop", &row, &alone, 1e-12),
            false => assert_eq!(row, alone, "a batch and a loop"),
        }
    }
    tape.check()
}

/// The same values, lying in memory in another order: axes reversed and backwards, elements apart.
fn scattered(x: &Tensor) -> Result<Tensor> {
    let order: Vec<isize> = (0..x.rank() as isize).rev().collect();
    let y = x.permute(&order[..])?.flip(..)?.contiguous()?.flip(..)?.permute(&order[..])?;
    Tensor::stack(&[&y, &y], -1)?.select_axis(-1, 0)
}

fn assert_same_bits(a: &Tensor, b: &Tensor) {
    let bits = |x: &Tensor| -> Vec<u64> {
        let wide = x.cast(DType::F64).unwrap();
        wide.iter::<f64>().unwrap().map(|x| if x.is_nan() { u64::MAX } else { x.to_bits() }).collect()
    };
    assert_eq!((a.dtype(), a.shape(), bits(a)), (b.dtype(), b.shape(), bits(b)), "{a} and {b}");
}

#[test]
fn bits_do_not_depend_on_layout() {
    for_every_example(|Example { op, x }| {
        let y = value_of(op, x)?;
        for i in 0..x.len() {
            let mut other = x.clone();
            other[i] = scattered(&x[i])?;
            assert_same_bits(&other[i], &x[i]);
            assert_same_bits(&value_of(op, &other)?, &y);
        }
        Ok(())
    });
}

#[test]
fn a_program_gives_the_bits_of_one_equation_after_another() {
    for_every_example(|Example { op, x }| {
        // Twice by programs: the second time it comes from the cache.
        let answers = |planned: bool| -> Result<Vec<Tensor>> {
            let tape = Tape::new();
            let vars = inputs(&tape, x);
            let y = tape.record(op.clone(), &vars);
            let mut wanted = vec![y];
            if y.dtype().is_float() {
                let wrt: Vec<Var<'_>> = floats(x).iter().map(|&i| vars[i]).collect();
                let squared = (y * y).sum();
                wanted.extend(pullback(&[squared], &[Some(squared)], &wrt).into_iter().flatten());
            }
            if planned {
                tape.finish(&wanted)?;
                tape.finish(&wanted)
            } else {
                tape.evaluate(&wanted)
            }
        };
        let one_by_one = answers(false)?;
        for _ in 0..2 {
            let planned = answers(true)?;
            assert_eq!(planned.len(), one_by_one.len());
            planned.iter().zip(&one_by_one).for_each(|(a, b)| assert_same_bits(a, b));
        }
        Ok(())
    });
}

#[test]
fn f32_agrees_with_f64() {
    let cast = |x: &[Tensor], dtype: DType| -> Result<Vec<Tensor>> {
        x.iter().map(|x| if x.dtype().is_float() { x.cast(dtype) } else { Ok(x.clone()) }).collect()
    };
    // The value, and the pullback of a fixed cotangent.
    let answers = |op: &Op, x: &[Tensor]| -> Result<Vec<Tensor>> {
        let tape = Tape::new();
        let vars = inputs(&tape, x);
        let y = tape.record(op.clone(), &vars);
        let y_value = y.value()?;
        if !y.dtype().is_float() {
            return Ok(vec![y_value]);
        }
        let wrt: Vec<Var<'_>> = floats(x).iter().map(|&i| vars[i]).collect();
        let bars = pullback(&[y], &[Some(tape.input(&direction(&y_value, 5)?))], &wrt);
        tape.evaluate(&[y].into_iter().chain(bars.into_iter().flatten()).collect::<Vec<_>>())
    };
    // A body is of one dtype.
    for_examples(Op::table(), |Example { op, x }| {
        let narrow = cast(x, DType::F32)?;
        let wide = cast(&narrow, DType::F64)?;
        for (a, b) in answers(op, &narrow)?.iter().zip(&answers(op, &wide)?) {
            match b.dtype().is_float() {
                true => assert_close("f32 and f64", &a.cast(DType::F64)?, &b.cast(DType::F64)?, 2e-5),
                false => assert_eq!(a, b, "f32 and f64"),
            }
        }
        Ok(())
    });
}

//! Programs in the user's hands: their memory, their states, and what goes wrong in the middle.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use wengert_autograd::op::{Custom, Rule};
use wengert_autograd::{Compiled, Tape, Type, Var, compile, value_and_grad};
use wengert_tensor::{DType, Error, Result, Rng, Tensor, View, ViewMut, kernel};

/// So large that values are written over others, and no multiple of anything.
const LARGE: usize = 5003;

fn random(shape: &[usize], seed: u64) -> Result<Tensor> {
    Tensor::randn(shape, DType::F64, &mut Rng::seed(seed))
}

/// A net whose layers have sizes that do not fit each other, with selection, truth values and indices in between.
fn odd_net<'t>(x: Var<'t>, weights: &[Var<'t>]) -> Var<'t> {
    let hidden = weights.iter().fold(x, |x, &w| {
        let x = x.matmul(w);
        x.greater(0.0).where_(x, x * 0.1).sort(1, false)
    });
    (hidden * hidden).mean()
}

fn odd_sizes() -> Result<(Tensor, Vec<Tensor>)> {
    let sizes = [97, 331, 53, 509, 211, 7, 401];
    let weights = sizes.windows(2).zip(1..).map(|(pair, seed)| random(pair, seed));
    Ok((random(&[131, sizes[0]], 0)?, weights.collect::<Result<_>>()?))
}

/// A program of the net's value and gradients, and what the interpreter makes of it.
fn compiled_odd_net() -> Result<(Compiled, Vec<Tensor>, Vec<Tensor>)> {
    let (x, weights) = odd_sizes()?;
    let tape = Tape::new();
    let arguments: Vec<Var<'_>> = [&x].into_iter().chain(&weights).map(|x| tape.input(x)).collect();
    let y = odd_net(arguments[0], &arguments[1..]);
    let wanted: Vec<Var<'_>> = [y].into_iter().chain(y.grads(&arguments)).collect();
    let program = tape.compile(&arguments, &wanted)?;
    Ok((program, [x].into_iter().chain(weights).collect(), tape.evaluate(&wanted)?))
}

#[test]
fn memory_is_shared_however_odd_the_sizes() -> Result<()> {
    let (mut program, arguments, expected) = compiled_odd_net()?;
    let arguments: Vec<&Tensor> = arguments.iter().collect();
    assert_eq!(program.run(&arguments)?, expected);
    assert_eq!(program.run(&arguments)?, expected);
    let share = |program: &Compiled| program.footprint().planned as f64 / program.footprint().live as f64;
    assert!(share(&program) <= 1.3, "{:?}", program.footprint());

    // A step that updates the weights needs no memory for its answers.
    let tape = Tape::new();
    let vars: Vec<Var<'_>> = arguments.iter().map(|x| tape.input(x)).collect();
    let y = odd_net(vars[0], &vars[1..]);
    let next: Vec<_> = vars[1..].iter().zip(y.grads(&vars[1..])).map(|(&w, g)| (w, w - 0.1 * g)).collect();
    let mut program = tape.compile_with_states(&vars[..1], &[y], &next)?;
    assert!(share(&program) <= 1.15, "{:?}", program.footprint());
    assert_eq!(program.run(&arguments[..1])?, expected[..1]);
    Ok(())
}

#[test]
fn answers_go_where_earlier_ones_were_unless_they_are_shared() -> Result<()> {
    let (mut program, arguments, expected) = compiled_odd_net()?;
    let arguments: Vec<&Tensor> = arguments.iter().collect();
    let mut answers = program.run(&arguments)?;
    let place = |x: &Tensor| x.data().typed_address();
    let (first, kept) = (place(&answers[1]), answers[2].clone());
    answers[0] = Tensor::from(1i64);
    program.run_into(&arguments, &mut answers)?;
    assert_eq!(answers, expected);
    assert_eq!(place(&answers[1]), first);
    assert!(!answers[2].shares_storage(&kept));
    assert_eq!(kept, expected[2]);
    let err = program.run_into(&arguments, &mut answers[1..]).unwrap_err();
    assert_eq!(err.sentence(), format!("run_into: {} answers of a program that makes 8", 7));
    Ok(())
}

/// Where the first element is.
trait Address {
    fn typed_address(&self) -> usize;
}

impl Address for wengert_tensor::Data<'_> {
    fn typed_address(&self) -> usize {
        match self {
            Self::F32(x) => x.as_ptr() as usize,
            Self::F64(x) => x.as_ptr() as usize,
            Self::I64(x) => x.as_ptr() as usize,
            Self::Bool(x) => x.as_ptr() as usize,
            Self::BF16(x) => x.as_ptr() as usize,
            Self::F16(x) => x.as_ptr() as usize,
        }
    }
}

#[test]
fn what_only_the_backward_pass_reads_is_made_there() -> Result<()> {
    const LAYERS: usize = 8;
    let size = 64 * 64 * 8;
    let mut rng = Rng::seed(1);
    let (x, w) = (Tensor::randn([64, 64], DType::F64, &mut rng)?, Tensor::randn([64, 64], DType::F64, &mut rng)?);
    let tape = Tape::new();
    let (v, w) = (tape.input(&x), 0.1 * tape.input(&w));
    // Of every layer the result is kept, and 1 - y² is not.
    let y = (0..LAYERS).fold(v, |v, _| v.matmul(w).tanh());
    let loss = (y * y).sum();
    let outputs = [loss, loss.grad(v)];
    let mut program = tape.compile(&[v], &outputs)?;
    // And what the layer at hand needs.
    assert!(program.footprint().live <= (LAYERS + 2) * size + 64, "{:?}", program.footprint());
    assert_eq!(program.run(&[&x])?, [outputs[0].value()?, outputs[1].value()?]);
    Ok(())
}

#[test]
fn arguments_may_lie_anywhere() -> Result<()> {
    let x = random(&[20, 30], 1)?;
    let tape = Tape::new();
    let v = tape.input(&x);
    let mut program = tape.compile(&[v], &[v.matmul(v.t()), v, v.t(), v + 1.0])?;
    let stacked = Tensor::stack(&[&random(&[20, 30], 2)?, &x], 0)?;
    let turned = x.t().contiguous()?;
    let expected = tape.evaluate(&[v.matmul(v.t()), v, v.t(), v + 1.0])?;
    for x in [x, stacked.select_axis(0, 1)?, turned.t()] {
        let mut answers = program.run(&[&x])?;
        assert_eq!(answers, expected);
        program.run_into(&[&x], &mut answers)?;
        assert_eq!(answers, expected);
    }
    Ok(())
}

#[test]
fn answers_that_are_views_of_one_value_share_it() -> Result<()> {
    let x = random(&[3, 4], 1)?;
    let tape = Tape::new();
    let v = tape.input(&x);
    let y = v.sin();
    let wanted = [y.t(), y, y.narrow(0, 1, 2), y, tape.full([2], 3.0)];
    let mut program = tape.compile(&[v], &wanted)?;
    let expected = tape.evaluate(&wanted)?;
    let mut answers = program.run(&[&x])?;
    for _ in 0..3 {
        assert_eq!(answers, expected);
        assert!(answers[0].shares_storage(&answers[1]) && answers[0].shares_storage(&answers[2]));
        program.run_into(&[&x], &mut answers)?;
    }
    Ok(())
}

/// Steps of momentum on two parameters, of which one is large, and one that waits for an argument.
fn momentum<'t>(states: &[Var<'t>], x: Var<'t>) -> Vec<Var<'t>> {
    let [w, v, b] = states else { return Vec::new() };
    let g = (*w * x - *b).tanh();
    let v = 0.9 * *v + g;
    vec![*w - 0.1 * v, v, *b + x.sum() * 0.01]
}

fn states() -> Result<[Tensor; 3]> {
    Ok([random(&[LARGE], 1)?, random(&[LARGE], 2)?, Tensor::from(0.5)])
}

#[test]
fn states_are_renewed_as_one_equation_after_another_would() -> Result<()> {
    let (mut expected, x) = (states()?, random(&[LARGE], 3)?);
    let tape = Tape::new();
    let vars = states()?.map(|state| tape.input(&state));
    let v = tape.input(&x);
    let next = momentum(&vars, v);
    let pairs: Vec<_> = vars.into_iter().zip(next).collect();
    let mut program = tape.compile_with_states(&[v], &[vars[2]], &pairs)?;
    let places = |program: &mut Compiled| -> Result<Vec<usize>> {
        (0..3)
            .map(|k| {
                let state = program.take_state(k).ok_or_else(|| Error::value("no state"))?;
                let place = state.data().typed_address();
                program.set_state(k, state)?;
                Ok(place)
            })
            .collect()
    };
    program.run(&[&x])?;
    let before = places(&mut program)?;
    for step in 0..3 {
        let tape = Tape::new();
        let vars = expected.each_ref().map(|state| tape.input(state));
        let next = tape.evaluate(&momentum(&vars, tape.input(&x)))?;
        if step > 0 {
            assert_eq!(program.run(&[&x])?, [expected[2].clone()]);
        }
        expected = next.try_into().unwrap_or_else(|_| unreachable!());
    }
    assert_eq!(places(&mut program)?[..2], before[..2], "large states are written in place");
    for (k, expected) in expected.iter().enumerate() {
        assert_eq!(program.take_state(k).as_ref(), Some(expected));
        assert_eq!(program.take_state(k), None);
    }
    let err = program.run(&[&x]).unwrap_err();
    assert_eq!(err.sentence(), "run: state 0 was taken and not set");
    let err = program.set_state(0, Tensor::from(1.0)).unwrap_err();
    assert_eq!(err.sentence(), format!("set_state: state 0 is f64[], and was f64[{LARGE}] when compiled"));
    Ok(())
}

#[test]
fn a_state_that_somebody_sees_is_copied_before_it_is_written() -> Result<()> {
    let x = random(&[LARGE], 1)?;
    let tape = Tape::new();
    let v = tape.input(&x);
    let mut program = tape.compile_with_states(&[], &[], &[(v, v * 2.0)])?;
    let seen = x.clone();
    for _ in 0..2 {
        program.run(&[])?;
        let state = program.take_state(0).ok_or_else(|| Error::value("no state"))?;
        program.set_state(0, state.clone())?;
        program.run(&[])?;
        assert_eq!(program.take_state(0), Some(once(&state)?));
        program.set_state(0, state)?;
    }
    assert_eq!(seen, random(&[LARGE], 1)?);
    Ok(())
}

fn once(x: &Tensor) -> Result<Tensor> {
    let tape = Tape::new();
    (tape.input(x) * 2.0).value()
}

#[test]
fn states_may_become_each_other_themselves_views_and_constants() -> Result<()> {
    for n in [3, 71] {
        let x = [random(&[n, n], 1)?, random(&[n, n], 2)?, random(&[n, n], 3)?, random(&[n, n], 4)?];
        let tape = Tape::new();
        let [a, b, c, d] = x.each_ref().map(|x| tape.input(x));
        let pairs = [(a, b), (b, a.t()), (c, c), (d, tape.full([n, n], 7.0))];
        let mut program = tape.compile_with_states(&[], &[a, b.t(), c], &pairs)?;
        assert_eq!(program.run(&[])?, [x[0].clone(), x[1].t(), x[2].clone()]);
        assert_eq!(program.run(&[])?, [x[1].clone(), x[0].clone(), x[2].clone()]);
        assert_eq!(program.take_state(0), Some(x[0].t()));
        assert_eq!(program.take_state(1), Some(x[1].t()));
        assert_eq!(program.take_state(2), Some(x[2].clone()));
        assert_eq!(program.take_state(3), Some(Tensor::full([n, n], 7.0)?));
        // One value for two states, also an answer.
        let y = a * b;
        let mut program = tape.compile_with_states(&[], &[y], &[(a, y), (b, y)])?;
        let product = y.value()?;
        assert_eq!(program.run(&[])?, std::slice::from_ref(&product));
        assert_eq!(program.take_state(0), Some(product.clone()));
        assert_eq!(program.take_state(1), Some(product));
    }
    Ok(())
}

#[test]
fn what_cannot_be_compiled_is_refused() -> Result<()> {
    let tape = Tape::new();
    let x = tape.input(&Tensor::from([1.0, 2.0]));
    let err = tape.compile_with_states(&[], &[], &[(x, x.sum())]).unwrap_err();
    assert_eq!(err.sentence(), "compile: state 0 is f64[2] and cannot become f64[]");
    let err = tape.compile(&[x * 2.0], &[x]).unwrap_err();
    assert_eq!(err.sentence(), "compile: %3 is no input but the result of mul");
    let mut program = tape.compile(&[x], &[x * 3.0])?;
    let err = program.run(&[&Tensor::from([1.0])]).unwrap_err();
    assert_eq!(err.sentence(), "run: argument 0 is f64[1], and was f64[2] when compiled");
    assert_eq!(program.run(&[]).unwrap_err().sentence(), "run: 0 arguments for a program of 1");
    Ok(())
}

/// What is to go wrong.
static PANIC: AtomicBool = AtomicBool::new(false);
static REFUSE: AtomicBool = AtomicBool::new(false);

/// The same value, where nothing goes wrong.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Fragile;

impl Rule for Fragile {
    fn name(&self) -> &'static str {
        "fragile"
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        Ok(x[0].clone())
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        assert!(!PANIC.load(Ordering::Relaxed), "a custom rule panics");
        if REFUSE.load(Ordering::Relaxed) {
            return Err(Error::value("fragile: refused"));
        }
        kernel::copy::copy(x[0], out)
    }

    fn jvp<'t>(&self, _: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        dx[0]
    }

    fn vjp<'t>(&self, _: usize, _: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        Some(ybar)
    }

    fn batch<'t>(&self, x: &[Var<'t>], _: &[bool], _: usize) -> Var<'t> {
        x[0]
    }
}

#[test]
fn a_run_that_ends_in_the_middle_harms_neither_states_nor_later_runs() -> Result<()> {
    let x = random(&[LARGE], 1)?;
    let tape = Tape::new();
    let (s, v) = (tape.input(&x), tape.input(&x));
    // The state's next value needs nothing that may fail, and could be written before it.
    let fragile = tape.record(Custom::new(Fragile), &[v.sin()]);
    let mut program = tape.compile_with_states(&[v], &[fragile.exp(), v.cos()], &[(s, s + v)])?;
    let mut answers = program.run(&[&x])?;
    let expected = answers.clone();
    for (flag, panics) in [(&PANIC, true), (&REFUSE, false)] {
        flag.store(true, Ordering::Relaxed);
        let outcome = catch_unwind(AssertUnwindSafe(|| program.run(&[&x])));
        assert_eq!(outcome.is_err(), panics);
        let outcome = catch_unwind(AssertUnwindSafe(|| program.run_into(&[&x], &mut answers)));
        assert_eq!(outcome.is_err(), panics);
        flag.store(false, Ordering::Relaxed);
    }
    assert_eq!(program.run(&[&x])?, expected);
    program.run_into(&[&x], &mut answers)?;
    assert_eq!(answers, expected);
    let tape = Tape::new();
    let (s, x) = (tape.input(&x), tape.input(&x));
    assert_eq!(program.take_state(0), Some((s + x + x + x).value()?));
    Ok(())
}

#[test]
fn nothing_is_nothing() -> Result<()> {
    let tape = Tape::new();
    let x = tape.input(&Tensor::zeros([0, 3], DType::F64)?);
    let mut program = tape.compile_with_states(&[], &[x.sum(), x.t() + 1.0], &[(x, x.exp())])?;
    for _ in 0..2 {
        assert_eq!(program.run(&[])?, [Tensor::from(0.0), Tensor::zeros([3, 0], DType::F64)?]);
    }
    assert_eq!(program.take_state(0), Some(Tensor::zeros([0, 3], DType::F64)?));
    Ok(())
}

#[test]
fn a_function_is_recorded_once_for_every_types_of_its_arguments() -> Result<()> {
    let recorded = std::cell::Cell::new(0);
    let mut f = compile(|[w, x]| {
        recorded.set(recorded.get() + 1);
        let (y, dw) = value_and_grad(|w| (w.matmul(x).tanh()).sum(), w);
        [dw, y]
    });
    let w = random(&[3, 4], 1)?;
    for _ in 0..2 {
        for (columns, seed) in [(5, 2), (7, 3), (5, 4)] {
            let x = random(&[4, columns], seed)?;
            let expected = value_and_grad(
                |w| {
                    let x = w.tape().input(&x);
                    w.matmul(x).tanh().sum()
                },
                &w,
            )?;
            let mut answers = f.run([&w, &x])?;
            assert_eq!((&answers[1], &answers[0]), (&expected.0, &expected.1));
            f.run_into([&w, &x], &mut answers)?;
            assert_eq!((&answers[1], &answers[0]), (&expected.0, &expected.1));
        }
    }
    assert_eq!(recorded.get(), 2);
    let err = f.run([&w, &w]).unwrap_err();
    assert!(err.to_string().starts_with("matmul: [3, 4] x [3, 4]: inner dimensions 4 and 3 differ"), "{err}");
    assert_eq!(err.location().map(|at| at.file()), Some(file!()));
    Ok(())
}

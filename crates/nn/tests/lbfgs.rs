//! L-BFGS against PyTorch 2.15's with its `strong_wolfe` search, step by step; what it minimises; and what it refuses.

use wengert_autograd::Var;
use wengert_nn::{Activation, Layer, Lbfgs, Linear, Mlp, Module, Param, loss::mse};
use wengert_tensor::{DType, ErrorKind, Result, Rng, Tensor};

/// Rosenbrock's valley in any number of dimensions, with its minimum 0 at (1, 1, ..).
fn valley(x: Var<'_>) -> Var<'_> {
    let n = x.shape()[0];
    let (here, next) = (x.narrow(0, 0, n - 1), x.narrow(0, 1, n - 1));
    (100.0 * (next - here * here).square() + (1.0 - here).square()).sum()
}

/// The loss before every step, the evaluations so far, and the parameters after it.
type Trace = Vec<(f64, usize, Vec<f64>)>;

fn follow(mut lbfgs: Lbfgs, from: &[f64], trace: Trace) -> Result<()> {
    let x = Param::new(Tensor::from(from));
    let close = |x: f64, y: f64| (x - y).abs() < 1e-10 * y.abs().max(1.0);
    for (loss, evaluations, expected) in trace {
        let before = lbfgs.step(&x, |t| valley(x.on(t)))?;
        assert!(close(before, loss), "{before}, not {loss}");
        assert_eq!(lbfgs.evaluations(), evaluations);
        let x = x.value().to_vec::<f64>()?;
        assert!(x.iter().zip(&expected).all(|(x, y)| close(*x, *y)), "{x:?}, not {expected:?}");
    }
    Ok(())
}

#[test]
#[rustfmt::skip]
fn every_step_is_pytorchs() -> Result<()> {
    follow(Lbfgs::new().iterations(4), &[-1.2, 1.0, 0.5, -0.3], vec![
        (79.7, 5, vec![-0.757477515346352, 0.5886934055760561, 0.35634846674482673, 0.1296698004760686]),
        (3.7047546888839946, 10, vec![-0.7612642828059636, 0.5911083845809948, 0.3557668946773576, 0.1265304201266708]),
        (3.7017442045901285, 15, vec![-0.7624784834225542, 0.5931466278608296, 0.3579009661318717, 0.12836959907911683]),
        (3.701713947902084, 21, vec![-0.7754313004560861, 0.6131893793533951, 0.3817954612480017, 0.14604886999936584]),
        (3.7014715557341242, 26, vec![-0.7756614183511898, 0.61308972666348, 0.3820717076024506, 0.14598111272858708]),
        (3.7014286337441424, 29, vec![-0.7756575247291144, 0.6130907871237584, 0.3820597050266408, 0.14596962566599198]),
    ])?;
    follow(Lbfgs::new().history(3), &[-1.2, 1.0], vec![
        (24.199999999999996, 25, vec![0.3835069784942435, 0.1188499859575655]),
        (0.4597434794356088, 42, vec![0.9999980081542921, 0.9999972100107387]),
    ])?;
    follow(Lbfgs::new().iterations(5).history(2).lr(2.0), &[3.0, -4.0, 2.0], vec![
        (36529.0, 6, vec![-0.11230692662172503, -1.3027630127063985, 1.918936206304851]),
        (184.47838202592342, 13, vec![-0.33939972960874437, -0.3997239955462107, -0.1250085025594604]),
        (38.377493007487374, 19, vec![0.0038245128083264075, -0.06542248299498561, -0.005617986576332659]),
        (2.5654894179939305, 25, vec![0.2287918970365973, 0.025599842816203106, -0.020809877842257612]),
        (1.6618274730326248, 32, vec![0.5271245839088606, 0.25800483572302596, 0.03450687971403219]),
    ])
}

#[test]
fn a_plain_function_is_minimised() -> Result<()> {
    let lbfgs = Lbfgs::new().tolerances(1e-9, 1e-14);
    let found = lbfgs.minimize(valley, &Tensor::from([-1.2, 1.0, 0.5, 3.0, -2.0, 1.0]))?;
    assert!(found.converged && found.evaluations < 200, "{found:?}");
    assert!(found.value < 1e-12 || found.value > 1.0, "{found:?}");

    // A quadratic function of two arguments, whose minimum is known: |a - 1|^2 + 2 |b - a|^2.
    let found = lbfgs.minimize(
        |[a, b]| (a - 1.0).square().sum() + 2.0 * (b - a).square().sum(),
        [&Tensor::from([5.0, -3.0]), &Tensor::from([[0.0, 9.0]])],
    )?;
    assert!(found.x[0].allclose(&Tensor::from([1.0, 1.0]), 0.0, 1e-6)?);
    assert!(found.x[1].allclose(&Tensor::from([[1.0, 1.0]]), 0.0, 1e-6)?);
    Ok(())
}

#[test]
fn least_squares_are_those_of_the_normal_equations() -> Result<()> {
    let mut rng = Rng::seed(3);
    let (a, y) = (Tensor::randn([30, 4], DType::F64, &mut rng)?, Tensor::randn([30], DType::F64, &mut rng)?);
    let found = Lbfgs::new().tolerances(1e-12, 1e-18).minimize(
        |w| (w.tape().input(&a).matmul(w) - w.tape().input(&y)).square().sum(),
        &Tensor::zeros([4], DType::F64)?,
    )?;
    // At the minimum the residual is orthogonal to every column.
    let residual = a.matmul(&found.x)?.sub(&y)?;
    assert!(a.t().matmul(&residual)?.allclose(&Tensor::zeros([4], DType::F64)?, 0.0, 1e-6)?);
    Ok(())
}

#[test]
fn a_network_is_fitted_and_what_is_frozen_stays() -> Result<()> {
    let mlp = Mlp::new(&[1, 8, 1], Activation::Tanh, &mut Rng::seed(2))?.with_output(Activation::Identity);
    let x = Tensor::linspace(-1f32, 1.0, 40)?.reshape([40, 1])?;
    let y = x.mul(&x)?;
    let frozen = &mlp.params()["layers.1.bias"];
    let before = frozen.value();
    frozen.freeze();
    let mut lbfgs = Lbfgs::new();
    let mut last = f64::INFINITY;
    for _ in 0..20 {
        let loss = lbfgs.step(&mlp, |t| mse(mlp.forward(t.input(&x)), t.input(&y)))?;
        assert!(loss <= last);
        last = loss;
    }
    assert!(last < 1e-4, "{last}");
    assert_eq!(frozen.value(), before);
    Ok(())
}

#[test]
fn a_loss_that_is_not_finite_is_refused_or_avoided() -> Result<()> {
    let refused = |from: f64, f: for<'t> fn(Var<'t>) -> Var<'t>| {
        let x = Param::new(Tensor::from(from));
        let error = Lbfgs::new().step(&x, |t| f(x.on(t))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NonFinite, "{error}");
        assert_eq!(x.value().to_string(), Tensor::from(from).to_string());
    };
    refused(f64::NAN, |x| x.square());
    refused(-1.0, |x| x.ln());
    refused(0.0, |x| x.sqrt());
    // Finite at one point alone: 1, where it starts.
    refused(1.0, |x| x * (0.0 * x / (x - 1.0).equal(0.0).cast(x.dtype()) + 1.0));

    // x - ln x has no value below 0; its minimum is 1. A first step of 20 goes there.
    let x = Param::new(Tensor::from(10.0));
    let mut lbfgs = Lbfgs::new().lr(20.0);
    while !lbfgs.has_converged() {
        lbfgs.step(&x, |t| x.on(t) - x.on(t).ln())?;
    }
    assert!((x.value().item()? - 1.0).abs() < 1e-4);
    Ok(())
}

#[test]
fn mistakes_are_sentences_and_change_nothing() -> Result<()> {
    let pair = (Param::new(Tensor::from([1.0, 2.0])), Param::new(Tensor::from(3.0)));
    let before = pair.state();
    let mut lbfgs = Lbfgs::new();
    let error = lbfgs.step(&pair, |t| pair.0.on(t).square().sum()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gradient);
    assert_eq!(error.sentence(), "lbfgs: the loss does not depend on 1; freeze it if it is meant");
    assert!(error.location().is_some_and(|at| at.file().ends_with("lbfgs.rs")));
    assert!(lbfgs.step(&pair, |t| pair.0.on(t) + pair.1.on(t)).is_err());
    assert!(lbfgs.step(&pair, |t| (pair.0.on(t) + pair.1.on(t)).reshape([7]).sum()).is_err());
    assert_eq!(before, pair.state());
    for (lbfgs, sentence) in [
        (Lbfgs::new().lr(-1.0), "lbfgs: lr -1 must be finite and not negative"),
        (Lbfgs::new().tolerances(f64::NAN, 0.0), "lbfgs: tolerance of gradients NaN must be finite and not negative"),
        (Lbfgs::new().history(0), "lbfgs: history, iterations and evaluations must be 1 at least"),
    ] {
        let error = lbfgs.minimize(valley, &Tensor::from([0.0, 0.0])).unwrap_err();
        assert_eq!((error.kind(), error.sentence()), (ErrorKind::Value, sentence));
    }
    // Another set of parameters is a fresh start.
    let linear = Linear::new(2, 1, &mut Rng::seed(1))?;
    lbfgs.step(&linear, |t| linear.forward(t.full([1, 2], 1f32)).square().sum())?;
    lbfgs.step(&pair, |t| (pair.0.on(t) * pair.1.on(t)).square().sum())?;
    Ok(())
}

#[test]
fn a_step_after_loading_is_the_step_that_would_have_been() -> Result<()> {
    let [x, y] = [(); 2].map(|()| Param::new(Tensor::from([-1.2, 1.0, 0.5, -0.3])));
    let make = || Lbfgs::new().iterations(3).history(4);
    let mut steady = make();
    for _ in 0..5 {
        // One goes on, the other is made anew before every step.
        let mut other = make();
        other.load_state(&steady.state()?)?;
        let loss = steady.step(&x, |t| valley(x.on(t)))?;
        assert_eq!(other.step(&y, |t| valley(y.on(t)))?, loss);
        assert_eq!((x.value(), other.state()?), (y.value(), steady.state()?));
    }
    let state = steady.state()?;
    let refused = |change: &dyn Fn(&mut wengert_nn::IndexMap<String, Tensor>)| {
        let (mut state, mut other) = (state.clone(), make());
        change(&mut state);
        let error = other.load_state(&state).unwrap_err();
        assert_eq!((error.kind(), other.evaluations()), (ErrorKind::Parameter, 0), "{error}");
    };
    refused(&|state| drop(state.shift_remove("last")));
    refused(&|state| drop(state.insert("first".into(), Tensor::from(0.0))));
    refused(&|state| drop(state.insert("points".into(), Tensor::from([[0.0]]))));
    refused(&|state| drop(state.insert("evaluations".into(), Tensor::from(0.0))));
    Ok(())
}

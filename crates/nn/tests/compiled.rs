//! A compiled training step is the recorded one.

use wengert_nn::loss::{cross_entropy, mse};
use wengert_nn::{Activation, Adam, AdamW, Layer, Mlp, Module, Optimizer, Param, Sgd, Train};
use wengert_tensor::{DType, ErrorKind, Result, Rng, Tensor};

fn net(seed: u64) -> Result<Mlp> {
    // Some parameters are large enough to be written in place, others are not.
    Ok(Mlp::new(&[20, 90, 30, 4], Activation::Tanh, &mut Rng::seed(seed))?.with_output(Activation::Identity))
}

fn batch(n: usize, seed: u64) -> Result<(Tensor, Tensor)> {
    let labels = (0..n as i64).map(|i| (i * 7 + seed as i64) % 4).collect();
    Ok((Tensor::randn([n, 20], DType::F32, &mut Rng::seed(seed))?, Tensor::from_vec(labels, [n])?))
}

/// Trains two equal nets, one recorded and one compiled; `before` is done to both before every step.
fn both(make: impl Fn() -> Box<dyn Optimizer>, before: impl Fn(u64, &Mlp, &mut dyn FnMut(f64))) -> Result<()> {
    let (one, other) = (net(1)?, net(1)?);
    let mut recorded = Train::new(&one, make());
    let mut compiled = Train::new(&other, make()).compile(|[x, y]| cross_entropy(other.forward(x), y));
    for i in 0..30 {
        before(i, &one, &mut |lr| recorded.set_lr(lr));
        before(i, &other, &mut |lr| compiled.set_lr(lr));
        // Now and then a smaller batch.
        let (x, y) = batch(if i % 5 == 4 { 9 } else { 16 }, i)?;
        let loss = recorded.step(|t| cross_entropy(one.forward(t.input(&x)), t.input(&y)))?;
        assert_eq!(compiled.step([&x, &y])?, loss, "step {i}");
        if i % 7 == 0 {
            assert_eq!(one.state(), other.state());
        }
    }
    assert_eq!(one.state(), other.state());
    assert_eq!(compiled.steps(), recorded.steps());
    // And goes on recorded.
    let mut compiled = compiled.into_train();
    let (x, y) = batch(16, 99)?;
    recorded.step(|t| cross_entropy(one.forward(t.input(&x)), t.input(&y)))?;
    compiled.step(|t| cross_entropy(other.forward(t.input(&x)), t.input(&y)))?;
    assert_eq!(one.state(), other.state());
    Ok(())
}

#[test]
fn it_gives_the_bits_of_the_recorded_step() -> Result<()> {
    let optimizers: [fn() -> Box<dyn Optimizer>; 4] = [
        || Box::new(Sgd::new(0.1)),
        || Box::new(Sgd::new(0.1).momentum(0.9).nesterov().weight_decay(1e-3)),
        || Box::new(Adam::new(1e-2)),
        || Box::new(AdamW::new(1e-2).weight_decay(0.1)),
    ];
    for make in optimizers {
        both(make, |_, _, _| {})?;
    }
    Ok(())
}

#[test]
fn rates_freezing_and_values_may_change_between_steps() -> Result<()> {
    let make = || -> Box<dyn Optimizer> { Box::new(Adam::new(1e-2)) };
    both(make, |i, _, set_lr| set_lr(1e-2 / (1.0 + i as f64)))?;
    both(make, |i, net, _| match i {
        3 => net.layers[0].freeze(),
        // A frozen parameter that somebody sets is used as it is then.
        5 => net.layers[0].weight.set(Tensor::full([20, 90], 0.01f32).unwrap()).unwrap(),
        8 => net.layers[0].unfreeze(),
        11 => net.layers[1].weight.set(Tensor::full([90, 30], 0.02f32).unwrap()).unwrap(),
        _ => {}
    })
}

#[test]
fn values_that_somebody_holds_do_not_change() -> Result<()> {
    let net = net(3)?;
    let (x, y) = batch(16, 0)?;
    let mut train = Train::new(&net, Adam::new(1e-2)).compile(|[x, y]| cross_entropy(net.forward(x), y));
    let mut seen = Vec::new();
    for _ in 0..4 {
        let state = net.state();
        let copies: Vec<Vec<f32>> = state.values().map(|x| x.to_vec()).collect::<Result<_>>()?;
        seen.push((state, copies));
        train.step([&x, &y])?;
    }
    for (state, copies) in &seen {
        for (value, copy) in state.values().zip(copies) {
            assert!(&value.to_vec::<f32>()? == copy);
        }
    }
    assert!(seen[0].1 != seen[1].1);
    Ok(())
}

#[test]
fn tied_weights_train_once_by_their_total_gradient() -> Result<()> {
    let w = Param::new(Tensor::from(2.0));
    let model = (w.clone(), w.clone());
    let mut train = Train::new(&model, Sgd::new(1.0))
        .compile(|[x]| (3.0 * model.0.on(x.tape()) * x).sum() + (4.0 * model.1.on(x.tape())).sum());
    train.step([&Tensor::from(1.0)])?;
    assert_eq!(w.value().item()?, 2.0 - 7.0);
    Ok(())
}

#[test]
fn two_trainings_may_share_parameters() -> Result<()> {
    let w = Param::new(Tensor::full([2000], 1.0)?);
    let mut up = Train::new(&w, Sgd::new(1.0)).compile(|[x]| (-1.0 * w.on(x.tape()) * x).sum());
    let mut down = Train::new(&w, Sgd::new(0.5)).compile(|[x]| (w.on(x.tape()) * x).sum());
    let one = Tensor::full([2000], 1.0)?;
    for i in 0..4 {
        up.step([&one])?;
        down.step([&one])?;
        assert_eq!(w.value(), Tensor::full([2000], 1.5 + 0.5 * i as f64)?);
    }
    drop(up);
    down.step([&one])?;
    drop(down);
    assert_eq!(w.value(), Tensor::full([2000], 2.5)?);
    Ok(())
}

#[test]
fn a_step_that_fails_changes_nothing() -> Result<()> {
    let net = net(5)?;
    let (x, y) = batch(16, 0)?;
    let mut train = Train::new(&net, Adam::new(1e-2)).compile(|[x, y]| cross_entropy(net.forward(x), y));
    let err = train.step([&y, &x]).unwrap_err();
    assert_eq!(err.location().map(|at| at.file()), Some(file!()), "{err}");
    train.step([&x, &y])?;
    let before = net.state();
    // A class that there is not, found in the middle of a run.
    let wrong = Tensor::full([16], 4i64)?;
    assert!(train.step([&x, &wrong]).is_err());
    assert_eq!((net.state(), train.steps()), (before, 1));
    // The steps after it are those that would have been.
    let other = self::net(5)?;
    let mut undisturbed = Train::new(&other, Adam::new(1e-2)).compile(|[x, y]| cross_entropy(other.forward(x), y));
    undisturbed.step([&x, &y])?;
    assert_eq!(train.step([&x, &y])?, undisturbed.step([&x, &y])?);
    assert_eq!(net.state(), other.state());
    Ok(())
}

#[test]
fn what_cannot_be_trained_is_refused() -> Result<()> {
    let net = (net(1)?, Param::new(Tensor::from([1f32])));
    let (x, y) = batch(16, 0)?;
    let mut train = Train::new(&net, Sgd::new(0.1)).compile(|[x, y]| cross_entropy(net.0.forward(x), y));
    let err = train.step([&x, &y]).unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Gradient);
    assert!(err.sentence().starts_with("train: no gradient reaches 1:"), "{err}");
    net.1.freeze();
    train.step([&x, &y])?;
    train.set_lr(-1.0);
    assert_eq!(train.step([&x, &y]).unwrap_err().sentence(), "sgd: lr -1 must be finite and not negative");
    train.set_lr(0.1);
    // Converted in training: the loss's other operands do not fit any more.
    net.0.to(DType::F64)?;
    assert_eq!(train.step([&x, &y]).unwrap_err().kind(), ErrorKind::DType);
    net.0.to(DType::F32)?;
    train.step([&x, &y])?;
    Ok(())
}

#[test]
fn anomalies_are_found_by_the_switch() -> Result<()> {
    let w = Param::new(Tensor::from([1.0, 0.0]));
    let mut train = Train::new(&w, Sgd::new(0.0)).compile(|[x]| (w.on(x.tape()).ln() * x).sum());
    let x = Tensor::from([1.0, 1.0]);
    assert_eq!(train.step([&x])?, f64::NEG_INFINITY);
    w.set(Tensor::from([1.0, 0.0]))?;
    train.debug(true);
    let err = train.step([&x]).unwrap_err();
    assert!(err.to_string().starts_with("ln: made the first infinity"), "{err}");
    Ok(())
}

#[test]
fn parameters_may_be_read_while_others_train() -> Result<()> {
    let net = net(7)?;
    let (x, y) = batch(16, 0)?;
    let shape = net.layers[0].weight.value().shape().clone();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| (0..200).all(|_| *net.layers[0].weight.value().shape() == shape));
        let mut train = Train::new(&net, Adam::new(1e-2)).compile(|[x, y]| cross_entropy(net.forward(x), y));
        for _ in 0..50 {
            train.step([&x, &y])?;
        }
        assert!(reader.join().is_ok_and(|all| all));
        Ok(())
    })
}

#[test]
fn its_plan_can_be_read() -> Result<()> {
    let x = Tensor::from([[0.5f32; 2]; 3]);
    let mlp = Mlp::new(&[2, 4, 1], Activation::Sigmoid, &mut Rng::seed(1))?;
    let mut train = Train::new(&mlp, Sgd::new(1.0)).compile(|[x]| mse(mlp.forward(x), x.narrow(1, 0, 1)));
    train.step([&x])?;
    let plan = train.plan();
    assert!(plan.starts_with("2 arguments, 4 states, ") && plan.contains("matmul"), "{plan}");
    Ok(())
}

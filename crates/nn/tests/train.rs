//! Training: what is learned, what is refused, and that nothing is lost in silence.

use wengert_autograd::{Tape, Var};
use wengert_nn::loss::mse;
use wengert_nn::{Activation, Adam, Init, Layer, Linear, Mlp, Module, Param, Sequential, Sgd, Train};
use wengert_tensor::{DType, Error, ErrorKind, Result, Rng, Tensor};

fn xor() -> (Tensor, Tensor) {
    let x = Tensor::from([[0f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
    (x, Tensor::from([[0f32], [1.0], [1.0], [0.0]]))
}

#[test]
fn xor_is_learned() -> Result<()> {
    let (x, y) = xor();
    for seed in 0..5 {
        let init = Init::XavierUniform { gain: 0.7 };
        let mlp = Mlp::new_with(&[2, 8, 1], Activation::Tanh, init, &mut Rng::seed(seed))?;
        let mlp = mlp.with_output(Activation::Sigmoid);
        let mut train = Train::new(&mlp, Adam::new(0.05));
        for _ in 0..300 {
            train.step(|t| mse(mlp.forward(t.input(&x)), t.input(&y)))?;
        }
        let prediction = mlp.predict(&x)?;
        assert!(prediction.allclose(&y, 0.0, 0.1)?, "seed {seed}: {prediction}");
    }
    Ok(())
}

#[test]
fn every_activation_trains() -> Result<()> {
    let (x, y) = xor();
    for activation in Activation::ALL {
        for dtype in [DType::F32, DType::F64] {
            let mlp = Mlp::new(&[2, 5, 1], *activation, &mut Rng::seed(2))?.with_output(Activation::Identity);
            mlp.to(dtype)?;
            let (x, y) = (x.cast(dtype)?, y.cast(dtype)?);
            let mut train = Train::new(&mlp, Sgd::new(0.05).momentum(0.9));
            let losses = (0..40).map(|_| train.step(|t| mse(mlp.forward(t.input(&x)), t.input(&y))));
            let losses = losses.collect::<Result<Vec<f64>>>()?;
            assert!(losses[39] < losses[0], "{activation} in {dtype}: {losses:?}");
        }
    }
    Ok(())
}

#[test]
fn a_step_returns_the_loss_from_before_and_descends() -> Result<()> {
    let x = Param::new(Tensor::from([3.0, -1.0]));
    let mut train = Train::new(&x, Sgd::new(0.25));
    assert_eq!(train.step(|t| (x.on(t) * x.on(t)).sum())?, 10.0);
    assert_eq!(x.value(), Tensor::from([1.5, -0.5]));
    assert_eq!(train.steps(), 1);
    Ok(())
}

#[test]
fn steps_repeat_bit_for_bit() -> Result<()> {
    let (x, y) = xor();
    let run = |debug| -> Result<_> {
        let mlp = Mlp::new(&[2, 4, 1], Activation::Sigmoid, &mut Rng::seed(1))?;
        let mut train = Train::new(&mlp, Adam::new(0.1));
        train.debug(debug);
        for _ in 0..20 {
            train.step(|t| mse(mlp.forward(t.input(&x)), t.input(&y)))?;
        }
        Ok(mlp.state())
    };
    assert_eq!(run(false)?, run(false)?);
    assert_eq!(run(false)?, run(true)?);
    Ok(())
}

#[test]
fn tied_weights_train_once_by_their_total_gradient() -> Result<()> {
    let w = Param::new(Tensor::from(2.0));
    let model = (w.clone(), w.clone());
    let mut train = Train::new(&model, Sgd::new(1.0));
    train.step(|t| (3.0 * model.0.on(t)).sum() + (4.0 * model.1.on(t)).sum())?;
    assert_eq!(w.value().item()?, 2.0 - 7.0);
    Ok(())
}

fn two_layers() -> Result<(Linear, Linear)> {
    let mut rng = Rng::seed(0);
    Ok((Linear::new(2, 2, &mut rng)?, Linear::new(2, 2, &mut rng)?))
}

#[test]
fn a_parameter_without_a_gradient_is_named_unless_frozen() -> Result<()> {
    let model = two_layers()?;
    let before = model.state();
    let mut train = Train::new(&model, Sgd::new(1.0));
    let (x, _) = xor();
    let err = train.step(|t| model.0.forward(t.input(&x)).sum()).unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Gradient);
    let sentence = "train: no gradient reaches 1.weight, 1.bias: the loss does not depend on it";
    assert!(err.sentence().starts_with(sentence), "{err}");
    assert_eq!(err.location().map(|at| at.file()), Some(file!()));

    // On the tape, but behind what has no derivative.
    let err = train
        .step(|t| {
            let hidden = model.0.forward(t.input(&x));
            hidden.sum() + model.1.forward(hidden).detach().sum()
        })
        .unwrap_err();
    let sentence = "train: no gradient reaches 1.weight, 1.bias: the loss depends on it only through detach at ";
    assert!(err.sentence().starts_with(sentence) && err.sentence().contains("train.rs:"), "{err}");
    assert_eq!((model.state(), train.steps()), (before.clone(), 0));

    train.allow_unreached(true);
    train.step(|t| model.0.forward(t.input(&x)).sum())?;
    assert_eq!(model.1.state()["weight"], before["1.weight"]);
    assert_ne!(model.0.state()["weight"], before["0.weight"]);
    train.allow_unreached(false);
    assert!(train.step(|t| model.0.forward(t.input(&x)).sum()).is_err());

    let before = model.state();
    model.1.freeze();
    train.step(|t| model.0.forward(t.input(&x)).sum())?;
    assert_eq!(model.1.state()["weight"], before["1.weight"]);
    assert_ne!(model.0.state()["weight"], before["0.weight"]);
    Ok(())
}

#[test]
fn frozen_parameters_are_used_and_kept() -> Result<()> {
    let (x, y) = xor();
    let mlp = Mlp::new(&[2, 4, 1], Activation::Sigmoid, &mut Rng::seed(1))?;
    mlp.layers[0].freeze();
    let before = mlp.state();
    let mut train = Train::new(&mlp, Adam::new(0.1));
    train.step(|t| mse(mlp.forward(t.input(&x)), t.input(&y)))?;
    let changed = |name: &str| mlp.state()[name] != before[name];
    assert!(!changed("layers.0.weight") && !changed("layers.0.bias"));
    assert!(changed("layers.1.weight") && changed("layers.1.bias"));

    mlp.unfreeze();
    train.step(|t| mse(mlp.forward(t.input(&x)), t.input(&y)))?;
    assert!(mlp.state()["layers.0.weight"] != before["layers.0.weight"]);
    Ok(())
}

#[test]
fn a_late_parameter_gets_the_first_steps_of_its_own() -> Result<()> {
    let alone = Param::new(Tensor::from(1.0));
    let late = Param::new(Tensor::from(1.0));
    late.freeze();
    let model = (alone.clone(), late.clone());
    let mut train = Train::new(&model, Adam::new(0.1));
    train.step(|t| (alone.on(t) * alone.on(t)).sum())?;
    let first = alone.value();
    alone.freeze();
    late.unfreeze();
    train.step(|t| (late.on(t) * late.on(t)).sum())?;
    assert_eq!(late.value(), first);
    Ok(())
}

#[test]
fn a_step_that_fails_changes_nothing() -> Result<()> {
    let model = two_layers()?;
    let before = model.state();
    let mut train = Train::new(&model, Adam::new(0.1));
    type Case<'a> = (fn(Var<'_>) -> Var<'_>, &'a str);
    let wrong: [Case; 4] = [
        (|y| y, "train: the loss is a single float, not f32[4, 2]; take its sum or mean"),
        (|y| y.matmul(y).sum(), "matmul: [4, 2] x [4, 2]: inner dimensions 2 and 4 differ"),
        (|y| y.tape().full((), 1i64), "train: the loss is a single float, not i64[]; take its sum or mean"),
        (|y| mse(y, y.sum()), "mse: prediction [4, 2] and target [] differ"),
    ];
    let (x, _) = xor();
    for (loss, sentence) in wrong {
        let err = train.step(|t| loss(model.1.forward(model.0.forward(t.input(&x))))).unwrap_err();
        assert_eq!(err.sentence(), sentence);
        assert_eq!(err.location().map(|at| at.file()), Some(file!()), "{err}");
    }
    assert_eq!((model.state(), train.steps()), (before, 0));
    Ok(())
}

#[test]
fn a_loss_of_nothing_is_returned_and_found_by_the_switch() -> Result<()> {
    let x = Param::new(Tensor::from([1.0, 0.0]));
    let mut train = Train::new(&x, Sgd::new(0.0));
    assert_eq!(train.step(|t| x.on(t).ln().sum())?, f64::NEG_INFINITY);
    x.set(Tensor::from([1.0, 0.0]))?;
    train.debug(true);
    let err = train.step(|t| x.on(t).ln().sum()).unwrap_err();
    assert_eq!(err.kind(), ErrorKind::NonFinite);
    assert!(err.to_string().starts_with("ln: made the first infinity"), "{err}");
    assert_eq!(err.location().map(|at| at.file()), Some(file!()));
    assert_eq!(x.value(), Tensor::from([1.0, 0.0]));
    Ok(())
}

#[test]
fn a_model_converted_in_training_is_refused() -> Result<()> {
    let x = Param::new(Tensor::from([1.0, 2.0]));
    let mut train = Train::new(&x, Adam::new(0.1));
    train.step(|t| (x.on(t) * x.on(t)).sum())?;
    x.to(DType::F32)?;
    let err = train.step(|t| (x.on(t) * x.on(t)).sum()).unwrap_err();
    assert_eq!(err.sentence(), "train: param is f32[2] now and was f64 in the steps before");
    Ok(())
}

#[test]
fn an_integer_parameter_is_refused_unless_frozen() -> Result<()> {
    let model = (Param::new(Tensor::from([1.0])), Param::new(Tensor::from([1])));
    let mut train = Train::new(&model, Sgd::new(0.1));
    let err = train.step(|t| model.0.on(t).sum()).unwrap_err();
    assert!(err.sentence().starts_with("train: no gradient reaches 1:"), "{err}");
    model.1.freeze();
    train.step(|t| model.0.on(t).sum())?;
    Ok(())
}

#[test]
fn a_loss_on_another_tape_is_refused() -> Result<()> {
    let elsewhere: &'static Tape = Box::leak(Box::new(Tape::new()));
    let x = Param::new(Tensor::from([1.0]));
    let err = Train::new(&x, Sgd::new(0.1)).step(|_| x.on(elsewhere).sum()).unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Tape);
    Ok(())
}

#[test]
fn the_tape_of_a_step_can_be_drawn() -> Result<()> {
    let (x, y) = xor();
    let mlp = Mlp::new(&[2, 4, 1], Activation::Sigmoid, &mut Rng::seed(1))?;
    let train = Train::new(&mlp, Sgd::new(1.0));
    let dot = train.dot(|t| mse(mlp.forward(t.input(&x)), t.input(&y)))?;
    assert!(dot.starts_with("digraph") && dot.matches("sub").count() > 4, "{dot}");
    assert!(train.dot(|t| t.error(Error::value("mine"))).is_err_and(|e| e.sentence() == "mine"));
    Ok(())
}

#[test]
fn a_model_without_trainable_parameters_stands_still() -> Result<()> {
    let net = Sequential::new().then(Activation::Tanh);
    let mut train = Train::new(&net, Adam::new(0.1));
    let x = Tensor::from([0.0]);
    assert_eq!(train.step(|t| net.forward(t.input(&x)).sum())?, 0.0);
    Ok(())
}

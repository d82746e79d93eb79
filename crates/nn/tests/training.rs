//! What a step does besides a plain update: groups, clipping, accumulation, running means, buffers and random numbers; and
//! that a compiled step does the same to the bit.

use wengert_autograd::Var;
use wengert_nn::loss::mse;
use wengert_nn::{Activation, Adam, AdamW, Buffer, Layer, Linear, Mlp, Module, Param, Sgd, Train, Visitor};
use wengert_tensor::{DType, Result, Rng, Tensor};

/// A linear layer that drops inputs in training and counts the batches.
struct Noisy {
    linear: Linear,
    batches: Buffer,
}

impl Noisy {
    fn new() -> Result<Self> {
        Ok(Self { linear: Linear::new(3, 2, &mut Rng::seed(3))?, batches: Buffer::new(Tensor::from(0f32)) })
    }
}

impl Module for Noisy {
    fn visit(&self, visitor: &mut Visitor) {
        visitor.child("linear", &self.linear);
        visitor.child("batches", &self.batches);
    }
}

impl Layer for Noisy {
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        let Some(key) = x.tape().next_key() else { return self.linear.forward(x) };
        self.batches.update(self.batches.on(x.tape()) + 1.0);
        let kept = key.uniform(x.shape(), x.dtype()).greater_equal(0.5);
        let kept = kept.where_(x, x.full_like(0.0));
        let shift = x.tape().next_key().map_or(x, |key| key.normal(x.shape(), x.dtype()));
        self.linear.forward(kept + 0.01 * shift)
    }
}

fn batch(i: u64) -> Result<(Tensor, Tensor)> {
    let rng = &mut Rng::seed(i);
    Ok((Tensor::randn([5, 3], DType::F32, rng)?, Tensor::randn([5, 2], DType::F32, rng)?))
}

#[test]
fn compiled_steps_do_the_same_with_everything_switched_on() -> Result<()> {
    let (one, other) = (Noisy::new()?, Noisy::new()?);
    let train = |model: &Noisy| {
        Train::new(model, AdamW::new(0.05).weight_decay(0.1))
            .group(Sgd::new(0.2).momentum(0.5), |name| name.ends_with("bias"))
            .clip_norm(0.3)
            .accumulate(3)
            .average(0.8)
            .seed(5)
    };
    let mut recorded = train(&one);
    let mut compiled = train(&other).compile(|[x, y]| mse(other.forward(x), y));
    for i in 0..20 {
        let (x, y) = batch(i)?;
        let loss = recorded.step(|t| mse(one.forward(t.input(&x)), t.input(&y)))?;
        assert_eq!(compiled.step([&x, &y])?.to_bits(), loss.to_bits(), "step {i}");
        assert_eq!(one.state(), other.state(), "step {i}");
        compiled.set_lr(0.05 / (i + 1) as f64);
        recorded.set_lr(0.05 / (i + 1) as f64);
    }
    assert_eq!(recorded.averages()?, compiled.into_train().averages()?);
    assert_eq!(recorded.steps(), 20 / 3);
    assert_eq!(one.batches.value().item()?, 20.0);
    Ok(())
}

#[test]
fn steps_draw_numbers_of_their_own_and_a_seed_repeats_them() -> Result<()> {
    let losses = |seed| -> Result<Vec<f64>> {
        let model = Noisy::new()?;
        let mut train = Train::new(&model, Sgd::new(0.0)).seed(seed);
        let (x, y) = batch(0)?;
        (0..4).map(|_| train.step(|t| mse(model.forward(t.input(&x)), t.input(&y)))).collect()
    };
    let a = losses(1)?;
    assert_eq!(a, losses(1)?);
    assert_ne!(a, losses(2)?);
    assert!(a.windows(2).all(|pair| pair[0] != pair[1]), "{a:?}");
    Ok(())
}

#[test]
fn accumulated_steps_are_one_step_on_all_their_batches() -> Result<()> {
    let x = Tensor::randn([12, 3], DType::F64, &mut Rng::seed(1))?;
    let y = Tensor::randn([12, 2], DType::F64, &mut Rng::seed(2))?;
    let net = || -> Result<Mlp> {
        let net = Mlp::new(&[3, 5, 2], Activation::Tanh, &mut Rng::seed(3))?;
        net.to(DType::F64)?;
        Ok(net)
    };
    let (one, other) = (net()?, net()?);
    let mut whole = Train::new(&one, Adam::new(0.1)).clip_norm(0.2);
    let mut parts = Train::new(&other, Adam::new(0.1)).clip_norm(0.2).accumulate(4);
    for _ in 0..5 {
        whole.step(|t| mse(one.forward(t.input(&x)), t.input(&y)))?;
        for k in 0..4 {
            let (x, y) = (x.narrow(0, 3 * k, 3)?, y.narrow(0, 3 * k, 3)?);
            parts.step(|t| mse(other.forward(t.input(&x)), t.input(&y)))?;
        }
    }
    for (name, a) in one.state() {
        assert!(a.allclose(&other.state()[&name], 1e-12, 1e-12)?, "{name}");
    }
    Ok(())
}

#[test]
fn clipped_steps_have_the_length_allowed_and_averages_are_weighted_means() -> Result<()> {
    let w = Param::new(Tensor::from([3.0, 4.0]));
    let mut train = Train::new(&w, Sgd::new(1.0)).clip_norm(0.5).average(0.5);
    let mut seen = Vec::new();
    for _ in 0..3 {
        train.step(|t| (10.0 * w.on(t).square()).sum())?;
        seen.push(w.value());
    }
    assert!(seen[0].allclose(&Tensor::from([3.0 - 0.3, 4.0 - 0.4]), 0.0, 1e-12)?);
    let mean = (0..2).map(|i| {
        let x: Vec<f64> = seen.iter().map(|w| w.to_vec::<f64>().unwrap()[i]).collect();
        (0.125 * x[0] + 0.25 * x[1] + 0.5 * x[2]) / 0.875
    });
    assert!(train.averages()?["param"].allclose(&Tensor::from(mean.collect::<Vec<_>>()), 0.0, 1e-12)?);

    let v = Param::new(Tensor::from([3.0, 4.0]));
    Train::new(&v, Sgd::new(1.0)).clip_value(0.25).step(|t| (10.0 * v.on(t).square()).sum())?;
    assert_eq!(v.value(), Tensor::from([2.75, 3.75]));
    Ok(())
}

#[test]
fn groups_have_optimisers_of_their_own_and_keep_their_ratio() -> Result<()> {
    let pair = [Param::new(Tensor::from(1.0)), Param::new(Tensor::from(1.0))];
    let mut train = Train::new(&pair, Sgd::new(0.5)).group(Sgd::new(0.125), |name| name == "1");
    let loss = |train: &mut Train| train.step(|t| pair[0].on(t) + pair[1].on(t));
    loss(&mut train)?;
    train.set_lr(0.25);
    loss(&mut train)?;
    assert_eq!(pair[0].value().item()?, 1.0 - 0.5 - 0.25);
    assert_eq!(pair[1].value().item()?, 1.0 - 0.125 - 0.0625);
    Ok(())
}

#[test]
fn options_out_of_range_are_refused() -> Result<()> {
    let w = Param::new(Tensor::from(1.0));
    let sentence = |mut train: Train| {
        let error = train.step(|t| w.on(t).square()).unwrap_err();
        error.sentence().to_string()
    };
    let train = || Train::new(&w, Sgd::new(1.0));
    assert_eq!(sentence(train().accumulate(0)), "train: gradients of 0 steps cannot be accumulated");
    assert_eq!(sentence(train().clip_norm(-1.0)), "train: gradients cannot be clipped at -1");
    assert_eq!(sentence(train().clip_value(f64::NAN)), "train: gradients cannot be clipped at NaN");
    assert_eq!(sentence(train().average(1.0)), "train: the decay 1 of a running mean is not from 0 to 1, without 1");
    assert_eq!(w.value().item()?, 1.0);

    let buffer = Buffer::new(Tensor::from(0.0));
    let error = Train::new(&(w.clone(), buffer.clone()), Sgd::new(1.0))
        .step(|t| {
            buffer.update(t.full([2], 1.0));
            w.on(t).square()
        })
        .unwrap_err();
    assert_eq!(error.sentence(), "train: the buffer 1 of f64[] cannot become f64[2]");
    let error = Train::new(&(w.clone(), buffer.clone()), Sgd::new(1.0))
        .step(|t| {
            buffer.update(t.full([2], 1.0).reshape([3]));
            w.on(t).square()
        })
        .unwrap_err();
    assert_eq!(error.sentence(), "reshape: [2] has 2 elements and [3] has 3");
    assert_eq!(w.value().item()?, 1.0);
    assert_eq!(buffer.value().item()?, 0.0);
    Ok(())
}

#[test]
fn training_goes_on_from_its_state_to_the_same_bits() -> Result<()> {
    let train = |model: &Noisy| Train::new(model, Adam::new(0.05)).clip_norm(0.3).accumulate(3).average(0.8).seed(5);
    let run = |model: &Noisy, train: &mut Train, steps: std::ops::Range<u64>| -> Result<()> {
        for i in steps {
            let (x, y) = batch(i)?;
            train.step(|t| mse(model.forward(t.input(&x)), t.input(&y)))?;
        }
        Ok(())
    };
    let whole = Noisy::new()?;
    let mut uninterrupted = train(&whole);
    run(&whole, &mut uninterrupted, 0..20)?;
    for stop in [0, 1, 7, 19] {
        let first = Noisy::new()?;
        let mut before = train(&first);
        run(&first, &mut before, 0..stop)?;

        let second = Noisy::new()?;
        let mut after = train(&second).seed(77);
        second.load(&first.state())?;
        after.load_state(&before.state()?)?;
        run(&second, &mut after, stop..20)?;
        assert_eq!(second.state(), whole.state(), "stopped after {stop}");
        assert_eq!(after.state()?, uninterrupted.state()?);

        let third = Noisy::new()?;
        let mut compiled = train(&third).compile(|[x, y]| mse(third.forward(x), y));
        let (x, y) = batch(50)?;
        compiled.step([&x, &y])?;
        third.load(&first.state())?;
        compiled.load_state(&before.state()?)?;
        for i in stop..20 {
            let (x, y) = batch(i)?;
            compiled.step([&x, &y])?;
        }
        assert_eq!(third.state(), whole.state(), "compiled, stopped after {stop}");
    }
    Ok(())
}

#[test]
fn a_state_of_other_training_is_refused_and_changes_nothing() -> Result<()> {
    let [w, v] = [Param::new(Tensor::from(1.0)), Param::new(Tensor::from([1.0, 2.0]))];
    let mut adam = Train::new(&w, Adam::new(0.1));
    adam.step(|t| w.on(t).square())?;
    let own = adam.state()?;
    let mut refused = |change: &dyn Fn(&mut wengert_nn::IndexMap<String, Tensor>)| {
        let mut state = own.clone();
        change(&mut state);
        let error = adam.load_state(&state).unwrap_err();
        assert_eq!(adam.state().unwrap(), own);
        error.sentence().to_string()
    };
    let without =
        |name: &'static str| move |state: &mut wengert_nn::IndexMap<String, Tensor>| drop(state.shift_remove(name));
    assert_eq!(refused(&without("steps")), "load_state: there is no steps");
    assert_eq!(refused(&without("param/1")), "load_state: there is no param/1");
    assert_eq!(
        refused(&|state| drop(state.insert("param/2".into(), Tensor::from(1.0)))),
        "load_state: there is no place for param/2"
    );
    assert_eq!(
        refused(&|state| drop(state.insert("param/1".into(), Tensor::from([1.0])))),
        "load_state: param/1 is f64[1], not f64[]"
    );
    assert_eq!(
        refused(&|state| drop(state.insert("runs".into(), Tensor::from(1.0)))),
        "load_state: runs is no single i64"
    );
    assert!(Train::new(&v, Adam::new(0.1)).load_state(&own).is_err());
    assert!(Train::new(&w, Sgd::new(0.1)).load_state(&own).is_err());
    Ok(())
}

//! Optimisers against PyTorch 2's in f64, step by step, and what they refuse.

use wengert_autograd::Var;
use wengert_nn::{Adam, AdamW, Optimizer, Param, Sgd, Train, Update};
use wengert_tensor::{DType, ErrorKind, Result, Tensor};

/// sum of e^x sin 3x + x^3: different slopes everywhere.
fn wavy(x: Var<'_>) -> Var<'_> {
    (x.exp() * (3.0 * x).sin() + x * x * x).sum()
}

fn after(steps: usize, optimizer: impl Optimizer + 'static) -> Result<Vec<f64>> {
    let x = Param::new(Tensor::from([1.5, -0.75, 0.25]));
    let mut train = Train::new(&x, optimizer);
    for _ in 0..steps {
        train.step(|t| wavy(x.on(t)))?;
    }
    x.value().to_vec()
}

#[test]
fn four_steps_end_where_pytorch_ends() -> Result<()> {
    #[rustfmt::skip]
    let traces: [(&str, Box<dyn Optimizer>, [f64; 3]); 8] = [
        ("plain", Box::new(Sgd::new(0.05)),
            [1.5000739453323986, -0.8646676371131554, -0.30065815126531853]),
        ("decay", Box::new(Sgd::new(0.05).weight_decay(0.1)),
            [1.500682256973333, -0.8432956939337235, -0.29969875700931076]),
        ("momentum", Box::new(Sgd::new(0.05).momentum(0.9)),
            [1.5043767830845427, -1.0135287758656297, -0.9867056959026683]),
        ("nesterov", Box::new(Sgd::new(0.05).momentum(0.9).nesterov().weight_decay(0.01)),
            [1.0831678288065236, -1.2256663303202462, -1.00760815647539]),
        ("adam", Box::new(Adam::new(0.05)),
            [1.483437885971186, -0.9480771204459671, 0.05034770696549804]),
        ("adam, every setting", Box::new(Adam::new(0.05).betas(0.8, 0.95).eps(1e-3).weight_decay(0.1)),
            [1.4790913350795125, -0.9493834028285356, 0.050624343750512404]),
        ("adamw", Box::new(AdamW::new(0.05)),
            [1.4832190528152154, -0.9464728567529641, 0.049999509645861626]),
        ("adamw, every setting", Box::new(AdamW::new(0.05).betas(0.7, 0.9).eps(1e-4).weight_decay(0.3)),
            [1.5011535412334267, -0.9046386503237747, 0.040663124483086004]),
    ];
    for (name, optimizer, expected) in traces {
        for (x, expected) in after(4, optimizer)?.into_iter().zip(expected) {
            assert!((x - expected).abs() < 1e-12, "{name}: {x}, not {expected}");
        }
    }
    Ok(())
}

#[test]
fn a_rate_that_changes_takes_effect_at_the_next_step() -> Result<()> {
    let x = Param::new(Tensor::from(1.0));
    let mut train = Train::new(&x, Sgd::new(0.5));
    train.step(|t| x.on(t).sum())?;
    train.set_lr(0.125);
    train.step(|t| x.on(t).sum())?;
    assert_eq!((x.value().item()?, train.lr(), train.steps()), (0.375, 0.125, 2));
    Ok(())
}

#[test]
fn settings_out_of_range_are_refused_with_their_value() {
    #[rustfmt::skip]
    let wrong: [(Box<dyn Optimizer>, &str); 9] = [
        (Box::new(Sgd::new(-1.0)), "sgd: lr -1 must be finite and not negative"),
        (Box::new(Sgd::new(f64::NAN)), "sgd: lr NaN must be finite and not negative"),
        (Box::new(Sgd::new(1.0).momentum(f64::INFINITY)), "sgd: momentum inf must be finite and not negative"),
        (Box::new(Sgd::new(1.0).weight_decay(-0.5)), "sgd: weight_decay -0.5 must be finite and not negative"),
        (Box::new(Sgd::new(1.0).nesterov()), "sgd: nesterov needs a momentum above 0"),
        (Box::new(Adam::new(1.0).betas(1.0, 0.9)), "adam: beta 1 1 must be at least 0 and less than 1"),
        (Box::new(Adam::new(1.0).betas(0.0, -0.1)), "adam: beta 2 -0.1 must be at least 0 and less than 1"),
        (Box::new(AdamW::new(1.0).eps(-1.0)), "adamw: eps -1 must be finite and not negative"),
        (Box::new(AdamW::new(f64::INFINITY)), "adamw: lr inf must be finite and not negative"),
    ];
    for (optimizer, sentence) in wrong {
        let err = after(1, optimizer).unwrap_err();
        assert_eq!((err.kind(), err.sentence()), (ErrorKind::Value, sentence));
    }
}

#[test]
fn f32_steps_like_f64() -> Result<()> {
    let x = Param::new(Tensor::from([1.5f32, -0.75, 0.25]));
    let mut train = Train::new(&x, AdamW::new(0.05));
    for _ in 0..4 {
        train.step(|t| wavy(x.on(t)))?;
    }
    let expected = Tensor::from(after(4, AdamW::new(0.05))?);
    assert!(x.value().cast(DType::F64)?.allclose(&expected, 0.0, 1e-6)?);
    Ok(())
}

/// An optimiser that makes what it should not.
struct Wrong(fn(Var<'_>) -> Update<'_>);

impl Optimizer for Wrong {
    fn lr(&self) -> f64 {
        0.0
    }

    fn set_lr(&mut self, _: f64) {}

    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn numbers(&self, _: u64, _: &mut Vec<f64>) {}

    fn update<'t>(&self, x: Var<'t>, _: Var<'t>, _: &[Var<'t>], _: &[Var<'t>]) -> Update<'t> {
        (self.0)(x)
    }
}

#[test]
fn an_optimiser_that_changes_types_is_refused() {
    let sentence = |make| after(1, Wrong(make)).unwrap_err().sentence().to_string();
    assert_eq!(
        sentence(|x| Update { x: x.sum(), state: vec![] }),
        "train: the optimiser makes f64[] of param of f64[3]"
    );
    assert_eq!(sentence(|x| Update { x, state: vec![x] }), "train: the optimiser makes 1 states of param, not 0");
    assert!(sentence(|x| Update { x: x.reshape([7]), state: vec![] }).starts_with("reshape: "));
}

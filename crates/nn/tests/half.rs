//! Mixed precision: layers that compute in half precision, with parameters, losses and optimisers in f32.

use indexmap::IndexMap;
use wengert_autograd::{Tape, Var};
use wengert_nn::loss::cross_entropy;
use wengert_nn::{
    Activation, Adam, BatchNorm, Buffer, Conv2d, GroupNorm, Gru, InstanceNorm, Layer, LayerNorm, Linear, LossScale,
    Lstm, Mlp, Module, MultiHeadAttention, Param, RmsNorm, Sgd, Train, TransformerEncoder, TransformerOptions,
};
use wengert_tensor::{DType, Result, Rng, Tensor};

const HALVES: [DType; 2] = [DType::BF16, DType::F16];

/// Points in two rings, and which they are in.
fn rings() -> Result<(Tensor, Tensor)> {
    let mut rng = Rng::seed(1);
    let x = Tensor::randn([128, 2], DType::F32, &mut rng)?;
    let inside = x.square()?.sum_axes(1)?.less(&Tensor::from(1.4f32))?;
    Ok((x, inside.cast(DType::I64)?))
}

fn network() -> Result<Mlp> {
    Mlp::new(&[2, 32, 32, 2], Activation::Tanh, &mut Rng::seed(2))
}

/// The loss after training that computes in `dtype`, and the scale then.
fn trained(dtype: DType, scale: Option<LossScale>, steps: usize) -> Result<(f64, Option<LossScale>)> {
    let (x, y) = rings()?;
    let mlp = network()?;
    let train = Train::new(&mlp, Adam::new(0.01));
    let train = match scale {
        Some(scale) => train.loss_scale(scale),
        None => train,
    };
    let mut train = train.compile(|[x, y]| cross_entropy(mlp.forward(x.cast(dtype)).cast(DType::F32), y));
    for _ in 0..steps {
        train.step([&x, &y])?;
    }
    assert!(mlp.params().values().all(|param| param.ty().dtype == DType::F32));
    Ok((train.step([&x, &y])?, train.scale().copied()))
}

#[test]
fn training_in_half_precision_reaches_nearly_the_loss_of_f32() -> Result<()> {
    let (full, _) = trained(DType::F32, None, 150)?;
    let (bf16, _) = trained(DType::BF16, None, 150)?;
    let (f16, scale) = trained(DType::F16, Some(LossScale::dynamic().interval(50)), 150)?;
    assert!(full < 0.3, "{full}");
    assert!((bf16 - full).abs() < 0.03 && (f16 - full).abs() < 0.01, "{full}, {bf16} and {f16}");
    let scale = scale.unwrap();
    assert!(scale.scale() >= 65536.0, "{scale:?}");
    Ok(())
}

/// A parameter of which the loss is so small a multiple that f16 has no number for the cotangent.
#[test]
fn a_scale_saves_what_would_vanish() -> Result<()> {
    let gradient = |scale: Option<LossScale>| -> Result<f64> {
        let w = Param::new(Tensor::from([1f32]));
        let train = Train::new(&w, Sgd::new(1e8));
        let mut train = match scale {
            Some(scale) => train.loss_scale(scale),
            None => train,
        };
        train.step(|t| w.beside(t.full([1], 1.0).cast(DType::F16)).cast(DType::F32).sum() * 1e-8)?;
        Ok(1.0 - w.value().item()?)
    };
    assert_eq!(gradient(None)?, 0.0);
    assert!((gradient(Some(LossScale::fixed(65536.0)))? - 1.0).abs() < 1e-3);
    Ok(())
}

/// A layer whose gradient overflows where `x` is large, and a buffer that counts.
#[derive(Module)]
struct Fragile {
    w: Param,
    count: Buffer,
}

extern crate wengert_nn as wengert;

impl Fragile {
    fn new() -> Result<Self> {
        Ok(Self { w: Param::new(Tensor::from([1f32, -2.0])), count: Buffer::new(Tensor::from(0.0)) })
    }

    fn loss<'t>(&self, x: Var<'t>) -> Var<'t> {
        self.count.update(self.count.on(x.tape()) + 1.0);
        let half = x.cast(DType::F16);
        (self.w.beside(half) * half).cast(DType::F32).square().mean()
    }
}

fn all(model: &Fragile, train: &Train) -> Result<IndexMap<String, Tensor>> {
    let mut all = model.state();
    all.extend(train.state()?.into_iter().filter(|(name, _)| !["runs", "loss_scale"].contains(&name.as_str())));
    Ok(all)
}

#[test]
fn an_overflow_changes_nothing_and_halves_the_scale() -> Result<()> {
    let (fine, large) = (Tensor::from([0.5f32, 0.25]), Tensor::from([200f32, 300.0]));
    let model = Fragile::new()?;
    let mut train = Train::new(&model, Adam::new(0.1)).average(0.9).loss_scale(LossScale::dynamic().interval(3));
    let step = |train: &mut Train, x: &Tensor| train.step(|t| model.loss(t.input(x)));
    step(&mut train, &fine)?;
    let before = all(&model, &train)?;
    let loss = step(&mut train, &large)?;
    assert!(loss.is_finite());
    assert_eq!(all(&model, &train)?, before);
    assert_eq!((train.steps(), train.scale().unwrap().scale(), train.scale().unwrap().skipped()), (1, 32768.0, 1));
    for _ in 0..3 {
        assert_eq!(train.scale().unwrap().scale(), 32768.0);
        step(&mut train, &fine)?;
    }
    assert_eq!((train.steps(), train.scale().unwrap().scale()), (4, 65536.0));
    assert_eq!(model.count.value().item()?, 4.0);
    Ok(())
}

/// What is left out is left out in gathering too, and the next gathering starts from zero.
#[test]
fn gathered_gradients_that_overflow_are_dropped() -> Result<()> {
    let (fine, large) = (Tensor::from([0.5f32, 0.25]), Tensor::from([200f32, 300.0]));
    let model = Fragile::new()?;
    let mut train = Train::new(&model, Sgd::new(0.1)).accumulate(2).loss_scale(LossScale::dynamic());
    let before = model.w.value();
    train.step(|t| model.loss(t.input(&large)))?;
    train.step(|t| model.loss(t.input(&fine)))?;
    assert_eq!((model.w.value(), train.steps(), train.scale().unwrap().scale()), (before.clone(), 0, 32768.0));
    train.step(|t| model.loss(t.input(&fine)))?;
    train.step(|t| model.loss(t.input(&fine)))?;
    assert_eq!(train.steps(), 1);

    let other = Fragile::new()?;
    let mut single = Train::new(&other, Sgd::new(0.1)).loss_scale(LossScale::dynamic());
    single.step(|t| other.loss(t.input(&fine)))?;
    assert!(model.w.value().allclose(&other.w.value(), 1e-6, 0.0)? && model.w.value() != before);
    Ok(())
}

/// Steps that overflow and steps that do not, recorded each time, compiled, and resumed in the middle.
#[test]
fn recorded_compiled_and_resumed_give_the_same_bits() -> Result<()> {
    let batches: Vec<Tensor> =
        (0..20).map(|i| Tensor::from([0.5f32 + i as f32, if i % 7 == 3 { 300.0 } else { 0.25 }])).collect();
    let start = |model: &Fragile| {
        Train::new(model, Adam::new(0.1)).clip_norm(1.0).loss_scale(LossScale::dynamic().interval(2).initial(1024.0))
    };
    let model = Fragile::new()?;
    let mut train = start(&model);
    let losses = batches.iter().map(|x| train.step(|t| model.loss(t.input(x)))).collect::<Result<Vec<_>>>()?;
    let end = (model.state(), train.state()?);
    assert!(train.scale().unwrap().skipped() > 1, "{:?}", train.scale());

    let other = Fragile::new()?;
    let mut compiled = start(&other).compile(|[x]| other.loss(x));
    let again = batches.iter().map(|x| compiled.step([x])).collect::<Result<Vec<_>>>()?;
    assert_eq!((again, (other.state(), compiled.state()?)), (losses.clone(), end.clone()));

    let third = Fragile::new()?;
    let mut first = start(&third).compile(|[x]| third.loss(x));
    batches[..9].iter().try_for_each(|x| first.step([x]).map(drop))?;
    let (model, training) = (third.state(), first.state()?);
    let fourth = Fragile::new()?;
    fourth.load(&model)?;
    let mut second = start(&fourth);
    second.load_state(&training)?;
    let rest = batches[9..].iter().map(|x| second.step(|t| fourth.loss(t.input(x)))).collect::<Result<Vec<_>>>()?;
    assert_eq!(rest[..], losses[9..]);
    assert_eq!((fourth.state(), second.state()?), end);
    Ok(())
}

#[test]
fn mistakes_are_said() -> Result<()> {
    let w = Param::new(Tensor::from([1f32]));
    for scale in [
        LossScale::fixed(0.0),
        LossScale::fixed(-1.0),
        LossScale::fixed(f64::NAN),
        LossScale::fixed(1e300),
        LossScale::dynamic().growth(0.5),
        LossScale::dynamic().backoff(0.0),
        LossScale::dynamic().backoff(2.0),
        LossScale::dynamic().interval(0),
    ] {
        let error = Train::new(&w, Sgd::new(0.1)).loss_scale(scale).step(|t| w.on(t).sum()).unwrap_err();
        assert!(error.to_string().contains("scaled"), "{error}");
    }
    let scaled = || Train::new(&w, Sgd::new(0.1)).loss_scale(LossScale::dynamic());
    let error = scaled().step(|t| w.on(t).cast(DType::F16).sum()).unwrap_err();
    assert!(error.to_string().contains("cast"), "{error}");
    let error = scaled().compile(|[x]| (w.beside(x) * x).sum()).profile([&Tensor::from([1f32])], 1).unwrap_err();
    assert!(error.to_string().contains("profile"), "{error}");

    let mut state = scaled().state()?;
    assert!(Train::new(&w, Sgd::new(0.1)).load_state(&state).is_err());
    for wrong in [Tensor::from([1.0, 2.0]), Tensor::from([f64::NAN, 0.0, 0.0]), Tensor::from([1i64, 2, 3])] {
        state.insert("loss_scale".to_string(), wrong);
        assert!(scaled().load_state(&state).is_err());
    }
    state.shift_remove("loss_scale");
    assert!(scaled().load_state(&state).is_err());

    let layer = Linear::new(2, 2, &mut Rng::seed(1))?;
    layer.to(DType::BF16)?;
    let x = Tensor::ones([1, 2], DType::BF16)?;
    let error =
        Train::new(&layer, Sgd::new(0.1)).step(|t| layer.forward(t.input(&x)).sum().cast(DType::F32)).unwrap_err();
    assert!(error.to_string().contains("bf16"), "{error}");
    assert!(layer.predict(&x.cast(DType::F32)?).is_err());
    Ok(())
}

/// Every layer takes halves while its parameters are f32, or once they are halves too, and gives nearly what f32 gives.
#[test]
fn layers_compute_in_half_precision() -> Result<()> {
    fn check<L: Layer>(layer: &L, shape: &[usize]) -> Result<()> {
        let x = Tensor::randn(shape, DType::F32, &mut Rng::seed(9))?;
        let full = layer.predict(&x)?;
        let masters = layer.state();
        for dtype in HALVES {
            let half = x.cast(dtype)?;
            let mixed = layer.predict(&half)?;
            layer.to(dtype)?;
            let all = layer.predict(&half)?;
            layer.to(DType::F32)?;
            layer.load(&masters)?;
            for y in [mixed, all] {
                assert_eq!(y.dtype(), dtype);
                let error = y.cast(DType::F32)?.sub(&full)?.abs()?.max()?.item()?;
                let tolerance = if dtype == DType::F16 { 0.02 } else { 0.12 };
                assert!(error < tolerance, "{}: {error}", std::any::type_name::<L>());
            }
            // In training too, with gradients of the parameters in f32.
            if !layer.params().is_empty() {
                let mut train = Train::new(layer, Sgd::new(0.0));
                train.step(|t| layer.forward(t.input(&half)).cast(DType::F32).square().mean())?;
            }
            layer.load(&masters)?;
        }
        Ok(())
    }
    let mut rng = Rng::seed(8);
    check(&Linear::new(6, 5, &mut rng)?, &[4, 6])?;
    check(&Mlp::new(&[6, 16, 3], Activation::Gelu, &mut rng)?, &[4, 6])?;
    check(&Conv2d::new(3, 4, 3, &mut rng)?, &[2, 3, 8, 8])?;
    check(&LayerNorm::new([6])?, &[4, 6])?;
    check(&RmsNorm::new([6])?, &[4, 6])?;
    check(&GroupNorm::new(2, 4)?, &[2, 4, 3])?;
    check(&InstanceNorm::affine(4)?, &[2, 4, 5])?;
    check(&BatchNorm::new(3)?, &[8, 3, 4])?;
    check(&Gru::new(4, 5, &mut rng)?, &[3, 2, 4])?;
    check(&Lstm::new(4, 5, &mut rng)?, &[3, 2, 4])?;
    check(&MultiHeadAttention::new(8, 2, &mut rng)?, &[2, 3, 8])?;
    check(&TransformerEncoder::new(2, &TransformerOptions::new(8, 2), &mut rng)?, &[2, 3, 8])?;
    Ok(())
}

/// What a step keeps for its gradients is kept in half precision. The batch is large beside the tiles of all threads.
#[test]
fn a_training_step_takes_less_memory() -> Result<()> {
    let mlp = Mlp::new(&[64, 64, 64, 64, 64], Activation::Relu, &mut Rng::seed(1))?;
    let memory = |dtype: DType| -> Result<usize> {
        let tape = Tape::new();
        let x = tape.input(&Tensor::randn([8192, 64], dtype, &mut Rng::seed(2))?);
        let loss = mlp.forward(x).cast(DType::F32).square().mean();
        let params: Vec<Var> = mlp.params().values().map(|param| param.on(&tape)).collect();
        let answers: Vec<Var> = [loss].into_iter().chain(loss.grads(&params)).collect();
        let arguments: Vec<Var> = [x].into_iter().chain(params).collect();
        Ok(tape.compile(&arguments, &answers)?.footprint().planned)
    };
    let [half, full] = [memory(DType::BF16)?, memory(DType::F32)?];
    assert!(10 * half < 9 * full, "{half} and {full} bytes");
    Ok(())
}

#[test]
fn running_statistics_stay_in_f32() -> Result<()> {
    let x = Tensor::randn([64, 3], DType::F32, &mut Rng::seed(3))?;
    let run = |dtype: DType| -> Result<Tensor> {
        let layer = BatchNorm::new(3)?;
        let mut train = Train::new(&layer, Sgd::new(0.1));
        for _ in 0..20 {
            train.step(|t| layer.forward(t.input(&x).cast(dtype)).cast(DType::F32).sum() * 0.0)?;
        }
        assert_eq!(layer.running_var.ty().dtype, DType::F32);
        Ok(layer.running_var.value())
    };
    assert!(run(DType::BF16)?.allclose(&run(DType::F32)?, 0.01, 0.01)?);
    Ok(())
}

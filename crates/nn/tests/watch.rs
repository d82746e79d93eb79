//! The search for anomalies finds none where all is well: no layer and no loss makes a NaN or an infinity on its way to finite
//! numbers, or what a search finds would not be to blame.

use wengert_autograd::{Mask, Var};
use wengert_nn::loss::*;
use wengert_nn::*;
use wengert_tensor::{DType, Result, Rng, Tensor};

/// A step in which every equation is looked at.
fn watched(what: &str, model: &dyn Module, loss: impl for<'t> Fn(Var<'t>) -> Var<'t>, x: &Tensor) -> Result<()> {
    let mut train = Train::new(model, Adam::new(1e-3)).clip_norm(1.0).average(0.9);
    train.debug(true);
    train.allow_unreached(true);
    let value = train.step(|t| loss(t.input(x)));
    assert!(value.as_ref().is_ok_and(|value| value.is_finite()), "{what}: {value:?}");
    Ok(())
}

fn inputs(shape: &[usize]) -> Result<[Tensor; 3]> {
    let x = Tensor::randn(shape, DType::F32, &mut Rng::seed(1))?;
    Ok([Tensor::zeros(shape, DType::F32)?, x.mul(&Tensor::from(30f32))?, x])
}

#[test]
fn layers_make_no_anomalies_on_their_way() -> Result<()> {
    let rng = &mut Rng::seed(2);
    let sequences: Vec<(&str, Box<dyn Layer>)> = vec![
        ("attention", Box::new(MultiHeadAttention::new(8, 2, rng)?.causal().dropout(0.2))),
        ("encoder", Box::new(TransformerEncoder::new(1, &TransformerOptions::new(8, 2), rng)?)),
        ("lstm", Box::new(Lstm::new(8, 4, rng)?)),
        ("gru", Box::new(Gru::new(8, 4, rng)?)),
        ("layer norm", Box::new(LayerNorm::new([8])?)),
        ("rms norm", Box::new(RmsNorm::new([8])?)),
        ("softmax", Box::new(Softmax::new(-1))),
        ("log-softmax", Box::new(LogSoftmax::new(-1))),
        ("glu", Box::new(Glu::new(-1))),
        ("dropout", Box::new(Dropout::new(0.5))),
    ];
    for (name, layer) in &sequences {
        for x in inputs(&[2, 3, 8])? {
            watched(name, &**layer, |x| layer.forward(x).square().mean(), &x)?;
        }
    }
    let attention = MultiHeadAttention::new(8, 2, rng)?;
    for x in inputs(&[2, 3, 8])? {
        let nothing = Tensor::zeros([2, 3], DType::Bool)?;
        watched(
            "nothing seen",
            &attention,
            |x| attention.forward_masked(x, Mask::causal().keys(x.tape().input(&nothing))).square().sum(),
            &x,
        )?;
    }
    let images: Vec<(&str, Box<dyn Layer>)> = vec![
        ("convolution", Box::new(Conv2d::new(2, 2, 3, rng)?.same().pad_mode(PadMode::Reflect))),
        ("maximum", Box::new(MaxPool2d::new(3).stride(2).padding(1))),
        ("average", Box::new(AvgPool2d::new(3).padding(1).exclude_padding())),
        ("adaptive", Box::new(AdaptiveMaxPool2d::new(2))),
        ("batch norm", Box::new(BatchNorm::new(2)?)),
        ("group norm", Box::new(GroupNorm::new(1, 2)?)),
        ("instance norm", Box::new(InstanceNorm::new())),
        ("channel dropout", Box::new(ChannelDropout::new(0.5))),
    ];
    for (name, layer) in &images {
        for x in inputs(&[3, 2, 5, 5])? {
            watched(name, &**layer, |x| layer.forward(x).square().mean(), &x)?;
        }
    }
    for activation in [Activation::Gelu, Activation::Softplus, Activation::Elu, Activation::Silu, Activation::Mish] {
        for x in inputs(&[4, 8])? {
            watched("activation", &activation, |x| activation.forward(x).mean(), &x)?;
        }
    }
    Ok(())
}

#[test]
fn losses_make_no_anomalies_on_their_way() -> Result<()> {
    for x in inputs(&[4, 3])? {
        let w = Param::new(x.clone());
        let labels = Tensor::from([0, 2, 1, 0]);
        let sign = Tensor::from([1f32, -1.0, 1.0, -1.0]);
        watched("mse", &w, |x| mse(w.on(x.tape()), x), &x)?;
        watched("huber", &w, |x| huber(w.on(x.tape()), x, 1.0), &x)?;
        watched("cross-entropy", &w, |x| cross_entropy(w.on(x.tape()), x.tape().input(&labels)), &x)?;
        watched("bce", &w, |x| bce_with_logits(w.on(x.tape()), x.sigmoid()), &x)?;
        watched("kl", &w, |x| kl_div(w.on(x.tape()).log_softmax(-1), x.softmax(-1)), &x)?;
        watched("kl of zeros", &w, |x| kl_div(w.on(x.tape()).log_softmax(-1), x.full_like(0.0)), &x)?;
        watched("poisson", &w, |x| poisson_nll(w.on(x.tape()).clamp(-5.0, 5.0), x.abs()), &x)?;
        watched("margins", &w, |x| MultiMargin::new().of(w.on(x.tape()), x.tape().input(&labels)), &x)?;
        watched("cosine", &w, |x| cosine_embedding(w.on(x.tape()), x, x.tape().input(&sign), 0.5), &x)?;
        watched("triplet", &w, |x| TripletMargin::new().of(w.on(x.tape()), x, x + 1.0), &x)?;
        watched(
            "ctc",
            &w,
            |x| {
                let labels = x.tape().input(&Tensor::from([[1], [2]]));
                let [steps, lengths] = [[2, 2], [1, 0]].map(|n| x.tape().input(&Tensor::from(n)));
                Ctc::new().of(w.on(x.tape()).log_softmax(-1).reshape([2, 2, 3]), labels, steps, lengths)
            },
            &x,
        )?;
    }
    Ok(())
}

#[test]
fn optimisers_make_no_anomalies_on_their_way() -> Result<()> {
    for gradient in [0.0, 1e-30, 1.0, 1e15] {
        let optimisers: [Box<dyn Optimizer>; 11] = [
            Box::new(Sgd::new(0.1).momentum(0.9).nesterov()),
            Box::new(Adam::new(0.1).amsgrad()),
            Box::new(AdamW::new(0.1)),
            Box::new(NAdam::new(0.1)),
            Box::new(RAdam::new(0.1)),
            Box::new(RmsProp::new(0.1).momentum(0.9)),
            Box::new(Adagrad::new(0.1)),
            Box::new(Adadelta::new(0.1)),
            Box::new(Lion::new(0.1)),
            Box::new(Lamb::new(0.1)),
            Box::new(Lamb::new(0.1).weight_decay(0.1)),
        ];
        for (i, optimiser) in optimisers.into_iter().enumerate() {
            let w = Param::new(Tensor::zeros([3], DType::F32)?);
            let mut train = Train::new(&w, optimiser);
            train.debug(true);
            for _ in 0..8 {
                let value = train.step(|t| (w.on(t) * gradient).sum());
                assert!(value.is_ok(), "optimiser {i} at {gradient}: {value:?}");
            }
        }
    }
    Ok(())
}

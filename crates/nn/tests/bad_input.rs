//! Whatever a layer or a loss is given, of whatever shape, dtype and numbers, it answers or reports a mistake: it never panics.

use std::panic::{AssertUnwindSafe, catch_unwind};

use wengert_autograd::{Tape, Var};
use wengert_nn::loss::*;
use wengert_nn::*;
use wengert_tensor::{DType, Rng, Tensor};

/// Every dtype in many shapes, without elements too; and what is not finite, negative, or too large to add up.
fn inputs() -> Vec<Tensor> {
    let mut all = Vec::new();
    for s in [
        &[][..],
        &[0],
        &[1],
        &[3],
        &[0, 3],
        &[3, 0],
        &[2, 3],
        &[2, 3, 4],
        &[2, 3, 4, 4],
        &[0, 3, 4, 4],
        &[2, 3, 0, 4],
        &[2, 3, 4, 4, 4],
        &[1, 1, 1, 1, 1, 1],
    ] {
        for d in [DType::F32, DType::F64, DType::I64, DType::Bool] {
            all.push(Tensor::zeros(s, d).unwrap());
        }
        all.push(Tensor::full(s, f32::NAN).unwrap());
        all.push(Tensor::full(s, -5i64).unwrap());
        all.push(Tensor::full(s, f64::MAX).unwrap());
    }
    all.push(Tensor::from(0f32).broadcast_to([1usize << 20, 1 << 20]).unwrap());
    all
}

#[test]
fn layers_and_losses_never_panic() {
    let rng = &mut Rng::seed(0);
    let layers: Vec<(&str, Box<dyn Layer>)> = vec![
        ("linear", Box::new(Linear::new(3, 2, rng).unwrap())),
        ("conv1", Box::new(Conv1d::new(3, 2, 3, rng).unwrap())),
        ("conv2", Box::new(Conv2d::new(3, 2, 3, rng).unwrap().stride(0))),
        ("conv2p", Box::new(Conv2d::new(3, 2, 3, rng).unwrap().padding(usize::MAX))),
        ("conv3", Box::new(Conv3d::new(3, 2, 3, rng).unwrap().dilation(usize::MAX))),
        ("ct", Box::new(ConvTranspose2d::new(3, 2, 3, rng).unwrap().stride(usize::MAX))),
        ("ct0", Box::new(ConvTranspose2d::new(3, 2, 3, rng).unwrap().stride(0))),
        ("maxpool", Box::new(MaxPool2d::new(0))),
        ("maxpoolb", Box::new(MaxPool2d::new(usize::MAX))),
        ("avg", Box::new(AvgPool2d::new(2))),
        ("bn", Box::new(BatchNorm::new(3).unwrap())),
        ("ln", Box::new(LayerNorm::new([3]).unwrap())),
        ("ln0", Box::new(LayerNorm::new([0]).unwrap())),
        ("in", Box::new(InstanceNorm::new())),
        ("rms", Box::new(RmsNorm::new([3]).unwrap())),
        ("drop", Box::new(Dropout::new(f64::NAN))),
        ("drop2", Box::new(Dropout::new(2.0))),
        ("cdrop", Box::new(ChannelDropout::new(0.5))),
        ("emb", Box::new(Embedding::new(3, 2, rng).unwrap())),
        ("flat", Box::new(Flatten::new())),
        ("mha", Box::new(MultiHeadAttention::new(4, 2, rng).unwrap().causal())),
        ("lstm", Box::new(Lstm::new(3, 2, rng).unwrap())),
        ("gru", Box::new(Gru::new(3, 2, rng).unwrap())),
        ("rnn", Box::new(Rnn::new(3, 2, rng).unwrap())),
        ("sin", Box::new(SinusoidalPositions::new(3, 4).unwrap())),
        ("rot", Box::new(Rotary::new(3, 4).unwrap())),
        ("enc", Box::new(TransformerEncoder::new(1, &TransformerOptions::new(4, 2), rng).unwrap())),
    ];
    let mut panicked = Vec::new();
    let mut run = |name: String, f: &dyn Fn()| {
        if catch_unwind(AssertUnwindSafe(f)).is_err() {
            panicked.push(name);
        }
    };
    for (name, layer) in &layers {
        for x in inputs() {
            if x.numel() > 1 << 30 && !["linear", "conv2", "bn"].contains(name) {
                continue;
            }
            run(format!("{name} of {}{}", x.dtype(), x.shape()), &|| {
                let t = Tape::new();
                t.set_training(1);
                let y = layer.forward(t.input(&x));
                if x.numel() < 1 << 30 {
                    let _ = y.value();
                    let _ = y.sum().grad(t.input(&x)).value();
                }
            });
        }
    }
    type Loss = for<'t> fn(Var<'t>, Var<'t>) -> Var<'t>;
    let losses: Vec<(&str, Loss)> = vec![
        ("mse", |a, b| mse(a, b)),
        ("ce", |a, b| cross_entropy(a, b)),
        ("nll", |a, b| nll(a, b)),
        ("bce", |a, b| bce(a, b)),
        ("bcel", |a, b| bce_with_logits(a, b)),
        ("kl", |a, b| kl_div(a, b)),
        ("soft", |a, b| soft_margin(a, b)),
        ("mm", |a, b| MultiMargin::new().of(a, b)),
        ("ces", |a, b| CrossEntropy::new().label_smoothing(0.1).ignore_index(-5).of(a, b)),
        ("sm", |a, b| smooth_l1(a, b, f64::NAN)),
        ("hub", |a, b| huber(a, b, -1.0)),
        ("ctc", |a, b| Ctc::new().of(a, b, b, b)),
    ];
    for (name, loss) in losses {
        for x in inputs() {
            for y in inputs() {
                if x.numel() > 1 << 20 || y.numel() > 1 << 20 {
                    continue;
                }
                run(format!("{name} of {}{} and {}{}", x.dtype(), x.shape(), y.dtype(), y.shape()), &|| {
                    let t = Tape::new();
                    let (a, b) = (t.input(&x), t.input(&y));
                    let _ = loss(a, b).value();
                });
            }
        }
    }
    assert!(panicked.is_empty(), "{} panicked: {panicked:#?}", panicked.len());
}

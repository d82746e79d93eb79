//! Layers against PyTorch's in f64: outputs, and gradients of input and parameters, from a state that PyTorch saved.

mod reference;

use proptest::prelude::*;
use reference::Case;
use wengert_autograd::{Tape, Var};
use wengert_nn::loss::CrossEntropy;
use wengert_nn::*;
use wengert_tensor::{DType, ErrorKind, Result, Rng, Tensor};

fn case(name: &'static str) -> Case {
    Case::of(include_str!("reference/layers.txt"), name)
}

fn rng() -> Rng {
    Rng::seed(0)
}

/// That the state loads, and that output and gradients are PyTorch's.
#[track_caller]
fn assert_module(
    name: &'static str,
    module: &(impl Module + ?Sized),
    forward: impl for<'t> Fn(&[Var<'t>]) -> Var<'t>,
) -> Result<()> {
    let case = case(name);
    module.to(DType::F64)?;
    module.load(&case.all("state."))?;
    let tape = Tape::new();
    if name.contains("train") {
        tape.set_training(0);
    }
    let inputs: Vec<Var> = case.all("x").values().map(|x| tape.input(x)).collect();
    let y = forward(&inputs);
    case.assert("y", &y.value()?);
    let cubes = (y * y * y).sum();
    let params = module.params();
    let all = params.iter().map(|(name, param)| (name.clone(), param.on(&tape)));
    let all = inputs.iter().enumerate().map(|(i, x)| (format!("x{i}"), *x)).chain(all);
    let (names, xs): (Vec<_>, Vec<_>) = all.filter(|(_, x)| x.dtype().is_float()).unzip();
    let gradients = cubes.grads(&xs);
    for (name, gradient) in names.iter().zip(gradients) {
        case.assert(&format!("grad.{name}"), &gradient.value()?);
    }
    Ok(())
}

#[track_caller]
fn assert_layer(name: &'static str, layer: &dyn Layer) -> Result<()> {
    assert_module(name, layer, |x| layer.forward(x[0]))
}

#[test]
fn convolutions_are_pytorchs() -> Result<()> {
    assert_layer("conv1d", &Conv1d::new(2, 3, 3, &mut rng())?.stride(2).padding(1))?;
    let conv = Conv2d::grouped(4, 2, [3, 2], 2, &mut rng())?.stride([2, 1]).padding([1, 2]).dilation([1, 2]);
    assert_layer("conv2d", &conv)?;
    assert_layer("conv2d_same", &Conv2d::new(1, 2, [2, 3], &mut rng())?.same().dilation([1, 2]))?;
    assert_layer("conv3d", &Conv3d::new(1, 2, 2, &mut rng())?.padding([1, 0, 0]).without_bias())
}

#[test]
fn padding_modes_are_pytorchs() -> Result<()> {
    let modes = [
        ("conv2d_reflect", PadMode::Reflect),
        ("conv2d_replicate", PadMode::Replicate),
        ("conv2d_circular", PadMode::Circular),
    ];
    for (name, mode) in modes {
        let conv = Conv2d::new(1, 2, [2, 3], &mut rng())?.stride([1, 2]).padding([2, 1]);
        assert_layer(name, &conv.pad_mode(mode))?;
    }
    let same = Conv1d::new(1, 1, 4, &mut rng())?.same().pad_mode(PadMode::Circular);
    assert_layer("conv1d_same_circular", &same)
}

#[test]
fn transposed_convolutions_are_pytorchs() -> Result<()> {
    assert_layer("conv_transpose1d", &ConvTranspose1d::new(2, 3, 3, &mut rng())?.stride(2).padding(1))?;
    let conv = ConvTranspose2d::grouped(4, 2, [3, 2], 2, &mut rng())?;
    let conv = conv.stride([2, 3]).padding([1, 0]).dilation([1, 2]).output_padding([1, 2]);
    assert_layer("conv_transpose2d", &conv)?;
    assert_layer("conv_transpose3d", &ConvTranspose3d::new(1, 2, 2, &mut rng())?.without_bias())
}

#[test]
fn pooling_is_pytorchs() -> Result<()> {
    assert_layer("max_pool1d", &MaxPool1d::new(3).stride(2).padding(1))?;
    assert_layer("max_pool2d", &MaxPool2d::new([2, 3]).stride(2).dilation([2, 1]).ceil())?;
    assert_layer("max_pool3d", &MaxPool3d::new(2))?;
    assert_layer("avg_pool1d", &AvgPool1d::new(3).stride(2).padding(1))?;
    assert_layer("avg_pool2d", &AvgPool2d::new([2, 3]).stride(2).padding(1).exclude_padding().ceil())?;
    assert_layer("avg_pool3d", &AvgPool3d::new(2))?;
    assert_layer("adaptive_avg_pool2d", &AdaptiveAvgPool2d::new([3, 2]))?;
    assert_layer("adaptive_max_pool2d", &AdaptiveMaxPool2d::new([3, 2]))
}

#[test]
fn bilinear_is_pytorchs() -> Result<()> {
    let layer = Bilinear::new(2, 3, 2, &mut rng())?;
    assert_module("bilinear", &layer, |x| layer.forward(x[0], x[1]))
}

#[test]
fn normalizations_are_pytorchs() -> Result<()> {
    assert_layer("layer_norm", &LayerNorm::new([2, 3])?)?;
    assert_layer("rms_norm", &RmsNorm::new([3])?.eps(1e-3))?;
    assert_layer("rms_norm_default", &RmsNorm::new([3])?)?;
    assert_layer("group_norm", &GroupNorm::new(2, 4)?)?;
    assert_layer("instance_norm", &InstanceNorm::affine(2)?)
}

#[test]
fn batch_normalization_is_pytorchs() -> Result<()> {
    let norm = BatchNorm::new(2)?;
    let cumulative = BatchNorm::new(2)?.cumulative();
    for (name, layer) in [
        ("batch_norm_train", &norm),
        ("batch_norm_train_again", &norm),
        ("batch_norm_eval", &norm),
        ("batch_norm_train_cumulative", &cumulative),
        ("batch_norm_train_cumulative_again", &cumulative),
    ] {
        assert_layer(name, layer)?;
        let case = case(name);
        if name.contains("train") {
            Train::new(layer, Sgd::new(0.0)).step(|t| layer.forward(t.input(case.get("x0"))).sum())?;
        }
        for (buffer, after) in case.all("after.") {
            assert_eq!(after.dtype(), layer.state()[&buffer].dtype());
            case.assert(&format!("after.{buffer}"), &layer.state()[&buffer]);
        }
    }
    Ok(())
}

#[test]
fn a_clone_shares_running_statistics_and_predictions_do_not_move_them() -> Result<()> {
    let norm = BatchNorm::new(2)?;
    let clone = norm.clone();
    let x = Tensor::randn([8, 2, 3], DType::F32, &mut rng())?;
    let before = norm.state();
    norm.predict(&x)?;
    assert_eq!(norm.state(), before);
    let net = Sequential::new().then(norm).then(Flatten::new()).then(Linear::new(6, 1, &mut rng())?);
    let mut train = Train::new(&net, Sgd::new(0.1)).compile(|[x]| net.forward(x).square().mean());
    train.step([&x])?;
    train.step([&x])?;
    assert_eq!(clone.num_batches_tracked.value(), Tensor::from(2i64));
    assert_ne!(clone.running_mean.value(), before["running_mean"]);
    Ok(())
}

#[test]
fn dropped_is_what_the_probability_says_and_the_rest_is_scaled() -> Result<()> {
    let x = Tensor::randn([50, 40, 3], DType::F64, &mut rng())?;
    for p in [0.0, 0.25, 0.9, 1.0] {
        for (layer, of) in [(&Dropout::new(p) as &dyn Layer, 6000.0), (&ChannelDropout::new(p), 2000.0)] {
            assert_eq!(layer.predict(&x)?, x);
            let tape = Tape::new();
            tape.set_training(3);
            let input = tape.input(&x);
            let (y, again) = (layer.forward(input), layer.forward(input));
            let slope = y.sum().grad(input).value()?;
            let kept = slope.iter::<f64>()?.filter(|&slope| slope != 0.0).count() as f64 / 6000.0;
            let deviation = (p * (1.0 - p) / of).sqrt();
            assert!((kept - (1.0 - p)).abs() <= 5.0 * deviation, "{kept} of {p}");
            for ((x, y), slope) in x.iter::<f64>()?.zip(y.value()?.iter::<f64>()?).zip(slope.iter::<f64>()?) {
                assert!(slope == 0.0 || (slope * (1.0 - p) - 1.0).abs() < 1e-15);
                assert!((y - x * slope).abs() < 1e-12);
            }
            assert_eq!(y.value()? == again.value()?, p == 0.0 || p == 1.0);
        }
    }
    Ok(())
}

#[test]
fn embedding_is_pytorchs() -> Result<()> {
    assert_layer("embedding", &Embedding::new(5, 3, &mut rng())?.padding(1)?)
}

#[test]
fn activations_are_pytorchs() -> Result<()> {
    assert_layer("prelu", &Prelu::new()?)?;
    assert_layer("prelu_channels", &Prelu::per_channel(2)?)?;
    assert_layer("softmax", &Softmax::new(-1))?;
    assert_layer("log_softmax", &LogSoftmax::new(-1))?;
    assert_layer("glu", &Glu::new(-1))?;
    for activation in Activation::ALL {
        // PyTorch has none.
        if *activation != Activation::ReluSquared {
            assert_layer(format!("activation.{activation}").leak(), activation)?;
        }
    }
    Ok(())
}

#[test]
fn images_may_have_any_axes_before_them() -> Result<()> {
    let conv = Conv1d::new(2, 3, 2, &mut rng())?;
    let up = ConvTranspose1d::new(2, 3, 2, &mut rng())?;
    let x = Tensor::randn([4, 5, 2, 6], DType::F32, &mut rng())?;
    for layer in [&conv as &dyn Layer, &up] {
        let (all, flat) = (layer.predict(&x)?, layer.predict(&x.reshape([20, 2, 6])?)?);
        assert_eq!(all.shape()[..3], [4, 5, 3]);
        assert_eq!(all.reshape(flat.shape())?, flat);
        let one = layer.predict(&x.narrow(0, 0, 1)?.narrow(1, 0, 1)?.reshape([2, 6])?)?;
        assert_eq!(one.shape()[..], flat.shape()[1..]);
        assert_eq!(layer.predict(&x.narrow(0, 0, 0)?)?.shape()[..3], [0, 5, 3]);
    }
    Ok(())
}

#[test]
fn the_padding_row_is_zero_and_not_trained() -> Result<()> {
    let embedding = Embedding::of(Tensor::from([[f32::NAN, 1.0], [2.0, 3.0]]))?.padding(0)?;
    let ids = Tensor::from([0, 1, 0]);
    assert_eq!(embedding.predict(&ids)?, Tensor::from([[0f32, 0.0], [2.0, 3.0], [0.0, 0.0]]));
    let mut train = Train::new(&embedding, Sgd::new(1.0));
    train.step(|t| (1.0 + embedding.forward(t.input(&ids))).sum())?;
    assert_eq!(embedding.weight.value(), Tensor::from([[0f32, 0.0], [1.0, 2.0]]));
    Ok(())
}

#[test]
fn shapes_change_and_numbers_stay() -> Result<()> {
    let x = Tensor::randn([2, 3, 4], DType::F64, &mut rng())?;
    for layer in
        [&Flatten::new() as &dyn Layer, &Flatten::axes(0, -1), &Reshape::new([2, -1]), &Unflatten::new(-1, [2, 2])]
    {
        let y = layer.predict(&x)?;
        assert_eq!(y.reshape(x.shape())?, x);
    }
    assert_eq!(Flatten::new().predict(&Tensor::from([1.0, 2.0]))?.shape()[..], [2, 1]);
    assert_eq!(Flatten::new().predict(&Tensor::zeros([0, 3, 4], DType::F64)?)?.shape()[..], [0, 12]);
    assert_eq!(Reshape::new([-1]).predict(&Tensor::zeros([0, 3, 4], DType::F64)?)?.shape()[..], [0, 12]);
    Ok(())
}

#[test]
fn a_residual_of_zeros_is_the_identity() -> Result<()> {
    let inside = Linear::new_with(3, 3, Init::Zeros, &mut rng())?;
    let x = Tensor::from([[1f32, 2.0, 3.0]]);
    assert_eq!(Residual::new(inside.clone()).predict(&x)?, x);
    let names: Vec<_> = Residual::new(inside).params().into_keys().collect();
    assert_eq!(names, ["layer.weight", "layer.bias"]);
    Ok(())
}

#[test]
fn mistakes_are_sentences() -> Result<()> {
    let float = |shape: &[usize]| Tensor::zeros(shape, DType::F32).unwrap();
    let conv = Conv2d::new(3, 4, 3, &mut rng())?;
    let bilinear = Bilinear::new(2, 3, 1, &mut rng())?;
    #[rustfmt::skip]
    let cases: [(&dyn Layer, &[usize], &str); 16] = [
        (&conv, &[8, 8], "conv: takes channels and 2 axes after any others, got [8, 8]"),
        (&conv, &[2, 8, 8], "conv: [1, 2, 8, 8] with kernel [4, 3, 3, 3]: 1 groups of 3 channels are not the 2 there are"),
        (&ConvTranspose1d::new(3, 4, 3, &mut rng())?, &[2, 2, 8], "conv_transpose: [2, 2, 8] with kernel [3, 4, 3]: channels do not fit in 1 groups"),
        (&MaxPool2d::new(2), &[3], "pool: [3] by windows of [2, 2]: 2 axes, where there may be 1 to 3 and no more than the rank"),
        (&LayerNorm::new([3])?, &[3, 2], "layer_norm: [3, 2] does not end in [3]"),
        (&GroupNorm::new(2, 4)?, &[3, 2], "group_norm: takes [N, 4, ..], got [3, 2]"),
        (&InstanceNorm::new(), &[3], "instance_norm: takes [N, channels, ..], got [3]"),
        (&InstanceNorm::affine(2)?, &[3, 2], "instance_norm: takes [N, channels, axes..], got [3, 2]"),
        (&BatchNorm::new(4)?, &[3, 2], "batch_norm: takes [N, 4, ..], got [3, 2]"),
        (&Dropout::new(1.5), &[3, 2], "dropout: probability 1.5 must be from 0 to 1"),
        (&ChannelDropout::new(f64::NAN), &[3, 2], "channel_dropout: probability NaN must be from 0 to 1"),
        (&ChannelDropout::new(0.5), &[3], "channel_dropout: takes [N, channels, ..], got [3]"),
        (&Flatten::axes(1, 0), &[3, 2], "flatten: [3, 2] has no axes from 1 to 0"),
        (&Reshape::new([4]), &[3, 2], "reshape: [2] has 2 elements and [4] has 4"),
        (&Unflatten::new(0, [2, -1]), &[3, 2], "unflatten: axis 0 of [3, 2]: reshape: [3] to [2, -1]: no size fits in place of -1"),
        (&Embedding::new(2, 2, &mut rng())?, &[3], "index_select: an index is of dtype i64, got f32[3]"),
    ];
    for (layer, shape, sentence) in cases {
        assert_eq!(layer.predict(&float(shape)).unwrap_err().sentence(), sentence);
    }
    let tape = Tape::new();
    assert!(bilinear.forward(tape.input(&float(&[2])), tape.input(&float(&[2]))).value().is_err());

    let norm = BatchNorm::new(2)?;
    let one = Train::new(&norm, Sgd::new(0.1)).step(|t| norm.forward(t.input(&float(&[1, 2]))).sum()).unwrap_err();
    let sentence = "batch_norm: [1, 2] has 1 elements for each channel, and training takes 2";
    assert_eq!((one.sentence(), norm.num_batches_tracked.value().item()?), (sentence, 0.0));

    let grouped = Conv2d::grouped(3, 4, 3, 2, &mut rng()).unwrap_err();
    assert_eq!((grouped.kind(), grouped.sentence()), (ErrorKind::Value, "conv: 2 groups of 3 inputs and 4 outputs"));
    assert!(Conv2d::grouped(3, 4, 3, 0, &mut rng()).is_err());
    assert!(Conv2d::new(usize::MAX, 4, usize::MAX, &mut rng()).is_err());
    assert!(Bilinear::new(usize::MAX, 4, usize::MAX, &mut rng()).is_err());
    assert!(GroupNorm::new(0, 4).is_err() && GroupNorm::new(3, 4).is_err());
    assert!(Embedding::new(2, 2, &mut rng())?.padding(2).is_err());
    assert!(Embedding::of(float(&[2])).is_err());
    for far in [usize::MAX, usize::MAX / 2] {
        assert!(Conv2d::new(1, 1, 3, &mut rng())?.padding(far).predict(&float(&[1, 4, 4])).is_err());
        assert!(Conv2d::new(1, 1, 3, &mut rng())?.dilation(far).same().predict(&float(&[1, 4, 4])).is_err());
        assert!(ConvTranspose2d::new(1, 1, 3, &mut rng())?.padding(far).predict(&float(&[1, 4, 4])).is_err());
        assert!(ConvTranspose2d::new(1, 1, 3, &mut rng())?.stride(far).predict(&float(&[1, 4, 4])).is_err());
        assert!(ConvTranspose2d::new(1, 1, 3, &mut rng())?.output_padding(far).predict(&float(&[1, 4, 4])).is_err());
        assert!(MaxPool2d::new(2).padding(far).predict(&float(&[1, 4, 4])).is_err());
        assert!(AvgPool2d::new(far).predict(&float(&[1, 4, 4])).is_err());
        assert!(AdaptiveAvgPool2d::new(far).predict(&float(&[1, 4, 4])).is_err());
    }
    assert!(Conv2d::new(1, 1, 3, &mut rng())?.stride(0).predict(&float(&[1, 4, 4])).is_err());
    assert!(Conv2d::new(1, 1, 0, &mut rng())?.same().predict(&float(&[1, 4, 4])).is_err());
    Ok(())
}

#[test]
fn mistakes_name_the_users_line() -> Result<()> {
    let conv = Conv1d::new(2, 3, 2, &mut rng())?;
    let err = conv.predict(&Tensor::from(1f32)).unwrap_err();
    assert_eq!(err.location().map(|at| (at.file(), at.line())), Some((file!(), line!() - 1)));
    Ok(())
}

#[test]
fn a_network_of_them_trains_and_compiled_steps_give_the_same_bits() -> Result<()> {
    let net = || -> Result<Sequential> {
        let mut rng = rng();
        let inside = Sequential::new().then(GroupNorm::new(2, 4)?).then(Conv2d::depthwise(4, 3, &mut rng)?.same());
        Ok(Sequential::new()
            .then(Conv2d::new(1, 4, 3, &mut rng)?.padding(1).without_bias())
            .then(BatchNorm::new(4)?)
            .then(Prelu::per_channel(4)?)
            .then(MaxPool2d::new(2))
            .then(Residual::new(inside))
            .then(ChannelDropout::new(0.2))
            .then(ConvTranspose2d::new(4, 2, 2, &mut rng)?.stride(2))
            .then(AdaptiveAvgPool2d::new(2))
            .then(Flatten::new())
            .then(LayerNorm::new([8])?)
            .then(Dropout::new(0.1))
            .then(Linear::new(8, 3, &mut rng)?))
    };
    let (one, other) = (net()?, net()?);
    // Where an image is bright says its class.
    let y = Tensor::from_vec((0..12).map(|i| i % 3).collect::<Vec<i64>>(), [12])?;
    let place = Tensor::one_hot(&y, 4, DType::F32)?.reshape([12, 1, 2, 2])?;
    let bright = place.unsqueeze(3)?.unsqueeze(5)?.broadcast_to([12, 1, 2, 3, 2, 3])?.reshape([12, 1, 6, 6])?;
    let x = Tensor::randn([12, 1, 6, 6], DType::F32, &mut rng())?.add(&bright.mul(&3f32.into())?)?;
    let loss = CrossEntropy::new().label_smoothing(0.05);
    let mut recorded = Train::new(&one, Adam::new(0.01));
    let of_other = loss.clone();
    let mut compiled = Train::new(&other, Adam::new(0.01)).compile(|[x, y]| of_other.of(other.forward(x), y));
    let (mut first, mut last) = (f64::NAN, f64::NAN);
    for i in 0..60 {
        last = recorded.step(|t| loss.of(one.forward(t.input(&x)), t.input(&y)))?;
        assert_eq!(compiled.step([&x, &y])?.to_bits(), last.to_bits(), "step {i}");
        first = if i == 0 { last } else { first };
    }
    assert_eq!(one.state(), other.state());
    assert!(last < 0.5 * first, "{first} to {last}");
    assert_eq!(one.predict(&x)?.argmax(-1)?, y);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn sizes_are_the_formulas_and_the_transposed_layer_gives_them_back(
        n in 1usize..12, k in 1usize..4, stride in 1usize..4, padding in 0usize..3, dilation in 1usize..3,
    ) {
        let x = Tensor::zeros([2, n], DType::F32).unwrap();
        let conv = Conv1d::new(2, 3, k, &mut rng()).unwrap().stride(stride).padding(padding).dilation(dilation);
        let reach = dilation * (k - 1);
        match (n + 2 * padding).checked_sub(reach + 1) {
            None => prop_assert!(conv.predict(&x).is_err()),
            Some(room) => {
                let y = conv.predict(&x).unwrap();
                prop_assert_eq!(&y.shape()[..], [3, room / stride + 1]);
                let back = ConvTranspose1d::new(3, 2, k, &mut rng()).unwrap().stride(stride).padding(padding);
                let back = back.dilation(dilation).output_padding(room % stride);
                let z = back.predict(&y).unwrap();
                prop_assert_eq!(z.shape(), x.shape());
            }
        }
        let same = conv.stride(1).same();
        let y = same.predict(&x).unwrap();
        prop_assert_eq!(&y.shape()[..], [3, n]);
    }
}

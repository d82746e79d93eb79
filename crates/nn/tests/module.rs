//! Names, order, ties, freezing, state and conversion of modules.

extern crate wengert_nn as wengert;

use std::marker::PhantomData;
use std::sync::Arc;

use wengert_nn::{Activation, Init, Layer, Linear, Mlp, Module, Param, Sequential};
use wengert_tensor::{DType, ErrorKind, Result, Rng, Tensor};

fn names(module: &(impl Module + ?Sized)) -> Vec<String> {
    module.params().into_keys().collect()
}

fn param() -> Param {
    Param::new(Tensor::from([1.0, 2.0]))
}

#[derive(Module)]
struct Inner {
    w: Param,
    b: Option<Param>,
}

fn inner(bias: bool) -> Inner {
    Inner { w: param(), b: bias.then(param) }
}

#[derive(Module)]
struct Everything<M, T: ?Sized> {
    vec: Vec<Inner>,
    array: [M; 2],
    pair: (Param, Box<M>),
    shared: Arc<Inner>,
    none: Option<Inner>,
    dynamic: Vec<Box<dyn Layer>>,
    width: usize,
    rate: f64,
    label: String,
    activation: Activation,
    marker: PhantomData<u8>,
    r#type: Param,
    #[module(skip)]
    mean: Tensor,
    #[module(skip)]
    other: Box<T>,
}

#[derive(Module)]
enum Block {
    Newtype(Inner),
    Tuple(Param, Param),
    Named { left: Param, right: Param },
    Unit,
}

#[derive(Module)]
struct Newtype(Vec<Inner>);

#[derive(Module)]
struct Unit;

#[derive(Module)]
enum Never {}

#[test]
fn names_follow_the_fields_in_order() -> Result<()> {
    let everything = Everything::<Inner, dyn Send + Sync> {
        vec: vec![inner(true), inner(false)],
        array: [inner(false), inner(false)],
        pair: (param(), Box::new(inner(true))),
        shared: Arc::new(inner(false)),
        none: None,
        dynamic: vec![Box::new(Activation::Tanh), Box::new(Linear::new(1, 1, &mut Rng::seed(0))?)],
        width: 1,
        rate: 0.5,
        label: "x".into(),
        activation: Activation::Tanh,
        marker: PhantomData,
        r#type: param(),
        mean: Tensor::from(1.0),
        other: Box::new(1),
    };
    let expected = [
        "vec.0.w",
        "vec.0.b",
        "vec.1.w",
        "array.0.w",
        "array.1.w",
        "pair.0",
        "pair.1.w",
        "pair.1.b",
        "shared.w",
        "dynamic.1.weight",
        "dynamic.1.bias",
        "type",
    ];
    assert_eq!(names(&everything), expected);
    let _unread = (everything.mean, everything.other);
    Ok(())
}

#[test]
fn variants_and_newtypes_add_no_name() {
    assert_eq!(names(&Block::Newtype(inner(true))), ["w", "b"]);
    assert_eq!(names(&Block::Tuple(param(), param())), ["0", "1"]);
    assert_eq!(names(&Block::Named { left: param(), right: param() }), ["left", "right"]);
    assert!(names(&Block::Unit).is_empty() && names(&Unit).is_empty());
    assert_eq!(names(&Newtype(vec![inner(false)])), ["0.w"]);
    assert_eq!(names(&vec![Block::Newtype(inner(false)), Block::Unit, Block::Newtype(inner(false))]), ["0.w", "2.w"]);
    let _: Option<Never> = None;
    assert_eq!(names(&param()), ["param"]);
}

#[test]
fn layers_name_their_parameters() -> Result<()> {
    let mut rng = Rng::seed(0);
    let mlp = Mlp::new(&[2, 4, 1], Activation::Sigmoid, &mut rng)?;
    assert_eq!(names(&mlp), ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"]);
    assert_eq!(mlp.count(), 17);
    let net = Sequential::new().then(mlp).then(Activation::Tanh).then(Linear::new(1, 1, &mut rng)?.without_bias());
    assert_eq!(names(&net)[3..], ["0.layers.1.bias", "2.weight"]);
    let shape = |name: &str| net.state()[name].shape().to_vec();
    assert_eq!((shape("0.layers.0.weight"), shape("0.layers.0.bias")), (vec![2, 4], vec![4]));
    Ok(())
}

#[test]
fn a_tied_parameter_counts_once_under_its_first_name() {
    let first = inner(true);
    let second = Inner { w: first.w.clone(), b: None };
    let both = (first, second);
    assert_eq!(names(&both), ["0.w", "0.b"]);
    assert_eq!(both.count(), 4);
    assert!(both.0.w.is_tied_to(&both.1.w));
    both.1.freeze();
    assert!(both.0.w.is_frozen());
}

#[test]
fn a_name_used_twice_by_hand_loses_no_parameter() {
    struct Careless(Param, Param);
    impl Module for Careless {
        fn visit(&self, visitor: &mut wengert_nn::Visitor) {
            visitor.child("w", &self.0);
            visitor.child("w", &self.1);
        }
    }
    assert_eq!(names(&Careless(param(), param())), ["w", "w'"]);
}

#[test]
fn a_parameter_keeps_its_type() -> Result<()> {
    let w = param();
    w.set(Tensor::from([3.0, 4.0]))?;
    let shape = w.set(Tensor::from([3.0])).unwrap_err();
    assert_eq!(shape.to_string(), "set: a parameter of f64[2] cannot become f64[1]");
    let dtype = w.set(Tensor::from([3f32, 4.0])).unwrap_err();
    assert_eq!((shape.kind(), dtype.kind()), (ErrorKind::Shape, ErrorKind::DType));
    assert_eq!(w.value(), Tensor::from([3.0, 4.0]));
    Ok(())
}

#[test]
fn state_loads_into_a_twin() -> Result<()> {
    let mlp = |seed| Mlp::new(&[3, 5, 2], Activation::Tanh, &mut Rng::seed(seed));
    let (a, b) = (mlp(1)?, mlp(2)?);
    let x = Tensor::from([[1f32, 2.0, 3.0]]);
    assert_ne!(a.predict(&x)?, b.predict(&x)?);
    let mut state = a.state();
    state.reverse();
    b.load(&state)?;
    assert_eq!(a.predict(&x)?, b.predict(&x)?);
    Ok(())
}

#[test]
fn a_state_that_does_not_fit_is_described_and_changes_nothing() -> Result<()> {
    let mlp = Mlp::new(&[2, 4, 1], Activation::Tanh, &mut Rng::seed(1))?;
    let before = mlp.state();
    let mut state = Mlp::new(&[2, 4, 1], Activation::Tanh, &mut Rng::seed(2))?.state();
    state.shift_remove("layers.0.bias");
    state.insert("layers.1.weight".into(), Tensor::zeros([4, 2], DType::F32)?);
    state.insert("layers.1.bias".into(), Tensor::zeros([1], DType::F64)?);
    state.insert("layers.2.bias".into(), Tensor::zeros([3], DType::I64)?);
    let err = mlp.load(&state).unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Parameter);
    assert_eq!(
        err.sentence(),
        "load: layers.0.bias of f32[4] is missing; layers.1.weight is f32[4, 1], not f32[4, 2]; \
         layers.1.bias is f32[1], not f64[1]; there is no layers.2.bias for i64[3]"
    );
    assert_eq!(mlp.state(), before);
    Ok(())
}

#[test]
fn conversion_changes_every_float() -> Result<()> {
    let module = (Linear::new(2, 2, &mut Rng::seed(0))?, Param::new(Tensor::from([1, 2])));
    module.to(DType::F64)?;
    assert_eq!(module.0.weight.ty().to_string(), "f64[2, 2]");
    assert_eq!(module.1.ty().to_string(), "i64[2]");
    assert_eq!(module.to(DType::I64).unwrap_err().kind(), ErrorKind::DType);
    Ok(())
}

#[test]
fn layers_do_what_their_formulas_say() -> Result<()> {
    let layer = Linear::new_with(2, 3, Init::Constant(0.5), &mut Rng::seed(0))?;
    layer.bias.as_ref().map_or(Ok(()), |b| b.set(Tensor::from([1f32, 2.0, 3.0])))?;
    let x = Tensor::from([[[1f32, 3.0]], [[-1.0, 1.0]]]);
    assert_eq!(layer.predict(&x)?, Tensor::from([[[3f32, 4.0, 5.0]], [[1.0, 2.0, 3.0]]]));
    assert_eq!(layer.without_bias().predict(&x)?, Tensor::from([[[2f32; 3]], [[0.0; 3]]]));

    let mlp = Mlp::new_with(&[1, 1, 1], Activation::Tanh, Init::Constant(2.0), &mut Rng::seed(0))?;
    let linear_output = mlp.clone().with_output(Activation::Identity);
    mlp.to(DType::F64)?;
    let x = Tensor::from([[0.25]]);
    let hidden = (0.5f64).tanh();
    assert!((mlp.predict(&x)?.item()? - (2.0 * hidden).tanh()).abs() < 1e-15);
    assert!((linear_output.predict(&x)?.item()? - 2.0 * hidden).abs() < 1e-15);
    Ok(())
}

#[test]
fn mistakes_in_layers_name_the_callers_line() -> Result<()> {
    let mut rng = Rng::seed(0);
    let x = Tensor::zeros([3, 5], DType::F32)?;
    let linear = Linear::new(2, 4, &mut rng)?;
    let mlp = Mlp::new(&[2, 4, 1], Activation::Tanh, &mut rng)?;
    let sequential = Sequential::new().then(linear.clone());
    let boxed: Box<dyn Layer> = Box::new(linear.clone());
    let errors =
        [linear.predict(&x), mlp.predict(&x), sequential.predict(&x), boxed.predict(&x)].map(Result::unwrap_err);
    for err in errors {
        assert_eq!(err.sentence(), "matmul: [3, 5] x [2, 4]: inner dimensions 5 and 2 differ");
        assert_eq!(err.location().map(|at| at.file()), Some(file!()));
    }
    let err = Mlp::new(&[2], Activation::Tanh, &mut rng).unwrap_err();
    assert_eq!(err.sentence(), "mlp: sizes [2] must name the inputs and the outputs at least");
    Ok(())
}

#[test]
fn empty_layers_work() -> Result<()> {
    let mut rng = Rng::seed(0);
    assert_eq!(Sequential::new().predict(&Tensor::from([1.0]))?, Tensor::from([1.0]));
    let layer = Linear::new(0, 2, &mut rng)?;
    assert_eq!(layer.predict(&Tensor::zeros([3, 0], DType::F32)?)?, Tensor::zeros([3, 2], DType::F32)?);
    assert_eq!(Linear::new(2, 0, &mut rng)?.predict(&Tensor::zeros([0, 2], DType::F32)?)?.shape()[..], [0, 0]);
    assert!(Linear::new(usize::MAX, 2, &mut rng).is_err());
    Ok(())
}

#[test]
fn activations_are_read_as_they_are_written() {
    for activation in Activation::ALL {
        assert_eq!(activation.to_string().parse(), Ok(*activation));
    }
    let err = "swish".parse::<Activation>().unwrap_err();
    assert!(err.sentence().starts_with("activation: there is no \"swish\", only identity, sigmoid, tanh"), "{err}");
}

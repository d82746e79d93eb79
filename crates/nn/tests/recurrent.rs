//! Recurrent layers against PyTorch's in f64, and what holds for all of them.

mod reference;
#[path = "reference/sequences.rs"]
mod sequences;

use proptest::prelude::*;
use sequences::{check, pattern};
use wengert_autograd::{Tape, Var, jacobian};
use wengert_nn::loss::mse;
use wengert_nn::{Activation, Adam, Gru, Layer, Linear, Lstm, Module, Recurrence, Rnn, Train};
use wengert_tensor::{DType, ErrorKind, Result, Rng, Tensor};

const CASES: &str = include_str!("reference/recurrent.txt");

fn x() -> Tensor {
    pattern(50, &[2, 4, 3])
}

fn one() -> Recurrence {
    Recurrence::new(3, 2)
}

fn two() -> Recurrence {
    one().layers(2).bidirectional()
}

fn state(t: usize) -> Tensor {
    pattern(t, &[4, 2, 2])
}

#[test]
fn simple_layers_are_pytorchs() -> Result<()> {
    let rng = &mut Rng::seed(0);
    check(CASES, "rnn", &Rnn::new(3, 2, rng)?, &[x()], |rnn, v| {
        let (y, h) = rnn.run(v[0], None);
        (y, vec![h])
    })?;
    let relu = Rnn::new_with(two().without_bias(), Activation::Relu, rng)?;
    check(CASES, "rnn_relu", &relu, &[x(), state(51)], |rnn, v| {
        let (y, h) = rnn.run(v[0], Some(v[1]));
        (y, vec![h])
    })
}

#[test]
fn long_short_term_memories_are_pytorchs() -> Result<()> {
    let rng = &mut Rng::seed(0);
    check(CASES, "lstm", &Lstm::new(3, 2, rng)?, &[x()], |lstm, v| {
        let (y, (h, c)) = lstm.run(v[0], None);
        (y, vec![h, c])
    })?;
    check(CASES, "lstm_2", &Lstm::new_with(two(), rng)?, &[x(), state(51), state(52)], |lstm, v| {
        let (y, (h, c)) = lstm.run(v[0], Some((v[1], v[2])));
        (y, vec![h, c])
    })
}

#[test]
fn gated_units_are_pytorchs() -> Result<()> {
    let rng = &mut Rng::seed(0);
    check(CASES, "gru", &Gru::new_with(one().without_bias(), rng)?, &[x()], |gru, v| {
        let (y, h) = gru.run(v[0], None);
        (y, vec![h])
    })?;
    check(CASES, "gru_2", &Gru::new_with(two(), rng)?, &[x(), state(51)], |gru, v| {
        let (y, h) = gru.run(v[0], Some(v[1]));
        (y, vec![h])
    })
}

fn all(of: Recurrence, seed: u64) -> Result<Vec<Box<dyn Layer>>> {
    let rng = &mut Rng::seed(seed);
    let layers: Vec<Box<dyn Layer>> = vec![
        Box::new(Rnn::new_with(of, Activation::Tanh, rng)?),
        Box::new(Lstm::new_with(of, rng)?),
        Box::new(Gru::new_with(of, rng)?),
    ];
    layers.iter().try_for_each(|layer| layer.to(DType::F64))?;
    Ok(layers)
}

#[test]
fn an_output_depends_on_no_later_input_in_one_direction() -> Result<()> {
    for layer in all(Recurrence::new(2, 3).layers(2), 1)? {
        let x = pattern(1, &[1, 4, 2]);
        // [1, 4, 3, 1, 4, 2]
        let by_inputs = jacobian(|x: Var| layer.forward(x), &x)?;
        for (t, s) in (0..4).flat_map(|t| (0..4).map(move |s| (t, s))) {
            let part = by_inputs.narrow(1, t, 1)?.narrow(4, s, 1)?;
            let none = part.iter::<f64>()?.all(|d| d == 0.0);
            assert_eq!(none, s > t, "d y_{t} / d x_{s} = {part}");
        }
    }
    Ok(())
}

/// A layer in both directions gives what one does forwards, and one on the reversed sequence backwards.
#[test]
fn backwards_is_forwards_on_the_reversed_sequence() -> Result<()> {
    let of = Recurrence::new(2, 3);
    for (both, one) in all(of.bidirectional(), 1)?.iter().zip(all(of, 2)?) {
        let x = pattern(1, &[2, 5, 2]);
        let y = both.predict(&x)?;
        for (suffix, start, reversed) in [("", 0, false), ("_reverse", 3, true)] {
            let state = both.state();
            one.params().iter().try_for_each(|(name, param)| param.set(state[&format!("{name}{suffix}")].clone()))?;
            let flip = |x: &Tensor| if reversed { x.flip(1) } else { Ok(x.clone()) };
            let alone = flip(&one.predict(&flip(&x)?)?)?;
            assert_eq!(alone, y.narrow(2, start, 3)?);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// A sequence may be cut anywhere, also before the first step, if the state is handed on.
    #[test]
    fn a_sequence_may_be_cut(batch in 1usize..3, steps in 1usize..5, cut in 0usize..5, layers in 1usize..3, seed: u64) {
        let cut = cut.min(steps);
        let x = pattern(seed as usize % 100, &[batch, steps, 2]);
        let lstm = Lstm::new_with(Recurrence::new(2, 3).layers(layers), &mut Rng::seed(seed))?;
        lstm.to(DType::F64)?;
        let tape = Tape::new();
        let x = tape.input(&x);
        let (whole, end) = lstm.run(x, None);
        let (first, middle) = lstm.run(x.narrow(1, 0, cut), None);
        let (second, last) = lstm.run(x.narrow(1, cut, steps - cut), Some(middle));
        prop_assert_eq!(Var::concat(&[first, second], 1).value()?, whole.value()?);
        prop_assert_eq!(last.0.value()?, end.0.value()?);
        prop_assert_eq!(last.1.value()?, end.1.value()?);
    }
}

#[test]
fn a_tape_has_as_many_equations_for_long_sequences_as_for_short() -> Result<()> {
    for layer in all(Recurrence::new(2, 3), 1)? {
        let equations = |steps| {
            let tape = Tape::new();
            let x = tape.input(&Tensor::zeros([1, steps, 2], DType::F64)?);
            layer.forward(x).square().sum().grad(x);
            Ok::<_, wengert_tensor::Error>(tape.len())
        };
        assert_eq!(equations(2)?, equations(2000)?);
    }
    Ok(())
}

#[test]
fn dropout_is_between_layers_and_for_training_alone() -> Result<()> {
    let run = |layer: &dyn Layer, key: Option<i64>| {
        let tape = Tape::new();
        key.into_iter().for_each(|key| tape.set_training(key));
        layer.forward(tape.input(&pattern(1, &[2, 5, 2]))).value()
    };
    let of = Recurrence::new(2, 3).dropout(0.5);
    for layer in all(of, 1)? {
        assert_eq!(run(&*layer, Some(1))?, run(&*layer, None)?);
    }
    for layer in all(of.layers(2), 1)? {
        assert_eq!(run(&*layer, Some(1))?, run(&*layer, Some(1))?);
        assert_ne!(run(&*layer, Some(1))?, run(&*layer, Some(2))?);
        assert_ne!(run(&*layer, Some(1))?, run(&*layer, None)?);
    }
    Ok(())
}

/// It is trained to give the sums of what it has seen.
#[test]
fn a_layer_learns_to_add() -> Result<()> {
    let rng = &mut Rng::seed(1);
    let (lstm, head) = (Lstm::new_with(Recurrence::new(1, 8), rng)?, Linear::new(8, 1, rng)?);
    let x = Tensor::uniform([32, 6, 1], -0.5, 0.5, DType::F32, rng)?;
    let y = x.cumsum(1)?;
    let model = (lstm, head);
    let mut train = Train::new(&model, Adam::new(0.02));
    let step = |t: &Tape| mse(model.1.forward(model.0.forward(t.input(&x))), t.input(&y)).item();
    let before = step(&Tape::new())?;
    for _ in 0..150 {
        train.step(|t| mse(model.1.forward(model.0.forward(t.input(&x))), t.input(&y)))?;
    }
    let after = step(&Tape::new())?;
    assert!(after < before / 50.0, "{before} before and {after} after");
    Ok(())
}

#[test]
fn names_and_shapes_are_pytorchs() -> Result<()> {
    let gru = Gru::new_with(Recurrence::new(5, 2).layers(2).bidirectional(), &mut Rng::seed(0))?;
    let state = gru.state();
    let shapes: Vec<_> = state.iter().map(|(name, w)| format!("{name} {}", w.shape())).collect();
    let expected = [
        "weight_ih_l0 [6, 5]",
        "weight_hh_l0 [6, 2]",
        "bias_ih_l0 [6]",
        "bias_hh_l0 [6]",
        "weight_ih_l0_reverse [6, 5]",
        "weight_hh_l0_reverse [6, 2]",
        "bias_ih_l0_reverse [6]",
        "bias_hh_l0_reverse [6]",
        "weight_ih_l1 [6, 4]",
        "weight_hh_l1 [6, 2]",
        "bias_ih_l1 [6]",
        "bias_hh_l1 [6]",
        "weight_ih_l1_reverse [6, 4]",
        "weight_hh_l1_reverse [6, 2]",
        "bias_ih_l1_reverse [6]",
        "bias_hh_l1_reverse [6]",
    ];
    assert_eq!(shapes, expected);
    let bound = 0.5f64.sqrt() as f32;
    assert!(state.values().all(|w| w.iter::<f32>().is_ok_and(|mut w| w.all(|w| w.abs() <= bound))));
    Ok(())
}

#[test]
fn mistakes_are_sentences() -> Result<()> {
    let rng = &mut Rng::seed(0);
    let nothing = Lstm::new(2, 0, rng).unwrap_err();
    assert!(nothing.to_string().starts_with("lstm: 1 layers of width 0"), "{nothing}");
    assert_eq!(Gru::new_with(one().layers(0), rng).unwrap_err().kind(), ErrorKind::Value);
    let lstm = Lstm::new(2, 3, rng)?;
    for shape in [&[2, 2][..], &[1, 2, 3], &[]] {
        let error = lstm.predict(&Tensor::zeros(shape, DType::F32)?).unwrap_err();
        assert!(error.to_string().starts_with("lstm: goes over [batch, steps, 2], not ["), "{error}");
        assert!(error.to_string().contains("recurrent.rs"), "{error}");
    }
    let tape = Tape::new();
    let x = tape.input(&Tensor::zeros([1, 4, 2], DType::F32)?);
    let wrong = tape.input(&Tensor::zeros([1, 2, 3], DType::F32)?);
    let error = lstm.run(x, Some((wrong, wrong))).0.value().unwrap_err();
    assert!(error.to_string().starts_with("lstm: starts from a state [1, 1, 3], not [1, 2, 3]"), "{error}");
    let other = lstm.predict(&Tensor::zeros([1, 4, 2], DType::F64)?).unwrap_err();
    assert_eq!(other.kind(), ErrorKind::DType, "{other}");
    // No steps, and no sequences, are no mistakes.
    assert_eq!(lstm.predict(&Tensor::zeros([1, 0, 2], DType::F32)?)?.shape()[..], [1, 0, 3]);
    assert_eq!(lstm.predict(&Tensor::zeros([0, 4, 2], DType::F32)?)?.shape()[..], [0, 4, 3]);
    Ok(())
}

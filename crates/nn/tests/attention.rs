//! Attention, positions and transformers against PyTorch's in f64, and what holds for all of them.

mod reference;
#[path = "reference/sequences.rs"]
mod sequences;

use std::slice::from_ref;

use sequences::{check, pattern};
use wengert_autograd::{Tape, Var, jacobian};
use wengert_nn::{
    Activation, Cache, DecoderBlock, EncoderBlock, Layer, LearnedPositions, Mask, Module, MultiHeadAttention, Rotary,
    SinusoidalPositions, TransformerDecoder, TransformerEncoder, TransformerOptions,
};
use wengert_tensor::{DType, ErrorKind, Result, Rng, Tensor};

const CASES: &str = include_str!("reference/attention.txt");

fn x() -> Tensor {
    pattern(50, &[2, 3, 4])
}

fn memory() -> Tensor {
    pattern(51, &[2, 4, 4])
}

fn seen(x: Var<'_>) -> Var<'_> {
    x.tape().input(&Tensor::from([[true, true, false], [true, true, true]]))
}

fn seen_memory(x: Var<'_>) -> Var<'_> {
    x.tape().input(&Tensor::from([[true, true, true, false], [true, false, true, true]]))
}

fn attention() -> Result<MultiHeadAttention> {
    MultiHeadAttention::new(4, 2, &mut Rng::seed(0))
}

fn with_weights<'t>((y, weights): (Var<'t>, Var<'t>)) -> (Var<'t>, Vec<Var<'t>>) {
    (y, vec![weights])
}

#[test]
fn attention_to_itself_is_pytorchs() -> Result<()> {
    check(CASES, "self", &attention()?, &[x()], |attention, v| {
        with_weights(attention.attend_with_weights(v[0], v[0], v[0], Mask::none()))
    })?;
    check(CASES, "self_masked", &attention()?, &[x()], |attention, v| {
        let mask = Mask::causal().keys(seen(v[0]));
        with_weights(attention.attend_with_weights(v[0], v[0], v[0], mask))
    })
}

#[test]
fn attention_to_others_is_pytorchs() -> Result<()> {
    check(CASES, "cross", &attention()?.without_bias(), &[x(), memory()], |attention, v| {
        with_weights(attention.attend_with_weights(v[0], v[1], v[1], Mask::none().keys(seen_memory(v[0]))))
    })?;
    let widths = MultiHeadAttention::new_with(4, 2, [3, 2], &mut Rng::seed(0))?;
    let (keys, values) = (pattern(51, &[2, 4, 3]), pattern(52, &[2, 4, 2]));
    check(CASES, "widths", &widths, &[x(), keys, values], |attention, v| {
        let added = v[0].tape().input(&pattern(53, &[3, 4]));
        with_weights(attention.attend_with_weights(v[0], v[1], v[2], Mask::none().pairs(added)))
    })
}

fn options() -> TransformerOptions {
    TransformerOptions::new(4, 2).hidden(6)
}

fn last() -> TransformerOptions {
    options().norm_last().activation(Activation::Relu)
}

#[test]
fn blocks_are_pytorchs() -> Result<()> {
    let cases = [
        (["encoder_block_post", "decoder_block_post"], last()),
        (["encoder_block_pre", "decoder_block_pre"], options()),
    ];
    for ([encoder_name, decoder_name], options) in cases {
        let encoder = EncoderBlock::new(&options, &mut Rng::seed(0))?;
        check(CASES, encoder_name, &encoder, &[x()], |block, v| {
            (block.forward_masked(v[0], Mask::causal().keys(seen(v[0]))), vec![])
        })?;
        let decoder = DecoderBlock::new(&options, &mut Rng::seed(0))?;
        check(CASES, decoder_name, &decoder, &[x(), memory()], |block, v| {
            let memory_mask = Mask::none().keys(seen_memory(v[0]));
            (block.forward(v[0], v[1], Mask::causal(), memory_mask), vec![])
        })?;
    }
    Ok(())
}

#[test]
fn stacks_are_pytorchs() -> Result<()> {
    let encoder = TransformerEncoder::new(2, &options().activation(Activation::Relu), &mut Rng::seed(0))?;
    check(CASES, "encoder", &encoder, &[x()], |encoder, v| (encoder.forward(v[0]), vec![]))?;
    let decoder = TransformerDecoder::new(2, &last().without_bias(), &mut Rng::seed(0))?;
    check(CASES, "decoder", &decoder, &[x(), memory()], |decoder, v| {
        (decoder.forward(v[0], v[1], Mask::causal(), Mask::none()), vec![])
    })
}

#[test]
fn positions_are_those_of_the_papers() -> Result<()> {
    let x = pattern(50, &[2, 5, 6]);
    let waves = SinusoidalPositions::new(7, 6)?;
    check(CASES, "sinusoidal", &waves, from_ref(&x), |waves, v| (waves.forward(v[0]), vec![]))?;
    let rotary = Rotary::new(7, 6)?;
    check(CASES, "rotary", &rotary, from_ref(&x), |rotary, v| (rotary.forward(v[0]), vec![]))?;
    check(CASES, "rotary_halves", &rotary.halves(), &[x], |rotary, v| (rotary.forward(v[0]), vec![]))
}

fn in_f64<M: Module>(module: M) -> Result<M> {
    module.to(DType::F64)?;
    Ok(module)
}

/// A sequence may be handed over in parts if the first position of each is told.
#[test]
fn positions_go_on_where_a_part_begins() -> Result<()> {
    let learned = in_f64(LearnedPositions::new(9, 4, &mut Rng::seed(0))?)?;
    let (waves, rotary) = (SinusoidalPositions::new(9, 4)?, Rotary::new(9, 4)?);
    let tape = Tape::new();
    let x = tape.input(&pattern(1, &[2, 9, 4]));
    type At<'a> = &'a dyn for<'t> Fn(Var<'t>, usize) -> Var<'t>;
    let all: [At; 3] =
        [&|x, at| learned.forward_at(x, at), &|x, at| waves.forward_at(x, at), &|x, at| rotary.forward_at(x, at)];
    for forward in all {
        let parts = Var::concat(&[forward(x.narrow(1, 0, 5), 0), forward(x.narrow(1, 5, 4), 5)], 1);
        assert_eq!(parts.value()?, forward(x, 0).value()?);
        let error = forward(x, 1).value().unwrap_err();
        assert!(error.to_string().contains("9 steps from position 1 on are beyond the 9"), "{error}");
    }
    Ok(())
}

#[test]
fn products_of_turned_vectors_depend_on_distances_alone() -> Result<()> {
    for rotary in [Rotary::new(100, 6)?, Rotary::new(100, 6)?.halves()] {
        let tape = Tape::new();
        let (q, k) = (tape.input(&pattern(1, &[1, 6])), tape.input(&pattern(2, &[1, 6])));
        let product = |m, n| rotary.forward_at(q, m).matmul(rotary.forward_at(k, n).t()).sum().item();
        for (m, n) in [(3, 0), (60, 57), (99, 96)] {
            assert!((product(m, n)? - product(10, 7)?).abs() < 1e-12);
        }
        assert!((product(3, 0)? - product(4, 0)?).abs() > 1e-3);
    }
    Ok(())
}

/// Whether the output at each step depends on the inputs up to there and on none after.
fn assert_causal(f: impl for<'t> Fn(Var<'t>) -> Var<'t>) -> Result<()> {
    // [1, 4, 4, 1, 4, 4]
    let by_inputs = jacobian(|x: Var| f(x), &pattern(3, &[1, 4, 4]))?;
    for (t, s) in (0..4).flat_map(|t| (0..4).map(move |s| (t, s))) {
        let part = by_inputs.narrow(1, t, 1)?.narrow(4, s, 1)?;
        let none = part.iter::<f64>()?.all(|d| d == 0.0);
        assert_eq!(none, s > t, "d y_{t} / d x_{s} = {part}");
    }
    Ok(())
}

#[test]
fn a_causal_output_depends_on_no_later_input() -> Result<()> {
    let rng = &mut Rng::seed(1);
    let attention = in_f64(attention()?.causal())?;
    assert_causal(|x| attention.forward(x))?;
    for options in [options().rotary(4), last()] {
        let encoder = in_f64(TransformerEncoder::new(2, &options.causal(), rng)?)?;
        assert_causal(|x| encoder.forward(x))?;
        let decoder = in_f64(TransformerDecoder::new(2, &options, rng)?)?;
        assert_causal(|x| {
            let memory = x.tape().input(&pattern(4, &[1, 3, 4]));
            decoder.forward(x, memory, Mask::causal(), Mask::none())
        })?;
    }
    Ok(())
}

/// The outputs for parts of a sequence of 6 steps, one part after another.
fn in_parts(
    parts: &[usize],
    x: &Tensor,
    step: impl for<'t> Fn(Var<'t>, &mut wengert_nn::Seen<'t>) -> Var<'t>,
) -> Result<Tensor> {
    let (mut cache, mut outputs) = (Cache::new(), Vec::new());
    for &steps in parts {
        let part = x.narrow(1, cache.len(), steps)?;
        outputs.push(cache.extend(|tape, seen| step(tape.input(&part), seen))?);
    }
    assert_eq!(cache.len(), parts.iter().sum());
    Tensor::concat(&outputs.iter().collect::<Vec<_>>(), 1)
}

#[test]
fn a_cache_gives_what_the_whole_sequence_gives() -> Result<()> {
    let rng = &mut Rng::seed(2);
    let x = pattern(5, &[2, 6, 4]);
    let memory = pattern(6, &[2, 3, 4]);
    for options in [options().causal(), options().causal().rotary(6), last().causal()] {
        let encoder = in_f64(TransformerEncoder::new(2, &options, rng)?)?;
        let whole = encoder.predict(&x)?;
        let decoder = in_f64(TransformerDecoder::new(2, &options, rng)?)?;
        let tape = Tape::new();
        let decoded = decoder.forward(tape.input(&x), tape.input(&memory), Mask::causal(), Mask::none()).value()?;
        for parts in [&[1; 6][..], &[3, 1, 2], &[6], &[0, 5, 0, 1]] {
            let found = in_parts(parts, &x, |x, seen| encoder.forward_cached(x, Mask::none(), seen))?;
            assert!(found.allclose(&whole, 1e-12, 1e-13)?, "{parts:?}: {found}, not {whole}");
            let found =
                in_parts(parts, &x, |x, seen| decoder.forward_cached(x, x.tape().input(&memory), Mask::none(), seen))?;
            assert!(found.allclose(&decoded, 1e-12, 1e-13)?, "{parts:?}: {found}, not {decoded}");
        }
    }
    Ok(())
}

#[test]
fn a_cache_that_meets_a_mistake_stays_as_it_was() -> Result<()> {
    let attention = in_f64(attention()?)?;
    let (mut cache, x) = (Cache::new(), x());
    cache.extend(|tape, seen| attention.forward_cached(tape.input(&x), Mask::none(), seen))?;
    let wrong = cache.extend(|tape, seen| attention.forward_cached(tape.full([2, 1, 5], 0.0), Mask::none(), seen));
    assert_eq!(wrong.unwrap_err().kind(), ErrorKind::Shape);
    let more = cache.extend(|tape, seen| {
        let y = attention.forward_cached(tape.input(&x), Mask::none(), seen);
        attention.forward_cached(y, Mask::none(), seen)
    });
    assert!(more.unwrap_err().to_string().starts_with("cache: an attention after the 1 of before"));
    let fewer = cache.extend(|tape, _| tape.input(&x)).unwrap_err();
    assert!(fewer.to_string().starts_with("cache: of 1 attentions before, 0 were asked"), "{fewer}");
    assert_eq!(cache.len(), 3);
    Ok(())
}

#[test]
fn what_sees_nothing_gets_zeros_and_finite_derivatives() -> Result<()> {
    let attention = in_f64(attention()?.without_bias())?;
    let tape = Tape::new();
    let x = tape.input(&x());
    // The first sequence begins with what fills up: its first query sees nothing.
    let there = tape.input(&Tensor::from([[false, true, true], [true, true, true]]));
    let y = attention.forward_masked(x, Mask::causal().keys(there));
    assert_eq!(y.narrow(0, 0, 1).narrow(1, 0, 1).value()?, Tensor::zeros([1, 1, 4], DType::F64)?);
    let by_x = y.square().sum().grad(x).value()?;
    assert!(by_x.iter::<f64>()?.all(f64::is_finite), "{by_x}");
    Ok(())
}

#[test]
fn what_fills_up_a_batch_changes_nothing() -> Result<()> {
    let encoder = in_f64(TransformerEncoder::new(2, &options(), &mut Rng::seed(3))?)?;
    let x = pattern(7, &[1, 5, 4]);
    let alone = encoder.predict(&x.narrow(1, 0, 3)?)?;
    let tape = Tape::new();
    let there = tape.input(&Tensor::from([[true, true, true, false, false]]));
    let y = encoder.forward_masked(tape.input(&x), Mask::none().keys(there)).value()?;
    assert!(y.narrow(1, 0, 3)?.allclose(&alone, 1e-13, 1e-14)?);
    Ok(())
}

#[test]
fn dropout_is_for_training_alone() -> Result<()> {
    let options = options().dropout(0.5);
    let decoder = in_f64(TransformerDecoder::new(1, &options, &mut Rng::seed(4))?)?;
    let run = |key: Option<i64>| {
        let tape = Tape::new();
        key.into_iter().for_each(|key| tape.set_training(key));
        decoder.forward(tape.input(&x()), tape.input(&memory()), Mask::causal(), Mask::none()).value()
    };
    assert_eq!(run(None)?, run(None)?);
    assert_eq!(run(Some(1))?, run(Some(1))?);
    assert_ne!(run(Some(1))?, run(None)?);
    assert_ne!(run(Some(1))?, run(Some(2))?);
    Ok(())
}

#[test]
fn names_are_pytorchs() -> Result<()> {
    let block = DecoderBlock::new(&options().without_bias(), &mut Rng::seed(0))?;
    let expected = [
        "self_attn.in_proj_weight",
        "self_attn.out_proj.weight",
        "multihead_attn.in_proj_weight",
        "multihead_attn.out_proj.weight",
        "linear1.weight",
        "linear2.weight",
        "norm1.weight",
        "norm2.weight",
        "norm3.weight",
    ];
    assert_eq!(block.params().into_keys().collect::<Vec<_>>(), expected);
    Ok(())
}

#[test]
fn mistakes_are_sentences() -> Result<()> {
    let rng = &mut Rng::seed(0);
    for heads in [0, 3] {
        let error = MultiHeadAttention::new(4, heads, rng).unwrap_err();
        assert!(error.to_string().starts_with(&format!("attention: {heads} heads do not share")), "{error}");
    }
    assert_eq!(EncoderBlock::new(&TransformerOptions::new(6, 2).rotary(8), rng).unwrap_err().kind(), ErrorKind::Value);
    assert_eq!(EncoderBlock::new(&TransformerOptions::new(6, 0).rotary(8), rng).unwrap_err().kind(), ErrorKind::Value);
    assert_eq!(attention()?.rotary(Rotary::new(8, 4)?).unwrap_err().kind(), ErrorKind::Value);
    assert_eq!(SinusoidalPositions::new(8, 3).unwrap_err().kind(), ErrorKind::Value);

    let attention = attention()?;
    for shape in [&[2, 5][..], &[4], &[]] {
        let error = attention.predict(&Tensor::zeros(shape, DType::F32)?).unwrap_err();
        assert!(error.to_string().starts_with("attention: queries are made of [.., steps, 4], not ["), "{error}");
        assert!(error.to_string().contains("attention.rs"), "{error}");
    }
    let tape = Tape::new();
    let [x, key, value] = [3, 5, 6].map(|steps| tape.full([2, steps, 4], 0f32));
    let error = attention.attend(x, key, value, Mask::none()).value().unwrap_err();
    assert!(error.to_string().contains("have not as many steps"), "{error}");
    // No steps, no sequences, and one sequence alone, are no mistakes.
    for shape in [&[2, 0, 4][..], &[0, 3, 4], &[3, 4], &[2, 2, 3, 4]] {
        assert_eq!(attention.predict(&Tensor::zeros(shape, DType::F32)?)?.shape()[..], *shape);
    }
    Ok(())
}

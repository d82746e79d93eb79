//! Losses against PyTorch's in f64: single values, sum, mean, and the gradients of the mean.

mod reference;

use reference::Case;
use wengert_autograd::{Tape, Var};
use wengert_nn::loss::*;
use wengert_nn::{Adam, Layer, Linear, Reduction, Train};
use wengert_tensor::{DType, Result, Rng, Tensor};

/// That a loss of the case's inputs is PyTorch's; gradients are compared where there are some.
#[track_caller]
fn assert_loss(name: &'static str, loss: impl for<'t> Fn(&[Var<'t>], Reduction) -> Var<'t>) -> Result<()> {
    let case = Case::of(include_str!("reference/losses.txt"), name);
    let tape = Tape::new();
    let xs: Vec<Var> = case.all("x").values().map(|x| tape.input(x)).collect();
    case.assert("each", &loss(&xs, Reduction::None).value()?);
    case.assert("sum", &loss(&xs, Reduction::Sum).value()?);
    let mean = loss(&xs, Reduction::Mean);
    case.assert("mean", &mean.value()?);
    for i in case.all("grad.x").keys() {
        let x = xs[i.parse::<usize>().expect("the number of an input")];
        case.assert(&format!("grad.x{i}"), &mean.grad(x).value()?);
    }
    Ok(())
}

const WEIGHTS: [f64; 3] = [0.5, 2.0, 1.5];

fn weights<'t>(x: Var<'t>, by: f64) -> Var<'t> {
    by * x.tape().input(&Tensor::from(WEIGHTS))
}

#[test]
fn losses_of_numbers_are_pytorchs() -> Result<()> {
    assert_loss("mse", |x, r| mse_with(x[0], x[1], r))?;
    assert_loss("l1", |x, r| l1_with(x[0], x[1], r))?;
    assert_loss("huber", |x, r| huber_with(x[0], x[1], 0.75, r))?;
    assert_loss("smooth_l1", |x, r| smooth_l1_with(x[0], x[1], 0.75, r))?;
    assert_loss("smooth_l1_zero", |x, r| smooth_l1_with(x[0], x[1], 0.0, r))
}

#[test]
fn losses_of_two_classes_are_pytorchs() -> Result<()> {
    assert_loss("bce", |x, r| bce_with(x[0], x[1], r))?;
    assert_loss("bce_weight", |x, r| Bce::new().weight(weights(x[0], 1.0)).reduction(r).of(x[0], x[1]))?;
    assert_loss("bce_with_logits", |x, r| bce_with_logits_with(x[0], x[1], r))?;
    assert_loss("bce_with_logits_weights", |x, r| {
        let loss = BceWithLogits::new().weight(weights(x[0], 1.0)).positive_weight(weights(x[0], 2.0));
        loss.reduction(r).of(x[0], x[1])
    })
}

#[test]
fn losses_of_classes_are_pytorchs() -> Result<()> {
    let smooth = CrossEntropy::new().label_smoothing(0.2);
    let weighted = smooth.clone().weights(&WEIGHTS);
    let all = weighted.clone().ignore_index(-100);
    let ignoring = CrossEntropy::new().ignore_index(-100);
    assert_loss("cross_entropy", |x, r| cross_entropy_with(x[0], x[1], r))?;
    assert_loss("cross_entropy_all", |x, r| all.clone().reduction(r).of(x[0], x[1]))?;
    assert_loss("cross_entropy_ignore", |x, r| ignoring.clone().reduction(r).of(x[0], x[1]))?;
    assert_loss("cross_entropy_smooth", |x, r| smooth.clone().reduction(r).of(x[0], x[1]))?;
    assert_loss("cross_entropy_probabilities", |x, r| weighted.clone().reduction(r).of(x[0], x[1]))?;
    let all = Nll::new().weights(&WEIGHTS).ignore_index(-100);
    assert_loss("nll", |x, r| nll_with(x[0], x[1], r))?;
    assert_loss("nll_all", |x, r| all.clone().reduction(r).of(x[0], x[1]))?;
    let all = MultiMargin::new().squared().margin(0.7).weights(&WEIGHTS);
    assert_loss("multi_margin", |x, r| MultiMargin::new().reduction(r).of(x[0], x[1]))?;
    assert_loss("multi_margin_all", |x, r| all.clone().reduction(r).of(x[0], x[1]))
}

#[test]
fn losses_of_distributions_are_pytorchs() -> Result<()> {
    assert_loss("kl_div", |x, r| kl_div_with(x[0], x[1], r))?;
    assert_loss("kl_div_of_logs", |x, r| kl_div_of_logs_with(x[0], x[1], r))?;
    assert_loss("poisson_nll", |x, r| PoissonNll::new().full().reduction(r).of(x[0], x[1]))?;
    assert_loss("poisson_nll_rates", |x, r| PoissonNll::new().rates(1e-8).reduction(r).of(x[0], x[1]))?;
    assert_loss("gaussian_nll", |x, r| GaussianNll::new().full().reduction(r).of(x[0], x[1], x[2]))?;
    assert_loss("gaussian_nll_eps", |x, r| GaussianNll::new().eps(0.5).reduction(r).of(x[0], x[1], x[2]))
}

#[test]
fn losses_with_margins_are_pytorchs() -> Result<()> {
    assert_loss("soft_margin", |x, r| soft_margin_with(x[0], x[1], r))?;
    assert_loss("margin_ranking", |x, r| margin_ranking_with(x[0], x[1], x[2], 0.3, r))?;
    assert_loss("hinge_embedding", |x, r| hinge_embedding_with(x[0], x[1], 0.8, r))?;
    assert_loss("cosine_embedding", |x, r| cosine_embedding_with(x[0], x[1], x[2], 0.1, r))?;
    assert_loss("triplet_margin", |x, r| TripletMargin::new().reduction(r).of(x[0], x[1], x[2]))?;
    let all = TripletMargin::new().p(3.0).margin(2.0).swap();
    assert_loss("triplet_margin_all", |x, r| all.reduction(r).of(x[0], x[1], x[2]))
}

#[test]
fn ctc_is_pytorchs() -> Result<()> {
    fn of<'t>(ctc: Ctc, x: &[Var<'t>], r: Reduction) -> Var<'t> {
        ctc.reduction(r).of(x[0].log_softmax(-1), x[1], x[2], x[3])
    }
    assert_loss("ctc", |x, r| of(Ctc::new(), x, r))?;
    assert_loss("ctc_blank", |x, r| of(Ctc::new().blank(3).zero_infinity(), x, r))
}

/// All ways to assign labels to three steps, one after another.
#[test]
fn ctc_is_a_sum_over_all_ways() -> Result<()> {
    let p = Tensor::from([[[0.2, 0.5, 0.3], [0.1, 0.6, 0.3], [0.4, 0.4, 0.2]]]);
    let read = |way: [usize; 3]| {
        let mut way = way.to_vec();
        way.dedup();
        way.retain(|&class| class != 0);
        way
    };
    let all = || (0..27).map(|n| [n / 9, n / 3 % 3, n % 3]);
    for labels in [&[][..], &[1], &[2], &[1, 2], &[1, 1], &[2, 1, 2], &[1, 1, 2]] {
        let mut total = 0.0;
        for way in all().filter(|&way| read(way) == labels) {
            total += (0..3).map(|t| p.get::<f64>(&[0, t, way[t]])).product::<Result<f64>>()?;
        }
        let tape = Tape::new();
        // Labels beyond the end may be anything.
        let mut padded: Vec<i64> = labels.iter().map(|&label| label as i64).collect();
        padded.resize(4, -1);
        let padded = tape.input(&Tensor::from_vec(padded, [1, 4])?);
        let [steps, lengths] = [3, labels.len() as i64].map(|n| tape.input(&Tensor::from([n])));
        let x = tape.input(&p);
        let loss = Ctc::new().reduction(Reduction::Sum).of(x.ln(), padded, steps, lengths);
        assert!((loss.item()? + total.ln()).abs() < 1e-13 || loss.item()? == -total.ln(), "{labels:?}");
        let zero = Ctc::new().zero_infinity().of(x.ln(), padded, steps, lengths);
        assert!(zero.grad(x).value()?.iter::<f64>()?.all(f64::is_finite), "{labels:?}");
    }
    Ok(())
}

#[test]
fn ctc_trains_in_compiled_steps() -> Result<()> {
    let x = Tensor::randn([2, 6, 4], DType::F32, &mut Rng::seed(0))?;
    let net = Linear::new(4, 3, &mut Rng::seed(1))?;
    let labels = Tensor::from([[1, 2], [2, 0]]);
    let (steps, lengths) = (Tensor::from([6, 5]), Tensor::from([2, 1]));
    let mut train = Train::new(&net, Adam::new(0.1))
        .compile(|[x, labels, steps, lengths]| Ctc::new().of(net.forward(x).log_softmax(-1), labels, steps, lengths));
    let first = train.step([&x, &labels, &steps, &lengths])?;
    let last = (0..50).try_fold(first, |_, _| train.step([&x, &labels, &steps, &lengths]))?;
    assert!(last < 0.5 * first, "{first} to {last}");
    Ok(())
}

#[test]
fn what_is_ignored_may_be_infinite() -> Result<()> {
    let tape = Tape::new();
    let x = tape.input(&Tensor::from([[f64::NEG_INFINITY, 0.0], [0.5f64.ln(), 0.5f64.ln()]]));
    let y = tape.input(&Tensor::from([-1, 1]));
    let loss = Nll::new().ignore_index(-1).of(x, y);
    assert_eq!(loss.item()?, 2f64.ln());
    assert_eq!(loss.grad(x).value()?, Tensor::from([[0.0, 0.0], [0.0, -1.0]]));

    let p = tape.input(&Tensor::from([[0.0, 1.0]]));
    let x = tape.input(&Tensor::from([[f64::NEG_INFINITY, -1.0]]));
    let loss = kl_div(x, p);
    assert_eq!(loss.item()?, 1.0);
    assert_eq!(loss.grad(x).value()?, Tensor::from([[0.0, -1.0]]));
    assert_eq!(kl_div_of_logs(x, p.ln()).item()?, 1.0);
    Ok(())
}

#[test]
fn options_keep_the_dtype_and_say_what_is_wrong() -> Result<()> {
    type Loss = for<'t> fn(Var<'t>, Var<'t>) -> Var<'t>;
    fn all() -> CrossEntropy {
        CrossEntropy::new().weights(&[1.0, 2.0]).label_smoothing(0.1).ignore_index(0)
    }
    #[rustfmt::skip]
    let cases: [(Loss, &str); 12] = [
        (|x, y| all().weights(&[1.0]).of(x, y), "cross_entropy: 1 weights for the classes of [1, 2]"),
        (|x, y| all().label_smoothing(1.5).of(x, y), "cross_entropy: smoothing 1.5 must be from 0 to 1"),
        (|x, y| MultiMargin::new().weights(&[]).of(x, y), "multi_margin: 0 weights for the classes of [1, 2]"),
        (|x, _| smooth_l1(x, x, f64::NAN), "smooth_l1: beta NaN must be finite and not below 0"),
        (|x, _| Bce::new().weight(x.tape().full([3], 1f32)).of(x, x), "broadcast_to: [3] does not stretch to [1, 2]"),
        (|x, _| kl_div(x.sum(), x.sum()), "kl_div: distributions have an axis of classes, [] has none"),
        (|x, _| cosine_embedding(x, x, x, 0.0), "cosine_embedding: vectors [1, 2] and targets [1, 2] do not fit"),
        (|x, _| margin_ranking(x, x.sum(), x, 0.0), "margin_ranking: first input [1, 2] and second [] differ"),
        (|x, _| triplet_margin(x, x, x.sum()), "triplet_margin: vectors [1, 2] and vectors [] differ"),
        (|x, y| Ctc::new().of(x, x, y, y), "ctc: takes floats and three variables of i64, got f32[1, 2], f32[1, 2], i64[1] and i64[1]"),
        (|x, y| Ctc::new().of(x, y, y, y), "ctc: takes [batch, steps, classes], [batch, labels], [batch] and [batch], got [1, 2], [1], [1] and [1]"),
        (|x, y| Ctc::new().blank(2).of(x.unsqueeze(0), y.unsqueeze(0), y, y), "ctc: blank 2 is no class of [1, 1, 2]"),
    ];
    let on = |tape: &Tape, loss: Loss| {
        loss(tape.input(&Tensor::from([[0.5f32, -1.0]])), tape.input(&Tensor::from([1]))).value()
    };
    assert_eq!(on(&Tape::new(), |x, y| all().of(x, y))?.dtype(), DType::F32);
    for (loss, sentence) in cases {
        assert_eq!(on(&Tape::new(), loss).unwrap_err().sentence(), sentence);
    }
    Ok(())
}

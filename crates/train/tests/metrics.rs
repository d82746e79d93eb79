//! Metrics against scikit-learn's values (`reference/metrics.py` makes them), and the laws that all metrics obey.

use proptest::prelude::*;
use serde_json::Value;
use wengert_tensor::{DType, ErrorKind, Rng, Tensor};
use wengert_train::{
    Accuracy, Auc, Average, ConfusionMatrix, F1, Mae, Metric, Perplexity, Precision, R2, Recall, Rmse,
};

fn reference() -> Value {
    serde_json::from_str(include_str!("reference/metrics.json")).unwrap()
}

fn floats(value: &Value) -> Tensor {
    let rows: Vec<_> = value.as_array().unwrap().iter().collect();
    match rows[0].as_array() {
        Some(row) => {
            let shape = [rows.len(), row.len()];
            let numbers = rows.iter().flat_map(|row| row.as_array().unwrap()).map(|x| x.as_f64().unwrap());
            Tensor::from_vec(numbers.collect(), shape).unwrap()
        }
        None => Tensor::from(rows.iter().map(|x| x.as_f64().unwrap()).collect::<Vec<f64>>()),
    }
}

fn integers(value: &Value) -> Tensor {
    floats(value).cast(DType::I64).unwrap()
}

/// The value after batches of seven examples.
fn streamed(mut metric: impl Metric, prediction: &Tensor, target: &Tensor) -> f64 {
    let n = target.shape()[0];
    for start in (0..n).step_by(7) {
        let batch = |x: &Tensor| x.narrow(0, start, 7.min(n - start)).unwrap();
        metric.update(&batch(prediction), &batch(target)).unwrap();
    }
    metric.value()
}

#[track_caller]
fn near(got: f64, known: &Value) {
    let known = known.as_f64().unwrap();
    assert!((got - known).abs() <= 1e-12 * known.abs().max(1.0), "{got}, not {known}");
}

#[test]
fn scikit_learn_has_the_same_values() {
    let r = reference();
    let (scores, target) = (floats(&r["scores"]), integers(&r["target"]));
    near(streamed(Accuracy::new(), &scores, &target), &r["accuracy"]);
    near(streamed(Accuracy::top(2), &scores, &target), &r["top2"]);
    near(streamed(Accuracy::top(3), &scores, &target), &r["top3"]);
    near(streamed(Perplexity::new(), &scores, &target).ln(), &r["log_loss"]);

    let mut matrix = ConfusionMatrix::new(5).unwrap();
    matrix.update(&scores, &target).unwrap();
    assert_eq!(matrix.to_tensor().unwrap(), integers(&r["confusion"]));

    let (chance, binary) = (floats(&r["chance"]), integers(&r["binary"]));
    near(streamed(Accuracy::binary(0.5), &chance, &binary), &r["binary_accuracy"]);
    near(streamed(Auc::new(), &chance, &binary), &r["auc"]);
    let both = Tensor::stack(&[&chance.neg().unwrap(), &chance], 1).unwrap();
    near(streamed(Auc::new(), &both, &binary), &r["auc"]);

    let (guess, truth) = (floats(&r["guess"]), floats(&r["truth"]));
    near(streamed(Mae::new(), &guess, &truth), &r["mae"]);
    near(streamed(Rmse::new(), &guess, &truth), &r["rmse"]);
    near(streamed(R2::new(), &guess, &truth), &r["r2"]);
}

#[test]
fn scikit_learn_has_the_same_averages() {
    let r = reference();
    let (scores, target) = (floats(&r["scores"]), integers(&r["target"]));
    let (chance, binary) = (floats(&r["chance"]), integers(&r["binary"]));
    let averages = [("micro", Average::Micro), ("macro", Average::Macro), ("weighted", Average::Weighted)];
    let classes = (0..5).map(Average::Class);
    for (name, over) in averages {
        near(streamed(Precision::new(5, over).unwrap(), &scores, &target), &r["precision"][name]);
        near(streamed(Recall::new(5, over).unwrap(), &scores, &target), &r["recall"][name]);
        near(streamed(F1::new(5, over).unwrap(), &scores, &target), &r["f1"][name]);
    }
    for (class, over) in classes.enumerate() {
        near(streamed(Precision::new(5, over).unwrap(), &scores, &target), &r["precision"]["classes"][class]);
        near(streamed(Recall::new(5, over).unwrap(), &scores, &target), &r["recall"]["classes"][class]);
        near(streamed(F1::new(5, over).unwrap(), &scores, &target), &r["f1"]["classes"][class]);
    }
    near(streamed(Precision::binary(0.5), &chance, &binary), &r["precision"]["binary"]);
    near(streamed(Recall::binary(0.5), &chance, &binary), &r["recall"]["binary"]);
    near(streamed(F1::binary(0.5), &chance, &binary), &r["f1"]["binary"]);
}

fn classifiers() -> Vec<Box<dyn Metric>> {
    vec![
        Box::new(Accuracy::new()),
        Box::new(Accuracy::top(2)),
        Box::new(Accuracy::new().ignoring(1)),
        Box::new(ConfusionMatrix::new(3).unwrap()),
        Box::new(Precision::new(3, Average::Macro).unwrap()),
        Box::new(Recall::new(3, Average::Weighted).unwrap()),
        Box::new(F1::new(3, Average::Micro).unwrap()),
        Box::new(Perplexity::new()),
        Box::new(Perplexity::new().ignoring(2)),
    ]
}

fn regressions() -> Vec<Box<dyn Metric>> {
    vec![Box::new(Mae::new()), Box::new(Rmse::new()), Box::new(R2::new())]
}

fn same(a: f64, b: f64) -> bool {
    a.is_nan() && b.is_nan() || (a - b).abs() <= 1e-9 * a.abs().max(1.0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Batches of any size, an empty one among them, give the value of all examples at once, after a reset too.
    #[test]
    fn batches_do_not_matter(n in 0usize..30, cut in 0usize..30, seed in 0u64..1000) {
        let cut = cut.min(n);
        let rng = &mut Rng::seed(seed);
        let scores = Tensor::randn([n, 3], DType::F32, rng).unwrap();
        let labels = Tensor::randint([n], 0, 3, rng).unwrap();
        let numbers = Tensor::randn([n, 3], DType::F32, rng).unwrap();
        let chance = Tensor::randint([n], 0, 4, rng).unwrap().cast(DType::F64).unwrap();
        let binary = Tensor::bernoulli([n], 0.5, rng).unwrap();
        let mut all: Vec<_> = classifiers().into_iter().map(|m| (m, &scores, &labels)).collect();
        all.extend(regressions().into_iter().map(|m| (m, &scores, &numbers)));
        all.push((Box::new(Auc::new()), &chance, &binary));
        for (mut metric, prediction, target) in all {
            metric.update(prediction, target).unwrap();
            let whole = metric.value();
            metric.reset();
            prop_assert!(metric.value().is_nan(), "{}", metric.name());
            for (start, len) in [(0, cut), (cut, 0), (cut, n - cut)] {
                let part = |x: &Tensor| x.narrow(0, start, len).unwrap();
                metric.update(&part(prediction), &part(target)).unwrap();
            }
            prop_assert!(same(metric.value(), whole), "{}: {} and {whole}", metric.name(), metric.value());
        }
    }

    /// The area is what its definition says, pair by pair, and turning the scores around turns it around.
    #[test]
    fn auc_counts_pairs(examples in prop::collection::vec((0u8..6, any::<bool>()), 0..25)) {
        let score = |sign: f64| Tensor::from(examples.iter().map(|e| sign * f64::from(e.0)).collect::<Vec<f64>>());
        let truth = Tensor::from(examples.iter().map(|e| e.1).collect::<Vec<_>>());
        let (mut won, mut pairs) = (0.0, 0.0);
        for one in examples.iter().filter(|e| e.1) {
            for zero in examples.iter().filter(|e| !e.1) {
                pairs += 1.0;
                won += if one.0 > zero.0 { 1.0 } else if one.0 == zero.0 { 0.5 } else { 0.0 };
            }
        }
        let (mut auc, mut turned) = (Auc::new(), Auc::new());
        auc.update(&score(1.0), &truth).unwrap();
        turned.update(&score(-1.0), &truth).unwrap();
        prop_assert!(same(auc.value(), won / pairs));
        prop_assert!(same(turned.value(), 1.0 - won / pairs));
    }
}

#[test]
fn nan_never_looks_good() {
    let nan = f64::NAN;
    let scores = Tensor::from([[nan, 0.0, 0.0], [9.0, nan, 0.0], [0.0, 0.0, 9.0]]);
    let labels = Tensor::from([0, 0, 2]);
    for (mut metric, value) in [
        (Box::new(Accuracy::new()) as Box<dyn Metric>, 1.0 / 3.0),
        (Box::new(Accuracy::top(2)), 1.0 / 3.0),
        (Box::new(Recall::new(3, Average::Micro).unwrap()), 1.0 / 3.0),
        (Box::new(Recall::new(3, Average::Class(0)).unwrap()), 0.0),
        (Box::new(Perplexity::new()), nan),
    ] {
        metric.update(&scores, &labels).unwrap();
        assert!(same(metric.value(), value), "{}: {}", metric.name(), metric.value());
    }
    for mut metric in regressions().into_iter().chain([Box::new(Auc::new()) as Box<dyn Metric>]) {
        metric.update(&Tensor::from([0.0, 1.0, nan]), &Tensor::from([0.0, 1.0, 1.0])).unwrap();
        assert!(metric.value().is_nan(), "{}", metric.name());
    }
    let mut matrix = ConfusionMatrix::new(3).unwrap();
    matrix.update(&scores, &labels).unwrap();
    assert_eq!((matrix.undecided(0), matrix.support(0), matrix.predicted(0)), (2, 2, 0));
    assert!(matrix.to_string().lines().next().unwrap().ends_with("undecided"));
}

#[test]
fn constant_targets_have_the_r2_of_scikit_learn() {
    for (prediction, value) in [([2.0, 2.0], 1.0), ([2.0, 3.0], 0.0)] {
        let mut r2 = R2::new();
        r2.update(&Tensor::from(prediction), &Tensor::from([2.0, 2.0])).unwrap();
        assert_eq!(r2.value(), value);
    }
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let zeros = |shape: &[usize], dtype| Tensor::zeros(shape, dtype).unwrap();
    let (scores, labels) = (zeros(&[4, 3], DType::F32), zeros(&[4], DType::I64));
    for mut metric in classifiers() {
        metric.update(&scores, &labels).unwrap();
        let before = metric.value();
        for (prediction, target) in [
            (zeros(&[4, 3], DType::F32), zeros(&[3], DType::I64)),
            (zeros(&[4, 0], DType::F32), zeros(&[4], DType::I64)),
            (zeros(&[], DType::F32), zeros(&[], DType::I64)),
            (zeros(&[5, 3], DType::F64), zeros(&[5, 1], DType::I64)),
        ] {
            let error = metric.update(&prediction, &target).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Shape, "{error}");
            assert!(error.sentence().contains(&target.shape().to_string()), "{error}");
        }
        assert!(metric.update(&scores, &Tensor::from([0.0, 0.5, 0.0, 0.0])).is_err());
        assert!(metric.update(&scores, &Tensor::from([0.0, f64::NAN, 0.0, 0.0])).is_err());
        assert_eq!(metric.value(), before);
    }
    for label in [-1, 3, i64::MIN, i64::MAX] {
        let target = Tensor::from([0, 0, 0, label]);
        for mut metric in [
            Box::new(ConfusionMatrix::new(3).unwrap()) as Box<dyn Metric>,
            Box::new(F1::new(3, Average::Macro).unwrap()),
            Box::new(Perplexity::new()),
        ] {
            let error = metric.update(&scores, &target).unwrap_err();
            assert!(error.kind() == ErrorKind::Index && error.sentence().contains(&label.to_string()), "{error}");
            assert!(metric.value().is_nan());
        }
        let mut accuracy = Accuracy::top(2);
        accuracy.update(&scores, &target).unwrap();
        assert_eq!(accuracy.value(), 0.75);
    }
    for mut metric in regressions() {
        let error = metric.update(&zeros(&[2, 3], DType::F32), &zeros(&[2], DType::F32)).unwrap_err();
        assert!(error.sentence().contains("[2, 3]"), "{error}");
        assert_eq!(metric.update(&labels, &labels).unwrap_err().kind(), ErrorKind::DType);
    }
    assert!(Auc::new().update(&zeros(&[3], DType::F32), &Tensor::from([0, 1, 2])).is_err());
    assert!(Accuracy::top(0).update(&scores, &labels).is_err());
    assert!(ConfusionMatrix::new(0).is_err() && ConfusionMatrix::new(usize::MAX).is_err());
    assert!(Recall::new(3, Average::Class(3)).is_err());
    assert!(ConfusionMatrix::new(3).unwrap().named(["a", "b"]).is_err());
}

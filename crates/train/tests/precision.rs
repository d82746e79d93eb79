//! A classifier of a table, trained in every precision with everything switched on: stopped in the middle and resumed it has the
//! bits of training that never stopped, and an update that overflows is left out without ending anything.

use std::path::Path;

use wengert_autograd::Tape;
use wengert_data::{Csv, Loader, Standardize, Tensors};
use wengert_nn::loss::cross_entropy;
use wengert_nn::{
    Activation, AdamW, BatchNorm, Dropout, IndexMap, Layer, Linear, LossScale, Module, Param, Plateau, Schedule,
    Sequential, Sgd, Train,
};
use wengert_tensor::{DType, ErrorKind, Result, Rng, Tensor};
use wengert_train::{
    Accuracy, Best, Control, EpochEvent, Every, Goal, Metric, Observer, OnPlateau, Outcome, Snapshots, StepEvent,
    Trainer, load,
};

type Batches = Loader<Tensors<(Tensor, Tensor)>>;

/// Three clouds of points, as a file would have them.
fn table() -> Result<(Tensor, Tensor)> {
    let mut rng = Rng::seed(5);
    let points = Tensor::randn([90, 4], DType::F64, &mut rng)?.to_vec::<f64>()?;
    let mut file = String::from("a,b,c,d,kind\n");
    for (i, row) in points.chunks(4).enumerate() {
        let shift = |k: usize| if k == i % 3 { 3.0 } else { 0.0 };
        let cells: Vec<String> = row.iter().enumerate().map(|(k, x)| (x + shift(k)).to_string()).collect();
        file += &format!("{},{}\n", cells.join(","), ["red", "green", "blue"][i % 3]);
    }
    let table = Csv::new().read_from(file.as_bytes(), "clouds")?;
    let (y, classes) = table.labels("kind")?;
    assert_eq!(classes.len(), 3);
    let x = table.numbers(["a", "b", "c", "d"], DType::F32)?;
    Ok((Standardize::fit(&x)?.apply(&x)?, y))
}

fn network() -> Result<Sequential> {
    let mut rng = Rng::seed(1);
    Ok(Sequential::new()
        .then(Linear::new(4, 16, &mut rng)?)
        .then(BatchNorm::new(16)?)
        .then(Activation::Relu)
        .then(Dropout::new(0.2))
        .then(Linear::new(16, 3, &mut rng)?))
}

/// Ends training after so many steps by an error, as a crash would.
struct Crash(u64);

impl Observer for Crash {
    fn step(&mut self, event: &StepEvent) -> Result<()> {
        match event.step == self.0 {
            true => Err(wengert_tensor::Error::value("crash")),
            false => Ok(()),
        }
    }

    fn epoch(&mut self, _: &EpochEvent<'_>, _: &mut Control) -> Result<()> {
        Ok(())
    }
}

/// All that training leaves.
struct Left {
    model: IndexMap<String, Tensor>,
    training: IndexMap<String, Tensor>,
    accuracy: f64,
    skipped: u64,
}

fn run(dtype: DType, folder: &Path, crash: Option<u64>, epochs: u64) -> Result<Left> {
    let (x, y) = table()?;
    let loader: Batches = Loader::new(Tensors::new((x.clone(), y.clone()))?, 8)?.shuffle(3).workers(1);
    let net = network()?;
    let train = Train::new(&net, AdamW::new(0.02).weight_decay(0.01))
        .group(AdamW::new(0.02).weight_decay(0.0), |name| name.ends_with("bias"))
        .clip_norm(1.0)
        .accumulate(2)
        .average(0.9)
        .seed(7);
    // So large that the first updates overflow.
    let train = match dtype {
        DType::F16 => train.loss_scale(LossScale::dynamic().initial(2f64.powi(24)).interval(10)),
        _ => train,
    };
    let schedule = 0.02 * Schedule::warmup(5).then(Schedule::cosine(1.0, 0.1, 100));
    let mut trainer = Trainer::new(&net, train)
        .schedule(move |update| schedule.at(update))
        .snapshots(Snapshots::new(folder, 2)?, Every::Steps(3));
    if let Some(step) = crash {
        trainer = trainer.observe(Crash(step));
    }
    trainer.resume()?;
    let forward =
        |t: &Tape, x: &Tensor| -> Result<Tensor> { net.forward(t.input(x).cast(dtype)).cast(DType::F32).value() };
    let outcome = trainer.fit(
        &loader,
        epochs,
        |t, (x, y)| cross_entropy(net.forward(t.input(x).cast(dtype)).cast(DType::F32), t.input(y)),
        || Ok(Vec::new()),
    )?;
    assert_eq!(outcome, Outcome::Finished);
    let mut accuracy = Accuracy::new();
    accuracy.update(&forward(&Tape::new(), &x)?, &y)?;
    let train = trainer.train();
    let skipped = train.scale().map_or(0, LossScale::skipped);
    Ok(Left { model: net.state(), training: train.state()?, accuracy: accuracy.value(), skipped })
}

#[test]
fn resume_gives_the_same_bits_in_every_precision() -> Result<()> {
    for dtype in [DType::F32, DType::BF16, DType::F16] {
        let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let whole = run(dtype, whole.path(), None, 6)?;
        assert!(whole.accuracy > 0.85, "{dtype}: {}", whole.accuracy);
        assert_eq!(dtype == DType::F16, whole.skipped > 0, "{dtype}");
        // In the middle of a gathering and between two, while the scale still falls, and later.
        for crash in [2, 5, 8, 31] {
            let error = run(dtype, parts.path(), Some(crash), 6).err().expect("a crash");
            assert_eq!(error.sentence(), "crash");
        }
        let parts = run(dtype, parts.path(), None, 6)?;
        assert!(parts.model == whole.model && parts.training == whole.training, "{dtype}");
    }
    Ok(())
}

fn ones(batches: usize) -> Result<Loader<Tensors<Tensor>>> {
    Loader::new(Tensors::new(Tensor::ones([batches, 1], DType::F32)?)?, 1)
}

/// The derivative of a square root at zero, in a loss that is finite: no scale helps.
#[test]
fn updates_that_are_always_left_out_end_training_at_the_line_to_blame() -> Result<()> {
    for scale in [LossScale::dynamic(), LossScale::fixed(1.0)] {
        let w = Param::new(Tensor::from([0f32]));
        let mut trainer = Trainer::new(&w, Train::new(&w, Sgd::new(0.1)).loss_scale(scale));
        let error =
            trainer.fit(&ones(80)?, 1, |t, x| (w.on(t).abs().sqrt() * t.input(x)).sum(), || Ok(vec![])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NonFinite);
        let sentence = error.to_string();
        assert!(sentence.starts_with("train: step 49 on batch 49 of epoch 0: "), "{sentence}");
        assert!(sentence.contains("precision.rs"), "{sentence}");
        assert_eq!((w.value(), trainer.train().steps()), (Tensor::from([0f32]), 0));
    }
    Ok(())
}

fn averaged<'m>(w: &'m Param, mean: &'m Param, folder: &Path) -> Result<Trainer<'m>> {
    let trainer = Trainer::new(w, Train::new(w, Sgd::new(0.1)).average(0.5)).averages_into(mean);
    Ok(trainer.snapshots(Snapshots::new(folder.join("snapshots"), 1)?, Every::Epochs(1)))
}

/// What validation is about is what the best model is a copy of.
#[test]
fn validation_may_be_of_running_means() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("best.safetensors");
    let [w, mean] = [Param::new(Tensor::from([0f32])), Param::new(Tensor::from([0f32]))];
    let mut first = averaged(&w, &mean, folder.path())?.observe(Best::new("error", Goal::Min).keep(&path));
    first.fit(
        &ones(3)?,
        2,
        |t, x| (w.on(t) - t.input(x).sum()).square().sum(),
        || Ok(vec![("error".to_string(), (1.0 - mean.value().item()?).abs())]),
    )?;
    assert_eq!(first.train().averages()?, mean.state());
    assert_eq!(load(&path)?, mean.state());
    assert!(mean.value() != w.value());

    let [other, again] = [Param::new(Tensor::from([0f32])), Param::new(Tensor::from([0f32]))];
    averaged(&other, &again, folder.path())?.resume()?;
    assert_eq!((other.value(), again.value()), (w.value(), mean.value()));
    Ok(())
}

/// A rate that follows a value is where it was when training is resumed.
#[test]
fn resume_goes_on_with_the_rate_of_a_plateau() -> Result<()> {
    let run = |folder: &Path, epochs: u64| -> Result<(f64, Tensor)> {
        let w = Param::new(Tensor::from([0f32]));
        let mut trainer = Trainer::new(&w, Train::new(&w, Sgd::new(0.1)))
            .observe(OnPlateau::new("worse", Plateau::new(0.1).patience(1).factor(0.5)))
            .snapshots(Snapshots::new(folder, 1)?, Every::Epochs(1));
        trainer.resume()?;
        let validate = || Ok(vec![("worse".to_string(), w.value().item()?)]);
        trainer.fit(&ones(2)?, epochs, |t, x| (w.on(t) - t.input(x).sum()).square().sum(), validate)?;
        Ok((trainer.train().lr(), w.value()))
    };
    let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let whole = run(whole.path(), 9)?;
    assert_eq!(whole.0, 0.1 / 16.0);
    for epochs in [1, 2, 4, 7] {
        run(parts.path(), epochs)?;
    }
    assert_eq!(run(parts.path(), 9)?, whole);
    Ok(())
}

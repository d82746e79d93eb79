//! Training that was stopped, whatever the way, goes on to the same bits as training that never was.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use wengert_autograd::{Tape, Var};
use wengert_data::{Loader, Tensors};
use wengert_nn::{Activation, AdamW, Buffer, IndexMap, Layer, Mlp, Module, Train, loss::mse};
use wengert_tensor::{DType, ErrorKind, Result, Rng, Tensor};
use wengert_train::{
    Best, Control, EpochEvent, Every, Goal, Observer, Outcome, Snapshots, StepEvent, Trainer, load, save,
    write_atomically,
};

/// A net with noise at its input and a count of batches: random numbers and buffers have to be resumed too.
#[derive(Module)]
struct Net {
    mlp: Mlp,
    batches: Buffer,
}

extern crate wengert_nn as wengert;

impl Net {
    fn new() -> Result<Self> {
        let mlp = Mlp::new(&[3, 16, 1], Activation::Tanh, &mut Rng::seed(1))?.with_output(Activation::Identity);
        Ok(Self { mlp, batches: Buffer::new(Tensor::from(0f32)) })
    }
}

impl Layer for Net {
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        let Some(key) = x.tape().next_key() else { return self.mlp.forward(x) };
        self.batches.update(self.batches.on(x.tape()) + 1.0);
        self.mlp.forward(x + 0.1 * key.normal(x.shape(), x.dtype()))
    }
}

type Data = Tensors<(Tensor, Tensor)>;

fn loader(workers: usize) -> Result<Loader<Data>> {
    let x = Tensor::randn([50, 3], DType::F32, &mut Rng::seed(2))?;
    let y = x.mul(&x)?.sum_keep(-1)?;
    Ok(Loader::new(Tensors::new((x, y))?, 8)?.shuffle(3).workers(workers))
}

fn train(model: &Net) -> Train {
    let train =
        Train::new(model, AdamW::new(0.01).weight_decay(0.1)).clip_norm(1.0).accumulate(2).average(0.99).seed(9);
    train.group(AdamW::new(0.02).weight_decay(0.0), |name| name.ends_with("bias"))
}

fn trainer<'m>(model: &'m Net, folder: &Path, every: Every) -> Result<Trainer<'m>> {
    Ok(Trainer::new(model, train(model))
        .schedule(|update| 0.01 * 0.999f64.powi(update as i32))
        .snapshots(Snapshots::new(folder.join("snapshots"), 3)?, every)
        .observe(Best::new("error", Goal::Min).patience(1000).keep(folder.join("best.safetensors")))
        .interruptible())
}

fn loss<'t>(net: &Net, tape: &'t Tape, (x, y): &(Tensor, Tensor)) -> Var<'t> {
    mse(net.forward(tape.input(x)), tape.input(y))
}

fn error(net: &Net) -> Result<Vec<(String, f64)>> {
    let (x, y) = (Tensor::from([[0.5f32, -1.0, 0.25]]), Tensor::from([[1.3125f32]]));
    Ok(vec![("error".to_string(), net.predict(&x)?.sub(&y)?.abs()?.sum()?.item()?)])
}

/// All that is left of a run.
fn run(folder: &Path, epochs: u64, every: Every, workers: usize) -> Result<(Outcome, IndexMap<String, Tensor>)> {
    let net = Net::new()?;
    let mut trainer = trainer(&net, folder, every)?;
    trainer.resume()?;
    let outcome = trainer.fit(&loader(workers)?, epochs, |tape, batch| loss(&net, tape, batch), || error(&net))?;
    Ok((outcome, net.state()))
}

const EPOCHS: u64 = 60;

/// What a process does that is killed: see below.
#[test]
#[ignore = "is run by the test that kills it"]
fn child() -> Result<()> {
    let Some(folder) = std::env::var_os("WENGERT_TEST_FOLDER") else { return Ok(()) };
    let folder = Path::new(&folder);
    let (outcome, state) = run(folder, EPOCHS, Every::Steps(3), 2)?;
    match outcome {
        Outcome::Finished => save(folder.join("done.safetensors"), &state),
        other => write_atomically(folder.join("outcome"), |file| write!(file, "{other}")),
    }
}

#[cfg(unix)]
#[test]
fn resume_after_ctrl_c_goes_on_from_the_step_it_ended_with() -> Result<()> {
    let (whole, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (_, expected) = run(whole.path(), EPOCHS, Every::Epochs(1000), 0)?;

    let snapshots = Snapshots::new(folder.path().join("snapshots"), 3)?;
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--ignored"]).env("WENGERT_TEST_FOLDER", folder.path());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while snapshots.numbers().unwrap().is_empty() {
        assert_eq!(child.try_wait().unwrap(), None);
        std::thread::sleep(Duration::from_millis(1));
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(child.wait().unwrap().success());

    let last = *snapshots.numbers()?.last().unwrap();
    let told = std::fs::read_to_string(folder.path().join("outcome")).unwrap();
    let path = snapshots.path(last);
    assert_eq!(told, format!("interrupted after step {last}; resume to go on from {}", path.display()));
    assert_eq!(run(folder.path(), EPOCHS, Every::Epochs(1), 1)?.1, expected);
    Ok(())
}

#[test]
fn resume_after_a_kill_at_any_moment_gives_the_same_bits() -> Result<()> {
    let whole = tempfile::tempdir().unwrap();
    let (_, expected) = run(whole.path(), EPOCHS, Every::Epochs(1000), 0)?;

    let folder = tempfile::tempdir().unwrap();
    let done = folder.path().join("done.safetensors");
    let mut kills = 0;
    let mut moment = 0x2545_f491_4f6c_dd1du64;
    for attempt in 0..200 {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "child", "--ignored"]).env("WENGERT_TEST_FOLDER", folder.path());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Some are killed while they start, some while they write, none is spared before the twentieth.
        moment = moment.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(attempt);
        let patience = if kills < 20 { 2 + (moment >> 33) % 60 } else { 60_000 };
        let deadline = std::time::Instant::now() + Duration::from_millis(patience);
        let ended = loop {
            match child.try_wait().unwrap() {
                Some(status) => break Some(status),
                None if std::time::Instant::now() >= deadline => break None,
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        };
        match ended {
            Some(status) => assert!(status.success(), "{status}"),
            None => {
                child.kill().unwrap();
                child.wait().unwrap();
                kills += 1;
            }
        }
        // One that came to the end begins again from an earlier snapshot, until all kills were made.
        if done.exists() && kills < 20 {
            std::fs::remove_file(&done).unwrap();
            std::fs::remove_dir_all(folder.path().join("snapshots")).unwrap();
        } else if done.exists() {
            break;
        }
    }
    assert_eq!(kills, 20);
    assert_eq!(load(&done)?, expected);
    assert_eq!(load(folder.path().join("best.safetensors"))?, load(whole.path().join("best.safetensors"))?);
    Ok(())
}

#[test]
fn resume_with_more_epochs_is_training_for_as_many_from_the_start() -> Result<()> {
    let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let expected = run(whole.path(), 9, Every::Epochs(1), 0)?;
    for epochs in [2, 3, 9] {
        let (outcome, state) = run(parts.path(), epochs, Every::Epochs(2), epochs as usize % 3)?;
        assert_eq!(outcome, Outcome::Finished);
        if epochs == 9 {
            assert_eq!(state, expected.1);
        }
    }
    // Nothing is left to do.
    assert_eq!(run(parts.path(), 9, Every::Epochs(2), 0)?.1, expected.1);
    Ok(())
}

#[test]
fn resume_skips_a_damaged_snapshot_and_says_so() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let (_, expected) = run(folder.path(), 6, Every::Epochs(1), 0)?;
    let snapshots = Snapshots::new(folder.path().join("snapshots"), 3)?;
    let newest = *snapshots.numbers()?.last().unwrap();
    let mut bytes = std::fs::read(snapshots.path(newest)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(snapshots.path(newest), bytes).unwrap();

    let net = Net::new()?;
    let mut again = trainer(&net, folder.path(), Every::Epochs(1))?;
    let found = again.resume()?;
    assert!(found.snapshot.unwrap().0 < newest);
    assert!(found.damaged[0].sentence().ends_with("damaged: its checksum is another"), "{}", found.damaged[0]);
    again.fit(&loader(1)?, 6, |tape, batch| loss(&net, tape, batch), || error(&net))?;
    assert_eq!(net.state(), expected);
    Ok(())
}

#[test]
fn a_number_that_is_not_finite_ends_training_at_its_line_and_changes_nothing() -> Result<()> {
    let net = Net::new()?;
    let mut trainer = Trainer::new(&net, train(&net));
    let before = net.state();
    let error =
        trainer.fit(&loader(0)?, 1, |tape, batch| (loss(&net, tape, batch) - 1e9).ln(), || Ok(Vec::new())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NonFinite);
    let sentence = error.to_string();
    assert!(sentence.starts_with("train: step 0 on batch 0 of epoch 0: ln: made the first NaN"), "{sentence}");
    assert!(sentence.contains("resume.rs"), "{sentence}");
    assert_eq!(net.state(), before);
    Ok(())
}

/// Notes what it is told.
#[derive(Default)]
struct Notes(std::rc::Rc<std::cell::RefCell<Vec<(u64, f64)>>>);

impl Observer for Notes {
    fn step(&mut self, event: &StepEvent) -> Result<()> {
        self.0.borrow_mut().push((event.step, event.loss * event.samples as f64));
        Ok(())
    }

    fn epoch(&mut self, event: &EpochEvent<'_>, control: &mut Control) -> Result<()> {
        let mut seen = self.0.borrow_mut();
        let mean = seen.drain(..).map(|(_, loss)| loss).sum::<f64>() / 50.0;
        assert!((event.loss - mean).abs() < 1e-12);
        assert!(event.value("loss")? == event.loss && event.value("error")?.is_finite());
        let unknown = event.value("accuracy").unwrap_err();
        assert_eq!(unknown.sentence(), "train: there is no value accuracy among error, loss");
        if event.epoch == 2 {
            control.stop = Some("enough".into());
        }
        Ok(())
    }
}

#[test]
fn a_trainer_counts_its_own_epochs_wherever_the_loader_was() -> Result<()> {
    let (one, other) = (Net::new()?, Net::new()?);
    let (mut whole, mut parts) = (Trainer::new(&one, train(&one)), Trainer::new(&other, train(&other)));
    let shared = loader(0)?;
    whole.fit(&shared, 4, |tape, batch| loss(&one, tape, batch), || error(&one))?;
    for epochs in [1, 3, 4] {
        parts.fit(&shared, epochs, |tape, batch| loss(&other, tape, batch), || error(&other))?;
    }
    assert_eq!(one.state(), other.state());
    Ok(())
}

#[test]
fn observers_see_every_step_and_may_end_training() -> Result<()> {
    let net = Net::new()?;
    let notes = Notes::default();
    let mut trainer = Trainer::new(&net, train(&net)).observe(notes);
    let outcome = trainer.fit(&loader(0)?, 10, |tape, batch| loss(&net, tape, batch), || error(&net))?;
    assert_eq!(outcome, Outcome::Stopped("enough".into()));
    assert_eq!(net.batches.value().item()?, 3.0 * 7.0);
    Ok(())
}

#[test]
fn patience_ends_training_and_the_best_model_is_kept() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("best.safetensors");
    let net = Net::new()?;
    let values = std::cell::RefCell::new([3.0, 2.0, f64::NAN, 2.5, 2.0, 1.0].into_iter());
    let best = std::cell::RefCell::new(None);
    let mut trainer = Trainer::new(&net, train(&net)).observe(Best::new("v", Goal::Min).patience(3).keep(&path));
    let outcome = trainer.fit(
        &loader(0)?,
        10,
        |tape, batch| loss(&net, tape, batch),
        || {
            let value = values.borrow_mut().next().unwrap_or(0.0);
            if value == 2.0 && best.borrow().is_none() {
                *best.borrow_mut() = Some(net.state());
            }
            Ok(vec![("v".to_string(), value)])
        },
    )?;
    assert_eq!(outcome, Outcome::Stopped("v has not become better than 2 for 3 epochs".into()));
    assert_eq!(Some(load(&path)?), best.into_inner());
    Ok(())
}

/// As a finished run does nothing when it is resumed, so does one that was stopped: its end is where an unbroken run has it.
#[test]
fn resume_of_what_an_observer_ended_is_the_same_end() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let run = |epochs: u64| -> Result<(Outcome, IndexMap<String, Tensor>)> {
        let net = Net::new()?;
        let mut trainer = Trainer::new(&net, train(&net))
            .observe(Best::new("v", Goal::Min).patience(2))
            .snapshots(Snapshots::new(folder.path(), 2)?, Every::Epochs(1));
        trainer.resume()?;
        let validate = || Ok(vec![("v".to_string(), 1.0)]);
        let outcome = trainer.fit(&loader(0)?, epochs, |tape, batch| loss(&net, tape, batch), validate)?;
        Ok((outcome, net.state()))
    };
    let first = run(10)?;
    assert_eq!(first.0, Outcome::Stopped("v has not become better than 1 for 2 epochs".into()));
    assert_eq!(run(10)?, first);
    let (outcome, state) = run(11)?;
    assert!(state != first.1);
    assert_eq!(outcome, Outcome::Stopped("v has not become better than 1 for 3 epochs".into()));
    Ok(())
}

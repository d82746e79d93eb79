//! Snapshots come back as they were; whatever is done to a file, it is refused with a sentence, and the one before is used.

use proptest::prelude::*;
use wengert_nn::{Activation, Adam, IndexMap, Layer, Mlp, Module, Sgd, Train, loss::mse};
use wengert_tensor::{DType, ErrorKind, Result, Rng, Tensor};
use wengert_train::{Snapshot, Snapshots, load, save};

fn trained(steps: usize) -> Result<(Mlp, Train)> {
    let mlp = Mlp::new(&[2, 4, 1], Activation::Tanh, &mut Rng::seed(1))?;
    let mut train = Train::new(&mlp, Adam::new(0.1)).average(0.9);
    let x = Tensor::randn([5, 2], DType::F32, &mut Rng::seed(2))?;
    for _ in 0..steps {
        train.step(|t| mse(mlp.forward(t.input(&x)), t.full([5, 1], 0.5f32)))?;
    }
    Ok((mlp, train))
}

#[test]
fn every_dtype_and_shape_comes_back() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.safetensors");
    let tensors: IndexMap<String, Tensor> = [
        ("b", Tensor::from([[1.5f32, f32::NAN], [f32::NEG_INFINITY, -0.0]])),
        ("a", Tensor::from(std::f64::consts::PI)),
        ("empty", Tensor::zeros([0, 3], DType::F64)?),
        ("strided", Tensor::from([[1i64, 2, 3], [4, 5, 6]]).t()),
        ("bf16", Tensor::from([1.5f32, f32::INFINITY, -0.1]).cast(DType::BF16)?),
        ("f16", Tensor::from([[1.5f32], [65504.0], [1e-7]]).cast(DType::F16)?),
        ("truth", Tensor::from([true, false, true])),
        ("a name with spaces, and ümlauts", Tensor::from([i64::MIN, i64::MAX])),
    ]
    .map(|(name, tensor)| (name.to_string(), tensor))
    .into();
    save(&path, &tensors)?;
    let back = load(&path)?;
    assert_eq!(back.len(), tensors.len());
    for (name, tensor) in &tensors {
        let (a, b) = (tensor.contiguous()?, &back[name]);
        assert_eq!((a.dtype(), a.shape()), (b.dtype(), b.shape()), "{name}");
        // NaN is not equal to itself.
        assert_eq!(a.to_string(), b.to_string(), "{name}");
    }
    Ok(())
}

#[test]
fn a_snapshot_restores_model_and_training_and_keeps_notes() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let (mlp, train) = trained(4)?;
    let mut snapshot = Snapshot::of(&mlp, &train)?;
    snapshot.notes.insert("epoch".into(), "7".into());
    let path = folder.path().join("one.safetensors");
    snapshot.save(&path)?;
    let back = Snapshot::load(&path)?;
    assert_eq!(back.notes, snapshot.notes);

    let (other, mut again) = trained(1)?;
    back.restore(&other, &mut again)?;
    assert_eq!((other.state(), again.state()?), (mlp.state(), train.state()?));

    // Of another model, or another optimiser: nothing changes.
    let strange = Mlp::new(&[2, 5, 1], Activation::Tanh, &mut Rng::seed(1))?;
    let before = strange.state();
    assert!(back.restore(&strange, &mut Train::new(&strange, Adam::new(0.1)).average(0.9)).is_err());
    assert_eq!(strange.state(), before);
    let mut sgd = Train::new(&other, Sgd::new(0.1));
    let before = sgd.state()?;
    assert!(back.restore(&other, &mut sgd).is_err());
    assert_eq!(sgd.state()?, before);
    Ok(())
}

#[test]
fn the_last_few_are_kept_and_a_damaged_one_gives_way_to_the_one_before() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let (mlp, train) = trained(2)?;
    let snapshots = Snapshots::new(folder.path().join("deep/er"), 3)?;
    assert!(snapshots.latest()?.snapshot.is_none());
    for number in [1, 5, 10, 20, 100] {
        let mut snapshot = Snapshot::of(&mlp, &train)?;
        snapshot.notes.insert("number".into(), number.to_string());
        snapshots.save(number, &snapshot)?;
    }
    assert_eq!(snapshots.numbers()?, [10, 20, 100]);

    // What a crash leaves behind is no snapshot.
    std::fs::write(snapshots.folder().join(".unfinished-abc"), b"half").unwrap();
    std::fs::write(snapshots.folder().join("snapshot-x.safetensors"), b"half").unwrap();

    let newest = std::fs::read(snapshots.path(100)).unwrap();
    std::fs::write(snapshots.path(100), &newest[..newest.len() / 2]).unwrap();
    std::fs::write(snapshots.path(20), b"").unwrap();
    let found = snapshots.latest()?;
    let (number, snapshot) = found.snapshot.unwrap();
    assert_eq!((number, snapshot.notes["number"].as_str()), (10, "10"));
    assert_eq!(found.damaged.len(), 2);
    assert!(found.damaged.iter().all(|error| error.kind() == ErrorKind::File), "{:?}", found.damaged);
    Ok(())
}

#[test]
fn a_failed_write_leaves_the_old_file_and_nothing_else() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    wengert_train::write_atomically(&path, |file| file.write_all(b"old"))?;
    let error = wengert_train::write_atomically(&path, |file| {
        file.write_all(b"new")?;
        Err(std::io::Error::other("no more"))
    });
    assert!(error.unwrap_err().sentence().contains("no more"));
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    // A file is no folder.
    let nowhere = wengert_train::write_atomically(path.join("where"), |_| Ok(()));
    assert_eq!(nowhere.unwrap_err().kind(), ErrorKind::File);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// One byte of a snapshot is another, or the file is cut: it is refused, or nothing of what it says has changed.
    #[test]
    fn damage_is_found_out(at in any::<prop::sample::Index>(), flip in 1u8.., cut in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let (mlp, train) = trained(1).unwrap();
        let mut snapshot = Snapshot::of(&mlp, &train).unwrap();
        snapshot.notes.insert("epoch".into(), "12".into());
        let path = folder.path().join("one.safetensors");
        snapshot.save(&path).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        let at = at.index(bytes.len());
        match cut {
            true => bytes.truncate(at),
            false => bytes[at] ^= flip,
        }
        std::fs::write(&path, &bytes).unwrap();
        match Snapshot::load(&path) {
            Ok(same) => prop_assert_eq!(same, snapshot),
            Err(error) => prop_assert_eq!(error.kind(), ErrorKind::File),
        }
    }
}

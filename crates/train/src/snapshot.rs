//! Snapshots: all that training depends on, in files from which it goes on to the same bits.
//!
//! Always true: a file is whole or not there; one that was damaged afterwards is found out by its checksum, and the one
//! before it is used.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use wengert_nn::{Module, Train};
use wengert_tensor::{Error, Result, Tensor};

use crate::atomic::{file_error, synchronise};
use crate::weights::{Bytes, Notes, load_with, save_with};

/// All that training depends on at one moment, together with the program that made it.
///
/// In its file, a safetensors file, the model's tensors are called `model.…` and those of training itself `train.…`; the notes
/// are its metadata.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Parameters and buffers.
    pub model: IndexMap<String, Tensor>,
    /// The optimiser's state, counts of steps, the learning rate and the seed: see [`Train::state`].
    pub train: IndexMap<String, Tensor>,
    /// What else there is to remember, as text: where the loader is, what a schedule or the best model depends on.
    pub notes: BTreeMap<String, String>,
}

const FORMAT: &str = "wengert.snapshot";
const VERSION: &str = "1";
const CHECKSUM: &str = "wengert.crc32c";

impl Snapshot {
    /// A snapshot of a model and its training, without notes.
    ///
    /// # Errors
    /// Where there is no memory.
    pub fn of(model: &(impl Module + ?Sized), train: &Train) -> Result<Self> {
        Ok(Self { model: model.state(), train: train.state()?, notes: BTreeMap::new() })
    }

    /// Makes a model and its training what they were.
    ///
    /// # Errors
    /// A model or a training of another kind. Nothing is changed then.
    pub fn restore(&self, model: &(impl Module + ?Sized), train: &mut Train) -> Result<()> {
        let before = train.state()?;
        train.load_state(&self.train)?;
        // The model says what is wrong with its own part; training is put back then.
        model.load(&self.model).or_else(|error| train.load_state(&before).and(Err(error)))
    }

    /// Writes it to a file, atomically.
    ///
    /// # Errors
    /// What the file system refuses, with the path.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let named = |prefix, tensors: &IndexMap<String, Tensor>| -> Vec<(String, Tensor)> {
            tensors.iter().map(|(name, tensor)| (format!("{prefix}{name}"), tensor.clone())).collect()
        };
        let tensors = named("model.", &self.model).into_iter().chain(named("train.", &self.train)).collect();
        let mut notes: Notes = self.notes.clone().into_iter().collect();
        notes.insert(FORMAT.into(), VERSION.into());
        notes.insert(CHECKSUM.into(), format!("{:08x}", checksum(&tensors, &notes)?));
        save_with(path.as_ref(), &tensors, Some(notes))
    }

    /// Reads it from a file.
    ///
    /// # Errors
    /// A file that cannot be read, is no snapshot, or was damaged.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let (tensors, mut notes) = load_with(path)?;
        let refuse = |what: &str| Err(Error::file(format!("load {}: {what}", path.display())));
        match notes.get(FORMAT).map(String::as_str) {
            Some(VERSION) => {}
            Some(other) => return refuse(&format!("a snapshot of version {other}, not {VERSION}")),
            None => return refuse("no snapshot"),
        }
        let expected = notes.remove(CHECKSUM);
        if expected != Some(format!("{:08x}", checksum(&tensors, &notes)?)) {
            return refuse("damaged: its checksum is another");
        }
        notes.remove(FORMAT);
        let (mut model, mut train) = (IndexMap::new(), IndexMap::new());
        for (name, tensor) in tensors {
            let (to, name) = match (name.strip_prefix("model."), name.strip_prefix("train.")) {
                (Some(name), _) => (&mut model, name),
                (_, Some(name)) => (&mut train, name),
                _ => return refuse(&format!("{name} is neither the model's nor training's")),
            };
            to.insert(name.to_string(), tensor);
        }
        Ok(Self { model, train, notes: notes.into_iter().collect() })
    }
}

/// The checksum of all that a file says, whatever the order in which it says it.
fn checksum(tensors: &IndexMap<String, Tensor>, notes: &Notes) -> Result<u32> {
    let mut sum = 0;
    let mut add = |bytes: &[u8]| {
        sum = crc32c::crc32c_append(sum, &(bytes.len() as u64).to_le_bytes());
        sum = crc32c::crc32c_append(sum, bytes);
    };
    let mut notes: Vec<_> = notes.iter().collect();
    notes.sort();
    for (key, value) in notes {
        add(key.as_bytes());
        add(value.as_bytes());
    }
    let mut tensors: Vec<_> = tensors.iter().collect();
    tensors.sort_by_key(|(name, _)| *name);
    for (name, tensor) in tensors {
        add(name.as_bytes());
        add(tensor.dtype().to_string().as_bytes());
        tensor.shape().iter().for_each(|size| add(&size.to_le_bytes()));
        add(&Bytes::of(tensor)?.data);
    }
    Ok(sum)
}

/// A folder of snapshots, of which the last few are kept.
///
/// ```
/// use wengert_nn::{Adam, Module, Param, Train};
/// use wengert_tensor::Tensor;
/// use wengert_train::{Snapshot, Snapshots};
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let folder = folder.path().join("run");
/// let x = Param::new(Tensor::from([1.0, 2.0]));
/// let mut train = Train::new(&x, Adam::new(0.1));
/// let snapshots = Snapshots::new(&folder, 3)?;
/// for _ in 0..10 {
///     train.step(|t| x.on(t).square().sum())?;
///     snapshots.save(train.steps(), &Snapshot::of(&x, &train)?)?;
/// }
///
/// let found = snapshots.latest()?;
/// let (step, snapshot) = found.snapshot.expect("ten were made");
/// assert_eq!((step, snapshot.model), (10, x.state()));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Snapshots {
    folder: PathBuf,
    keep: usize,
}

/// What [`Snapshots::latest`] found.
#[derive(Debug)]
pub struct Found {
    /// The newest snapshot that is whole, and its number.
    pub snapshot: Option<(u64, Snapshot)>,
    /// What was wrong with newer ones.
    pub damaged: Vec<Error>,
}

impl Snapshots {
    /// The snapshots in a folder, which is made if it is not there. Only the last `keep` stay, 1 at least.
    ///
    /// # Errors
    /// What the file system refuses.
    pub fn new(folder: impl Into<PathBuf>, keep: usize) -> Result<Self> {
        let folder = folder.into();
        std::fs::create_dir_all(&folder).map_err(|error| file_error("make", &folder, &error))?;
        Ok(Self { folder, keep: keep.max(1) })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the snapshot of a number is.
    pub fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("snapshot-{number:010}.safetensors"))
    }

    /// Writes a snapshot under a number, such as the count of steps, and then removes those that are not kept.
    ///
    /// # Errors
    /// What the file system refuses. The other snapshots are as they were then.
    pub fn save(&self, number: u64, snapshot: &Snapshot) -> Result<PathBuf> {
        let path = self.path(number);
        snapshot.save(&path)?;
        let mut numbers = self.numbers()?;
        // Those with a larger number are of a run that did not go on.
        numbers.retain(|other| *other <= number);
        let superfluous = numbers.len().saturating_sub(self.keep);
        for old in numbers.drain(..superfluous) {
            let old = self.path(old);
            std::fs::remove_file(&old).map_err(|error| file_error("remove", &old, &error))?;
        }
        synchronise(&self.folder).map_err(|error| file_error("write", &self.folder, &error))?;
        Ok(path)
    }

    /// The newest snapshot that is whole, if there is one.
    ///
    /// # Errors
    /// A folder that cannot be read. A damaged snapshot is no error: it is reported, and the one before it taken.
    pub fn latest(&self) -> Result<Found> {
        let mut damaged = Vec::new();
        for number in self.numbers()?.into_iter().rev() {
            match Snapshot::load(self.path(number)) {
                Ok(snapshot) => return Ok(Found { snapshot: Some((number, snapshot)), damaged }),
                Err(error) => damaged.push(error),
            }
        }
        Ok(Found { snapshot: None, damaged })
    }

    /// The numbers of the snapshots that are there, ascending.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn numbers(&self) -> Result<Vec<u64>> {
        let unreadable = |error| file_error("read", &self.folder, &error);
        let mut numbers = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(unreadable)? {
            let name = entry.map_err(unreadable)?.file_name();
            let digits = name.to_str().and_then(|name| name.strip_prefix("snapshot-")?.strip_suffix(".safetensors"));
            numbers.extend(digits.and_then(|digits| digits.parse::<u64>().ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }
}

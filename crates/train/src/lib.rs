//! Training a model on data: the loop around [`wengert_nn::Train`], and its parts, each of which can be used alone.

#![forbid(unsafe_code)]

mod atomic;
mod best;
mod interrupt;
mod observer;
mod snapshot;
mod trainer;
mod weights;

pub use atomic::write_atomically;
pub use best::{Best, Goal};
pub use observer::{Control, EpochEvent, Observer, StepEvent};
pub use snapshot::{Found, Snapshot, Snapshots};
pub use trainer::{Every, Outcome, Trainer};
pub use weights::{load, save};

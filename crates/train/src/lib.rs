//! Training a model on data: the loop around [`wengert_nn::Train`], and its parts, each of which can be used alone.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod atomic;
mod best;
mod interrupt;
mod log;
mod metric;
mod observer;
mod on_plateau;
#[cfg(feature = "plot")]
mod plot;
mod png;
mod progress;
mod report;
mod snapshot;
mod trainer;
mod weights;

pub use atomic::write_atomically;
pub use best::{Best, Goal};
pub use log::{CsvLog, JsonlLog, TensorBoard};
pub use metric::{
    Accuracy, Auc, Average, ConfusionMatrix, F1, Mae, Mean, Metric, Perplexity, Precision, R2, Recall, Rmse,
};
pub use observer::{Control, EpochEvent, Observer, StepEvent};
pub use on_plateau::OnPlateau;
#[cfg(feature = "plot")]
pub use plot::{Curves, Shades, decision_surface, image_grid};
pub use progress::Progress;
pub use report::{History, Log, Report};
pub use snapshot::{Found, Snapshot, Snapshots};
pub use trainer::{Every, Outcome, Trainer};
pub use weights::{load, save};

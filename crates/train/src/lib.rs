//! Training a model on data: the loop around [`wengert_nn::Train`], and its parts, each of which can be used alone.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod atomic;
mod log;
mod metric;
mod png;
mod report;

pub use atomic::write_atomically;
pub use log::{CsvLog, JsonlLog, TensorBoard};
pub use metric::{
    Accuracy, Auc, Average, ConfusionMatrix, F1, Mae, Mean, Metric, Perplexity, Precision, R2, Recall, Rmse,
};
pub use report::{History, Log, Report};

//! Logs in files: CSV for spreadsheets, JSON lines for programs, event files for TensorBoard.
//!
//! Each has two ways to begin. `new` starts a new run and replaces an older log. `resume` goes on with a log after a step
//! from which training goes on: what was logged of later steps is taken away, also a line that was cut off by
//! the end of a process. So a run that was stopped and resumed leaves the same table as one that never stopped.
//!
//! Numbers are written with as many digits as it takes to read back the same bits.

mod csv;
mod jsonl;
mod lines;
mod tensorboard;

pub use self::csv::CsvLog;
pub use jsonl::JsonlLog;
pub use tensorboard::TensorBoard;
